"""Prepared statements of more clients than servers."""
import random

from endpoint import failure, one


def test_prepared_statements_work_with_more_clients_than_servers(proxy):
    with proxy.many(12, prepare_threshold=0) as connections:
        order = [(i, c) for i in range(20) for c in range(len(connections))]
        random.Random(1).shuffle(order)
        for i, c in order:
            assert one(connections[c], f"SELECT %s::int + {c}", [i]) == i + c
            assert one(connections[c], "SELECT name FROM customers WHERE id = %s", [1 + i]) == f"customer {1 + i}"


def test_the_same_statement_name_means_each_clients_own_statement(proxy):
    with proxy.many(8, prepare_threshold=0) as connections:
        for round_ in range(3):
            for number, connection in enumerate(connections):
                assert connection.execute(f"SELECT {number}, %s::int", [round_]).fetchone() == (number, round_)


def test_a_statement_is_prepared_again_after_a_failed_prepare(proxy):
    with proxy.connect(prepare_threshold=0) as connection:
        assert failure(connection, "SELECT * FROM appears_later").sqlstate == "42P01"
        connection.execute("CREATE TABLE appears_later AS SELECT 1 AS a")
        try:
            assert one(connection, "SELECT * FROM appears_later") == 1
        finally:
            connection.execute("DROP TABLE appears_later")


def test_a_parameter_of_ten_megabytes(proxy):
    with proxy.connect() as connection:
        assert one(connection, "SELECT length(%s::text)", ["x" * 10_000_000]) == 10_000_000


def test_a_statement_without_a_name_sees_what_ddl_has_changed(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=1)
    oltp.sql("SET ROLE app; DROP TABLE IF EXISTS altered; CREATE TABLE altered (a integer); INSERT INTO altered VALUES (1)", "app")
    for column in ("b", "c"):
        for _ in range(2):
            with proxy.connect() as client:
                before = client.execute("SELECT * FROM altered WHERE a = %s", (1,)).fetchone()
        oltp.sql(f"ALTER TABLE altered ADD COLUMN {column} integer DEFAULT 2", "app")
        with proxy.connect() as client:
            assert client.execute("SELECT * FROM altered WHERE a = %s", (1,)).fetchone() == (*before, 2)
    oltp.sql("DROP TABLE altered", "app")
