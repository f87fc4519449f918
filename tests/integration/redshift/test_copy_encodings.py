"""COPY in other encodings than UTF-8 on a Redshift route: by its ENCODING option, by client_encoding, and what cannot be converted."""
import subprocess

import psycopg
import pytest
from copying import connect, warehouse, with_keys
from endpoint import Endpoint

pytestmark = pytest.mark.pgswitch
TEXTS = {"LATIN1": "äÄßé", "WIN1252": "ä€“”", "LATIN9": "€Šœ", "WIN1251": "Привет", "KOI8R": "Привет", "WIN1250": "řžůłŐ", "LATIN2": "řžůłŐ", "WIN866": "Привет",
         "ISO_8859_7": "Ελλάδα", "SJIS": "ソ表十ｱｲ予", "SHIFT_JIS_2004": "ソ表十ｱ", "EUC_JP": "ソ表十ｱ漢字", "BIG5": "功許蓋台灣", "GBK": "乗俓峔中文", "GB18030": "乗€中文😀",
         "UHC": "한국어", "EUC_KR": "한국어", "EUC_CN": "中文", "EUC_TW": "台灣"}


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "copy-encodings") as started:
        yield started


@pytest.fixture(autouse=True)
def empty(analytics):
    analytics.sql("TRUNCATE loaded", "app")


@pytest.fixture(scope="module")
def running(make_pooler, stock):
    pooler = make_pooler(rules=None, wrapper=with_keys(), pool_mode="transaction", databases={"dw": stock.database()})
    pooler.start()
    yield pooler
    pooler.stop()


@pytest.fixture
def proxy(running, stock):
    yield Endpoint(running.port, pooler=running)
    stock.expect_clean()


@pytest.fixture
def connection(proxy):
    with connect(proxy) as made:
        yield made


def copy_in(connection, statement, *pieces):
    cursor = connection.cursor()
    with cursor.copy(statement) as copy:
        for piece in pieces:
            copy.write(piece)
    return cursor.statusmessage


def copy_out(connection, statement):
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(piece) for piece in copy)


def lines_of(analytics, encoding, values):
    """What PostgreSQL's COPY TO makes of the values."""
    with psycopg.connect(host=str(analytics.socket_folder), port=analytics.port, user="postgres", dbname="app") as direct:
        direct.execute("CREATE TEMP TABLE source (id int, what text)")
        for row in enumerate(values, 1):
            direct.execute("INSERT INTO source VALUES (%s, %s)", row)
        out = {}
        for options in ("FORMAT text", "FORMAT csv, FORCE_QUOTE *, QUOTE '''', DELIMITER '|'"):
            with direct.cursor().copy(f"COPY source TO STDOUT ({options}, ENCODING '{encoding}')") as copy:
                out[options] = b"".join(bytes(piece) for piece in copy)
        return out


@pytest.mark.parametrize("encoding", TEXTS)
def test_what_postgresql_writes_arrives_and_comes_back(connection, analytics, encoding):
    """Each byte by itself, so that every character is cut; second bytes may be backslashes, bars or quotes."""
    text = TEXTS[encoding]
    values = [text, *text, f"a\\{text}\t{text}\n'{text}'|", f'"{text[0]}\\']
    for options, data in lines_of(analytics, encoding, values).items():
        connection.execute("DELETE FROM loaded")
        pieces = [data[i:i + 1] for i in range(len(data))]
        assert copy_in(connection, f"COPY loaded (id, what) FROM STDIN ({options.replace('FORCE_QUOTE *, ', '')}, ENCODING '{encoding}')", *pieces) == f"COPY {len(values)}"
        assert [what for what, in connection.execute("SELECT what FROM loaded ORDER BY id")] == values
        out = copy_out(connection, f"COPY (SELECT id, what FROM loaded ORDER BY id) TO STDOUT ({options}, ENCODING '{encoding}')")
        assert out == data


BAD = [
    ("LATIN1", b"1\ta\n2\tb\0\n"), ("WIN1252", b"1\ta\n2\tb\x81\n"), ("SJIS", b"1\ta\n2\tb\x81 \n"), ("SJIS", b"1\ta\n2\tb\xfc\xfc\n"), ("EUC_JP", b"1\ta\n2\tb\xa4 \n"),
    ("GB18030", b"1\ta\n2\t\x81\x30\x20\x30\n"), ("BIG5", b"1\ta\n2\tb\xff\xff\n"), ("EUC_KR", b"1\ta\n2\tb\xb0"), ("EUC_TW", b"1\ta\n2\t\x8e\xa1\xa1\x20\n"), ("GBK", b"1\ta\n2\t\x80"),
]


@pytest.mark.parametrize("encoding, data", BAD)
def test_what_is_no_character_is_told_as_postgresql_tells_it(connection, analytics, encoding, data):
    seen = []
    with psycopg.connect(host=str(analytics.socket_folder), port=analytics.port, user="postgres", dbname="app", autocommit=True) as direct:
        for each in (direct, connection):
            with pytest.raises(psycopg.Error) as caught:
                copy_in(each, f"COPY loaded (id, what) FROM STDIN (ENCODING '{encoding}')", data)
            seen.append((caught.value.diag.sqlstate, caught.value.diag.message_primary, caught.value.diag.context))
    assert seen[1] == seen[0]
    assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


def test_what_the_encoding_lacks_is_told(connection):
    copy_in(connection, "COPY loaded (id, what) FROM STDIN", "1\tä\n2\t€\n3\tb\n")
    with pytest.raises(psycopg.errors.UntranslatableCharacter) as caught:
        copy_out(connection, "COPY (SELECT id, what FROM loaded ORDER BY id) TO STDOUT (ENCODING 'LATIN1')")
    assert caught.value.diag.message_primary == 'character with byte sequence 0xe2 0x82 0xac in encoding "UTF8" has no equivalent in encoding "LATIN1"'
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_is_behind_the_end_marker_is_not_looked_at(connection):
    assert copy_in(connection, "COPY loaded (id, what) FROM STDIN (ENCODING 'SJIS')", b"1\ta\n\\.\n\x81\x81\x81", b"\0\xff") == "COPY 1"


@pytest.mark.parametrize("name, state", [("MULE_INTERNAL", "0A000"), ("JOHAB", "0A000"), ("no such", "22023")])
def test_what_is_not_known(connection, name, state):
    with pytest.raises(psycopg.Error) as caught:
        copy_in(connection, f"COPY loaded FROM STDIN (ENCODING '{name}')", "")
    assert caught.value.diag.sqlstate == state


def test_psql_with_a_client_encoding(proxy, tmp_path):
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes("1,für €\n2,“x”\n".encode("cp1252"))
    script = f"\\copy loaded (id, what) from '{source}' csv\n\\copy (select id, what from loaded order by id) to '{target}' csv\n"
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", proxy.url(dbname="dw")], input=script.encode(), capture_output=True, env={"PGCLIENTENCODING": "WIN1252"}, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert target.read_bytes() == source.read_bytes()


def test_set_client_encoding(proxy, stock):
    with connect(proxy, autocommit=False) as connection:
        connection.execute("SET client_encoding TO 'latin-1'")
        assert connection.info.parameter_status("client_encoding") == "LATIN1"
        connection.commit()
        copy_in(connection, "COPY loaded (id, what) FROM STDIN (NULL 'ä')", "1\té\n2\tä\n".encode("latin-1"))
        connection.commit()
        assert stock.rows() == "1|é|\n2||"
        assert copy_out(connection, "COPY (SELECT what FROM loaded ORDER BY id) TO STDOUT") == b"\xe9\n\\N\n"
        connection.rollback()
        with pytest.raises(psycopg.Error) as caught:
            copy_in(connection, "COPY loaded (id, what) FROM STDIN", "1\tx\nü€\n".encode("cp1252"))
        assert (caught.value.diag.message_primary, caught.value.diag.context) == ('missing data for column "what"', 'COPY loaded, line 2: "ü\x80"')
        connection.rollback()


@pytest.mark.parametrize("query", ("SELECT 1", "INSERT INTO loaded VALUES (1, 'x')", "CREATE TABLE x (a int)"))
def test_other_statements_are_refused_until_it_is_utf8_again(proxy, query):
    with connect(proxy) as connection:
        connection.execute("SET client_encoding TO LATIN1")
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            connection.execute(query)
        assert caught.value.diag.message_primary == 'a statement for Redshift cannot run under client_encoding "LATIN1"'
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            psycopg.Cursor(connection).execute(query, prepare=True)
        connection.execute("SET client_encoding TO UTF8")
        assert connection.execute("SELECT 'ä'").fetchone() == ("ä",)


def test_a_transaction_whose_encoding_is_taken_back(proxy):
    with connect(proxy, autocommit=False) as connection:
        connection.execute("SET client_encoding TO LATIN1")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("SELECT 1")
        connection.rollback()
        assert connection.info.parameter_status("client_encoding") == "UTF8"
        assert connection.execute("SELECT 'ä'").fetchone() == ("ä",)


def test_unknown_and_local_ones(connection):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        connection.execute("SET client_encoding TO 'no such'")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        connection.execute("BEGIN; SET LOCAL client_encoding TO LATIN1")
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT 1").fetchone() == (1,)
