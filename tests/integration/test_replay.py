"""pgswitch replay over what a real PostgreSQL writes down: its three logs, its statistics, and files of statements."""
import json
import os
import pty
import re
import select
import subprocess
import time

import launch
import psycopg
import pytest
from cluster import Cluster
from launch import make_folder, write_file
from pooler import ini_text, run_command

pytestmark = pytest.mark.pgswitch
DATABASES = {"app": "host=127.0.0.1 port=1", "app.redshift": "host=127.0.0.1 port=1"}
RULES = """
rules {
  { name = "analytics", when = { tables = "sales" }, route = "app.redshift" },
  { name = "no sleep", when = { functions = "pg_sleep" }, reject = "nobody sleeps here" },
  { name = "old", when = { tables = "old_names", kind = "select" }, rewrite = "SELECT 'rewritten'" },
  { name = "loader", when = { user = "loader", kind = "insert" }, route = "app.redshift" },
}
"""
OTHER_RULES = RULES.replace('{ tables = "sales" }', '{ tables = "sales", aggregate = true }')
LOGGING = {"logging_collector": "on", "log_destination": "stderr,csvlog,jsonlog", "log_directory": "logs", "log_filename": "pg.log", "log_statement": "all",
           "log_rotation_age": "0", "shared_preload_libraries": "pg_stat_statements"}


def traffic(cluster):
    """What the logs shall tell of."""
    settings = {"host": "127.0.0.1", "password": "secret", "port": cluster.port, "dbname": "app", "autocommit": True}
    with psycopg.connect(user="app_user", **settings) as connection:
        for i in range(20):
            connection.execute("SELECT count(*) FROM sales WHERE id = %s AND name <> 'it''s a secret'", [i])  # extended protocol
        connection.execute("SELECT *\n\tFROM sales\n WHERE name = 'a,b\"c;'")
        connection.execute("SELECT pg_sleep(0)")
        connection.execute("SELECT name FROM old_names")
        with pytest.raises(psycopg.Error):
            connection.execute("SELEC 1")
        with connection.transaction():
            connection.execute("INSERT INTO sales VALUES (1, 'x')")
    with psycopg.connect(user="loader", cursor_factory=psycopg.ClientCursor, **settings) as connection:
        connection.execute("INSERT INTO loaded VALUES (%s)", [7])


@pytest.fixture(scope="module")
def logs(place):
    """Name -> path: stderr, csv, json, stats."""
    with Cluster(place / "logging", "logging", LOGGING) as cluster:
        cluster.sql("CREATE ROLE app_user LOGIN SUPERUSER PASSWORD 'secret'; CREATE ROLE loader LOGIN SUPERUSER PASSWORD 'secret'; CREATE DATABASE app;")
        cluster.sql("CREATE TABLE sales (id int, name text); CREATE TABLE old_names (name text); CREATE TABLE loaded (id int);"
                    "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset();", "app")
        traffic(cluster)
        stats = cluster.sql("COPY (SELECT rolname, datname, query, calls FROM pg_stat_statements s JOIN pg_roles r ON r.oid = userid"
                            " JOIN pg_database d ON d.oid = dbid) TO STDOUT CSV HEADER", "app")
        folder = cluster.data / "logs"
        found = {"stderr": folder / "pg.log", "csv": folder / "pg.csv", "json": folder / "pg.json"}
        launch.eventually(lambda: all("INTO loaded" in path.read_text() for path in found.values()), 10, "the log collector has written")
        kept = make_folder(place / "logs")
        paths = {name: write_file(kept / name, path.read_text()) for name, path in found.items()}
        paths["stats"] = write_file(kept / "stats", stats + "\n")
    return paths


@pytest.fixture(scope="module")
def inis(place):
    def write(name, rules):
        folder = make_folder(place / f"replay-{name}")
        write_file(folder / "users.txt", '"app" "secret"\n')
        settings = {"auth_file": folder / "users.txt", "rules_file": write_file(folder / "rules.lua", rules)}
        return write_file(folder / "pgswitch.ini", ini_text(DATABASES, settings))
    return write("one", RULES), write("other", OTHER_RULES)


def replay(ini, *arguments):
    status, out, err = run_command("replay", ini, "--json", *arguments)
    assert status == 0, err
    return json.loads(out)


def rows(told, rule=None):
    return [shape for shape in told["shapes"] if rule is None or shape["decision"]["rule"].endswith(rule)]


@pytest.mark.parametrize("name", ("stderr", "csv", "json"))
def test_each_log_tells_what_the_rules_would_do(logs, inis, name):
    told = replay(inis[0], logs[name])
    by_rule = {rule: sum(shape["count"] for shape in rows(told, rule)) for rule in ("analytics", "no sleep", "old", "loader")}
    # CREATE TABLE sales, 20 counts, one of several lines, one INSERT
    assert by_rule == {"analytics": 23, "no sleep": 1, "old": 1, "loader": 1}
    first = told["shapes"][0]
    assert (first["count"], first["decision"]["route"]) == (20, "app.redshift")
    assert first["text"] == "SELECT count(*) FROM sales WHERE id = $1 AND name <> ?"
    assert [shape["text"] for shape in told["shapes"] if "a,b" in shape["text"] or "secret" in shape["text"]] == []
    assert rows(told, "no sleep")[0]["decision"]["refusal"] == {"sqlstate": "42501", "message": "nobody sleeps here"}
    assert rows(told, "old")[0]["decision"]["rewritten"] is True
    assert any(shape["text"] == "SELECT * FROM sales WHERE name = ?" for shape in told["shapes"])
    assert any(shape["text"] == "BEGIN" for shape in told["shapes"])


def test_the_three_logs_tell_the_same(logs, inis):
    one, two, three = (replay(inis[0], logs[name]) for name in ("stderr", "csv", "json"))
    assert one == two == three


def test_an_export_of_the_statistics_counts_calls_and_knows_users(logs, inis):
    told = replay(inis[0], logs["stats"])
    counts = {shape["text"]: shape["count"] for shape in told["shapes"]}
    assert counts["SELECT count(*) FROM sales WHERE id = $1 AND name <> $2"] == 20
    assert [shape["count"] for shape in rows(told, "loader")] == [1]


def test_a_file_of_statements_is_read_as_psql_does(inis, tmp_path):
    script = write_file(tmp_path / "s.sql", "\\set a 1\nSELECT 1; SELECT ';' FROM sales;\nCOPY loaded FROM stdin;\n1;\n\\.\nSELECT pg_sleep(1)")
    told = replay(inis[0], script)
    assert told["statements"] == 4
    assert {shape["text"] for shape in rows(told, "analytics")} == {"SELECT ? FROM sales"}


def test_against_another_file_only_differences_are_told(logs, inis):
    told = replay(inis[0], "--against", inis[1], logs["csv"])
    assert {shape["text"] for shape in told["shapes"]} == {"SELECT * FROM sales WHERE name = ?", "INSERT INTO sales VALUES (?, ?)", "CREATE TABLE sales (id int, name text)"}
    assert all(shape["decision"]["route"] == "app.redshift" and shape["against"]["route"] == "app" for shape in told["shapes"])
    status, out, err = run_command("replay", inis[0], "--against", inis[0], logs["csv"])
    assert status == 0 and "0 of them decided differently" in out, err


def test_the_table_is_for_people(logs, inis):
    status, out, err = run_command("replay", inis[0], logs["stderr"], logs["csv"])
    assert status == 0 and err == ""
    lines = out.splitlines()
    assert lines[0].split() == ["count", "fingerprint", "decision", "rule", "statement"]
    assert lines[1].split()[0] == "40" and "route app.redshift" in lines[1] and "rules.lua:3 analytics" in lines[1]
    assert "secret" not in out


def test_progress_is_shown_on_a_terminal_only(logs, inis):
    outer, inner = pty.openpty()
    done = subprocess.run([launch.PROXY, "replay", inis[0], logs["csv"]], stdout=subprocess.PIPE, stderr=inner, timeout=60)
    os.close(inner)
    shown = b""
    while select.select([outer], [], [], 5)[0]:
        try:
            shown += os.read(outer, 65536)
        except OSError:  # nobody has the other end any more
            break
    os.close(outer)
    counted = re.search(rb"(\d+) statements, ", done.stdout)[1]
    assert done.returncode == 0 and int(counted) > 30 and b"100 %%  %s statements" % counted in shown and shown.endswith(b"\x1b[K")


def test_a_million_statements_take_a_minute_at_most(inis, tmp_path):
    """A fifth of them, in a fifth of the time; twenty thousand shapes among them."""
    lines = (f"2026-11-28 12:00:00.000 UTC [{i % 90}] app@app LOG:  statement: SELECT c{i % 20_000} FROM sales WHERE id = {i}\n" for i in range(200_000))
    log = write_file(tmp_path / "long.log", "".join(lines))
    begin = time.monotonic()
    told = replay(inis[0], log)
    assert time.monotonic() - begin < 12
    assert told["statements"] == 200_000 and len(told["shapes"]) == 10_000 and told["others"] == 100_000


def test_a_log_may_come_through_a_pipe(logs, inis):
    with open(logs["csv"], "rb") as log:
        done = subprocess.run(["sh", "-c", f"cat | {launch.PROXY} replay {inis[0]} --json /dev/stdin"], stdin=log, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == replay(inis[0], logs["csv"])


@pytest.mark.parametrize("arguments,words", ((("no.log",), "no.log: No such file"), (("/dev/null",), "no statement found"), (("/",), "/: Is a directory")))
def test_what_cannot_be_read_is_told(inis, arguments, words):
    status, out, err = run_command("replay", inis[0], *arguments)
    assert status == 1 and words in err and out == ""
