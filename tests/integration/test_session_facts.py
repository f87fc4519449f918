"""What rules know of a session, on real servers: search_path, settings, writes, TLS; and routes that users choose themselves."""
import psycopg
import pytest
from endpoint import WHO, failure, one
from launch import eventually
from test_observe import PROTOCOLS

pytestmark = pytest.mark.pgswitch
RULES = """
rules {
  { name = "own writes", when = { read_only = true, wrote_within = 2 }, route = "app" },
  { name = "other", when = { tables = "elsewhere.*" }, route = "app.redshift" },
  { name = "reads", when = { tables = "written", read_only = true }, route = "app.redshift" },
}
function route(stmt, session)
  if stmt:calls("told") then
    local since = session:since_write("written")
    return answer { columns = { "told" }, rows = { { table.concat({ tostring(session.tls), tostring(session:setting("work_mem")),
      tostring(session.search_path), table.concat(session.written, " "), tostring(session.pinned_by),
      tostring(since ~= nil and since < 5), tostring(session.age >= 0) }, "|") } } }
  end
end
"""


@pytest.fixture(params=(False, True), ids=("plain", "tls"))
def proxy(request, start_proxy, analytics):
    analytics.sql("CREATE TABLE IF NOT EXISTS written (id serial, what text); GRANT ALL ON written TO app", "app")
    return start_proxy(rules=RULES, tls=request.param, pool_mode="transaction", workers=2, route_users="app, bi_*")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_rules_are_told_of_the_session(proxy, protocol):
    with proxy.connect(**protocol) as connection:
        tls = str(proxy.tls).lower()
        assert one(connection, "SELECT told()") == f"{tls}|nil|nil||nil|false|true"
        connection.execute("SET work_mem = '7MB'")
        connection.execute("SET search_path = public, other")
        connection.execute("INSERT INTO written (what) VALUES ('facts')")
        connection.execute("CREATE TEMPORARY TABLE mine (a integer)")
        assert one(connection, "SELECT told()") == f"{tls}|7MB|public, other|written mine|temp_table|true|true"
        connection.execute("RESET ALL")
        connection.execute("DROP TABLE mine")
        assert one(connection, "SELECT told()").startswith(f"{tls}|nil|nil|")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_who_has_written_reads_where_that_is(proxy, protocol):
    where = f"SELECT count(*), {WHO} FROM written"
    with proxy.connect(**protocol) as writer, proxy.connect(**protocol) as reader:
        assert writer.execute(where).fetchone()[1] == "analytics"
        writer.execute("INSERT INTO written (what) VALUES ('mine')")
        assert writer.execute(where).fetchone() == (1, "oltp")
        assert reader.execute(where).fetchone()[1] == "analytics"
        eventually(lambda: writer.execute(where).fetchone()[1] == "analytics", 10, "it was some time ago")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_the_search_path_says_whose_a_table_is(proxy, protocol):
    with proxy.connect(**protocol) as connection:
        seen = []
        for path in ("public", "elsewhere, public", "public"):
            connection.execute(f"SET search_path = {path}")
            seen.append(one(connection, f"SELECT {WHO} FROM customers LIMIT 1") if path == "public" else
                        failure(connection, "SELECT 1 FROM customers").sqlstate)
        assert seen == ["oltp", "42P01", "oltp"]  # the other cluster has no such table


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_a_user_who_may_chooses_the_route(proxy, protocol):
    who = f"SELECT {WHO}"
    with proxy.connect(**protocol) as connection:
        assert one(connection, f"/* pgswitch: route=app.redshift */ {who}") == "analytics"
        assert one(connection, who) == "oltp"
        connection.execute("SET pgswitch.route = 'app.redshift'")
        assert one(connection, who) == "analytics"
        assert one(connection, "SHOW pgswitch.route") == "app.redshift"
        assert one(connection, f"/* pgswitch: route=app */ {who}") == "oltp"
        with connection.transaction():
            connection.execute("SET LOCAL pgswitch.route = 'app'")
        assert one(connection, who) == "analytics"
        error = failure(connection, "SET pgswitch.route = 'nowhere'")
        assert (error.sqlstate, error.diag.message_hint) == ("22023", "Routes are: app, app.redshift.")
        connection.execute("RESET pgswitch.route")
        assert one(connection, who) == "oltp"


def test_a_user_who_may_not_does_not(proxy):
    with proxy.connect(user="other") as connection:
        assert one(connection, f"/* pgswitch: route=app.redshift */ SELECT {WHO}") == "oltp"
        assert failure(connection, "SET pgswitch.route = 'app.redshift'").sqlstate == "42501"
        assert failure(connection, "SELECT set_config('pgswitch.route', 'app.redshift', false)").sqlstate == "42501"
    with pytest.raises(psycopg.OperationalError, match="permission denied to set parameter \"pgswitch.route\""):
        proxy.connect(user="other", options="-c pgswitch.route=app.redshift")


def test_the_route_can_be_chosen_at_the_login(proxy):
    with proxy.connect(options="-c pgswitch.route=app.redshift") as connection:
        assert one(connection, f"SELECT {WHO}") == "analytics"
        connection.execute("SET pgswitch.route = 'app'")
        assert one(connection, f"SELECT {WHO}") == "oltp"
        connection.execute("RESET ALL")
        assert one(connection, f"SELECT {WHO}") == "analytics"


def test_the_right_to_choose_can_be_taken_away(proxy):
    with proxy.connect() as connection:
        connection.execute("SET pgswitch.route = 'app.redshift'")
        assert one(connection, f"SELECT {WHO}") == "analytics"
        proxy.pooler.write_ini(route_users="")
        proxy.console("RELOAD")
        eventually(lambda: one(connection, f"SELECT {WHO}") == "oltp", 5, "the setting means nothing any more")


# Ways to a search_path, each a list of statements; all end in the table orders of the schema hidden.
WAYS = {
    "set": ["SET search_path = hidden"],
    "set local": ["BEGIN", "SET LOCAL search_path = hidden"],
    "set schema": ["SET SCHEMA 'hidden'"],
    "set local schema": ["BEGIN", "SET LOCAL SCHEMA 'hidden'"],
    "escape string": ["SET search_path = E'hid\\x64en'"],
    "unicode": ["SET search_path = U&\"hid\\0064en\""],
    "set_config": ["SELECT set_config('search_path', 'hidden', false)"],
    "set_config, folded": ["SELECT set_config('search_path', 'HIDDEN', false)"],
    "set_config, local": ["BEGIN", "SELECT set_config('search_path', 'hidden', true)"],
    "set_config, made up": ["SELECT set_config('search_' || 'path', 'hidden', 1 = 2)"],
    "set_config, of rows": ["SELECT set_config(name, 'hidden', false) FROM pg_settings WHERE name = 'search_path'"],
    "savepoint": ["BEGIN", "SET LOCAL search_path = hidden", "SAVEPOINT a", "SET LOCAL search_path = public", "ROLLBACK TO a"],
}


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_way_to_a_search_path_leads_around_a_rule(start_proxy, oltp, way, protocol):
    oltp.sql("CREATE SCHEMA IF NOT EXISTS hidden; CREATE TABLE IF NOT EXISTS hidden.orders (note text); GRANT USAGE ON SCHEMA hidden TO app;"
             "GRANT ALL ON hidden.orders TO app", "app")
    proxy = start_proxy(rules="rules { { when = { tables = 'hidden.orders' }, reject = 'hidden is closed' } }\n")
    with proxy.connect(**protocol) as connection:
        for sql in way:
            connection.execute(sql)
        assert failure(connection, "SELECT note FROM orders").diag.message_primary == "hidden is closed"


def test_what_sql_has_prepared_is_asked_about_again(start_proxy, oltp):
    oltp.sql("CREATE SCHEMA IF NOT EXISTS hidden; CREATE TABLE IF NOT EXISTS hidden.orders (note text); GRANT USAGE ON SCHEMA hidden TO app;"
             "GRANT ALL ON hidden.orders TO app; CREATE TABLE IF NOT EXISTS orders (note text); GRANT ALL ON orders TO app", "app")
    proxy = start_proxy(rules="rules { { when = { tables = 'hidden.orders' }, reject = 'hidden is closed' } }\n")
    for protocol in PROTOCOLS.values():
        with proxy.connect(**protocol) as connection:
            connection.execute("PREPARE p AS SELECT count(*) FROM orders")
            assert one(connection, "EXECUTE p") == 0
            connection.execute("SET search_path = hidden")
            assert failure(connection, "EXECUTE p").diag.message_primary == "hidden is closed"
            connection.execute("RESET search_path")
            assert one(connection, "EXECUTE p") == 0
    with proxy.connect() as connection:
        connection.execute("PREPARE p AS SELECT count(*) FROM orders")
        for start in ("", "DEALLOCATE p; PREPARE p AS SELECT count(*) FROM orders; "):
            for way in ("SET search_path = hidden", "SET SCHEMA 'hidden'", "SELECT set_config('search_' || 'path', 'hidden', false)"):
                assert failure(connection, f"{start}{way}; EXECUTE p").diag.message_primary == "hidden is closed"
            assert one(connection, "EXECUTE p") == 0, "nothing of the string has been done"


def test_what_sql_has_prepared_does_not_outlive_the_rules(start_proxy, oltp):
    oltp.sql("CREATE TABLE IF NOT EXISTS orders (note text); GRANT ALL ON orders TO app", "app")
    proxy = start_proxy(rules="rules { { when = { tables = 'nothing' }, reject = 'no' } }\n")
    with proxy.connect() as connection:
        connection.execute("PREPARE p AS SELECT count(*) FROM orders")
        assert one(connection, "EXECUTE p") == 0
        (proxy.pooler.folder / "rules.lua").write_text("rules { { rewrite = { add_filter = { orders = 'false' } } } }\n")
        proxy.console("RELOAD")
        eventually(lambda: failure_or_none(connection, "EXECUTE p") == "0A000", 5, "it was prepared without the filter")
        connection.execute("DEALLOCATE p")
        connection.execute("PREPARE p AS SELECT count(*) FROM orders")
        assert one(connection, "EXECUTE p") == 0


def failure_or_none(connection, sql):
    try:
        connection.execute(sql)
        return None
    except psycopg.Error as error:
        return error.sqlstate
