"""`pair`: Debian's pgbouncer and pgswitch with the same file, of a module's own. The other fixtures are those of the folder above.

Tests here do not import from conftest: there are two modules of that name.
"""
from pathlib import Path
from types import SimpleNamespace

import pytest
from endpoint import Endpoint

PGBOUNCER = Path("/usr/sbin/pgbouncer")


@pytest.fixture(scope="module")
def pair(make_pooler):
    """pair.bouncer and pair.switch: endpoints of both in transaction mode, averages every second."""
    poolers = [make_pooler(program=program, rules=None, pool_mode="transaction", stats_users="other", stats_period=1)
               for program in (PGBOUNCER, None)]
    for pooler in poolers:
        pooler.start()
    yield SimpleNamespace(**{name: Endpoint(pooler.port, pooler=pooler) for name, pooler in zip(("bouncer", "switch"), poolers)})
    for pooler in poolers:
        pooler.stop()


@pytest.fixture
def start(make_pooler):
    """start_proxy() with a section [users]: start(user_keys="app = pool_size=3", ...)."""
    started = []

    def start(user_keys="", **settings):
        pooler = make_pooler(rules=None, **{"pool_mode": "transaction", **settings})
        pooler.ini.write_text(pooler.ini.read_text() + f"\n[users]\n{user_keys}\n")
        pooler.start()
        started.append(pooler)
        return Endpoint(pooler.port, pooler=pooler)
    yield start
    for pooler in started:
        pooler.stop()
