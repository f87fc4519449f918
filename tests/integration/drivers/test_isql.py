"""isql, unixODBC's interactive client, on psqlODBC in both of its modes: cursors or whole results, prepared by the server or not."""
import itertools
import subprocess

import pytest
from compare import environment

WHO = "SELECT current_setting('cluster_name') AS cluster FROM {} LIMIT 1"
STATEMENTS = ("SELECT id, name, since FROM customers WHERE id <= 5 ORDER BY id", "SELECT * FROM every_type", "SELECT",
              "SELECT 'día ☃' AS text, NULL AS nothing, 1.50 AS number, true AS yes", "SELECT i FROM generate_series(1, 250) AS i",
              "SELECT repeat('x', 5000) AS long", "SELECT nothing FROM customers", "SELECT 1/(5 - i) FROM generate_series(1, 10) AS i",
              "INSERT INTO written (what, amount) VALUES ('a', 1), ('b', 2)", "INSERT INTO written (amount) VALUES (-1)",
              "UPDATE written SET amount = 7 WHERE what = 'a'", "DELETE FROM written WHERE false", "SELECT what, amount FROM written ORDER BY 1",
              "BEGIN\nDELETE FROM written\nSELECT 1/0\nROLLBACK", "SELECT count(*) FROM written", "CREATE TEMP TABLE mine (a int)",
              "INSERT INTO mine VALUES (1)", "SELECT a FROM mine", "DROP TABLE mine", "SET work_mem = '3MB'", "SHOW work_mem",
              "PREPARE p AS SELECT 'prepared' AS how", "EXECUTE p", "DEALLOCATE p", "EXECUTE p", "SELECT 1; SELECT 2", "nonsense",
              "DO $$ BEGIN RAISE NOTICE 'noticed'; END $$", "help", "help customers", "help written", "EXPLAIN (COSTS off) SELECT * FROM customers",
              "VALUES (1, 'one'), (2, NULL)", "TRUNCATE written RESTART IDENTITY", "SELECT 'the end'")
MODES = [f"UseDeclareFetch={cursors};UseServerSidePrepare={prepare};Fetch=50" for cursors, prepare in itertools.product((0, 1), (0, 1))]
PRINTED = {"rows": ["-b", "-v", "-c", "-d|"], "table": ["-b", "-v", "-m20"], "executed at once": ["-b", "-v", "-e"]}


def isql(endpoint, mode, options):
    """What isql prints. Between the statements goes one to the other cluster, or one like it, whose answer is left out."""
    routed = endpoint.pooler is not None and endpoint.pooler.is_pgswitch
    table, cluster = ("sales", "analytics") if routed else ("customers", "oltp")
    who = WHO.format(table)
    script = "".join(f"{statement}\n{who}\n" for statement in STATEMENTS)
    url = ("Driver=PostgreSQL Unicode;Servername={PGHOST};Port={PGPORT};Database={PGDATABASE};UID={PGUSER};PWD={PGPASSWORD};SSLmode={PGSSLMODE};"
           .format(**environment(endpoint)) + mode)
    done = subprocess.run(["isql", "-k", url, *options], input=script, text=True, capture_output=True, timeout=60)
    lines = (done.stdout + done.stderr).splitlines()
    others = [line for line in lines if cluster not in line]
    assert len(others) + len(STATEMENTS) == len(lines), done.stdout
    return f"{done.returncode}\n" + "\n".join(others)


@pytest.fixture(scope="session")
def printed_directly(direct, oltp):
    seen = {}

    def get(mode, printed):
        if (mode, printed) not in seen:
            seen[mode, printed] = isql(direct, mode, PRINTED[printed])
            oltp.sql("TRUNCATE written RESTART IDENTITY", "app")
        return seen[mode, printed]
    return get


@pytest.mark.parametrize("printed", PRINTED)
@pytest.mark.parametrize("mode", MODES)
def test_isql_prints_the_same(proxy, printed_directly, mode, printed):
    assert isql(proxy, mode, PRINTED[printed]) == printed_directly(mode, printed)
