"""Two clusters, and the proxies that the tests talk to.

`proxy` is each of the ordinary configurations in turn (pool mode, workers, TLS); `transaction_proxy` is those in transaction mode; a test that
needs settings of its own calls start_proxy(...). The PGSWITCH environment variable names the program: build/pgswitch, or to
try a test itself, /usr/sbin/pgbouncer, or the word "direct" for no proxy at all; tests marked `pgswitch` are skipped then.
"""
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
sys.path.insert(0, str(HERE))
import launch  # noqa: E402
from certificates import Authority  # noqa: E402
from cluster import Cluster  # noqa: E402
from endpoint import USERS, Endpoint  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from pooler import Pooler  # noqa: E402

DIRECT = launch.PROXY == "direct"
IS_PGSWITCH = not DIRECT and Path(launch.PROXY).name != "pgbouncer"
TEST_RULES = (HERE / "rules.lua").read_text()
CONFIGURATIONS = {
    "transaction": {"pool_mode": "transaction", "workers": 1},
    "transaction-2-workers": {"pool_mode": "transaction", "workers": 2},
    "transaction-2-workers-tls": {"pool_mode": "transaction", "workers": 2, "tls": True},
    "session": {"pool_mode": "session", "workers": 1, "default_pool_size": 20},
    "session-tls": {"pool_mode": "session", "workers": 1, "default_pool_size": 20, "tls": True},
    "session-2-workers": {"pool_mode": "session", "workers": 2, "default_pool_size": 20},
}
ORDINARY = ("transaction", "transaction-2-workers", "transaction-2-workers-tls", "session")
IN_TRANSACTION_MODE = [name for name in CONFIGURATIONS if name.startswith("transaction")]


def pytest_configure(config):
    config.addinivalue_line("markers", "pgswitch: needs what only pgswitch has")
    config.addinivalue_line("markers", "pooler: needs a pooler, pgswitch or pgbouncer")
    launch.exit_on_sigterm()


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("pgswitch") and not IS_PGSWITCH:
            item.add_marker(pytest.mark.skip(reason="only pgswitch has this"))
        if item.get_closest_marker("pooler") and DIRECT:
            item.add_marker(pytest.mark.skip(reason="needs a pooler"))


@pytest.fixture(scope="session")
def place():
    folder = launch.temporary_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(place):
    return Authority(place / "ca")


@pytest.fixture(scope="session")
def clusters(place, authority):
    """(oltp, analytics): both with the users of endpoint.USERS and the tables of their .sql file."""
    certificate = authority.server()
    settings = {"max_prepared_transactions": "20"}
    with Cluster(place / "oltp", "oltp", settings, certificate) as oltp, \
            Cluster(place / "analytics", "analytics", settings, certificate) as analytics:
        for cluster in (oltp, analytics):
            cluster.sql((HERE / "roles.sql").read_text())
            cluster.sql((HERE / f"{cluster.name}.sql").read_text(), "app")
        yield oltp, analytics


@pytest.fixture(scope="session")
def oltp(clusters):
    return clusters[0]


@pytest.fixture(scope="session")
def analytics(clusters):
    return clusters[1]


@pytest.fixture(scope="session")
def direct(oltp):
    """The cluster oltp without a proxy."""
    return Endpoint(oltp.port)


@pytest.fixture(scope="session")
def make_pooler(place, clusters, authority):
    """Makes a Pooler, not yet started: make_pooler(tls=False, rules="rules.lua" or None, databases={}, **settings).
    wrapper: what to run the program under, see Pooler."""
    count = 0

    def make(tls=False, rules="rules.lua", databases=None, users=None, program=None, wrapper=(), **settings):
        nonlocal count
        count += 1
        folder = launch.make_folder(place / f"proxy-{count}")
        oltp, analytics = clusters
        targets = {"app": f"host=127.0.0.1 port={oltp.port} dbname=app",
                   "app.redshift": f"host=127.0.0.1 port={analytics.port} dbname=app", **(databases or {})}
        if rules:
            source = rules if "\n" in rules else (HERE / rules).read_text()
            settings["rules_file"] = launch.write_file(folder / "rules.lua", source)
        if tls:
            settings = {**tls_settings(authority), **settings}
        return Pooler(folder, targets, users or USERS, settings, program, wrapper)
    return make


def tls_settings(authority):
    """TLS required of clients, and of servers with a verified name."""
    pair = authority.server("proxy")
    return {"client_tls_sslmode": "require", "client_tls_cert_file": pair.certificate, "client_tls_key_file": pair.key,
            "client_tls_ca_file": authority.certificate,
            "server_tls_sslmode": "verify-full", "server_tls_ca_file": authority.certificate}


@pytest.fixture
def start_proxy(make_pooler):
    """Starts a proxy of the test's own: start_proxy(...) takes what make_pooler takes and returns its Endpoint."""
    started = []

    def start(**settings):
        pooler = make_pooler(**settings)
        pooler.start()
        started.append(pooler)
        return Endpoint(pooler.port, tls=bool(settings.get("tls")), pooler=pooler)
    yield start
    for pooler in started:
        pooler.stop()


@pytest.fixture(params=({"workers": 1}, {"workers": 2}), ids=("1-worker", "2-workers"))
def small(request, start_proxy):
    """A proxy of the test's own with two servers for all."""
    return start_proxy(pool_mode="transaction", default_pool_size=2, **request.param)


@pytest.fixture
def wire(oltp):
    """A FaultProxy in front of the cluster oltp; faults.through(wire) leads a proxy's database "app" through it."""
    with FaultProxy(oltp.port) as between:
        yield between


@pytest.fixture(scope="session")
def shared_proxies(make_pooler, oltp):
    """Configuration name -> Endpoint, started at first use."""
    started = {}

    def get(name):
        if DIRECT:
            return Endpoint(oltp.port)
        if name not in started:
            pooler = make_pooler(**CONFIGURATIONS[name])
            pooler.start()
            started[name] = Endpoint(pooler.port, tls="tls" in CONFIGURATIONS[name], pooler=pooler)
        return started[name]
    yield get
    for endpoint in started.values():
        endpoint.pooler.stop()


@pytest.fixture(params=ORDINARY)
def proxy(request, shared_proxies):
    return _checked(shared_proxies(request.param))


@pytest.fixture(params=IN_TRANSACTION_MODE)
def transaction_proxy(request, shared_proxies):
    return _checked(shared_proxies(request.param))


@pytest.fixture
def session_proxy(shared_proxies):
    return _checked(shared_proxies("session"))


def _checked(endpoint):
    if endpoint.pooler is not None and endpoint.pooler.has_ended():
        pytest.exit("the proxy has ended:\n" + endpoint.pooler.log_text()[-3000:])
    return endpoint


USES_CLUSTERS = {"clusters", "oltp", "analytics", "proxy", "transaction_proxy", "session_proxy", "start_proxy", "small"}
TIDY = """
SET lock_timeout = '5s';
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid();
TRUNCATE written RESTART IDENTITY;
"""


@pytest.fixture(autouse=True)
def tidy(request):
    """What a test wrote, and the queries that it left running, are gone before the next one."""
    yield
    if USES_CLUSTERS & set(request.fixturenames):
        request.getfixturevalue("oltp").sql(TIDY, "app")
