"""What rules know of a session is what their statement will find there, however many others are still on their way."""
import pytest
from endpoint import USERS, WHO, failure, one
from frames import extended, query, values
from raw import RawClient, error_fields
from test_observe import PROTOCOLS

pytestmark = pytest.mark.pgswitch
RULES = """
rules {
  { name = "writes", when = { tables = "written", read_only = false, in_transaction = false }, reject = "writes in transactions only" },
  { name = "closed", when = { tables = "calm", in_transaction = true }, reject = "not in a transaction" },
}
function rewrite(stmt, session)
  if stmt:touches("tenants") then return stmt:add_filter("tenants", "tenant = ?", session:setting("app.tenant") or "none") end
end
function route(stmt, session)
  if stmt:calls("told") then
    return answer { columns = { "told" }, rows = { { tostring(session.application_name) .. "|" .. tostring(session:since_write("written") ~= nil) } } }
  end
end
"""
TENANTS = "SELECT string_agg(tenant, ',') FROM tenants"
MESSAGES = {"query": query, "extended": extended}


@pytest.fixture(params=({"workers": 1}, {"workers": 2, "pool_mode": "session"}), ids=("transaction", "session-2-workers"))
def proxy(request, start_proxy, oltp, analytics):
    for cluster in (oltp, analytics):
        cluster.sql("CREATE TABLE IF NOT EXISTS written (id serial, what text); GRANT ALL ON written TO app; TRUNCATE written;"
                    "CREATE TABLE IF NOT EXISTS calm (a integer); GRANT ALL ON calm TO app", "app")
    oltp.sql("CREATE TABLE IF NOT EXISTS tenants (tenant text); GRANT ALL ON tenants TO app; TRUNCATE tenants; INSERT INTO tenants VALUES ('a'), ('b')",
             "app")
    return start_proxy(rules=RULES, pool_mode=request.param.get("pool_mode", "transaction"), workers=request.param["workers"], route_users="app")


@pytest.fixture
def ahead(proxy):
    """Sends statements without waiting, each as a query or as a batch; answers with the first value of each, or its SQLSTATE."""
    client = RawClient(proxy.port)
    client.login("app", USERS["app"], database="app")

    def run(message, *statements):
        client.send(b"".join(message(sql) for sql in statements))
        answers = []
        for _ in statements:
            seen = client.read_until(b"Z")
            errors = [error_fields(body)["C"] for kind, body in seen if kind == b"E"]
            answers.append((errors + values(seen) + [None])[0])
        return answers

    yield run
    client.close()


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
class TestSentAhead:
    def test_a_setting_is_the_one_set_before(self, ahead, message):
        assert ahead(message, "SET app.tenant = 'a'", TENANTS, "SET app.tenant = 'b'", TENANTS) == [None, "a", None, "b"]
        assert ahead(message, "BEGIN", "SET LOCAL app.tenant = 'a'", TENANTS, "COMMIT", TENANTS) == [None, None, "a", None, "b"]
        assert ahead(message, "RESET app.tenant", TENANTS) == [None, None]

    def test_the_name_of_the_application(self, ahead, message):
        assert ahead(message, "SET application_name = 'one'", "SELECT told()", "SET application_name = 'two'", "SELECT told()") == [
            None, "one|false", None, "two|false"]

    def test_a_chosen_route(self, ahead, message):
        assert ahead(message, "SET pgswitch.route = 'app.redshift'", f"SELECT {WHO}", "RESET pgswitch.route", f"SELECT {WHO}") == [
            None, "analytics", None, "oltp"]
        assert ahead(message, "BEGIN", "SET LOCAL pgswitch.route = 'app.redshift'", f"SELECT {WHO}", "COMMIT", f"SELECT {WHO}") == [
            None, None, "analytics", None, "oltp"]

    def test_the_transaction(self, ahead, message):
        write = "INSERT INTO written (what) VALUES (gen_random_uuid())"
        assert ahead(message, "BEGIN", write, write, "COMMIT", write) == [None, None, None, None, "42501"]
        assert ahead(message, "BEGIN", "SELECT 1", write, "COMMIT", "SELECT 2", write, "SELECT 3") == [None, "1", None, None, "2", "42501", "3"]
        assert ahead(message, "BEGIN", "SELECT 1", "SELECT count(*) FROM calm", "ROLLBACK", "SELECT count(*) FROM calm") == [None, "1", "42501", None, "0"]


def test_in_one_string(proxy):
    with proxy.connect() as connection:
        for tenant in ("a", "b"):
            cursor = connection.execute(f"SET app.tenant = '{tenant}'; {TENANTS}")
            cursor.nextset()
            assert cursor.fetchone() == (tenant,)
        cursor = connection.execute("SET application_name = 'three'; SELECT told()")
        cursor.nextset()
        assert cursor.fetchone() == ("three|false",)


def test_in_one_batch(proxy):
    with proxy.connect() as connection:
        for tenant in ("a", "b"):
            with connection.pipeline():
                connection.execute(f"SET app.tenant = '{tenant}'")
                cursor = connection.execute(TENANTS)
            assert cursor.fetchone() == (tenant,)
        with connection.pipeline():
            connection.execute("BEGIN")
            connection.execute("SELECT 1")
            connection.execute("INSERT INTO written (what) VALUES ('batch')")
            connection.execute("COMMIT")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_the_first_statement_of_a_transaction(proxy, protocol):
    with proxy.connect(autocommit=False, **protocol) as connection:
        for _ in range(3):
            connection.execute("INSERT INTO written (what) VALUES ('first')")
            assert failure(connection, "SELECT count(*) FROM calm").sqlstate == "42501"
            connection.rollback()


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_a_transaction_begins_on_the_route_that_it_sets(proxy, protocol):
    with proxy.connect(**protocol) as connection:
        connection.execute("BEGIN")
        connection.execute("SET LOCAL pgswitch.route = 'app.redshift'")
        assert one(connection, f"SELECT {WHO}") == "analytics"
        connection.execute("COMMIT")
        assert one(connection, f"SELECT {WHO}") == "oltp"


def test_a_value_that_cannot_be_told_is_any(proxy):
    with proxy.connect() as connection:
        connection.execute("SET app.tenant = 'a'")
        connection.execute("SELECT set_config('app.tenant', %s, false)", ("b",))
        assert one(connection, TENANTS) is None, "no tenant is called *"
        connection.execute("SET app.tenant = 'a'")
        assert one(connection, TENANTS) == "a", "it is known again"
        with connection.transaction():
            connection.execute("SELECT set_config('app.tenant', %s, true)", ("b",))
            assert one(connection, TENANTS) is None
        assert one(connection, TENANTS) == "a"


def test_what_execute_writes(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("PREPARE p AS INSERT INTO written (what) VALUES ('prepared')")
        connection.execute("EXECUTE p")
        connection.execute("COMMIT")
        assert one(connection, "SELECT told()").endswith("|true")
