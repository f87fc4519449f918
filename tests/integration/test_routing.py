"""The statements of one connection run where the rules said: each server is asked which cluster it is."""
import psycopg
import pytest
from endpoint import WHO, failure, one

pytestmark = pytest.mark.pgswitch
PROTOCOLS = {"simple": {"cursor_factory": psycopg.ClientCursor}, "extended": {"prepare_threshold": None}, "prepared": {"prepare_threshold": 0}}


def said(error):
    return error.diag.severity, error.sqlstate, error.diag.message_primary


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_statement_of_one_connection_runs_where_the_rules_said(proxy, protocol):
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        for i in range(1, 6):
            assert connection.execute(f"SELECT name, {WHO} FROM customers WHERE id = %s", [i]).fetchone() == (f"customer {i}", "oltp")
            assert connection.execute(f"SELECT name, {WHO} FROM events WHERE id = %s", [i]).fetchone() == (f"event {i}", "analytics")
            assert one(connection, f"SELECT {WHO}") == "oltp"


def test_a_client_of_the_route_itself_is_answered_by_it(proxy):
    with proxy.connect(dbname="app.redshift") as connection:
        assert one(connection, f"SELECT {WHO}") == "analytics"


def test_a_pipeline_over_both_databases_answers_in_order(proxy):
    with proxy.connect() as connection, connection.pipeline():
        cursors = []
        for i in range(1, 51):
            cursors.append((("oltp", i), connection.execute(f"SELECT {WHO}, id FROM customers WHERE id = %s", [i])))
            cursors.append((("analytics", i), connection.execute(f"SELECT {WHO}, id FROM events WHERE id = %s", [i])))
        for expected, cursor in cursors:
            assert cursor.fetchone() == expected


def test_a_multi_statement_string_is_routed_statement_by_statement(proxy):
    done = proxy.psql(f"SELECT {WHO} FROM customers LIMIT 1\\; SELECT {WHO} FROM sales LIMIT 1\\; SELECT {WHO}\\; SELECT {WHO} FROM events LIMIT 1;")
    assert (done.stdout.split(), done.stderr) == (["oltp", "analytics", "oltp", "analytics"], "")


def test_an_error_in_a_mixed_string_stops_the_rest(proxy):
    done = proxy.psql(f"SELECT {WHO} FROM customers LIMIT 1\\; SELECT 1/0 FROM sales\\; SELECT {WHO} FROM events LIMIT 1;\nSELECT 'usable';")
    assert done.stdout.split() == ["oltp", "usable"]
    assert "division by zero" in done.stderr


def test_writes_in_a_string_over_two_routes_are_refused_before_anything_is_sent(proxy, oltp):
    with proxy.connect(cursor_factory=psycopg.ClientCursor) as connection:
        error = failure(connection, "INSERT INTO written (what) VALUES ('x'); SELECT count(*) FROM sales")
        assert error.sqlstate == "0A000"
        assert oltp.sql("SELECT count(*) FROM written", "app") == "0"
        assert one(connection, "SELECT 'usable'") == "usable"


def test_a_pipeline_that_writes_on_one_route_and_reads_on_another_loses_no_atomicity(proxy, oltp):
    with proxy.connect() as connection:
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            with connection.pipeline() as pipeline:
                connection.execute("INSERT INTO written (what) VALUES ('x')")
                connection.execute("SELECT count(*) FROM sales")
                pipeline.sync()
        assert one(connection, "SELECT 'usable'") == "usable"


def test_a_refusal_carries_the_rules_words(proxy):
    with proxy.connect() as connection:
        diag = failure(connection, "SELECT * FROM forbidden").diag
        assert (diag.severity, diag.sqlstate, diag.message_primary) == ("ERROR", "42501", "forbidden is forbidden")
        assert (diag.message_detail, diag.message_hint) == ("by rules.lua", "Ask for something else.")
        assert one(connection, "SELECT 1") == 1


def test_a_refusal_inside_a_transaction_aborts_it(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO written (what) VALUES ('x')")
        assert failure(connection, "SELECT * FROM forbidden").sqlstate == "42501"
        assert failure(connection, "SELECT 1").sqlstate == "25P02"
        assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
        assert one(connection, "SELECT count(*) FROM written") == 0


def test_a_refusal_in_a_pipeline_skips_up_to_the_sync(proxy):
    with proxy.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            with connection.pipeline() as pipeline:
                connection.execute("SELECT * FROM forbidden")
                connection.execute("INSERT INTO written (what) VALUES ('skipped')")
                pipeline.sync()
        assert one(connection, "SELECT count(*) FROM written") == 0


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_comes_from_the_rule_alone(proxy, protocol):
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        cursor = connection.execute("SELECT * FROM local_answer")
        assert [column.name for column in cursor.description] == ["a", "b"]
        assert [tuple(map(str, row)) for row in cursor.fetchall()] == [("1", "one"), ("2", "two")]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_rewritten_statement_runs_as_rewritten(proxy, protocol):
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        assert connection.execute(f"SELECT count(*), min({WHO}) FROM old_events WHERE id > 5").fetchone() == (5, "analytics")


def test_the_error_position_of_a_rewritten_statement_does_not_mislead(proxy):
    sql = "SELECT id, no_such_column FROM old_events"
    with proxy.connect() as connection:
        error = failure(connection, sql)
        assert said(error) == ("ERROR", "42703", 'column "no_such_column" does not exist')
        assert error.diag.message_hint == "The statement was rewritten by a rule of pgswitch."
        position = error.diag.statement_position
        assert position is None or sql[int(position) - 1:].startswith("no_such_column")
        plain = failure(connection, "SELECT id, no_such_column FROM events").diag
        assert (plain.statement_position, plain.message_hint) == ("12", None)


def test_an_unknown_route_and_a_failing_rule_are_refused(proxy):
    with proxy.connect() as connection:
        for table in ("nowhere", "broken_rule"):
            error = failure(connection, f"SELECT * FROM {table}")
            assert error.sqlstate not in ("42P01", None)
            assert one(connection, "SELECT 1") == 1


def test_a_failing_rule_falls_back_to_the_default_route_when_told_so(start_proxy):
    proxy = start_proxy(rules_on_error="default")
    with proxy.connect() as connection:
        for table in ("nowhere", "broken_rule"):
            assert failure(connection, f"SELECT * FROM {table}").sqlstate == "42P01"


def test_what_postgresql_does_not_parse_reaches_the_default_server(proxy):
    with proxy.connect() as connection:
        assert failure(connection, "UNLOAD ('SELECT 1') TO 's3://x'").sqlstate == "42601"


def test_rules_see_who_asks(start_proxy):
    rules = """
function connect(session)
  if session.application_name == "banned" then return reject { message = "not you", sqlstate = "28000" } end
end
function route(stmt, session)
  if session.user == "other" and session.database == "app" then return "app.redshift" end
end
"""
    proxy = start_proxy(rules=rules)
    with proxy.connect() as app, proxy.connect(user="other") as other:
        for _ in range(3):
            assert one(app, f"SELECT {WHO}") == "oltp"
            assert one(other, f"SELECT {WHO}") == "analytics"
    with pytest.raises(psycopg.OperationalError, match="not you"):
        proxy.connect(application_name="banned")


def test_the_transaction_conflict_policy_error_refuses_the_statement(start_proxy):
    proxy = start_proxy(transaction_route_conflict="error")
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        assert one(connection, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"
        error = failure(connection, "SELECT count(*) FROM sales")
        assert said(error) == ("ERROR", "25001", "statement belongs to another route than its transaction")
        assert error.diag.message_detail == 'The transaction runs on "app", the statement on "app.redshift".'
        assert error.diag.message_hint == "Run it in a transaction of its own, or set transaction_route_conflict = pin."
        assert failure(connection, "SELECT 1").sqlstate == "25P02"
        connection.execute("ROLLBACK")
        assert one(connection, "SELECT count(*) FROM sales") == 10000


def test_show_routes_counts_what_was_routed(start_proxy):
    proxy = start_proxy()
    with proxy.connect() as connection:
        for _ in range(5):
            one(connection, "SELECT count(*) FROM sales")
        failure(connection, "SELECT * FROM forbidden")
    text = str(proxy.console("SHOW ROUTES"))
    assert "app.redshift" in text and "rules.lua" in text


def test_copy_of_a_routed_table_runs_there(proxy):
    with proxy.connect() as connection:
        with connection.cursor().copy(f"COPY (SELECT {WHO}, count(*) FROM sales) TO STDOUT") as copy:
            assert b"".join(copy) == b"analytics\t10000\n"
