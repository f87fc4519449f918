"""Rules that only observe, in a live process: nothing is decided, everything is counted and logged. Also what a session and the console
say of decisions, and rules that are loaded again when their file changes."""
import time

import launch
import psycopg
import pytest
from endpoint import WHO, failure, one

pytestmark = pytest.mark.pgswitch
RULES = """
rules {
  { name = "trial", mode = "observe", when = { tables = "customers" }, reject = "no customers" },
  { name = "analytics", when = { tables = "events" }, route = "app.redshift" },
  { name = "old", when = { tables = "old_events" }, route = "app.redshift",
    rewrite = function(stmt) return "WITH old_events AS (SELECT * FROM events WHERE id <= 10) " .. stmt.text end },
  { name = "told", when = { tables = "told" }, answer = { columns = { "a" }, rows = { { "1" } } } },
}
function connect(session)
  if session.user == "other" then return reject "not you" end
end
function route(stmt, session)
  if stmt:touches("forbidden") then return reject "forbidden" end
end
"""
OBSERVED = ("observed", "observed_refusals", "observed_rewrites", "observed_answers")
PROTOCOLS = {"simple": {"cursor_factory": psycopg.ClientCursor}, "extended": {"prepare_threshold": None}, "prepared": {"prepare_threshold": 0}}


def observed(endpoint):
    return {row["name"]: tuple(int(row[column]) for column in OBSERVED) for row in endpoint.console("SHOW ROUTES") if row["kind"] == "rule"}


def test_a_rule_that_observes_is_counted_logged_and_of_no_effect(start_proxy):
    proxy = start_proxy(rules=RULES)
    with proxy.connect() as connection:
        for i in range(1, 6):
            assert one(connection, f"SELECT {WHO} FROM customers WHERE id = {i}") == "oltp"
    assert observed(proxy)["rules.lua:3 trial"] == (5, 5, 0, 0)
    log = [line for line in proxy.pooler.log_text().splitlines() if "rule observed" in line]
    assert 1 <= len(log) <= 2  # once a second
    assert 'rules.lua:3 trial would have said reject 42501 "no customers" (statement ' in log[0]


def test_in_observe_mode_no_rule_decides(start_proxy):
    proxy = start_proxy(rules=RULES, rules_mode="observe", workers=2)
    for protocol in PROTOCOLS.values():
        with proxy.connect(**protocol) as connection, proxy.connect(user="other", **protocol) as other:
            assert "events" in str(failure(connection, "SELECT * FROM events"))  # there is no such table in the client's own database
            assert "told" in str(failure(connection, "SELECT * FROM told"))
            assert one(other, f"SELECT {WHO}") == "oltp"
    assert "rules_mode = observe: the rules decide nothing" in proxy.pooler.log_text()
    seen = observed(proxy)
    assert seen["rules.lua:4 analytics"][0] >= 3
    assert seen["rules.lua:7 told"][3] >= 3
    assert seen["rules.lua connect"] == (3, 3, 0, 0)
    story = "\n".join(row["route"] for row in proxy.console("SHOW ROUTE 'SELECT * FROM old_events'"))
    assert "observed   rules.lua:5 old would have said route app.redshift, rewrite" in story
    assert "decision   the client's own database, app" in story


def test_the_console_explains_a_statement_by_the_rules_in_force(start_proxy):
    proxy = start_proxy(rules=RULES)
    story = [row["route"] for row in proxy.console("SHOW ROUTE 'SELECT * FROM events WHERE name = ''x'''")]
    assert story[0] == "statement 1 of 1"
    assert "  text       SELECT * FROM events WHERE name = 'x'" in story
    assert "  decision   route app.redshift" in story and "  rule       rules.lua:4 analytics" in story
    assert "  decision   the client's own database, app.redshift" in [row["route"] for row in proxy.console("show route 'SELECT 1' database \"app.redshift\" USER x")]
    for wrong in ("SHOW ROUTE", "SHOW ROUTE 'SELECT 1' USER", "SHOW ROUTE 'SELECT 1' HOST x", "SHOW ROUTE 'SELECT 1' DATABASE nowhere"):
        with pytest.raises(psycopg.Error):
            proxy.console(wrong)


LAST = "SHOW pgswitch.last_route"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_session_tells_what_became_of_its_last_statement(start_proxy, protocol):
    proxy = start_proxy(rules=RULES)
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        def last():
            return connection.execute(LAST).fetchall()
        assert last() == [(None, None, None, None)]
        connection.execute("SELECT * FROM events")
        assert last() == [("route", "app.redshift", "rules.lua:4 analytics", "f")]
        assert last() == [("route", "app.redshift", "rules.lua:4 analytics", "f")]
        connection.execute("SELECT * FROM old_events")
        assert last() == [("route", "app.redshift", "rules.lua:5 old", "t")]
        connection.execute("SELECT 1")
        assert last() == [("route", "app", "default", "f")]
        connection.execute("SELECT * FROM told")
        assert last() == [("answer", None, "rules.lua:7 told", "f")]
        failure(connection, "SELECT * FROM forbidden")
        assert last() == [("reject", None, "rules.lua route", "f")]
        with connection.transaction():
            connection.execute("SELECT * FROM events")
            connection.execute("SELECT 1")
            assert last() == [("route", "app.redshift", "default", "f")]  # where its transaction is
        assert one(connection, "SELECT 7") == 7
    assert proxy.console("SHOW STATE")[-1] == {"key": "rules", "value": "loaded"}


def change(endpoint, text):
    launch.write_file(endpoint.pooler.folder / "rules.lua", text)


def state(endpoint):
    return {row["key"]: row["value"] for row in endpoint.console("SHOW STATE")}["rules"]


@pytest.mark.parametrize("workers", (1, 2))
def test_changed_rules_are_loaded_again_and_bad_ones_are_not(start_proxy, workers):
    proxy = start_proxy(rules="rules {\n { when = { tables = 'events' }, route = 'app.redshift' } }\n", workers=workers, rules_autoreload=1)
    with proxy.many(4) as connections:
        def routes():
            return {one(connection, f"SELECT {WHO}") for connection in connections}
        assert routes() == {"oltp"}
        change(proxy, "function route() return 'app.redshift' end\n")
        launch.eventually(lambda: routes() == {"analytics"}, 10, "the changed rules are in force")
        change(proxy, "function route() return 'app' end\nfunction (\n")
        launch.eventually(lambda: state(proxy).startswith("not loaded, the old ones stay in force: rules.lua:2:"), 10, "the bad rules were tried")
        assert routes() == {"analytics"}
        assert "changed rules do not load, the old ones stay in force: rules.lua:2:" in proxy.pooler.log_text()
        change(proxy, "require 'names'\n")
        launch.eventually(lambda: "names.lua" in state(proxy), 10, "the module is missed")
        launch.write_file(proxy.pooler.folder / "names.lua", "function route() return 'app' end\n")
        launch.eventually(lambda: routes() == {"oltp"}, 10, "the module has come")
        assert state(proxy) == "loaded"
        launch.write_file(proxy.pooler.folder / "names.lua", "function route() return 'app.redshift' end\n")
        launch.eventually(lambda: routes() == {"analytics"}, 10, "the module has changed")


def test_without_the_setting_rules_change_by_reload_alone(start_proxy):
    proxy = start_proxy(rules="-- none\nlocal x = 1\n")
    change(proxy, "function route() return 'app.redshift' end\n")
    time.sleep(3)
    with proxy.connect() as connection:
        assert one(connection, f"SELECT {WHO}") == "oltp"
        proxy.console("RELOAD")
        assert one(connection, f"SELECT {WHO}") == "analytics"
