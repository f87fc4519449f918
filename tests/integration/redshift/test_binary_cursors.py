"""Rows that pgswitch keeps, fetched in binary format: what drivers see must be what they see of PostgreSQL itself."""
import asyncio
import subprocess
from pathlib import Path

import asyncpg
import psycopg
import pytest
from endpoint import USERS, Endpoint
from stand_in_proxy import databases, stand_in as started_stand_in

CLIENTS = Path(__file__).resolve().parent / "cursor_clients"
pytestmark = pytest.mark.pgswitch

# Of every type that has a binary format here, its ordinary values and its odd ones.
VALUES = """
SELECT i AS n, CAST(i * 1000 AS smallint) AS i2, CAST(i AS bigint) * 4000000000 AS i8, CAST(i AS real) / 8 AS f4, CAST(i AS float8) / 1024 AS f8,
  i % 2 = 0 AS truth, CAST('text ' || i AS text) AS t, CAST('varchar ' || i AS varchar(40)) AS vc, CAST('c' || i AS char(8)) AS c,
  CAST(CASE i WHEN 1 THEN '0' WHEN 2 THEN '-0.00012300' WHEN 3 THEN '12345678901234567890.123456789' WHEN 4 THEN '100000000' WHEN 5 THEN '-9999.9999' END AS numeric) AS num,
  CAST(CASE i WHEN 1 THEN '2000-01-01' WHEN 2 THEN '1999-12-31' WHEN 3 THEN '0044-03-15' WHEN 4 THEN '2024-02-29' WHEN 5 THEN '1600-03-01' END AS date) AS d,
  CAST(CASE i WHEN 1 THEN '00:00' WHEN 2 THEN '12:34:56.789' WHEN 3 THEN '23:59:59.999999' ELSE '01:02:03' END AS time) AS tm,
  CAST(CASE i WHEN 1 THEN '12:00:00+02' ELSE '01:02:03.5-05:30' END AS time with time zone) AS tz,
  CAST(CASE i WHEN 1 THEN '2000-01-01' WHEN 2 THEN '1999-12-31 23:59:59.999999' WHEN 3 THEN '0044-03-15 01:02:03' ELSE '2024-07-01 12:00:00.25' END AS timestamp) AS ts,
  CAST(CASE i WHEN 1 THEN '2000-01-01 00:00:00+00' WHEN 2 THEN '1890-01-01 00:00:00+00' ELSE '2024-07-01 12:00:00.25+05:30' END AS timestamp with time zone) AS tstz,
  CAST(i AS oid) AS o
FROM generate_series(1, 6) AS i ORDER BY i
""".replace("\n", " ")


@pytest.fixture(scope="module")
def stand_in(analytics, place):
    with started_stand_in(analytics, place / "stand-in-binary") as started:
        yield started


@pytest.fixture
def proxy(start_proxy, analytics, stand_in, place):
    folder = place / "spool-binary"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return start_proxy(databases=databases(analytics, stand_in), pool_mode="transaction", cursor_memory=500, cursor_spool_dir=folder, face_database="app", rules=None)


@pytest.fixture
def truth(analytics):
    return Endpoint(analytics.port)


def both(proxy, truth, see):
    """What `see(endpoint, database)` gives, which must be the same."""
    through, direct = see(proxy, "dw"), see(truth, "app")
    assert list(map(repr, through)) == list(map(repr, direct))
    return through


@pytest.mark.parametrize("zone", ("UTC", "Europe/Amsterdam", "America/St_Johns"))
def test_psycopg(proxy, truth, zone):
    def see(endpoint, dbname):
        seen = []
        with endpoint.connect(dbname=dbname, autocommit=False) as connection:
            connection.execute(f"SET TIME ZONE '{zone}'")
            with connection.cursor("by its own cursor", binary=True, scrollable=True) as named:
                named.execute(VALUES)
                seen += named.fetchmany(2) + named.fetchall()
                named.scroll(-3)
                seen += named.fetchmany(1)
                seen += [column.name for column in named.description]
            connection.execute("DECLARE c SCROLL CURSOR FOR " + VALUES)
            for sql in ("FETCH 2 FROM c", "FETCH LAST FROM c", "FETCH BACKWARD ALL FROM c"):
                for binary in (True, False):
                    cursor = connection.execute(sql, binary=binary)
                    seen += [cursor.pgresult.fformat(0)] + cursor.fetchall()
        return seen
    assert len(both(proxy, truth, see)) == 40


def test_binary_cursors_of_sql(proxy, truth):
    def see(endpoint, dbname):
        with endpoint.connect(dbname=dbname, autocommit=False, cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute("DECLARE c BINARY SCROLL CURSOR WITH HOLD FOR " + VALUES)
            connection.commit()
            simple = connection.execute("FETCH 3 FROM c")
            extended = psycopg.Cursor(connection).execute("FETCH 3 FROM c", prepare=True)
            seen = [simple.pgresult.fformat(3), extended.pgresult.fformat(3), simple.fetchall(), extended.fetchall()]
            connection.execute("CLOSE c")
        return seen
    assert both(proxy, truth, see)[:2] == [1, 0]


def test_asyncpg(proxy, truth):
    async def run(endpoint, dbname):
        connection = await asyncpg.connect(host=endpoint.host, port=endpoint.port, user="app", password=USERS["app"], database=dbname, ssl=False)
        seen = []
        try:
            async with connection.transaction():
                seen += [tuple(row) async for row in connection.cursor(VALUES, prefetch=2)]
                cursor = await connection.cursor("SELECT n, name FROM (SELECT id AS n, name FROM events) AS e WHERE n > $1 ORDER BY n", 90)
                seen += [tuple(row) for row in await cursor.fetch(3)]
                await connection.execute("DECLARE c SCROLL CURSOR FOR " + VALUES)
                for sql in ("FETCH 2 FROM c", "FETCH LAST FROM c", "FETCH BACKWARD 3 FROM c", "FETCH 2 FROM c"):
                    seen += [tuple(row) for row in await connection.fetch(sql)]
                seen += [tuple(row) for row in await cursor.fetch(100)]
                seen.append(await connection.execute("MOVE ABSOLUTE 0 IN c"))
        finally:
            await connection.close()
        return seen
    assert len(both(proxy, truth, lambda endpoint, dbname: asyncio.run(run(endpoint, dbname)))) > 20


@pytest.mark.parametrize("options", ("prepareThreshold=-1", "prepareThreshold=1&binaryTransfer=true", "prepareThreshold=1&defaultRowFetchSize=2"))
def test_jdbc(proxy, analytics, tmp_path, options):
    driver = "/usr/share/java/postgresql.jar"
    subprocess.run(["javac", "-cp", driver, "-d", str(tmp_path), str(CLIENTS / "BinaryCursors.java")], check=True, timeout=120)
    (tmp_path / "values.sql").write_text(VALUES)

    def run(port, dbname):
        url = f"jdbc:postgresql://127.0.0.1:{port}/{dbname}?user=app&password=app-secret&{options}"
        done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", f"{tmp_path}:{driver}", "BinaryCursors", url, str(tmp_path / "values.sql")],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout
    expected = run(analytics.port, "app")
    assert len(expected.splitlines()) == 30
    assert run(proxy.port, "dw") == expected


def test_what_has_no_binary_format_is_refused(proxy):
    with proxy.connect(dbname="dw", autocommit=False) as connection:
        connection.execute("DECLARE c CURSOR FOR SELECT CAST('1 day' AS interval) AS pause, 1 AS n")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
            connection.execute("FETCH c", binary=True)
        assert '"pause"' in refused.value.diag.message_primary and "text format" in refused.value.diag.message_hint
        connection.rollback()
        connection.execute("SET datestyle TO German")
        connection.execute("DECLARE c CURSOR FOR SELECT CAST('2024-01-02' AS date)")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as refused:
            connection.execute("FETCH c", binary=True)
        assert "DateStyle ISO" in refused.value.diag.message_detail
