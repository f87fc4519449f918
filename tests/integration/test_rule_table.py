"""Rules that are told in a table: statements run where it says, and the console knows the rules by name."""
import subprocess

import launch
import psycopg
import pytest
from conftest import TEST_RULES
from endpoint import WHO, failure, one

pytestmark = pytest.mark.pgswitch
PROTOCOLS = {"simple": {"cursor_factory": psycopg.ClientCursor}, "extended": {"prepare_threshold": None}, "prepared": {"prepare_threshold": 0}}
RULES = """
rules {
  { name = "others stay", when = { user = "oth*" }, pass = true },
  { name = "no sleeping", when = { functions = "pg_sleep" },
    reject = { message = "nobody sleeps here", hint = "Wait in the application." } },
  { name = "no writes", when = { tables = "sales", read_only = false }, reject = "sales are read-only" },
  { name = "analytics", when = { tables = { "sales", "event*" } }, route = "app.redshift" },
  { name = "old events", when = { tables = "old_events", kind = "select" }, route = "app.redshift",
    rewrite = function(stmt) return "WITH old_events AS (SELECT * FROM events WHERE id <= 10) " .. stmt.text end },
  { name = "here", when = { tables = "local_answer" }, answer = { columns = { "a" }, rows = { { "one" } } } },
  { name = "broken", when = { tables = "broken_rule" }, rewrite = function(stmt) return nil + 1 end },
}

function route(stmt, session)
  if stmt:matches([[(?i)'to\\s+analytics']]) then return "app.redshift" end
end
"""


def lines(endpoint):
    """What SHOW ROUTES counts of each rule: hits, refusals, rewrites, answers, errors."""
    columns = ("hits", "refusals", "rewrites", "answers", "errors")
    return {row["name"]: tuple(int(row[column]) for column in columns) for row in endpoint.console("SHOW ROUTES") if row["kind"] == "rule"}


@pytest.mark.parametrize("workers", (1, 2))
def test_statements_go_where_the_table_says_and_the_hooks_have_the_rest(start_proxy, workers):
    proxy = start_proxy(rules=RULES, workers=workers)
    for protocol in PROTOCOLS.values():
        with proxy.connect(**protocol) as connection, proxy.connect(user="other", **protocol) as other:
            for i in range(1, 6):
                assert connection.execute(f"SELECT name, {WHO} FROM customers WHERE id = %s", [i]).fetchone() == (f"customer {i}", "oltp")
                assert connection.execute(f"SELECT name, {WHO} FROM events WHERE id = %s", [i]).fetchone() == (f"event {i}", "analytics")
                assert one(connection, f"SELECT {WHO}, 'to  Analytics'") == "analytics"
                assert one(other, f"SELECT {WHO}, 'to analytics'") == "oltp"
            assert connection.execute(f"SELECT count(*), min({WHO}) FROM old_events WHERE id > 5").fetchone() == (5, "analytics")
            assert one(connection, "SELECT * FROM local_answer") == "one"


def test_a_refusal_of_the_table_reaches_the_client(start_proxy):
    proxy = start_proxy(rules=RULES)
    with proxy.connect() as connection:
        diag = failure(connection, "SELECT pg_sleep(10)").diag
        assert (diag.sqlstate, diag.message_primary, diag.message_hint) == ("42501", "nobody sleeps here", "Wait in the application.")
        assert failure(connection, "DELETE FROM sales").diag.message_primary == "sales are read-only"
        assert failure(connection, "SELECT * FROM broken_rule").sqlstate == "XX000"
        assert one(connection, "SELECT 1") == 1


def test_show_routes_has_a_line_for_each_rule(start_proxy):
    proxy = start_proxy(rules=RULES)
    with proxy.connect() as connection:
        for i in range(5):
            connection.execute(f"SELECT count(*) FROM sales WHERE id = {i}")
        failure(connection, "SELECT pg_sleep(10)")
        connection.execute("SELECT count(*) FROM old_events")
        connection.execute("SELECT * FROM local_answer")
        for _ in range(2):
            failure(connection, "SELECT * FROM broken_rule")
    seen = lines(proxy)
    assert list(seen) == ["default", "rules.lua:3 others stay", "rules.lua:4 no sleeping", "rules.lua:6 no writes",
                          "rules.lua:7 analytics", "rules.lua:8 old events", "rules.lua:10 here", "rules.lua:11 broken", "rules.lua route"]
    assert seen["rules.lua:7 analytics"] == (5, 0, 0, 0, 0)
    assert seen["rules.lua:4 no sleeping"] == (1, 1, 0, 0, 0)
    assert seen["rules.lua:8 old events"] == (1, 0, 1, 0, 0)
    assert seen["rules.lua:10 here"] == (1, 0, 0, 1, 0)
    assert seen["rules.lua:11 broken"] == (2, 2, 0, 0, 2)


def test_check_tells_the_line_of_a_wrong_rule(make_pooler):
    pooler = make_pooler(rules=TEST_RULES + "rules {\n  { name = 'lost', route = 'no_such_route' },\n}\n")
    done = subprocess.run([launch.PROXY, "check", pooler.ini], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    line = TEST_RULES.count("\n") + 2
    assert f"rules.lua:{line}: rule \"lost\": there is no route named \"no_such_route\"" in done.stderr
