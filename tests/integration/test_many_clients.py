"""10,000 clients come, idle, work all at once, and go, on one process with 20 server connections."""
import resource
import select
import socket
import time

import pytest
from faults import Session, is_unhurt, open_files, resident_kb
from frames import messages, query, startup, values
from launch import eventually

WANTED = 10_000
SERVERS = 20
RESERVE = 500        # descriptors for everything else
WAVE = 2_000         # connect at once; the kernel's queue has room for them
READY = b"Z\0\0\0\5I"

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def count():
    """As many clients as descriptors allow, for this process and for the proxy."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield min(WANTED, hard - RESERVE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(number, port):
    """From several addresses: one has not enough ports for all."""
    client = socket.socket()
    client.bind((f"127.0.0.{2 + number % 8}", 0))
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


def converse(clients, requests):
    """Sends each client's request and collects the answers, up to a ReadyForQuery each."""
    answers = {client.fileno(): b"" for client in clients}
    by_number = {client.fileno(): (client, request) for client, request in zip(clients, requests)}
    with select.epoll(len(clients)) as epoll:
        for number in by_number:
            epoll.register(number, select.EPOLLOUT)
        waiting = len(clients)
        while waiting:
            events = epoll.poll(30)
            assert events, f"{waiting} of {len(clients)} clients wait in vain"
            for number, what in events:
                client, request = by_number[number]
                if what & select.EPOLLOUT:
                    assert client.send(request) == len(request)
                    epoll.modify(number, select.EPOLLIN)
                    continue
                data = client.recv(65536)
                assert data, answers[number][-300:]
                answers[number] += data
                if answers[number].endswith(READY):
                    epoll.unregister(number)
                    waiting -= 1
    return list(answers.values())


def test_ten_thousand_clients_idle_and_work_on_twenty_servers(start_proxy, oltp, count):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=SERVERS, max_client_conn=count + 100,
                        listen_backlog=4096, log_connections=0, log_disconnections=0, query_wait_timeout=0)
    is_unhurt(proxy, oltp)
    memory, files = resident_kb(proxy.pooler.pid), open_files(proxy.pooler.pid)
    clients, times = [], [time.monotonic()]
    for start in range(0, count, WAVE):
        wave = [connect(number, proxy.port) for number in range(start, min(start + WAVE, count))]
        clients += wave
        converse(wave, [startup()] * len(wave))
    times.append(time.monotonic())
    eventually(lambda: resident_kb(proxy.pooler.pid) - memory <= 1.4 * count, 30, "what the logins needed is given back: an idle client costs no more than 1.4 kB")
    idle = resident_kb(proxy.pooler.pid) - memory

    for turn in range(3):
        nonces = [f"{turn}-{number}" for number in range(count)]
        answers = converse(clients, [query(f"SELECT '{nonce}'") for nonce in nonces])
        assert [values(messages(answer)) for answer in answers] == [[nonce] for nonce in nonces]
    times.append(time.monotonic())
    with Session(proxy.port, "admin", "pgbouncer") as console:
        assert len(values(console.ask("SHOW SERVERS"))) <= SERVERS
    worked = resident_kb(proxy.pooler.pid) - memory

    for client in clients:
        client.close()
    eventually(lambda: open_files(proxy.pooler.pid) <= files + SERVERS, 30, "all clients are gone")
    is_unhurt(proxy, oltp)
    times.append(time.monotonic())
    took = [later - earlier for earlier, later in zip(times, times[1:])]
    print(f"\n{count} clients: in within {took[0]:.1f} s, {3 * count} queries in {took[1]:.1f} s, gone in {took[2]:.1f} s; "
          f"{1024 * idle / count:.0f} bytes for each idle client, {1024 * worked / count:.0f} after work, "
          f"{resident_kb(proxy.pooler.pid) - memory} kB left behind")
    if count < WANTED:
        print(f"only {count} clients: this machine allows {count + RESERVE} descriptors to a process")
