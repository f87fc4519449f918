"""SQLAlchemy on psycopg2: the compliance suite that it has for authors of dialects, test by test. It creates and drops whatever it finds
in its database, so it has one of its own."""
import sys

import pytest
from programs import HERE

PROGRAM = HERE / "sqlalchemy_suite" / "program.py"


@pytest.fixture(scope="module")
def database(oltp):
    oltp.sql("CREATE DATABASE sqlalchemy OWNER app")
    oltp.sql("CREATE SCHEMA test_schema AUTHORIZATION app", "sqlalchemy")
    return f"host=127.0.0.1 port={oltp.port} dbname=sqlalchemy"


@pytest.mark.pooler
@pytest.mark.timeout(390)
@pytest.mark.parametrize("mode,workers,tls", [("transaction", 2, True), ("session", 1, False)])
def test_sqlalchemy_sees_the_same_through_the_proxy(start_proxy, comparison, database, mode, workers, tls):
    proxy = start_proxy(databases={"sqlalchemy": database}, pool_mode=mode, workers=workers, default_pool_size=20, tls=tls)
    comparison.check("sqlalchemy", [sys.executable, PROGRAM], proxy, timeout=190, env={"PGDATABASE": "sqlalchemy"})
