"""pgloader loads into Redshift as it loads into PostgreSQL: it is told that it speaks to one, and sends COPY FROM STDIN."""
import os
import subprocess

import pytest
from copying import warehouse, with_keys
from endpoint import USERS
from launch import write_file

pytestmark = pytest.mark.pgswitch
LOAD = """
LOAD CSV FROM '{file}' (id, what, day [null if blanks])
  INTO postgresql://app:{password}@127.0.0.1:{port}/dw
  TARGET TABLE public.loaded (id, what, day)
  WITH skip header = 1, fields optionally enclosed by '"', fields terminated by ',', batch rows = 300;
"""
# pgloader asks the catalog, in SQL that Redshift lacks, for what Redshift has none of: extensions, indexes, constraints that hold.
RULES = """
rules { { name = "what Redshift has none of", when = { tables = { "pg_extension", "pg_index", "pg_constraint", "pg_trigger" } }, route = "app" } }
"""


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "pgloader") as started:
        yield started


def test_a_csv_file_is_loaded_in_batches(start_proxy, stock, place, oltp):
    proxy = start_proxy(rules=RULES, wrapper=with_keys(), face_database="app", pool_mode="transaction", databases={"dw": stock.database()})
    rows = [f'{n},"value ""{n}"" \\ of, many",{"2024-02-29" if n % 2 else ""}' for n in range(1000)]
    file = write_file(place / "rows.csv", "\n".join(["id,what,day", *rows]) + "\n")
    command = write_file(place / "rows.load", LOAD.format(file=file, password=USERS["app"], port=proxy.port))
    done = subprocess.run(["pgloader", "--no-ssl-cert-verification", command], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, PGSSLMODE="disable", HOME=str(place)), cwd=place)
    assert done.returncode == 0 and "ERROR" not in done.stdout, done.stdout + done.stderr
    assert stock.rows("SELECT count(*), count(day), sum(id) FROM loaded") == "1000|500|499500"
    assert stock.rows("SELECT what FROM loaded WHERE id = 77") == 'value "77" \\ of, many'
    stock.expect_clean()
