"""A rule file with pgbouncer-rr's own two hooks decides as it did there."""
import psycopg
import pytest
from conftest import HERE
from endpoint import WHO, one

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def rr(start_proxy):
    return start_proxy(rules=(HERE.parents[1] / "conf" / "pgbouncer_rr.lua").read_text(), pool_mode="statement")


@pytest.mark.parametrize("factory", (psycopg.ClientCursor, psycopg.Cursor), ids=("simple", "extended"))
def test_the_routing_table_decides_by_user_and_text(rr, factory):
    with rr.connect(cursor_factory=factory) as app, rr.connect(user="other", cursor_factory=factory) as other:
        for _ in range(3):
            assert one(app, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"
            assert one(app, f"SELECT {WHO} FROM events LIMIT 1") == "analytics"
            assert one(app, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
            assert one(other, f"SELECT {WHO} FROM events LIMIT 1") == "analytics"
            assert one(other, f"SELECT {WHO} AS sales") == "oltp"


def test_text_alone_decides_as_pgbouncer_rr_did(rr):
    with rr.connect() as connection:
        assert one(connection, f"SELECT {WHO} /* events */") == "analytics"


def test_a_known_query_is_replaced_with_its_literal(rr):
    with rr.connect(cursor_factory=psycopg.ClientCursor) as connection:
        assert one(connection, "SELECT sum(price) FROM sales WHERE customer_id = 1000000") == 0
        assert one(connection, "SELECT sum(price) FROM sales WHERE customer_id = 1000001") == 0


def test_rules_that_raise_are_refused_and_not_passed_on(start_proxy):
    proxy = start_proxy(rules="function routing_rules(username, query)\n return query .. nil\nend\n")
    with proxy.connect() as connection, pytest.raises(psycopg.Error):
        connection.execute("SELECT 1")
