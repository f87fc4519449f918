"""Every built-in function that is not immutable and whose arguments can be made up, in a READ ONLY transaction: none that PostgreSQL
refuses there passes for read-only."""
import json
from collections import Counter

import pytest
from cluster import Cluster
from corpus_server import READ_ONLY_VIOLATION, Server
from launch import write_file
from pooler import ini_text, run_command

pytestmark = pytest.mark.pgswitch
ARGUMENTS = {
    "integer": "1", "bigint": "1", "smallint": "1::smallint", "double precision": "1", "numeric": "1", "boolean": "false", "oid": "1",
    "text": "'x'", "name": "'x'", "bytea": "'x'::bytea", '"char"': "'x'::\"char\"", "json": "'{}'::json", "jsonb": "'{}'::jsonb",
    "regclass": "'numbers'::regclass", "xid": "'1'::xid", "pg_lsn": "'0/1'::pg_lsn", "timestamp with time zone": "now()",
    "interval": "'0'::interval"}
FUNCTIONS = """
SELECT proname, array_to_string(ARRAY(SELECT format_type(type, NULL) FROM unnest(proargtypes) WITH ORDINALITY a(type, n) ORDER BY n), ';')
  FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provolatile <> 'i'
    AND proname <> 'pg_terminate_backend' AND NOT EXISTS (SELECT FROM unnest(proargtypes || prorettype) type JOIN pg_type t ON t.oid = type
      WHERE t.typtype = 'p' AND t.typname NOT IN ('void', 'record'))
  ORDER BY 1, 2
"""


def calls(server):
    for name, types in server.rows(FUNCTIONS):
        types = [one for one in types.split(";") if one]
        if all(one in ARGUMENTS for one in types):
            yield f"SELECT pg_catalog.{name}({', '.join(ARGUMENTS[one] for one in types)})"


def facts(statements, folder):
    """read_only of each statement, as pgswitch sees it."""
    write_file(folder / "users.txt", '"app" "secret"\n')
    ini = write_file(folder / "pgswitch.ini", ini_text({"app": "host=127.0.0.1"}, {"auth_file": folder / "users.txt"}))
    status, out, err = run_command("explain", ini, "--json", ";\n".join(statements))
    assert status == 0, err
    return [one["read_only"] for one in json.loads(out)["statements"]]


def test_no_built_in_function_that_writes_passes_for_read_only(place, tmp_path):
    with Cluster(place / "functions", "functions") as cluster:
        cluster.sql("CREATE SEQUENCE numbers")
        server = Server(cluster, "postgres")
        statements = list(calls(server))
        counts, laxer = Counter(), []
        for sql, read_only in zip(statements, facts(statements, tmp_path), strict=True):
            state = server.read_only(sql, "public", "public", 0).sqlstate
            if state not in (None, READ_ONLY_VIOLATION):
                counts["not compared"] += 1
            elif read_only != (state == READ_ONLY_VIOLATION):
                counts["agree"] += 1
            elif read_only:
                laxer.append(sql)
            else:
                counts["stricter"] += 1
    print(dict(counts))
    assert not laxer
    assert counts["agree"] > 200
