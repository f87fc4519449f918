"""pgbench: many short transactions on many connections, nothing failed and nothing lost."""
import re

import pytest

pytestmark = pytest.mark.usefixtures("tables")
CLIENTS = 8


@pytest.fixture(scope="module")
def tables(direct):
    done = direct.pgbench("-i", "-q", "-s", 1)
    assert done.returncode == 0, done.stderr


def check(done, transactions):
    assert done.returncode == 0, done.stderr
    assert f"number of transactions actually processed: {transactions}/{transactions}" in done.stdout
    assert re.search(r"number of failed transactions: 0 ", done.stdout)


@pytest.mark.parametrize("protocol", ("simple", "extended", "prepared"))
def test_select_only(proxy, protocol):
    check(proxy.pgbench("-S", "-M", protocol, "-c", CLIENTS, "-j", 2, "-t", 200), CLIENTS * 200)


@pytest.mark.parametrize("protocol", ("simple", "extended", "prepared"))
def test_tpc_b_keeps_the_books_balanced(proxy, oltp, protocol):
    # pgbench prepares in the middle of a transaction and blocks all clients of its thread until the reply is there: with fewer
    # servers than clients it can wait for itself, whatever is in between.
    clients = 4 if protocol == "prepared" else CLIENTS
    check(proxy.pgbench("-M", protocol, "-c", clients, "-j", 2, "-t", 50), clients * 50)
    sums = oltp.sql("SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches),"
                    " (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches)", "app")
    assert sums == "t|t"


@pytest.mark.parametrize("protocol", ("simple", "extended", "prepared"))
def test_a_new_connection_for_each_transaction(proxy, protocol):
    check(proxy.pgbench("-S", "-C", "-M", protocol, "-c", 4, "-j", 2, "-t", 20), 80)


def test_a_pipelined_script(proxy, tmp_path):
    script = tmp_path / "pipeline.sql"
    script.write_text("\\startpipeline\nSELECT 1;\nSELECT abalance FROM pgbench_accounts WHERE aid = 7;\nSELECT 2;\n\\endpipeline\n")
    check(proxy.pgbench("-f", script, "-M", "extended", "-c", CLIENTS, "-j", 2, "-t", 50), CLIENTS * 50)


@pytest.mark.parametrize("protocol", ("simple", "extended", "prepared"))
def test_serialization_failures_are_tried_again(proxy, oltp, tmp_path, protocol):
    oltp.sql("DROP TABLE IF EXISTS tried; CREATE TABLE tried AS SELECT 0 AS n; GRANT ALL ON tried TO PUBLIC", "app")
    script = tmp_path / "serializable.sql"
    script.write_text("BEGIN ISOLATION LEVEL SERIALIZABLE;\nSELECT n FROM tried;\nUPDATE tried SET n = n + 1;\nEND;\n")
    done = proxy.pgbench("-f", script, "-M", protocol, "-c", 4, "-j", 2, "-t", 25, "--max-tries=1000")
    check(done, 100)
    assert int(re.search(r"number of transactions retried: (\d+)", done.stdout)[1]) > 0
    assert oltp.sql("SELECT n FROM tried", "app") == "100"


@pytest.mark.pgswitch
def test_both_databases_under_load(proxy, tmp_path):
    script = tmp_path / "mixed.sql"
    script.write_text("\\set id random(1, 1000)\nSELECT name FROM customers WHERE id = :id;\nSELECT price FROM sales WHERE id = :id;\n"
                      "BEGIN;\nSELECT count(*) FROM events;\nCOMMIT;\n")
    for protocol in ("simple", "extended", "prepared"):
        check(proxy.pgbench("-f", script, "-M", protocol, "-c", CLIENTS, "-j", 2, "-t", 50), CLIENTS * 50)
