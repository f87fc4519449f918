"""What clients see otherwise than in front of PostgreSQL because they share servers. tests/README.md has the reasons; a difference that is
none any more fails here, and leaves the list."""
import psycopg
import pytest
from endpoint import one
from messages import SYNC, bind, execute, parse, query
from oracle import answers

pytestmark = pytest.mark.pgswitch


def outcome(connection, sql, *parameters):
    try:
        return one(connection, sql, *parameters)
    except psycopg.Error as error:
        return error.sqlstate


def start_settings_in_pg_settings(endpoint):
    with endpoint.connect(options="-c work_mem=9MB") as client:
        return client.execute("SELECT setting, reset_val, source FROM pg_settings WHERE name = 'work_mem'").fetchone()


def a_custom_setting_that_nobody_has_set_here(endpoint):
    with endpoint.connect() as first:
        first.execute("SET my.own = 'secret'")
    with endpoint.connect() as second:
        return one(second, "SELECT current_setting('my.own', true)")


def an_update_of_pg_settings(endpoint):
    with endpoint.connect() as client:
        client.execute("UPDATE pg_settings SET setting = '66000' WHERE name = 'work_mem'")
        return one(client, "SHOW work_mem")


def a_setting_of_the_connection(endpoint):
    try:
        with endpoint.connect(options="-c post_auth_delay=0") as client:
            return one(client, "SELECT 'connected'")
    except psycopg.OperationalError as error:
        return "cannot be set after connection start" if "cannot be set after connection start" in str(error) else str(error)


def the_result_type_of_a_prepared_statement(endpoint):
    """What is seen before and behind the column that a statement prepared before gets: the statement goes on as it is."""
    with endpoint.connect() as client:
        client.execute("CREATE TABLE changing (a integer)")
        try:
            client.execute("INSERT INTO changing VALUES (1)")
            client.execute("SELECT * FROM changing", prepare=True)
            client.execute("ALTER TABLE changing ADD b text")
            return [outcome(client, "SELECT * FROM changing") for _ in range(3)]
        finally:
            client.execute("DROP TABLE changing")


def a_text_parsed_anew_under_another_name(endpoint):
    with endpoint.connect() as before, endpoint.connect() as behind:
        before.execute("CREATE TABLE changing (a integer)")
        try:
            before.execute("INSERT INTO changing VALUES (1)")
            before.execute("SELECT * FROM changing", prepare=True)
            before.execute("ALTER TABLE changing ADD b text")
            before.execute("DEALLOCATE ALL")
            behind.prepare_threshold = 0
            return outcome(behind, "SELECT * FROM changing")
        finally:
            before.execute("DROP TABLE changing")


def a_bind_behind_a_query_that_is_no_text(endpoint):
    """Behind the Parse of the unnamed statement; each answer by its SQLSTATE or its type."""
    _, refused, bound = answers(endpoint, [parse("SELECT 1") + SYNC, query(b"SELECT '\xff'"), bind() + execute() + SYNC])
    return [message[1]["C"] if message[0] == "E" else message[0] for message in refused + bound]


# scenario: what PostgreSQL shows, what is seen in transaction mode, and in session mode
SEEN = {
    start_settings_in_pg_settings: (("9216", "9216", "client"), ("9216", "4096", "session"), ("9216", "4096", "session")),
    a_custom_setting_that_nobody_has_set_here: (None, "", ""),
    an_update_of_pg_settings: ("66000kB", "4MB", "66000kB"),
    a_setting_of_the_connection: ("connected", "cannot be set after connection start", "cannot be set after connection start"),
    the_result_type_of_a_prepared_statement: (["0A000", "0A000", "0A000"], ["0A000", 1, 1], ["0A000", 1, 1]),
    a_text_parsed_anew_under_another_name: (1, "0A000", 1),
    a_bind_behind_a_query_that_is_no_text: (["22021", "Z", "2", "D", "C", "Z"], ["22021", "Z", "26000", "Z"], ["22021", "Z", "26000", "Z"]),
}


@pytest.mark.parametrize("scenario", SEEN, ids=lambda scenario: scenario.__name__)
def test_what_is_seen_otherwise(start_proxy, direct, scenario):
    in_postgresql, in_transaction_mode, in_session_mode = SEEN[scenario]
    assert scenario(direct) == in_postgresql
    assert scenario(start_proxy(pool_mode="transaction", default_pool_size=1)) == in_transaction_mode
    assert scenario(start_proxy(pool_mode="session", default_pool_size=2)) == in_session_mode
