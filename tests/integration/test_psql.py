"""psql, the client everybody tries first."""
import re


def test_psql_prints_rows(proxy):
    done = proxy.psql("SELECT id, name FROM customers WHERE id <= 2 ORDER BY id;")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1|customer 1\n2|customer 2\n", "")


def test_psql_describes_a_table_with_backslash_d(proxy, direct):
    for command in ("\\d customers", "\\dt", "\\l", "\\du", "\\df pg_catalog.abs"):
        assert proxy.psql(command).stdout == direct.psql(command).stdout


def test_psql_shows_an_error_and_goes_on(proxy):
    done = proxy.psql("SELECT 1/0;\nSELECT 'still here';")
    assert "ERROR:  division by zero" in done.stderr
    assert done.stdout == "still here\n"


def test_psql_points_at_the_place_of_a_syntax_error(proxy, direct):
    script = "SELECT 1,\n  FORM customers;"
    assert proxy.psql(script).stderr == direct.psql(script).stderr
    assert "LINE 2:" in proxy.psql(script).stderr


def test_psql_runs_several_statements_of_one_string_as_one_transaction(proxy):
    done = proxy.psql("INSERT INTO written (what) VALUES ('a')\\; SELECT 1/0;\nSELECT count(*) FROM written;")
    assert done.stdout.splitlines()[-1] == "0"


def test_psql_gives_every_result_of_a_multi_statement_string(proxy):
    assert proxy.psql("SELECT 1\\; SELECT 2\\; SELECT 3;").stdout == "1\n2\n3\n"


def test_psql_gexec_gset_and_watch_less_loops_work(proxy):
    done = proxy.psql("SELECT 41 + 1 AS answer \\gset\nSELECT :answer;\nSELECT 'SELECT ' || i FROM generate_series(1, 3) i \\gexec\n")
    assert done.stdout == "42\n1\n2\n3\n"


def test_psql_copies_out_and_in(proxy):
    done = proxy.psql("COPY written (what, amount) FROM STDIN;\nx\t1\ny\t2\n\\.\nCOPY (SELECT what, amount FROM written ORDER BY 1) TO STDOUT;")
    assert done.stdout.endswith("x\t1\ny\t2\n")


def test_psql_sees_notices(proxy):
    assert "NOTICE:  hello" in proxy.psql("DO $$ BEGIN RAISE NOTICE 'hello'; END $$;").stderr


def test_psql_empty_statements_are_answered(proxy):
    assert proxy.psql(";\n-- nothing\n;\nSELECT 1;").stdout == "1\n"


def test_psql_reports_the_server_version_of_the_real_server(proxy, direct):
    version = direct.psql("SHOW server_version;").stdout.strip()
    script = "\\echo :SERVER_VERSION_NAME"
    assert re.match(r"15\.\d+", proxy.psql(script).stdout)
    assert version.startswith(proxy.psql(script).stdout.split()[0])


def test_psql_large_rows_and_many_rows_arrive_whole(proxy):
    done = proxy.psql("SELECT length(repeat('x', 20000000));\nSELECT md5(string_agg(i::text, ',')) FROM generate_series(1, 300000) i;\n"
                      "SELECT repeat('y', 3000000);\nSELECT i FROM generate_series(1, 300000) i;")
    lines = done.stdout.splitlines()
    assert lines[0] == "20000000"
    assert len(lines[2]) == 3000000
    assert lines[3:] == [str(i) for i in range(1, 300001)]
