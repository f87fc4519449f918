"""Descriptors, memory, disk and patience run out: pgswitch goes on with what it has, and recovers when there is more."""
import asyncio
import contextlib
import os
import signal
import threading
import time

import psycopg
import pytest
from endpoint import USERS, one
from faults import Session, answers, is_unhurt, open_files, resident_kb, sqlstates
from frames import values
from launch import eventually, give_to_runner
from raw import RawClient
from test_cancel import in_background

pytestmark = [pytest.mark.pooler, pytest.mark.pgswitch]


def test_without_descriptors_clients_in_work_and_new_ones_are_refused_or_wait(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=2, max_client_conn=20, client_login_timeout=5,
                        wrapper=("prlimit", "--nofile=48:48"))
    with Session(proxy.port) as client, Session(proxy.port) as admin:
        client.ask("SELECT 1")
        with contextlib.ExitStack() as stack:
            strangers = [stack.enter_context(RawClient(proxy.port)) for _ in range(80)]
            for stranger in strangers:
                with contextlib.suppress(ConnectionError):
                    stranger.send(b"\0")
            eventually(lambda: open_files(proxy.pooler.pid) >= 46, what="the descriptors are used up")
            before = proxy.pooler.cpu_us()
            for number in range(100):
                assert values(client.ask(f"SELECT {number}")) == [str(number)]
                time.sleep(0.01)
            assert proxy.pooler.cpu_us() - before < 500_000, "it waits for descriptors in a loop"
            assert proxy.pooler.log_text().count("accept() failed") == 1
        eventually(lambda: answers(proxy), 20, "new clients come in again")
        assert values(admin.ask("SELECT 42")) == ["42"]


def test_without_descriptors_for_servers_clients_wait_and_are_served_later(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=30, max_client_conn=40,
                        wrapper=("prlimit", "--nofile=60:60"))
    clients = [Session(proxy.port) for _ in range(25)]
    for client in clients:
        client.ask("BEGIN")
        client.query("SELECT 42")
    for client in clients[::-1]:
        client.socket.settimeout(30)
    served = [in_background(lambda c=client: (values(c.read_until(b"Z")), c.ask("COMMIT"))) for client in clients]
    assert [result()[0] for result in served] == [["42"]] * 25
    for client in clients:
        client.close()
    eventually(lambda: answers(proxy), 20, "new clients come in")


def test_a_limit_of_descriptors_below_what_the_limits_allow_is_told_at_the_start(start_proxy):
    proxy = start_proxy(max_client_conn=1000, wrapper=("prlimit", "--nofile=100:100"))
    eventually(lambda: "kernel file descriptor limit: 100" in proxy.pooler.log_text(), 20, "it is told")
    assert "WARNING" in proxy.pooler.log_text()


def test_when_memory_ends_the_clients_that_ask_for_it_fail_and_the_others_do_not(start_proxy, oltp):
    probe = start_proxy(auth_type="trust", pool_mode="transaction")
    used = virtual_kb(probe.pooler.pid) + 64 * 1024
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=40, query_max_bytes=16 * 1024 * 1024,
                        wrapper=("prlimit", f"--as={used * 1024}"))
    with Session(proxy.port) as other:
        other.ask("SELECT 1")
        outcomes = []

        def ask_for_much():
            with contextlib.suppress(OSError, AssertionError), Session(proxy.port) as greedy:
                greedy.socket.settimeout(20)
                seen = greedy.ask("SELECT length('" + "x" * 15_000_000 + "')")
                outcomes.append(values(seen) or sqlstates(seen))
        threads = [threading.Thread(target=ask_for_much) for _ in range(12)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert values(other.ask("SELECT 42")) == ["42"]
        for thread in threads:
            thread.join()
        assert not proxy.pooler.has_ended(), proxy.pooler.log_text()[-2000:]
        assert all(outcome in (["15000000"], ["53200"]) for outcome in outcomes), outcomes
    is_unhurt(proxy, oltp)


def virtual_kb(pid):
    text = open(f"/proc/{pid}/status").read()
    return int(text.partition("VmPeak:")[2].split()[0])


def work(proxy, count=50):
    for number in range(count):
        with proxy.connect() as client:
            assert one(client, "SELECT %s::int", [number]) == number


def lost_lines(proxy):
    return int({row["key"]: row["value"] for row in proxy.console("SHOW STATE")}["log_lines_lost"])


def test_a_full_disk_costs_log_lines_and_nothing_else(start_proxy):
    proxy = start_proxy(pool_mode="transaction", logfile="/dev/full", verbose=2)
    work(proxy)
    assert lost_lines(proxy) > 100
    assert lost_lines(start_proxy(verbose=2)) == 0


def test_a_log_that_may_not_grow_costs_log_lines_and_nothing_else(start_proxy, place):
    proxy = start_proxy(pool_mode="transaction", logfile=place / "limited.log", verbose=2, wrapper=("prlimit", "--fsize=10000"))
    work(proxy)
    assert (place / "limited.log").stat().st_size <= 10_000
    assert lost_lines(proxy) > 100


def test_a_log_that_nobody_takes_holds_up_neither_clients_nor_reload_nor_the_end(start_proxy, place):
    pipe = place / "log.pipe"
    os.mkfifo(pipe)
    give_to_runner(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # who opens a pipe for writing waits for a reader; this one never reads
    try:
        proxy = start_proxy(pool_mode="transaction", logfile=pipe, verbose=2)
        work(proxy, 100)
        proxy.pooler.signal(signal.SIGHUP)
        in_background(lambda: work(proxy) or True)()
        with pytest.raises(psycopg.OperationalError):  # it is not answered
            proxy.console("SHUTDOWN")
        assert proxy.pooler.wait(10) == 0
    finally:
        os.close(reader)


def test_a_storm_of_logins_is_let_in_and_leaves_nothing_behind(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=5, max_client_conn=400, listen_backlog=512)
    is_unhurt(proxy, oltp)
    before = open_files(proxy.pooler.pid)

    async def come_in(number):
        async with await psycopg.AsyncConnection.connect(**proxy.parameters(connect_timeout=60), autocommit=True) as client:
            cursor = await client.execute("SELECT %s::int", [number])
            return (await cursor.fetchone())[0]

    async def storm():
        return await asyncio.gather(*(come_in(number) for number in range(300)))
    assert asyncio.run(storm()) == list(range(300))
    is_unhurt(proxy, oltp)
    eventually(lambda: open_files(proxy.pooler.pid) <= before + 5, what="no descriptor is left but those of servers")


def test_a_storm_of_wrong_passwords_keeps_nobody_out(start_proxy):
    proxy = start_proxy(pool_mode="transaction", max_client_conn=20)
    over = threading.Event()

    def knock():
        while not over.is_set():
            with contextlib.suppress(psycopg.OperationalError):
                proxy.connect(password="wrong").close()
    threads = [threading.Thread(target=knock) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with proxy.connect() as client:
                assert one(client, "SELECT 1") == 1
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert USERS["app"] not in proxy.pooler.log_text()


def test_large_messages_leave_no_memory_behind(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=2)

    def one_round():
        for _ in range(6):
            with Session(proxy.port) as client:
                assert values(client.ask("SELECT length('" + "x" * 10_000_000 + "')")) == ["10000000"]
                assert len(values(client.ask("SELECT repeat('x', 10000000)"))[0]) == 10_000_000
    one_round()
    before = resident_kb(proxy.pooler.pid)
    one_round()
    assert resident_kb(proxy.pooler.pid) < before + 10_000
