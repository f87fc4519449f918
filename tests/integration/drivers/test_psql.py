"""psql, the client everybody tries first: what it prints, and on which of its two outputs."""
import re
import subprocess

import pytest
from compare import environment

# "-- route" is, through pgswitch, a statement to the other cluster, whose answer is not printed.
ROUTE = "SELECT count(*) FROM sales \\gset routed_"
CATALOG = ("\\l", "\\dt", "\\d", "\\d customers", "\\d+ written", "\\d every_type", "\\di", "\\ds", "\\dv", "\\dn+", "\\du", "\\dp", "\\df pg_catalog.abs",
           "\\df+ pg_catalog.abs", "\\do pg_catalog.||", "\\dT pg_catalog.int4", "\\dx", "\\db", "\\dC int4", "\\da pg_catalog.sum", "\\dO pg_catalog.C",
           "\\dF", "\\dL", "\\dy", "\\dconfig work_mem", "\\drds", "\\dRp", "\\dA", "\\dD", "\\ddp", "\\sf pg_catalog.log10", "\\z", "\\dd",
           "\\d no_such_table", "\\dit+ customers*", "\\encoding", "\\echo :SERVER_VERSION_NAME :SERVER_VERSION_NUM :DBNAME :USER :ENCODING")
SCRIPTS = {
    "catalog": "\n-- route\n".join(CATALOG),
    "rows": "SELECT * FROM every_type;\n-- route\n\\x\nTABLE every_type;",
    "errors with the place": "SELECT 1,\n  FORM customers;\n-- route\nSELECT 'día ☃', nothing FROM customers;\nSELECT 1/0;\nSELECT 'still here';",
    "verbose errors": "\\set VERBOSITY verbose\n\\set SHOW_CONTEXT always\nSELECT 1/0;\n-- route\nDO $$ BEGIN PERFORM 1/0; END $$;\n"
                      "INSERT INTO customers (id, name) VALUES (1, 'again');\nSELECT nothing;\n\\errverbose",
    "terse errors": "\\set VERBOSITY terse\nSELECT nothing;\n\\set VERBOSITY sqlstate\n-- route\nSELECT nothing;\n\\echo :SQLSTATE :LAST_ERROR_MESSAGE",
    "several statements of one string": "SELECT 1\\; SELECT 2\\; SELECT 3;\n-- route\nINSERT INTO written (what) VALUES ('a')\\; SELECT 1/0;\n"
                                        "SELECT count(*) FROM written;\nSELECT 1\\; SELECT 1/0\\; SELECT 3;",
    "empty statements": ";\n-- nothing\n;\n-- route\n/* ; */;\nSELECT 1;",
    "gset, gexec, gdesc, gx, crosstabview": "SELECT 41 + 1 AS answer \\gset\n-- route\nSELECT :answer;\nSELECT 'SELECT ' || i FROM generate_series(1, 3) i \\gexec\n"
                                            "-- route\nSELECT id, name, 1.5::numeric(4,2) FROM customers \\gdesc\nSELECT 1 AS a, 2 AS b \\gx\n"
                                            "SELECT i % 2, i, i * i FROM generate_series(1, 4) i \\crosstabview",
    "watch until an error": "CREATE TEMP SEQUENCE n;\n-- route\nSELECT 6 / (3 - nextval('n')) AS six \\watch 0.05\n-- route\nSELECT 'behind';",
    "copy by the server": "COPY written (what, amount) FROM STDIN;\nx\t1\ny\t2\n\\.\n-- route\nCOPY (SELECT what, amount FROM written ORDER BY 1) TO STDOUT;\n"
                          "COPY written (amount) FROM STDIN;\nz\n\\.\nSELECT count(*) FROM written;\nDELETE FROM written;",
    "copy by psql": "\\copy (SELECT id, name FROM customers WHERE id < 4 ORDER BY 1) TO 'file.csv' (FORMAT csv, HEADER)\n-- route\n"
                    "CREATE TEMP TABLE back (id int, name text);\n\\copy back FROM 'file.csv' (FORMAT csv, HEADER)\n-- route\nTABLE back;\n"
                    "\\copy back FROM 'no_such_file'\n\\copy no_such_table TO 'other.csv'\n\\copy back TO PROGRAM 'cat'",
    "large objects": "\\lo_import 'data.bin' 'a comment'\n-- route\n\\lo_export :LASTOID 'back.bin'\n\\lo_unlink :LASTOID\n-- route\n\\lo_unlink 1",
    "notices": "DO $$ BEGIN RAISE NOTICE 'hello'; RAISE WARNING 'careful' USING HINT = 'a hint'; END $$;\n-- route\nDROP TABLE IF EXISTS never_there;\nCOMMIT;",
    "fetch count": "\\set FETCH_COUNT 7\nSELECT i FROM generate_series(1, 20) i;\n-- route\nSELECT 1 / (10 - i) FROM generate_series(1, 20) i;\n"
                   "BEGIN;\nSELECT i FROM generate_series(1, 9) i;\nCOMMIT;",
    "single steps and rollback on error": "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT 1/0;\nSELECT 'goes on';\nCOMMIT;\n-- route\n\\set AUTOCOMMIT off\n"
                                          "INSERT INTO written (what) VALUES ('x');\nROLLBACK;\nSELECT count(*) FROM written;",
    "settings": "SHOW TimeZone;\nSET TimeZone = 'Asia/Kathmandu';\n-- route\nSHOW TimeZone;\nRESET TimeZone;\n\\encoding LATIN1\n-- route\n\\encoding\n"
                "SELECT length('dia');\n\\encoding nothing",
    "large and many rows": "SELECT length(repeat('x', 20000000));\nSELECT repeat('y', 2000000);\n-- route\nSELECT i FROM generate_series(1, 20000) i;",
    "stop at an error": "\\set ON_ERROR_STOP on\nSELECT 1;\n-- route\nSELECT 1/0;\nSELECT 'unreached';",
}
OPTIONS = {"": [], "unaligned": ["-A", "-t"], "one transaction": ["-1"], "csv": ["--csv"], "echo": ["-e", "-b"]}


def psql(endpoint, script, options, folder):
    routed = endpoint.pooler is not None and endpoint.pooler.is_pgswitch and "-1" not in options
    (folder / "data.bin").write_bytes(bytes(range(256)) * 500)
    done = subprocess.run(["psql", "-X", *options, "-f", "-"], input=script.replace("-- route", ROUTE if routed else "-- route"), text=True,
                          capture_output=True, timeout=60, cwd=folder, env=environment(endpoint))
    # The time of \watch, the oid of a large object, and the statements for the other cluster where psql echoes them.
    printed = [re.sub(r"^\w{3} \w{3} .*\(every", "(every", re.sub(r"(lo_\w+) \d+", r"\1", line))
               for line in done.stdout.splitlines() if line not in (ROUTE, "-- route")]
    return done.returncode, printed, re.sub(r"object \d+", "object", done.stderr).splitlines()


@pytest.fixture(scope="session")
def printed_directly(direct, tmp_path_factory, oltp):
    seen = {}

    def get(name, script, options):
        if (name, *options) not in seen:
            seen[(name, *options)] = psql(direct, script, options, tmp_path_factory.mktemp("psql"))
            oltp.sql("TRUNCATE written RESTART IDENTITY", "app")
        return seen[(name, *options)]
    return get


@pytest.mark.parametrize("name", SCRIPTS)
def test_psql_prints_the_same(proxy, printed_directly, tmp_path, name):
    assert psql(proxy, SCRIPTS[name], [], tmp_path) == printed_directly(name, SCRIPTS[name], [])


@pytest.mark.parametrize("options", OPTIONS)
def test_psql_prints_the_same_with_options(proxy, printed_directly, tmp_path, options):
    name = "several statements of one string"
    assert psql(proxy, SCRIPTS[name], OPTIONS[options], tmp_path) == printed_directly(name, SCRIPTS[name], OPTIONS[options])


def test_psql_writes_and_reads_files_whole(proxy, tmp_path):
    psql(proxy, SCRIPTS["large objects"], [], tmp_path)
    assert (tmp_path / "back.bin").read_bytes() == (tmp_path / "data.bin").read_bytes()
