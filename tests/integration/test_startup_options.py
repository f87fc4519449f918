"""The start-up parameter `options` has the switches of the postgres program: they do, or are refused, what PostgreSQL does."""
import pytest
from endpoint import USERS, Endpoint
from oracle import told
from raw import RawClient

pytestmark = pytest.mark.pgswitch
SETTINGS = ("DateStyle", "work_mem", "enable_seqscan", "enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan",
            "enable_tidscan", "enable_nestloop", "enable_mergejoin", "enable_hashjoin", "search_path")
SHOWN = "SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS)
OPTIONS = (
    "-e", "-eS100", "-S 100", "-S 1", "-S x", "-f s", "-fi", "-fo", "-fb", "-f t", "-f n", "-f m", "-f h", "-fsx", "-f x", "-fx",
    "-ef x", "-eX", "-e -X", "-eXe", "-Xe", "-S 100 -Xe -e", "X", "X -e", "X -Y", "-e X Y", "X -S 77kB -f x", "-f", "-S", "-c", "-ec",
    "-e -c", "-tpa", "-t pl", "-te", "-tx", "-B 100", "-b", "-C foo", "-D /tmp", "-d 0", "-d 2", "-d 5", "-d x", "-E", "-F", "-h x", "-i",
    "-j", "-k x", "-l", "-N 5", "-n", "-O", "-p 5", "-r x", "-s", "-T", "-v 3", "-nTjE", "-eclog_x=1", "-ec work_mem=1MB",
    "-e-work_mem=1MB", "-e- work_mem=1MB", "- work_mem=1MB", "-", "--", "-- -e", "-e -- x", "--work_mem", "--work_mem=",
    "-cwork-mem=2MB", "-c DateStyle=euro", "-e -c DateStyle=German", "-c DateStyle=German -e", "-Z", "-?", "-:", "-e:",
    r"-c search_path=private,\ public -fs")
# Settings of a connection, which no client can have for itself where servers are shared.
OF_A_CONNECTION = {"-P": "ignore_system_indexes", "-W 0": "post_auth_delay", "-c post_auth_delay=0": "post_auth_delay"}


@pytest.fixture(scope="module")
def shared(make_pooler):
    """Everybody gets the same server."""
    with make_pooler(pool_mode="transaction", default_pool_size=1) as pooler:
        yield Endpoint(pooler.port)


def answer(endpoint, options):
    """How the login ends, and then what the settings are."""
    with RawClient(endpoint.port) as client:
        client.startup(user="app", database="app", options=options)
        kind, body = client.answer_password_request("app", USERS["app"])
        if kind == b"R":
            kind, body = client.read_until(b"Z", b"E")[-1]
        if kind == b"E":
            return told((kind, body))
        client.message(b"Q", SHOWN.encode() + b"\0")
        return [body for kind, body in client.read_until(b"Z") if kind in (b"D", b"E")]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_switch_is_taken_as_postgresql_takes_it(options, shared, direct):
    assert answer(shared, options) == answer(direct, options)


@pytest.mark.parametrize("options", OF_A_CONNECTION)
def test_settings_of_a_connection_are_refused(options, shared):
    _, fields = answer(shared, options)
    assert (fields["S"], fields["C"]) == ("FATAL", "55P02")
    assert fields["M"] == f'parameter "{OF_A_CONNECTION[options]}" cannot be set after connection start'
