"""Cursors and row limits on a Redshift database: what clients see must be what they see of PostgreSQL itself, which is the cluster behind the
stand-in. Few bytes of rows may be in memory here, so that most cursors need their file."""
import asyncio
import os
import subprocess
import threading
from pathlib import Path

import asyncpg
import psycopg
import psycopg2
import pytest
from endpoint import USERS, Endpoint, failure, one
from launch import eventually
from raw import RawClient
from stand_in_proxy import databases, stand_in as started_stand_in

from programs import built

HERE = Path(__file__).resolve().parent
CLIENTS = HERE / "cursor_clients"
pytestmark = pytest.mark.pgswitch


@pytest.fixture(scope="module")
def stand_in(analytics, place):
    with started_stand_in(analytics, place / "stand-in-cursors") as started:
        yield started


@pytest.fixture
def spool(place):
    """Where the files are; nothing is left in it, not even a name while they are used."""
    folder = place / "spool"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def start(start_proxy, analytics, stand_in, spool):
    def started(**settings):
        settings = {"pool_mode": "transaction", "cursor_memory": 2000, "cursor_spool_dir": spool, "face_database": "app", "rules": None, **settings}
        return start_proxy(databases=databases(analytics, stand_in), **settings)
    return started


@pytest.fixture(params=({"workers": 1}, {"workers": 2, "pool_mode": "session"}), ids=("transaction", "session-2-workers"))
def proxy(request, start):
    return start(**request.param)


@pytest.fixture
def truth(analytics):
    return Endpoint(analytics.port)


def files_of(proxy):
    """Files without a name that the proxy has open."""
    folder = Path(f"/proc/{proxy.pooler.pid}/fd")
    links = []
    for link in folder.iterdir():
        try:
            links.append(os.readlink(link))
        except OSError:
            pass
    return [link for link in links if "/spool/" in link]


def both(proxy, truth, see):
    """What `see(endpoint, database)` gives, which must be the same."""
    through, direct = see(proxy, "dw"), see(truth, "app")
    assert through == direct
    return through


SETUP = """
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE EXTENSION IF NOT EXISTS dblink;
CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{port}', dbname '{dbname}', fetch_size '37');
CREATE USER MAPPING FOR postgres SERVER {name} OPTIONS (user 'app', password 'app-secret');
CREATE SCHEMA {name};
CREATE FOREIGN TABLE {name}.sales (id int, customer_id int, price numeric) SERVER {name} OPTIONS (schema_name 'public', table_name 'sales');
CREATE FOREIGN TABLE {name}.events (id int, name text) SERVER {name} OPTIONS (schema_name 'public', table_name 'events');
"""
# Scans that are not pushed down together: several cursors on one connection.
JOINED = """
SET search_path = {name};
SELECT count(*), sum(s.price), min(e.name) FROM (SELECT * FROM sales OFFSET 0) s JOIN (SELECT * FROM events OFFSET 0) e ON s.id = e.id * 3;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
SELECT count(*), sum(s.price) FROM (SELECT * FROM events WHERE id < 9 OFFSET 0) e JOIN (SELECT * FROM sales WHERE id < 100 OFFSET 0) s ON s.id > e.id;
SELECT c.id, x.price FROM public.customers c, LATERAL (SELECT price FROM sales s WHERE s.id = c.id * 7 ORDER BY s.id LIMIT 1) x WHERE c.id < 20 ORDER BY 1;
BEGIN;
SELECT count(*) FROM sales WHERE id < 500;
SELECT count(*) FROM sales s, events e WHERE s.id = e.id;
COMMIT;
"""


def test_postgres_fdw_joins_two_foreign_tables(proxy, oltp, analytics):
    try:
        oltp.sql(SETUP.format(name="through", port=proxy.port, dbname="dw") + SETUP.format(name="direct", port=analytics.port, dbname="app"), "app")
        expected = oltp.sql(JOINED.format(name="direct"), "app")
        assert len(expected.splitlines()) == 23
        assert oltp.sql(JOINED.format(name="through"), "app") == expected
    finally:
        oltp.sql("DROP SCHEMA IF EXISTS through, direct CASCADE; DROP EXTENSION postgres_fdw CASCADE; DROP EXTENSION dblink CASCADE", "app")


DBLINK = """
CREATE EXTENSION IF NOT EXISTS dblink;
SELECT dblink_connect('c', 'host=127.0.0.1 port={port} dbname={dbname} user=app password=app-secret');
SELECT dblink_open('c', 'one', 'SELECT id, price FROM sales ORDER BY id');
SELECT dblink_open('c', 'two', $redshift$ SELECT name FROM events WHERE name <> 'it''s' ORDER BY id $redshift$);
SELECT * FROM dblink_fetch('c', 'one', 3) AS t(id int, price numeric);
SELECT * FROM dblink_fetch('c', 'two', 2) AS t(name text);
SELECT * FROM dblink_fetch('c', 'one', 2) AS t(id int, price numeric);
SELECT count(*) FROM dblink_fetch('c', 'one', 100000) AS t(id int, price numeric);
SELECT * FROM dblink('c', 'SELECT count(*) FROM events') AS t(n bigint);
SELECT dblink_close('c', 'two');
SELECT dblink_close('c', 'one');
SELECT dblink_disconnect('c');
"""


def test_dblink_opens_two_cursors(proxy, oltp, analytics):
    try:
        expected = oltp.sql(DBLINK.format(port=analytics.port, dbname="app"), "app")
        assert oltp.sql(DBLINK.format(port=proxy.port, dbname="dw"), "app") == expected
    finally:
        oltp.sql("DROP EXTENSION IF EXISTS dblink CASCADE", "app")


def test_named_cursors_of_psycopg(proxy, truth):
    def see(endpoint, dbname):
        seen = []
        with endpoint.connect(dbname=dbname, autocommit=False) as connection:
            with connection.cursor("plain") as plain, connection.cursor("Scroll it", scrollable=True) as scrolled:
                plain.execute("SELECT id, price FROM sales WHERE id < %s ORDER BY id", (1000,))
                scrolled.execute("SELECT name FROM events ORDER BY id")
                seen += plain.fetchmany(10) + scrolled.fetchmany(3)
                scrolled.scroll(5)
                seen += scrolled.fetchmany(2)
                scrolled.scroll(1, mode="absolute")
                seen += [one(connection, "SELECT count(*) FROM sales")] + plain.fetchmany(500) + scrolled.fetchall() + plain.fetchall()
                scrolled.scroll(-4)
                seen += scrolled.fetchmany(9)
                seen += [column.name for column in plain.description]
            with connection.cursor("kept", withhold=True, scrollable=True) as kept:
                kept.execute("SELECT id FROM sales ORDER BY id DESC")
                seen += kept.fetchmany(5)
                connection.commit()
                seen += kept.fetchmany(5)
                kept.scroll(0, mode="absolute")
                seen += kept.fetchmany(2)
                connection.commit()
        return seen
    assert len(both(proxy, truth, see)) > 1000


def test_named_cursors_of_psycopg2(proxy, truth):
    def see(endpoint, dbname):
        connection = psycopg2.connect(endpoint.url(dbname=dbname))
        with connection.cursor("a") as first, connection.cursor("b") as second:
            first.itersize = 90
            first.execute("SELECT id, price FROM sales WHERE price < %s ORDER BY id", (50,))
            second.execute("SELECT name FROM events ORDER BY id")
            seen = [(row, second.fetchone()) for row in first]
        connection.close()
        return seen
    assert len(both(proxy, truth, see)) > 5000


def test_a_held_cursor_holds_no_server(start):
    proxy = start(default_pool_size=1)
    with proxy.connect(dbname="dw") as holder, proxy.connect(dbname="dw") as other:
        holder.execute("DECLARE kept CURSOR WITH HOLD FOR SELECT id FROM sales ORDER BY id")
        assert one(other, "SELECT count(*) FROM events") == 100
        assert holder.execute("FETCH 2 FROM kept").fetchall() == [(1,), (2,)]
        assert [row["name"] for row in proxy.console("SHOW CURSORS")] == ["kept"]
        holder.execute("CLOSE ALL")
        assert proxy.console("SHOW CURSORS") == []


SCRIPTS = [
    "BEGIN; DECLARE c SCROLL CURSOR FOR SELECT id FROM events ORDER BY id; FETCH 3 FROM c; FETCH LAST FROM c; FETCH BACKWARD 2 IN c; MOVE ABSOLUTE 50 c;"
    " FETCH RELATIVE -1 FROM c; FETCH 0 FROM c; MOVE BACKWARD ALL FROM c; FETCH FORWARD ALL IN c; FETCH PRIOR c; CLOSE c; COMMIT",
    "BEGIN; DECLARE c NO SCROLL CURSOR FOR SELECT id FROM events; FETCH 1 FROM c; FETCH PRIOR FROM c; ROLLBACK",
    "BEGIN; DECLARE c CURSOR FOR SELECT id FROM events WHERE false; FETCH c; FETCH ALL c; MOVE 3 c; COMMIT; FETCH c",
    "DECLARE c CURSOR FOR SELECT 1",
    "BEGIN; DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 2; ROLLBACK",
    "BEGIN; DECLARE c CURSOR FOR SELECT nothing FROM events; FETCH c; ROLLBACK",
    "BEGIN; DECLARE c CURSOR FOR SELECT 1 / (3 - id) FROM events ORDER BY id; ROLLBACK",
    "BEGIN; DECLARE \"Odd \"\"name\" CURSOR FOR SELECT name FROM events ORDER BY id; FETCH 2 IN \"Odd \"\"name\"; CLOSE \"Odd \"\"name\"; COMMIT",
    "DECLARE c CURSOR WITH HOLD FOR SELECT id FROM events ORDER BY id; FETCH 2 FROM c; CLOSE c; FETCH c",
    "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; ROLLBACK; FETCH c",
    "FETCH c; CLOSE c; MOVE c; SELECT 1\\; CLOSE c; SELECT 2\\; FETCH 1 FROM c\\; SELECT 3; BEGIN; CLOSE c; ROLLBACK",
]


@pytest.mark.parametrize("number", range(len(SCRIPTS)))
def test_scripts_are_answered_as_by_postgresql(start, truth, number):
    statements = [text.strip() + ";" for text in SCRIPTS[number].split(";")]

    def see(endpoint, dbname):
        done = endpoint.psql("\n".join(statements), "-v", "VERBOSITY=sqlstate", "--no-align", dbname=dbname)
        # The server that divides by zero has given no row of the cursor by then; PostgreSQL's DECLARE runs nothing.
        return done.stdout, done.stderr.replace("psql:<stdin>", "")
    if "1 / (3" in SCRIPTS[number]:
        assert "22012" in see(start(), "dw")[1]
    else:
        both(start(), truth, see)


def test_jdbc_with_a_fetch_size(proxy, analytics, tmp_path):
    driver = "/usr/share/java/postgresql.jar"
    subprocess.run(["javac", "-cp", driver, "-d", str(tmp_path), str(CLIENTS / "Cursors.java")], check=True, timeout=120)

    def run(port, dbname):
        url = f"jdbc:postgresql://127.0.0.1:{port}/{dbname}?user=app&password=app-secret"
        done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", f"{tmp_path}:{driver}", "Cursors", url], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout
    expected = run(analytics.port, "app")
    assert len(expected.splitlines()) == 10
    assert run(proxy.port, "dw") == expected


def test_pg_cursor_of_node(proxy, analytics):
    folder = built("node_postgres", ["npm", "install", "--no-audit", "--no-fund", "--silent"])

    def run(port, dbname):
        url = f"postgres://app:app-secret@127.0.0.1:{port}/{dbname}"
        environment = dict(os.environ, NODE_PATH=str(folder / "node_modules"))
        done = subprocess.run(["node", str(CLIENTS / "pg_cursor.js"), url], capture_output=True, text=True, timeout=60, env=environment)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout
    expected = run(analytics.port, "app")
    assert len(expected.splitlines()) == 12
    assert run(proxy.port, "dw") == expected


WIDE = "SELECT i, repeat('x', 1000) FROM generate_series(1, 40000) AS i"


def peak_kb(proxy):
    status = Path(f"/proc/{proxy.pooler.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def test_a_large_result_takes_little_memory_and_its_file_goes_with_it(start):
    proxy = start()
    with proxy.connect(dbname="dw", autocommit=False) as connection:
        connection.execute("SELECT 1")
        before = peak_kb(proxy)
        connection.execute(f"DECLARE c CURSOR FOR {WIDE}")
        shown, = proxy.console("SHOW CURSORS")
        assert int(shown["rows"]) == 40000 and int(shown["file"]) > 35_000_000 and int(shown["memory"]) < 200_000
        assert len(files_of(proxy)) == 1
        assert [row[0] for row in connection.execute("FETCH ALL FROM c").fetchall()] == list(range(1, 40001))
        assert peak_kb(proxy) - before < 15_000
        connection.execute("CLOSE c")
        eventually(lambda: files_of(proxy) == [], 5, "the file of a closed cursor is gone")
        for end in (connection.rollback, connection.commit):
            connection.execute(f"DECLARE c CURSOR FOR {WIDE}")
            assert len(files_of(proxy)) == 1
            end()
            eventually(lambda: files_of(proxy) == [], 5, "the file is gone with the transaction")
        connection.execute(f"DECLARE c CURSOR FOR {WIDE}")
    eventually(lambda: files_of(proxy) == [] and proxy.console("SHOW CURSORS") == [], 5, "the file is gone with the session")


def raw(proxy, dbname):
    client = RawClient(proxy.port)
    client.login("app", USERS["app"], database=dbname)
    return client


def test_a_suspended_portal_streams_and_keeps_nothing(start):
    from messages import bind, execute, parse, query
    sync = b"S\0\0\0\4"
    proxy = start(cursor_memory=1_000_000)
    client = raw(proxy, "dw")
    client.send(query("BEGIN"))
    client.read_until(b"Z")
    client.send(parse(WIDE) + bind(portal="p") + execute("p", 10) + sync)
    before = peak_kb(proxy)
    rows = 0
    while True:
        kinds = [kind for kind, _ in client.read_until(b"Z")]
        rows += kinds.count(b"D")
        assert (kinds[-2] == b"s") == (rows < 40000)
        if kinds[-2] == b"C":
            break
        assert files_of(proxy) == []
        client.send(execute("p", 3000) + sync)
    assert rows == 40000
    assert peak_kb(proxy) - before < 15_000
    client.send(execute("p", 10) + sync)
    assert [kind for kind, _ in client.read_until(b"Z")] == [b"C", b"Z"]


def test_a_suspended_portal_is_kept_for_another_statement(start):
    from messages import bind, execute, parse, query
    sync = b"S\0\0\0\4"
    proxy = start()
    client = raw(proxy, "dw")
    client.send(query("BEGIN"))
    client.read_until(b"Z")
    client.send(parse(WIDE) + bind(portal="p") + execute("p", 10) + sync)
    client.read_until(b"Z")
    client.send(query("SELECT count(*) FROM sales"))
    assert [kind for kind, _ in client.read_until(b"Z")] == [b"T", b"D", b"C", b"Z"]
    shown, = proxy.console("SHOW CURSORS")
    assert (shown["name"], shown["kind"], shown["rows"]) == ("p", "portal", 39990) and len(files_of(proxy)) == 1
    client.send(execute("p", 5) + sync + execute("p") + sync)
    assert [kind for kind, _ in client.read_until(b"Z")] == [b"D"] * 5 + [b"s", b"Z"]
    assert [kind for kind, _ in client.read_until(b"Z")] == [b"D"] * 39985 + [b"C", b"Z"]
    client.socket.close()
    eventually(lambda: files_of(proxy) == [], 5, "the file is gone with its client")


@pytest.mark.parametrize("settings, sqlstate, named", (({"cursor_spool_max": 500_000}, "54000", "cursor_spool_max"),
                                                       ({"cursor_spool_total": 500_000}, "53400", "cursor_spool_total"),
                                                       ({"cursor_spool_dir": "/nowhere"}, "58030", "cursor_spool_dir"),
                                                       ({"wrapper": ("prlimit", "--fsize=200000")}, "58030", "cursor_spool_dir")),
                         ids=("one cursor", "all cursors", "no folder", "no room on the disk"))
def test_a_limit_is_an_error_that_names_its_setting(start, settings, sqlstate, named):
    proxy = start(**settings)
    with proxy.connect(dbname="dw", autocommit=False) as connection:
        error = failure(connection, f"DECLARE c CURSOR FOR {WIDE}")
        assert error.sqlstate == sqlstate and named in error.diag.message_hint
        connection.rollback()
        assert proxy.console("SHOW CURSORS") == [] and files_of(proxy) == []
        connection.execute("DECLARE c CURSOR FOR SELECT id FROM events ORDER BY id")
        assert connection.execute("FETCH 1 FROM c").fetchall() == [(1,)]


def test_declare_can_be_cancelled(start):
    proxy = start()
    with proxy.connect(dbname="dw", autocommit=False) as connection:
        connection.execute("SELECT 1")
        timer = threading.Thread(target=lambda: (eventually(lambda: proxy.busy_servers(), 10, "it runs"), connection.cancel()))
        timer.start()
        error = failure(connection, "DECLARE c CURSOR FOR SELECT count(*) FROM generate_series(1, 2000000000)")
        timer.join()
        assert error.sqlstate == "57014"
        connection.rollback()
        assert one(connection, "SELECT count(*) FROM events") == 100


def test_what_cannot_be_is_refused(start):
    with start().connect(dbname="dw", autocommit=False) as connection:
        connection.execute("DECLARE c CURSOR FOR SELECT id FROM events")
        error = failure(connection, "UPDATE events SET name = 'x' WHERE CURRENT OF c")
        assert error.sqlstate == "0A000" and error.diag.message_hint


def test_nobody_waits_for_rows_that_nobody_can_ask_for(proxy):
    """A row limit outside of a transaction (asyncpg's fetchrow, JDBC's setMaxRows), and ROLLBACK while a portal is suspended: these rows would take hours."""
    endless = "SELECT a.id FROM sales AS a, sales AS b, sales AS c, sales AS d"

    async def ask():
        parameters = proxy.parameters(dbname="dw")
        connection = await asyncpg.connect(host=parameters["host"], port=parameters["port"], user=parameters["user"], password=parameters["password"],
                                           database="dw", ssl=False, command_timeout=60)
        assert len(await connection.fetchrow(endless)) == 1
        assert await connection.fetchval("SELECT count(*) FROM events") == 100
        transaction = connection.transaction()
        await transaction.start()
        cursor = await connection.cursor(endless)
        assert len(await cursor.fetch(5)) == 5
        await transaction.rollback()
        assert await connection.fetchval("SELECT count(*) FROM events") == 100
        await connection.close()
    asyncio.run(ask())
