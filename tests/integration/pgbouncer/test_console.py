"""The console beside Debian's pgbouncer 1.18: the same scenarios, and what an operator sees of them. Where pgswitch is meant to differ, a table here
says why, and a row whose difference is gone fails."""
import psycopg
import pytest
from console_columns import COLUMNS, NEWER, OWN_COLUMNS, RENAMED, described
from endpoint import one
from launch import eventually
from test_cancel import in_background

pytestmark = pytest.mark.pgswitch


def open_console(endpoint, user="admin"):
    return endpoint.connect(user=user, dbname="pgbouncer", cursor_factory=psycopg.ClientCursor)


def ask(console, command):
    """(tag, columns, rows, notices), or the text of the error."""
    notices = []
    console.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    try:
        cursor = console.execute(command)
    except psycopg.Error as error:
        return error.diag.message_primary or "the connection has ended"
    if cursor.description is None:
        return cursor.statusmessage, None, None, notices
    return cursor.statusmessage, [(column.name, column.type_code) for column in cursor.description], cursor.fetchall(), notices


def say(console, command):
    """What an operator reads when a command has no rows: its tag and notices, or the error."""
    answer = ask(console, command)
    return answer if isinstance(answer, str) else (answer[0], answer[3])


def row_of(endpoint, command, **wanted):
    row, = [row for row in endpoint.console(command) if all(row[key] == value for key, value in wanted.items())]
    return row


@pytest.fixture
def consoles(pair):
    with open_console(pair.bouncer) as bouncer, open_console(pair.switch) as switch:
        yield bouncer, switch


# SHOW: columns

@pytest.mark.parametrize("subject", COLUMNS)
def test_the_columns_are_those_of_1_25(consoles, subject):
    _, columns, _, _ = ask(consoles[1], f"SHOW {subject}")
    wanted = described(subject)
    assert columns[:len(wanted)] == wanted
    assert [name for name, _ in columns[len(wanted):]] == OWN_COLUMNS.get(subject, [])


@pytest.mark.parametrize("subject", [subject for subject in COLUMNS if subject not in NEWER])
def test_the_columns_of_1_18_are_all_there_in_its_order(consoles, subject):
    _, columns, _, _ = ask(consoles[0], f"SHOW {subject}")
    wanted = described(subject)
    known = [(RENAMED.get(name, name), oid) for name, oid in columns]
    assert [column for column in wanted if column in known] == known


@pytest.mark.parametrize("subject", ("LISTS", "TOTALS", "CONFIG"))
def test_rows_that_are_known_by_name_are_all_there(consoles, subject):
    bouncer, switch = ([row[0] for row in ask(console, f"SHOW {subject}")[2]] for console in consoles)
    assert [name for name in switch if name in bouncer] == [name for name in bouncer if name in switch]
    gone = {"CONFIG": {"ignore_startup_parameters "}}.get(subject, set())
    assert set(bouncer) - set(switch) <= gone | {name for name in bouncer if name.endswith("requests")}


def test_lists_has_as_many_databases_as_databases_has(start_proxy, oltp):
    for program in ("/usr/sbin/pgbouncer", None):
        endpoint = start_proxy(program=program, rules=None, databases={"*": f"host=127.0.0.1 port={oltp.port}"})
        with endpoint.connect(dbname="postgres") as connection:
            one(connection, "SELECT 1")
            names = {row["name"] for row in endpoint.console("SHOW DATABASES")}
            assert {"app", "app.redshift", "pgbouncer", "postgres"} == names
            assert row_of(endpoint, "SHOW LISTS", list="databases")["items"] == len(names)


def test_help_lists_what_there_is(consoles):
    details = []
    for console in consoles:
        console.add_notice_handler(lambda notice: details.append(notice.message_detail))
        assert console.execute("SHOW HELP").statusmessage == "SHOW"
    bouncer, switch = details
    words = set(bouncer.replace("|", " ").replace("[", " ").replace("]", " ").split())
    assert words - set(switch.replace("|", " ").replace("[", " ").replace("]", " ").split()) <= NOT_IN_HELP


NOT_IN_HELP = {"FDS", "SUSPEND",  # of the online restart
               "<", ">", "arg"}   # "SET key = arg"


# SHOW: values

def work(endpoint):
    """Ten transactions of two statements and one of 0.2 s."""
    with endpoint.connect(cursor_factory=psycopg.ClientCursor) as connection:
        for _ in range(10):
            connection.execute("BEGIN")
            one(connection, "SELECT 1")
            connection.execute("COMMIT")
        one(connection, "SELECT 2 FROM pg_sleep(0.2)")


def totals(endpoint):
    return row_of(endpoint, "SHOW STATS", database="app")


@pytest.fixture(scope="module")
def worked(pair):
    """(before, after) of each."""
    seen = {}
    for name, endpoint in vars(pair).items():
        with endpoint.connect() as connection:
            one(connection, "SELECT 1")
        before = totals(endpoint)
        work(endpoint)
        eventually(lambda: totals(endpoint)["total_xact_count"] >= before["total_xact_count"] + 11, what="it is counted")
        seen[name] = before, totals(endpoint)
    return seen


def grown(seen, column):
    before, after = seen
    return after[column] - before[column]


def test_transactions_queries_and_bytes_are_counted_alike(worked):
    assert grown(worked["switch"], "total_xact_count") == grown(worked["bouncer"], "total_xact_count") == 11
    for column in ("total_query_count", "total_received", "total_sent"):
        assert grown(worked["switch"], column) == grown(worked["bouncer"], column), column


@pytest.mark.parametrize("column", ("total_query_time", "total_xact_time"))
def test_times_are_microseconds(worked, column):
    for seen in worked.values():
        assert 200_000 <= grown(seen, column) < 20_000_000


def test_averages_are_per_second_and_per_event(pair):
    for endpoint in vars(pair).values():
        with endpoint.connect() as connection:
            def average():
                one(connection, "SELECT 1 FROM pg_sleep(0.05)")
                row = totals(endpoint)
                return row if row["avg_query_count"] > 0 and row["avg_query_time"] >= 50_000 else None
            row = eventually(average, what="an average")
            assert row["avg_query_count"] <= 20 and row["avg_query_time"] < 10_000_000
            assert row["avg_recv"] > 0 and row["avg_sent"] > 0


def test_the_views_of_the_statistics_agree(pair, worked):
    endpoint = pair.switch
    with open_console(endpoint) as console:
        stats, kinds, sums = (ask(console, f"SHOW {subject}")[2] for subject in ("STATS", "STATS_TOTALS", "TOTALS"))
    assert [row[1:13] for row in stats] == [row[1:] for row in kinds]
    columns = [column for column, _ in described("STATS")[1:13]]
    for number, column in enumerate(columns, 1):
        name = {"total_received": "total_client_bytes", "total_sent": "total_server_bytes", "total_client_parse_count": "total_ps_client_parse_count",
                "total_server_parse_count": "total_ps_server_parse_count", "total_bind_count": "total_ps_bind_count"}.get(column, column)
        assert dict(sums)[name] == sum(row[number] for row in stats), column


@pytest.mark.parametrize("subject, key, columns", (
    ("DATABASES", {"name": "app"}, "host database force_user pool_size min_pool_size pool_mode max_connections current_connections paused disabled"),
    ("DATABASES", {"name": "pgbouncer"}, "host database force_user pool_size pool_mode paused disabled"),
    ("POOLS", {"database": "app"}, "user cl_active cl_waiting sv_active sv_idle sv_used sv_tested sv_login maxwait pool_mode"),
    ("POOLS", {"database": "pgbouncer"}, "user cl_active cl_waiting sv_active pool_mode"),
    ("CLIENTS", {"database": "app"}, "type user addr close_needed tls application_name link wait"),  # idle ones are "active" in 1.18
    ("SERVERS", {"database": "app"}, "type user state addr port close_needed link"),  # server_tls_sslmode is off by default in 1.18
    ("CLIENTS", {"database": "pgbouncer"}, "type user state addr tls"),
))
def test_the_values_of_a_row_are_the_same(pair, worked, subject, key, columns):
    rows = []
    for endpoint in vars(pair).values():
        with endpoint.connect(application_name="seen") as connection:
            one(connection, "SELECT 1")
            row = row_of(endpoint, f"SHOW {subject}", **key)
        rows.append({column: row[column] for column in columns.split()})
    assert rows[0] == rows[1]


@pytest.mark.parametrize("subject", ("CLIENTS", "SERVERS", "POOLS", "SOCKETS"))
def test_a_client_in_a_transaction_is_seen_alike(pair, subject):
    seen = []
    for endpoint in vars(pair).values():
        with endpoint.connect(application_name="busy") as connection:
            connection.execute("BEGIN")
            one(connection, "SELECT 1")
            rows = [row for row in endpoint.console(f"SHOW {subject}") if row["database"] == "app"]
            columns = {"POOLS": ("cl_active", "sv_active", "sv_idle")}.get(subject, ("type", "state", "user"))
            seen.append(sorted(tuple(row[column] for column in columns) for row in rows))
            if subject == "SOCKETS":
                assert all(row["link"] for row in rows)
    assert seen[0] == seen[1]


def test_memory_adds_up(pair):
    rows = pair.switch.console("SHOW MEM")
    assert {"client_cache", "server_cache", "pool_cache", "iobuf_cache"} <= {row["name"] for row in rows}
    for row in rows:
        assert row["memtotal"] == row["size"] * (row["used"] + row["free"])
    with pair.switch.many(3):
        used = {row["name"]: row["used"] for row in pair.switch.console("SHOW MEM")}
        assert used["client_cache"] == 4 and used["relay_cache"] == 3


def test_a_filter_keeps_the_rows_with_a_value(pair):
    with pair.switch.connect(), open_console(pair.switch) as console:
        assert {row[2] for row in ask(console, "SHOW CLIENTS WHERE database = 'app'")[2]} == {"app"}
        assert ask(console, "SHOW POOLS WHERE database = 'nowhere'")[2] == []
        assert ask(console, "SHOW POOLS WHERE nothing = 1") == 'column "nothing" does not exist'


# Commands

DIFFERENCES = {
    "ENABLE pgbouncer": "pgbouncer says that it cannot disable it",
    "": "an empty query is answered as by a server: drivers send one to ask whether somebody is there",
    "-- hi": "the same",
    "SELECT 1": "connection pools send it",
    "BEGIN": "drivers send it unasked; there are no transactions here",
    "SET extra_float_digits = 3": "drivers set what they need unasked",
    "SET nonsense = 1": "the same: it is answered with a notice that it was ignored",
    "KILL_CLIENT 1": "new in 1.24",
    "SET listen_port = 7": "a notice says that it takes effect after a restart only; pgbouncer says nothing and changes nothing",
}
STEPS = """
    PAUSE nowhere|PAUSE pgbouncer|RESUME|RESUME app|RESUME nowhere|KILL pgbouncer|KILL nowhere|DISABLE|DISABLE pgbouncer|DISABLE nowhere|ENABLE
    ENABLE pgbouncer|ENABLE nowhere|ENABLE app|DISABLE app|DISABLE app|ENABLE app|RECONNECT|RECONNECT app|RECONNECT pgbouncer|RECONNECT nowhere
    WAIT_CLOSE|WAIT_CLOSE app|WAIT_CLOSE pgbouncer|WAIT_CLOSE nowhere|RELOAD|RELOAD app|SHUTDOWN SOON|RESUME app x|VACUUM|SHOW|SHOW nonsense
    SHOW POOLS extra|SELECT version()|FROB||-- hi|SELECT 1|BEGIN|KILL_CLIENT 1
    SET log_connections = 0|set log_connections to '1'|SET server_check_query = 'select ''1'''|SET pool_mode = sometimes|SET default_pool_size = x
    SET listen_port = 7|SET nonsense = 1|SET extra_float_digits = 3|SET client_encoding = 'UTF8'|SET datestyle='ISO'|RELOAD
    PAUSE app|PAUSE app|RESUME app|PAUSE|PAUSE|PAUSE app|KILL app|RECONNECT|RESUME|RESUME|KILL app|PAUSE app|RESUME app
"""


def test_each_command_is_answered_alike(consoles):
    differ = set()
    for step in [step.strip() for line in STEPS.strip().splitlines() for step in line.strip().split("|")]:
        bouncer, switch = (say(console, step) for console in consoles)
        if bouncer != switch:
            assert step in DIFFERENCES, (step, bouncer, switch)
            differ.add(step)
    assert differ == set(DIFFERENCES)


@pytest.mark.parametrize("name", ("client_encoding", "datestyle", "timezone", "standard_conforming_strings", "default_transaction_isolation"))
def test_settings_that_drivers_ask_for_are_shown_alike(consoles, name):
    bouncer, switch = (ask(console, f"SHOW {name}") for console in consoles)
    assert bouncer == switch


def test_a_setting_is_changed_until_the_next_reload(pair):
    for endpoint in vars(pair).values():
        with open_console(endpoint) as console:
            def value():
                return row_of(endpoint, "SHOW CONFIG", key="application_name_add_host")["value"]

            def name():
                with endpoint.connect(application_name="named") as connection:
                    return one(connection, "SELECT current_setting('application_name')")
            assert (value(), name()) == ("0", "named")
            assert say(console, "SET application_name_add_host = 1") == ("SET application_name_add_host=1", [])
            assert value() == "1" and name().startswith("named - 127.0.0.1:")
            assert say(console, "RELOAD") == ("RELOAD", [])
            assert (value(), name()) == ("0", "named")


def test_who_may_only_look_is_told_so(pair):
    with open_console(pair.bouncer, "other") as bouncer, open_console(pair.switch, "other") as switch:
        for command in ("SHOW POOLS", "PAUSE", "RESUME", "KILL app", "DISABLE app", "RELOAD", "SHUTDOWN", "SET verbose = 1", "RECONNECT", "WAIT_CLOSE"):
            answers = [say(console, command) for console in (bouncer, switch)]
            assert answers[0] == answers[1], command
            assert answers[1] == "admin access needed" or command == "SHOW POOLS"


def test_a_stranger_is_refused_alike(pair):
    texts = []
    for endpoint in vars(pair).values():
        with pytest.raises(psycopg.OperationalError) as refused:
            open_console(endpoint, "app")
        texts.append(str(refused.value).split("FATAL:")[1].strip())
    assert texts[0] == texts[1]


def test_clients_of_a_disabled_or_killed_database_are_told(pair):
    texts = {}
    for name, endpoint in vars(pair).items():
        with open_console(endpoint) as console, endpoint.connect() as victim:
            one(victim, "SELECT 1")
            say(console, "DISABLE app")
            with pytest.raises(psycopg.OperationalError) as refused:
                endpoint.connect()
            say(console, "ENABLE app")
            say(console, "KILL app")
            with pytest.raises(psycopg.OperationalError) as killed:
                one(victim, "SELECT 1")
            say(console, "RESUME app")
            texts[name] = str(refused.value).split("FATAL:")[-1].strip()
            # pgbouncer says so although the database is still there.
            assert ("database removed" if name == "bouncer" else "admin forced disconnect") in str(killed.value)
    assert texts["bouncer"] == texts["switch"] == 'database "app" is disabled'


def test_kill_without_a_name_is_for_all(pair):
    """New since 1.18, which asks for a database."""
    with open_console(pair.bouncer) as console:
        assert say(console, "KILL") == "a database is required"
    with open_console(pair.switch) as console, pair.switch.connect() as victim:
        one(victim, "SELECT 1")
        assert say(console, "KILL") == ("KILL", [])
        with pytest.raises(psycopg.OperationalError, match="admin forced disconnect"):
            one(victim, "SELECT 1")
        assert say(console, "RESUME") == ("RESUME", [])


def test_pause_waits_and_resume_lets_go(pair):
    for name, endpoint in vars(pair).items():
        with open_console(endpoint) as console, open_console(endpoint) as other, endpoint.connect() as busy, endpoint.connect() as later:
            busy.execute("BEGIN")
            one(busy, "SELECT 1")
            paused = in_background(lambda: say(console, "PAUSE app"))
            eventually(lambda: row_of(endpoint, "SHOW DATABASES", name="app")["paused"] == 1, what="it is paused")
            busy.execute("COMMIT")
            # In pgbouncer whoever waits gets the answer of what is done next, WAIT_CLOSE's too.
            assert paused()[0] in ({"bouncer": ("PAUSE", "WAIT_CLOSE")}.get(name) or ("PAUSE",))
            assert [row for row in endpoint.console("SHOW SERVERS") if row["database"] == "app"] == []
            answer = in_background(lambda: one(later, "SELECT 3"))
            eventually(lambda: row_of(endpoint, "SHOW POOLS", database="app")["cl_waiting"] == 1, what="it waits")
            assert say(other, "RESUME app") == ("RESUME", [])
            assert answer() == 3


@pytest.mark.parametrize("form", ("SHUTDOWN", "SHUTDOWN WAIT_FOR_SERVERS", "SHUTDOWN WAIT_FOR_CLIENTS"))
def test_each_form_of_shutdown_ends_the_process(start_proxy, form):
    proxy = start_proxy(rules=None)
    with open_console(proxy) as console:
        answer = say(console, form)
        assert answer == ("the connection has ended" if form == "SHUTDOWN" else ("SHUTDOWN", []))
    assert proxy.pooler.wait(15) == 0
