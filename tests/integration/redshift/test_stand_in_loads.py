"""COPY from S3 and UNLOAD of the stand-in for Redshift, against S3 servers that check signatures, and npm's s3rver, which is somebody else's."""
import gzip
import hashlib
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import launch
import psycopg
import pytest
from redshift import StandIn
from s3_server import Key, S3Server

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "drivers"))
from programs import built  # noqa: E402

KEYS = {"AKIDLONG": Key("long/secret"), "ASIATEMP": Key("temporary+secret", "the/token==")}
LONG = "access_key_id 'AKIDLONG' secret_access_key 'long/secret'"
AUTHORISATIONS = [
    LONG,
    "access_key_id 'ASIATEMP' secret_access_key 'temporary+secret' session_token 'the/token=='",
    "credentials 'aws_access_key_id=ASIATEMP;aws_secret_access_key=temporary+secret;token=the/token=='",
    "with credentials as 'aws_access_key_id=AKIDLONG;aws_secret_access_key=long/secret'",
    "iam_role 'arn:aws:iam::1:role/reader'",
    "iam_role default",
    "credentials 'aws_iam_role=arn:aws:iam::1:role/reader'",
]


@pytest.fixture
def s3():
    with S3Server(launch.temporary_folder(), keys=KEYS, region="eu-west-1") as server:
        yield server


@contextmanager
def started(analytics, endpoint):
    roles = ["arn:aws:iam::1:role/reader=AKIDLONG:long/secret", "default=ASIATEMP:temporary+secret:the/token=="]
    with StandIn(analytics, launch.temporary_folder(), s3_endpoint=endpoint, role=roles) as stand_in:
        yield stand_in


@pytest.fixture
def session(analytics, s3):
    """A connection with the notices it has been given, as (severity, text), in .told."""
    with started(analytics, s3.endpoint) as stand_in, \
            psycopg.connect(host="127.0.0.1", port=stand_in.port, user="app", dbname="app", client_encoding="utf8", prepare_threshold=None,
                            autocommit=True) as connection:
        connection.told = []
        connection.add_notice_handler(lambda notice: connection.told.append((notice.severity, notice.message_primary)))
        connection.execute("create table loaded (a int, b varchar(20), c varchar(20))")
        yield connection
        connection.execute("rollback")
        connection.execute("drop table loaded")


def copy(connection, key, options="", authorisation=LONG, table="loaded"):
    return connection.execute(f"copy {table} from 's3://bucket/{key}' {authorisation} region 'eu-west-1' {options}")


def rows(connection):
    return connection.execute("select * from loaded order by a, b").fetchall()


@pytest.mark.parametrize("authorisation", AUTHORISATIONS, ids=[text.split("'")[0].strip() + str(i) for i, text in enumerate(AUTHORISATIONS)])
def test_authorisation(session, s3, authorisation):
    s3.put("bucket", "a b/ü.txt", b"1|x|y\n")
    copy(session, "a b/ü", authorisation=authorisation)
    assert rows(session) == [(1, "x", "y")]
    assert session.told == [("INFO", "Load into table 'loaded' completed, 1 record(s) loaded successfully.")]


FORMATS = [
    (b"1|a|b\n2|\\N|\n", "", [(1, "a", "b"), (2, None, "")]),
    (b"1|a\\|b|c\\\\d\n2|\\N|e\\\nf\n", "escape", [(1, "a|b", "c\\d"), (2, None, "e\nf")]),
    (b"1\ta\tb", "delimiter '\\t'", [(1, "a", "b")]),
    (b"1,\"a,b\",\"c\"\"d\"\n2,,\"\"\n", "csv", [(1, "a,b", 'c"d'), (2, "", "")]),
    (b"1,,x\n", "csv emptyasnull", [(1, None, "x")]),
    (b"a;b;c\n1;'x;y';z\n", "format as csv delimiter ';' quote as '''' ignoreheader 1", [(1, "x;y", "z")]),
    (gzip.compress(b"1|a|b\n") + gzip.compress(b"2|c|d\n"), "gzip", [(1, "a", "b"), (2, "c", "d")]),
    (b"1|#|b\n", "null as '#'", [(1, None, "b")]),
    (b"1|  |b\n", "blanksasnull", [(1, None, "b")]),
    (b"1|'a|b'|\"c\"\n", "removequotes", [(1, "a|b", "c")]),
    (b"1|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|b\n", "truncatecolumns", [(1, "a" * 20, "b")]),
    (b"1|a\xffb|c\n", "acceptinvchars as '^'", [(1, "a^b", "c")]),
    (b"1\n", "fillrecord", [(1, "", "")]),
    (b"1\n", "fillrecord emptyasnull", [(1, None, None)]),
    (b"h|h|h\n1|a|b\n", "ignoreheader as 1 compupdate off statupdate off", [(1, "a", "b")]),
    (b"1|a|b\nx|c|d\n3|e|f\n", "maxerror 2", [(1, "a", "b"), (3, "e", "f")]),
    (b"", "", []),
]


@pytest.mark.parametrize("content, options, wanted", FORMATS, ids=[f"{i}-{row[1]}" for i, row in enumerate(FORMATS)])
def test_formats(session, s3, content, options, wanted):
    s3.put("bucket", "file", content)
    copy(session, "file", options)
    assert rows(session) == wanted
    assert session.execute("select pg_last_copy_count()").fetchone() == (len(wanted),)


def test_all_objects_of_a_prefix_into_some_columns(session, s3):
    for number in range(1, 4):
        s3.put("bucket", f"part-{number}", f"x{number}|{number}\n".encode() * number)
    s3.put("bucket", "other", b"no\n")
    cursor = copy(session, "part-", table="loaded (b, a)")
    assert cursor.statusmessage == "COPY"
    assert session.execute("select a, b, c, count(*) from loaded group by 1, 2, 3 order by 1").fetchall() == [(n, f"x{n}", None, n) for n in (1, 2, 3)]


def test_types(session, s3):
    session.execute("create temp table typed (a smallint, b numeric(8,2), c date, d timestamp, e boolean, f double precision, g bigint identity(10, 5))")
    s3.put("bucket", "file", b"1|1.239|2020-02-29|2020-02-29 10:11:12.5|yes|1e3|7\n||||||\n")
    copy(session, "file", table="typed")
    assert session.execute("select a, b::varchar, c::varchar, d::varchar, e, f, g from typed order by g").fetchall() == [
        (1, "1.23", "2020-02-29", "2020-02-29 10:11:12.5", True, 1000.0, 10), (None, None, None, None, None, None, 15)]
    s3.put("bucket", "file", b"1||03/04/2021|1577934245|||77\n")
    copy(session, "file", "explicit_ids dateformat 'MM/DD/YYYY' timeformat 'epochsecs'", table="typed")
    assert session.execute("select c::varchar, d::varchar from typed where g = 77").fetchone() == ("2021-03-04", "2020-01-02 03:04:05")


ERRORS = [
    (b"1|a|b\nx|a|b\n", "", (2, "a", "int4", "0", 0, "x|a|b", "x", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer")),
    (b"1|" + b"a" * 21 + b"|b\n", "", (1, "b", "varchar", "20", 2, "1|" + "a" * 21 + "|b", "a" * 21, 1204, "String length exceeds DDL length")),
    (b"1|a\n", "", (1, "b", "varchar", "20", 0, "1|a", "", 1214, "Delimiter not found")),
    (b"1|a|b|c\n", "", (1, "c", "varchar", "20", 0, "1|a|b|c", "", 1202, "Extra column(s) found")),
    (b"1,a\"b,c\n", "csv", (1, "c", "varchar", "20", 0, "1,a\"b,c", "", 1214, "Invalid quote formatting for CSV")),
]


@pytest.mark.parametrize("in_transaction", [False, True], ids=["alone", "in a transaction"])
@pytest.mark.parametrize("content, options, wanted", ERRORS, ids=[str(row[2][-2]) + row[1] for row in ERRORS])
def test_load_errors(session, s3, content, options, wanted, in_transaction):
    s3.put("bucket", "file", content)
    if in_transaction:
        session.execute("begin")
    with pytest.raises(psycopg.errors.InternalError_, match="Load into table 'loaded' failed.  Check 'stl_load_errors' system table for details."):
        copy(session, "file", options)
    if in_transaction:
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            session.execute("select 1")
        session.execute("rollback")
    assert rows(session) == []
    # They outlive the transaction.
    found = session.execute("select line_number, trim(colname), trim(type), trim(col_length), position, trim(raw_line), trim(raw_field_value), err_code, "
                            "trim(err_reason) from stl_load_errors where query = (select max(query) from stl_load_errors) and trim(filename) = 's3://bucket/file'")
    assert found.fetchall() == [wanted]


def test_records_that_are_left_out(session, s3):
    s3.put("bucket", "file", b"x||\n1||\ny||\n")
    copy(session, "file", "maxerror 3")
    assert session.told == [
        ("WARNING", "Load into table 'loaded' completed, 2 record(s) could not be loaded.  Check 'stl_load_errors' system table for details."),
        ("INFO", "Load into table 'loaded' completed, 1 record(s) loaded successfully.")]
    with pytest.raises(psycopg.errors.InternalError_):
        copy(session, "file", "maxerror 2")


def test_a_load_belongs_to_its_transaction(session, s3):
    s3.put("bucket", "file", b"1||\n")
    session.execute("begin")
    copy(session, "file")
    assert len(rows(session)) == 1
    session.execute("rollback")
    assert rows(session) == []


REFUSED = [
    ("nowhere", "", LONG, "XX000", "The specified S3 prefix 'nowhere' does not exist"),
    ("file", "", "", "42601", "credentials"),
    ("file", "", "iam_role 'arn:aws:iam::1:role/other'", "XX000", "is not authorized to assume IAM Role arn:aws:iam::1:role/other"),
    ("file", "", "access_key_id 'AKIDLONG' secret_access_key 'wrong'", "XX000", "S3ServiceException:.*Status 403,Error SignatureDoesNotMatch"),
    ("file", "", "access_key_id 'ASIATEMP' secret_access_key 'temporary+secret'", "XX000", "Status 403,Error InvalidToken"),
    ("file", "csv escape", LONG, "42601", "CSV is not supported with ESCAPE"),
    ("file", "region 'us-east-1'", LONG, "XX000", "Error AuthorizationHeaderMalformed"),
    ("file", "gzip", LONG, "XX000", "not in gzip format"),
    ("file", "parquet", LONG, "0A000", "does not read parquet"),
    ("file", "nonsense", LONG, "42601", 'syntax error at or near "nonsense"'),
]


@pytest.mark.parametrize("key, options, authorisation, sqlstate, message", REFUSED, ids=[row[4][:30] + str(i) for i, row in enumerate(REFUSED)])
def test_loads_that_are_refused(session, s3, key, options, authorisation, sqlstate, message):
    s3.put("bucket", "file", b"1|a|b\n")
    with pytest.raises(psycopg.Error, match=message) as failure:
        copy(session, key, options, authorisation)
    assert failure.value.sqlstate == sqlstate
    assert rows(session) == []


@pytest.mark.parametrize("how", [{"status": 503}, {"cut": 100}], ids=["refused", "cut"])
def test_s3_fails(session, s3, how):
    s3.put("bucket", "file", b"1|a|b\n" * 100000)
    s3.fault("GET /bucket/file", **how)
    with pytest.raises(psycopg.errors.InternalError_, match="S3ServiceException|closed"):
        copy(session, "file")
    assert rows(session) == []
    copy(session, "file")
    assert session.execute("select count(*) from loaded").fetchone() == (100000,)


def test_a_load_that_waits_for_s3_is_cancelled(session, s3):
    s3.put("bucket", "file", b"1|a|b\n" * 1000)
    held = threading.Event()
    fault = s3.fault("GET /bucket/file", hold=held)
    failed = []

    def run():
        try:
            copy(session, "file")
        except psycopg.Error as error:
            failed.append(error.sqlstate)
    thread = threading.Thread(target=run)
    thread.start()
    launch.eventually(lambda: fault.times == 0)
    while thread.is_alive():
        session.cancel()
        thread.join(0.05)
    held.set()
    assert failed == ["57014"]
    assert rows(session) == []


def test_unload(session, s3):
    session.execute("insert into loaded values (1, 'a|b', 'c'), (2, null, 'd\\\\e')")
    text = "unload ('select a, b, c from loaded where c <> \\'x\\' order by a') to 's3://bucket/out/{}' " + LONG + " region 'eu-west-1' parallel off "
    cursor = session.execute(text.format("e_") + "escape null as '\\\\N'")
    assert cursor.statusmessage == "UNLOAD"
    assert session.told[-1] == ("INFO", "UNLOAD completed, 2 record(s) unloaded successfully.")
    assert s3.get("bucket", "out/e_000") == b"1|a\\|b|c\n2|\\N|d\\\\e\n"
    session.execute(text.format("z_") + "csv header gzip")
    assert gzip.decompress(s3.get("bucket", "out/z_000.gz")) == b"a,b,c\n1,a|b,c\n2,,d\\e\n"
    with pytest.raises(psycopg.errors.InternalError_, match="not empty"):
        session.execute(text.format("z_") + "csv")
    session.execute(text.format("z_") + "csv allowoverwrite")
    session.execute("delete from loaded")
    copy(session, "out/e_", "escape")
    assert rows(session) == [(1, "a|b", "c"), (2, None, "d\\e")]


def test_the_extended_protocol_loads_too(session, s3):
    s3.put("bucket", "file", b"1|a|b\n")
    cursor = session.cursor()
    cursor.execute(f"copy loaded from 's3://bucket/file' {LONG} region 'eu-west-1'", prepare=True)
    assert rows(session) == [(1, "a", "b")]


def test_the_signature_of_another_program(s3):
    """Debian's curl signs requests too."""
    def put(secret, content=b"hello"):
        digest = hashlib.sha256(content).hexdigest()
        return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--aws-sigv4", "aws:amz:eu-west-1:s3", "--user", f"AKIDLONG:{secret}",
                               "-H", f"x-amz-content-sha256: {digest}", "-T", "-", "-H", "Content-Length: 5", "-H", "Transfer-Encoding:",
                               f"{s3.endpoint}/bucket/by%20curl"], input=b"hello", capture_output=True, timeout=30).stdout
    assert put("long/secret") == b"200" and s3.get("bucket", "by curl") == b"hello"
    assert put("wrong") == b"403"
    assert put("long/secret", b"other") == b"400"


@pytest.fixture(scope="module")
def s3rver():
    """npm's s3rver, which speaks S3 and believes every signature."""
    folder = built("s3rver", ["npm", "install", "--no-audit", "--no-fund", "--silent"])
    data = launch.temporary_folder()
    (data / "bucket").mkdir()
    launch.give_to_runner(data / "bucket")
    port = launch.free_port()
    process = launch.spawn(["node", folder / "node_modules/s3rver/bin/s3rver.js", "-d", data, "-a", "127.0.0.1", "-p", port, "--configure-bucket", "bucket"],
                           data / "log")
    launch.eventually(lambda: launch.accepts(port), 30, "s3rver listens")
    yield f"http://127.0.0.1:{port}"
    launch.stop(process)


def test_against_s3rver(analytics, s3rver):
    authorisation = "access_key_id 'S3RVER' secret_access_key 'S3RVER'"
    with started(analytics, s3rver) as stand_in, psycopg.connect(host="127.0.0.1", port=stand_in.port, user="app", dbname="app", client_encoding="utf8",
                                                                 autocommit=True) as connection:
        connection.execute("create temp table there (a int, b varchar(20))")
        connection.execute("create temp table back (a int, b varchar(20))")
        connection.execute("insert into there values (1, 'a|b'), (2, null)")
        connection.execute(f"unload ('select * from there') to 's3://bucket/x/y z_' {authorisation} escape gzip null as '\\\\N'")
        connection.execute(f"copy back from 's3://bucket/x/y z_' {authorisation} escape gzip")
        assert connection.execute("select * from back order by a").fetchall() == [(1, "a|b"), (2, None)]
