"""wrap_dblink: a SELECT that a PostgreSQL server fetches from another one is answered with the rows of the other one."""
import pytest
from endpoint import Endpoint, failure
from rewriting import PROTOCOLS

pytestmark = pytest.mark.pgswitch
RULES = """
functions { read_only = "shifted" }
rules {
  { name = "sales", when = { tables = "sales" }, rewrite = { wrap_dblink = { server = "analytics", columns = "id int, price numeric" } } },
}
function rewrite(stmt, session)
  if stmt:touches("events") then return stmt:add_filter("events", "id <= ?", 3):set_limit(2):wrap_dblink("analytics", "name text") end
end
"""
SALES = [
    "SELECT id, price FROM sales WHERE id < 10 ORDER BY id",
    "select s.id, s.price -- a comment\n from sales as s where price = '96' and id < 500 order by 1;",
    "SELECT max(id), sum(price) FROM sales WHERE price::text <> '$pgswitch$ $pgswitch1$'",
    "SELECT max(id), sum(price) FROM sales WHERE price::text <> $pgswitch$a'b$pgswitch$",
    "WITH s AS (SELECT * FROM sales WHERE id < 4) SELECT id, price FROM s UNION ALL SELECT 1, E'2\\u0030'::numeric ORDER BY 1, 2",
    "SELECT shifted(id), price FROM sales WHERE id = 7",
]
REFUSED = [
    "SELECT id, price FROM sales FOR UPDATE",
    "DELETE FROM sales",
    "SELECT id, price FROM sales WHERE nextval('none') > 0",
    "SELECT id, price FROM sales WHERE unknown_function(id)",
    "EXPLAIN SELECT id, price FROM sales",
]
SERVER = """
CREATE EXTENSION dblink;
CREATE SERVER analytics FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname 'app');
CREATE USER MAPPING FOR app SERVER analytics OPTIONS (user 'app', password 'app-secret');
GRANT USAGE ON FOREIGN SERVER analytics TO app;
"""


@pytest.fixture(scope="module", autouse=True)
def linked(oltp, analytics):
    oltp.sql(SERVER.format(port=analytics.port), "app")
    analytics.sql("CREATE FUNCTION shifted(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + 1'", "app")
    yield
    oltp.sql("DROP EXTENSION dblink CASCADE", "app")
    analytics.sql("DROP FUNCTION shifted(int)", "app")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_rows_are_those_of_the_other_server(start_proxy, analytics, protocol):
    proxy = start_proxy(rules=RULES)
    with proxy.connect(**PROTOCOLS[protocol]) as linked_in, Endpoint(analytics.port).connect() as other:
        for sql in SALES * 2:
            assert linked_in.execute(sql).fetchall() == other.execute(sql).fetchall(), sql


def test_other_edits_are_made_inside(start_proxy):
    with start_proxy(rules=RULES).connect() as connection:
        assert connection.execute("SELECT name FROM events ORDER BY id DESC").fetchall() == [("event 3",), ("event 2",)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_no_plain_select_is_refused(start_proxy, protocol):
    proxy = start_proxy(rules=RULES)
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        for sql in REFUSED:
            assert failure(connection, sql).sqlstate == "0A000", sql
    with proxy.connect(prepare_threshold=0) as connection:
        error = failure(connection, "SELECT id, price FROM sales WHERE id = %s", (1,))
        assert error.sqlstate == "0A000"
