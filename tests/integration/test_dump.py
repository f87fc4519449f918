"""pg_dump and pg_restore through a proxy, and statements as wide as PostgreSQL takes them."""
import os
import subprocess

import psycopg
import pytest
from endpoint import USERS, failure, one

BIN = "/usr/lib/postgresql/15/bin"


def run(program, endpoint, *arguments):
    environment = dict(os.environ, PGPASSWORD=USERS["app"], PGSSLMODE="require" if endpoint.tls else "disable")
    done = subprocess.run([f"{BIN}/{program}", "-h", endpoint.host, "-p", str(endpoint.port), "-U", "app", *map(str, arguments)],
                          env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def dumped(endpoint, *options):
    """Without the lines that are random in each dump."""
    return [line for line in run("pg_dump", endpoint, *options, "app").splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


@pytest.mark.parametrize("options", ((), ("--inserts", "--serializable-deferrable"), ("--schema-only", "--no-owner"), ("-t", "customers")))
def test_a_dump_is_the_same(proxy, direct, options):
    assert dumped(proxy, *options) == dumped(direct, *options)


def test_a_dump_by_several_connections_is_restored_by_several(proxy, direct, tmp_path):
    run("pg_dump", proxy, "-Fd", "-j2", "-f", tmp_path / "dump", "app")
    before = dumped(direct, "-n", "private")
    with direct.connect() as client:
        client.execute("DELETE FROM private.hidden")
    run("pg_restore", proxy, "-d", "app", "--no-owner", "-n", "private", "-j2", "--clean", "--if-exists", tmp_path / "dump")
    assert dumped(direct, "-n", "private") == before


def test_65535_parameters_and_not_one_more(proxy):
    def count(connection, n):
        return connection.execute("SELECT count(*) FROM (VALUES " + ",".join(["(%s)"] * n) + ") AS v", ["1"] * n).fetchone()
    with proxy.connect() as client:
        assert count(client, 65535) == (65535,)
        with pytest.raises(psycopg.Error):
            count(client, 65536)
        assert one(client, "SELECT 1") == 1


def test_1664_columns_and_not_one_more(proxy, direct):
    def columns(n):
        return "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(n))
    with proxy.connect() as client, direct.connect() as oracle:
        assert client.execute(columns(1664)).fetchone() == tuple(range(1664))
        assert failure(client, columns(1665)).diag.message_primary == failure(oracle, columns(1665)).diag.message_primary


def test_a_table_of_1600_columns_is_copied(proxy):
    names = [f"c{i}" for i in range(1600)]
    with proxy.connect() as client:
        client.execute("CREATE TEMP TABLE wide (" + ", ".join(f"{name} integer" for name in names) + ")")
        with client.cursor().copy("COPY wide FROM STDIN") as copy:
            copy.write_row(range(1600))
        assert client.execute("SELECT * FROM wide").fetchone() == tuple(range(1600))
