"""The stand-in for Redshift (tests/redshift) is what it says: each behaviour seen by a client of its own, without pgswitch."""
import hashlib
import re
import struct
import subprocess
import threading

import launch
import psycopg
import pytest
from messages import bind, execute, parse, query
from programs import built
from raw import RawClient, error_fields
from redshift import StandIn
from stand_in_client import SYNC, ask, connect, error_of, kinds, raw, tags

JDBC = "/usr/share/java/postgresql.jar"
WORDS_ARE_GUESSED = "not supported"


# 1.4, 1.2, 1.3: the login

def parameters(seen):
    return dict(body.rstrip(b"\0").decode().split("\0") if body.count(b"\0") > 1 and body[-2:] != b"\0\0" else (body.split(b"\0")[0].decode(), "")
                for kind, body in seen if kind == b"S")


def test_what_the_server_says_of_itself(redshift):
    with raw(redshift) as (_, seen):
        told = parameters(seen)
        assert told["server_version"] == "8.0.2" and told["padb_version"] and told["padb_revision"]
        assert told["client_encoding"] == told["server_encoding"] == "UNICODE"
        assert told["datestyle"] == "ISO, MDY" and "DateStyle" not in told
        assert not {"standard_conforming_strings", "IntervalStyle", "server_protocol_version", "in_hot_standby"} & set(told)
        assert [len(body) for kind, body in seen if kind == b"K"] == [8]
    with raw(redshift, client_encoding="utf8") as (_, seen):
        assert parameters(seen)["client_encoding"] == "UTF8"


@pytest.mark.parametrize("auth, secret", [("cleartext", "app-secret"), ("md5", "app-secret"),
                                          ("md5", "md5" + hashlib.md5(b"app-secretapp").hexdigest()), ("trust", "")])
def test_logins_of_postgres(analytics, auth, secret):
    with StandIn(analytics, launch.temporary_folder(), auth=auth, users={"app": secret}) as stand_in:
        with connect(stand_in) as connection:
            assert connection.execute("select current_user").fetchone() == ("app",)
        if auth != "trust":
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                connect(stand_in, password="wrong")
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(host="127.0.0.1", port=stand_in.port, user="nobody", dbname="app", password="x")


@pytest.mark.parametrize("stored", [False, True], ids=["password", "stored"])
def test_login_by_digest(analytics, stored):
    salt = bytes(range(32))
    secret = f"sha256|{hashlib.sha256(b'app-secret' + salt).hexdigest()}|{salt.hex()}" if stored else "app-secret"
    with StandIn(analytics, launch.temporary_folder(), auth="digest", users={"app": secret}) as stand_in:
        for password, good in ((b"app-secret", True), (b"wrong", False)):
            with RawClient(stand_in.port) as client:
                client.startup(user="app", database="app")
                kind, body = client.read()
                code, algorithm, size = struct.unpack("!iii", body[:12])
                assert (kind, code, algorithm) == (b"R", 13, 0)
                given, (nonce_size,) = body[12:12 + size], struct.unpack("!i", body[12 + size:16 + size])
                nonce = body[16 + size:]
                assert len(nonce) == nonce_size and (not stored or given == salt)
                digest = hashlib.sha256(hashlib.sha256(password + given).digest() + nonce + b"1700000000000").digest()
                client.message(b"d", struct.pack("!i", 32) + digest + struct.pack("!i", 13) + b"1700000000000")
                seen = client.read_until(b"Z")
                assert kinds(seen).endswith("Z") == good
                assert good or error_of(seen[:1]) == ("28000", 'password authentication failed for user "app"')


@pytest.mark.parametrize("end", [b"", b"\0"], ids=["python", "jdbc"])
def test_login_by_token(analytics, end):
    with StandIn(analytics, launch.temporary_folder(), auth="idp", tokens=["a.b.c=app"]) as stand_in:
        for token, user, good in ((b"a.b.c", "", True), (b"a.b.c", "app", True), (b"x", "app", False)):
            with RawClient(stand_in.port) as client:
                client.startup(user=user, database="app")
                assert client.read() == (b"R", struct.pack("!i", 14))
                client.message(b"i", token + end)
                seen = client.read_until(b"Z")
                assert kinds(seen).endswith("Z") == good, seen


def test_tls(analytics, authority):
    with StandIn(analytics, launch.temporary_folder(), certificate=authority.server("redshift"), require_tls=True) as stand_in:
        with connect(stand_in, sslmode="require") as connection:
            assert connection.pgconn.ssl_in_use
            assert connection.execute("select 'x' as a").fetchone() == ("x",)
        with pytest.raises(psycopg.OperationalError, match="SSL off"):
            connect(stand_in, sslmode="disable")


@pytest.mark.parametrize("name, value, refusal", [
    ("extra_float_digits", "3", '3 is outside the valid range for parameter "extra_float_digits" (-15 .. 2)'),
    ("lock_timeout", "1s", 'unrecognized configuration parameter "lock_timeout"'),
    ("intervalstyle", "iso_8601", 'unrecognized configuration parameter "intervalstyle"'),
])
def test_start_up_parameters_that_are_refused(redshift, name, value, refusal):
    with RawClient(redshift.port) as client:
        client.startup(user="app", database="app", **{name: value})
        seen = client.read_until(b"E")
        assert error_fields(seen[-1][1])["M"] == refusal and error_fields(seen[-1][1])["S"] == "FATAL"


def test_start_up_parameters_of_drivers(redshift):
    """Facts 1.1: what the three drivers send; none is a setting, none is answered with NegotiateProtocolVersion."""
    sent = {"driver_version": "x", "os_version": "x", "driver_discovery_version": "1", "plugin_name": "x", "idp_type": "AzureAD", "extra_float_digits": "2",
            "DateStyle": "ISO", "client_encoding": "UTF8", "_pq_.compression": "lz4", "query_group": "q"}
    with raw(redshift, **sent) as (client, seen):
        assert "v" not in kinds(seen)
        assert (b"D", b"\0\1\0\0\0\1q") in ask(client, query("show query_group"))


def test_extended_row_description(redshift):
    with raw(redshift, client_protocol_version="3") as (client, seen):
        assert parameters(seen)["server_protocol_version"] == "1"
        ask(client, query("create table described (a int not null, b varchar(3))"))
        body = next(body for kind, body in ask(client, query("select a, b, 1 as c from described")) if kind == b"T")
        fields, at = [], 2
        for _ in range(3):
            name, _, rest = body[at:].partition(b"\0")
            origin = rest[18:].split(b"\0")[:4]
            at += len(name) + 1 + 18 + sum(len(part) + 1 for part in origin)
            fields.append((name, *origin, struct.unpack("!h", body[at:at + 2])[0] & 1))
            at += 2
        assert at == len(body)
        assert fields == [(b"a", b"public", b"described", b"a", b"app", 1), (b"b", b"public", b"described", b"b", b"app", 0), (b"c", b"", b"", b"", b"", 0)]
        ask(client, query("drop table described"))


# 1.5: tags

def test_tags(redshift):
    with raw(redshift) as (client, _):
        seen = ask(client, query("begin; create temp table x as select 1 as a; select a from x; declare c cursor for select a from x; fetch 2 from c; "
                                 "close c; insert into x values (2); update x set a = 3; rollback"))
        assert tags(seen) == ["BEGIN", "SELECT", "SELECT", "DECLARE CURSOR", "FETCH", "CLOSE CURSOR", "INSERT 0 1", "UPDATE 2", "ROLLBACK"]


# 1.6: literals

@pytest.mark.parametrize("literal, value", [(r"'it\'s'", "it's"), (r"'a\\b'", r"a\b"), (r"'\n'", "\n"), (r"'\101'", "A"), ("'it''s'", "it's"), (r"'\q'", "q")])
@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
def test_backslash_is_an_escape(redshift, literal, value, extended):
    with raw(redshift) as (client, _):
        text = f"select {literal} as v"
        seen = ask(client, *((parse(text), bind(), execute(), SYNC) if extended else (query(text),)))
        assert [body[6:].decode() for kind, body in seen if kind == b"D"] == [value]


def test_identifiers_are_folded_though_quoted(redshift):
    with connect(redshift) as connection:
        connection.execute('create temp table "Folded" ("A" int)')
        assert connection.execute('select "a" from folded').description[0].name == "a"


# 1.6 and 2.2: refusals. (statement, SQLSTATE, message); {} stands for a table that is there.

REFUSED = [
    ("discard all", "42601", 'syntax error at or near "discard"'),
    ("deallocate all", "42601", 'syntax error at or near "all"'),
    ("close all", "42601", 'syntax error at or near "all"'),
    ("listen x", "0A000", WORDS_ARE_GUESSED), ("notify x", "0A000", WORDS_ARE_GUESSED), ("unlisten *", "0A000", WORDS_ARE_GUESSED),
    ("savepoint s", "0A000", WORDS_ARE_GUESSED), ("release savepoint s", "0A000", WORDS_ARE_GUESSED), ("rollback to s", "0A000", WORDS_ARE_GUESSED),
    ("copy {} from stdin", "0A000", "LOAD source is not supported"), ("copy {} to stdout", "0A000", "UNLOAD destination is not supported"),
    ("set extra_float_digits = 3", "22023", "3 is outside the valid range"),
    ("select E'x'", "42704", 'type "e" does not exist'),
    ("select U&'x'", "42703", 'column "u" does not exist'),
    ("select $$x$$", "42601", 'syntax error at or near "$"'),
    ("select pg_advisory_lock(1)", "42883", "function pg_advisory_lock(integer) does not exist"),
    ("select pg_is_in_recovery()", "42883", "function pg_is_in_recovery() does not exist"),
    ("select pg_catalog.txid_current()", "42883", "function txid_current() does not exist"),
    ("select pg_sleep(0)", "42883", "function pg_sleep(integer) does not exist"),
    ("select string_agg(b, ',') from {}", "42883", "function string_agg(character varying, unknown) does not exist"),
    ("select array_agg(a) from {}", "42883", "function array_agg(integer) does not exist"),
    ("select '{{}}'::jsonb", "42704", 'type "jsonb" does not exist'),
    ("create table refused (a uuid)", "42704", 'type "uuid" does not exist'),
    ("select b ->> 'x' from {}", "42883", "operator does not exist: character varying ->> unknown"),
    ("select * from pg_enum", "42P01", 'relation "pg_enum" does not exist'),
    ("select * from pg_catalog.pg_shadow", "42501", "permission denied for view pg_shadow"),
    ("insert into {} (a) values (1) on conflict do nothing", "42601", 'syntax error at or near "conflict"'),
    ("insert into {} (a) values (1) returning a", "42601", 'syntax error at or near "returning"'),
    ("select distinct on (a) a from {}", "0A000", "SELECT DISTINCT ON is not supported"),
    ("select count(*) filter (where a > 1) from {}", "42601", 'syntax error at or near "("'),
    ("select * from {} t, lateral (select t.a) x", "42601", 'syntax error at or near "("'),
    ("select * from (values (1)) v", "42601", 'syntax error at or near "values"'),
    ("select rank() over w from {} window w as (order by a)", "42601", 'syntax error at or near "w"'),
    ("select a from {} fetch first 1 rows only", "42601", 'syntax error at or near "first"'),
    ("select a is distinct from 1 from {}", "42601", 'syntax error at or near "distinct"'),
    ("select 1 except all select 2", "0A000", WORDS_ARE_GUESSED),
    ("select array[1]", "42601", 'syntax error at or near "["'),
    ("select a from {} where a = any('{{1}}'::int[])", "0A000", WORDS_ARE_GUESSED),
    ("select a from {} for update", "0A000", WORDS_ARE_GUESSED),
    ("create index refused on {} (a)", "0A000", WORDS_ARE_GUESSED),
    ("show server_version", "42501", 'must be superuser to examine "server_version"'),
    ("set lock_timeout = 1", "42704", 'unrecognized configuration parameter "lock_timeout"'),
    ("set intervalstyle = postgres", "42704", 'unrecognized configuration parameter "intervalstyle"'),
    ("select now() from {}", "0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables."),
    ("select {}.a from {}, generate_series(1, 3)", "0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables."),
    ("declare c cursor for select 1", "25P01", "DECLARE CURSOR may only be used in transaction blocks"),
    ("fetch 1 from c", "XX000", "cursors can only be used within the transaction that created them."),
]


@pytest.mark.parametrize("text, sqlstate, message", REFUSED, ids=[row[0] for row in REFUSED])
def test_refusals(redshift, table, text, sqlstate, message):
    text = text.format(*[table] * text.count("{}"))
    with raw(redshift) as (client, _):
        ask(client, query("begin"))
        if not text.startswith(("declare", "fetch")):
            # The transaction fails with it, in both protocols.
            for sent in ((query(text),), (parse(text), bind(), execute(), SYNC)):
                seen = ask(client, *sent)
                assert error_of(seen)[0] == sqlstate and message in error_of(seen)[1]
                assert seen[-1] == (b"Z", b"E")
                assert error_of(ask(client, query("select 1")))[0] == "25P02"
                ask(client, query("rollback; begin"))
        ask(client, query("rollback"))
        seen = ask(client, query(f"{text}; select 1"))
        assert error_of(seen)[0] == sqlstate and tags(seen) == [] and seen[-1] == (b"Z", b"I")


def test_leader_node_functions_are_named_by_a_notice(redshift, table):
    with raw(redshift) as (client, _):
        seen = ask(client, query(f"select now(), current_schema() from {table}"))
        notices = [error_fields(body) for kind, body in seen if kind == b"N"]
        assert [(n["S"], n["M"]) for n in notices] == [("INFO", 'Function "now()" not supported.'), ("INFO", 'Function "current_schema()" not supported.')]
        assert kinds(seen) == "NNEZ"
        assert kinds(ask(client, query("select now(), current_schema()"))) == "TDCZ"
        assert error_of(ask(client, query("select listagg('a', ',')")))[0] == "XX000"


def test_positions_are_those_of_the_clients_text(redshift):
    text = r"select 'ä\'x', nvl(1, 2), nosuch from pg_class"
    with pytest.raises(psycopg.errors.UndefinedColumn) as failure, connect(redshift) as connection:
        connection.execute(text)
    assert int(failure.value.diag.statement_position) == text.index("nosuch") + 1


# 1.6: what Redshift has

ANSWERED = [
    ("select nvl(null, 2), nvl2(null, 1, 2), decode(3, 1, 'a', 3, 'c', 'z'), decode(null, null, 'n')", (2, 2, "c", "n")),
    ("select datediff(month, '2020-01-31', '2020-02-01'), dateadd(day, 1, '2020-02-28')::date::varchar", (1, "2020-02-29")),
    ("select json_extract_path_text('{\"a\": {\"b\": 1}}', 'a', 'b'), json_extract_path_text('{}', 'x')", ("1", "")),
    ("select listagg(b, ',') within group (order by a desc) from of_users", ("y,x",)),
    ("select median(a) from of_users", (1.5,)),
    ("select top 1 a from of_users order by a", (1,)),
    ("select a from of_users minus select 1", (2,)),
    ("select getdate() is not null and sysdate is not null", (True,)),
    ("select convert(integer, '7')", (7,)),
    ("select len('abc'), charindex('b', 'abc'), strtol('ff', 16), date_part(year, '2020-01-01'::date)::int", (3, 2, 255, 2020)),
]


@pytest.mark.parametrize("text, row", ANSWERED, ids=[row[0][:50] for row in ANSWERED])
def test_redshifts_own_functions(redshift, table, text, row):
    with connect(redshift) as connection:
        assert connection.execute(text).fetchone() == row


def test_version(redshift):
    with connect(redshift) as connection:
        assert re.fullmatch(r"PostgreSQL 8\.0\.2 on .* Redshift 1\.0\.\d+", connection.execute("select version()").fetchone()[0])
        assert connection.execute("select pg_catalog.version()").description[0].name == "version"


def test_settings(redshift):
    with connect(redshift) as connection:
        for name in ("query_group", "wlm_query_slot_count", "enable_result_cache_for_session", "client_domain_name"):
            connection.execute(f"set {name} to '7'")
            cursor = connection.execute(f"show {name}")
            assert cursor.description[0].name == name and cursor.fetchone() == ("7",)
        connection.execute("reset all")
        assert connection.execute("show query_group").fetchone() == ("default",)
        connection.execute("set extra_float_digits = 2")
        connection.execute("set session authorization default")
        assert connection.execute("select current_user, session_user").fetchone() == ("app", "app")


def test_all_isolation_levels_are_serializable(redshift):
    with connect(redshift) as connection:
        for level in ("read uncommitted", "read committed", "repeatable read", "serializable"):
            connection.execute(f"begin isolation level {level}, read only")
            assert connection.execute("show transaction_isolation").fetchone() == ("serializable",)
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("create table refused (a int)")
            connection.execute("rollback")


def test_a_serialization_conflict_is_error_1023(redshift, table):
    with connect(redshift) as one, connect(redshift) as other:
        for connection in (one, other):
            connection.execute("begin")
            connection.execute(f"select sum(a) from {table}")
        one.execute(f"insert into {table} values (10, 'one')")
        other.execute(f"insert into {table} values (20, 'other')")
        one.execute("commit")
        with pytest.raises(psycopg.errors.InternalError_, match="1023") as failure:
            other.execute("commit")
        assert "Serializable isolation violation on table" in failure.value.diag.message_detail
        one.execute(f"delete from {table} where a > 2")


def test_truncate_commits(redshift):
    for extended in (False, True):
        with raw(redshift) as (client, _):
            ask(client, query("create table truncated (a int); insert into truncated values (1)"))
            ask(client, query("begin; insert into truncated values (2)"))
            seen = ask(client, *((parse("truncate truncated"), bind(), execute(), SYNC) if extended else (query("truncate truncated"),)))
            assert tags(seen) == ["TRUNCATE TABLE"] and seen[-1] == (b"Z", b"I")
            ask(client, query("rollback"))
            assert (b"D", b"\0\1\0\0\0\x010") in ask(client, query("select count(*) from truncated; drop table truncated"))


def test_several_statements_are_one_transaction(redshift, table):
    with raw(redshift) as (client, _):
        seen = ask(client, query(f"insert into {table} values (99, 'z'); select 1/0"))
        assert tags(seen) == ["INSERT 0 1"] and error_of(seen)[0] == "22012" and seen[-1] == (b"Z", b"I")
        assert (b"D", b"\0\1\0\0\0\x010") in ask(client, query(f"select count(*) from {table} where a = 99"))
        seen = ask(client, query("select 1; begin; select 2"))
        assert tags(seen) == ["SELECT", "BEGIN", "SELECT"] and seen[-1] == (b"Z", b"T")
        assert ask(client, query("commit; select 1"))[-1] == (b"Z", b"I")


def test_a_query_is_cancelled(redshift):
    with connect(redshift) as connection:
        failed = []

        def run():
            try:
                connection.execute("select count(*) from pg_class a, pg_class b, pg_class c, pg_class d, pg_class e")
            except psycopg.Error as error:
                failed.append(error.sqlstate)
        thread = threading.Thread(target=run)
        thread.start()
        while thread.is_alive():
            connection.cancel()
            thread.join(0.05)
        assert failed == ["57014"]


def test_psql(redshift, table):
    script = (f"\\set ON_ERROR_STOP 1\nselect a, b from {table} order by a;\nexplain select * from {table};\n"
              f"begin;\ninsert into {table} values (3, 'it\\'s');\nrollback;\n")
    done = subprocess.run(["psql", "-X", "-A", "-t", f"host=127.0.0.1 port={redshift.port} user=app dbname=app", "-f", "-"], input=script, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1|x\n2|y\nXN Seq Scan on of_users")


@pytest.mark.parametrize("mode", ["simple", "extended", "extendedForPrepared", "extendedCacheEverything"])
@pytest.mark.timeout(120)
def test_jdbc(redshift, mode):
    folder = built("redshift_jdbc", ["bash", "-c", f"javac -Xlint:all -Werror -cp {JDBC} *.java"])
    url = f"jdbc:postgresql://127.0.0.1:{redshift.port}/app?user=app&password=x&preferQueryMode={mode}&prepareThreshold=1"
    done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{folder}:{JDBC}", "Look", url], capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0, done.stderr
    # In simple mode values are literals, for which the driver takes standard_conforming_strings for on: they lose their backslashes.
    same = 0 if mode == "simple" else 25
    assert done.stdout.splitlines() == ["version: 8.0.2", "batch: 25", f"as written: {same}", "savepoint: 0A000", "behind it: 25P02", "kept: 25",
                                        "valid: true"]
