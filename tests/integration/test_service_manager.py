"""systemd: notifications, sockets that it opened, and several processes on one port."""
import fcntl
import os
import signal
import socket
import subprocess
import threading

import launch
import psycopg
import pytest
from endpoint import Endpoint, one
from launch import eventually

pytestmark = pytest.mark.pgswitch


class Manager:
    """A service manager's end of NOTIFY_SOCKET: the states that it was told, in order."""

    def __init__(self, folder):
        self.path, self.states = folder / "notify", []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        os.chmod(self.path, 0o777)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            self.states.append(self._socket.recv(4096).decode())

    def heard(self, start, count=1):
        return sum(state.startswith(start) for state in self.states) >= count

    def environment(self):
        return ("env", f"NOTIFY_SOCKET={self.path}")


@pytest.fixture
def manager(place, request):
    folder = launch.make_folder(place / f"manager-{request.node.name[:30]}")
    return Manager(folder)


def test_it_tells_when_it_is_ready_reloading_and_stopping(start_proxy, manager):
    proxy = start_proxy(wrapper=manager.environment(), stats_period=1)
    eventually(lambda: manager.heard("READY=1"), what="READY=1")
    assert not manager.heard("RELOADING=1") and not manager.heard("STOPPING=1")
    proxy.pooler.signal(signal.SIGHUP)
    eventually(lambda: manager.heard("READY=1", 2), what="ready again")
    reloading = next(state for state in manager.states if state.startswith("RELOADING=1"))
    assert int(reloading.split("MONOTONIC_USEC=")[1]) > 0
    eventually(lambda: manager.heard("STATUS=stats: "), what="the averages as the status")
    proxy.pooler.signal(signal.SIGINT)
    eventually(lambda: manager.heard("STOPPING=1"), what="STOPPING=1")
    assert proxy.pooler.wait(15) == 0


def test_a_reload_that_fails_ends_too(start_proxy, manager):
    proxy = start_proxy(wrapper=manager.environment())
    eventually(lambda: manager.heard("READY=1"), what="READY=1")
    proxy.pooler.write_ini(default_pool_size="many")
    proxy.pooler.signal(signal.SIGHUP)
    eventually(lambda: manager.heard("READY=1", 2), what="ready again, with the old configuration")
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1


# As systemd does it: descriptors from 3 on, and the number and process that they are for in the environment.
ACTIVATE = """
import os, sys
count = int(sys.argv[1])
os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()))
os.execvp(sys.argv[2], sys.argv[2:])
"""


def activated(make_pooler, sockets):
    """A pooler, not yet started, that will be given these sockets."""
    moves = " ".join(f"{3 + i}<&{sock.fileno()}" for i, sock in enumerate(sockets))
    for sock in sockets:
        sock.set_inheritable(True)
    pooler = make_pooler(listen_addr="", unix_socket_dir="/nowhere/at/all",
                         wrapper=("bash", "-c", f"exec {moves}; exec \"$@\"", "-", "python3", "-c", ACTIVATE, len(sockets)))
    pooler.port = next(sock.getsockname()[1] for sock in sockets if sock.family == socket.AF_INET)
    return pooler


@pytest.fixture
def inherited(monkeypatch):
    """Children of this test get descriptors that may be inherited."""
    real = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *a, **k: real(*a, **{**k, "close_fds": False}))


def listening(family, address):
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen(20)
    return socket.socket(fileno=fcntl.fcntl(sock, fcntl.F_DUPFD, 200))  # out of the way of 3, 4, ...


def test_sockets_of_the_service_manager_are_served_instead_of_its_own(make_pooler, place, inherited):
    path = str(place / ".s.PGSQL.6432")
    tcp, unix = listening(socket.AF_INET, ("127.0.0.1", 0)), listening(socket.AF_UNIX, path)
    os.chmod(path, 0o777)
    pooler = activated(make_pooler, [tcp, unix])
    # Clients who came before it was there are served.
    early = socket.create_connection(tcp.getsockname())
    pooler.start()
    try:
        eventually(lambda: "process up" in pooler.log_text(), what="it runs")
        assert "sockets passed from service manager" in pooler.log_text()
        assert f"listening on 127.0.0.1:{pooler.port}\n" in pooler.log_text() and f"listening on unix:{path}\n" in pooler.log_text()
        with Endpoint(pooler.port, pooler=pooler).connect() as connection:
            assert one(connection, "SELECT 1") == 1
        if os.geteuid() == 0:
            place.chmod(0o700)
        with Endpoint(6432, host=str(place)).connect() as connection:
            assert one(connection, "SELECT 1") == 1
        early.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
        assert early.recv(1) == b"N"
        pooler.signal(signal.SIGINT)
        assert pooler.wait(15) == 0
        assert os.path.exists(path), "the socket file is the service manager's"
        # Its sockets live on: who connects now waits for the next process.
        socket.create_connection(tcp.getsockname()).close()
    finally:
        pooler.stop()
        os.unlink(path)


def test_so_reuseport_lets_a_second_process_take_the_port_over(make_pooler):
    first = make_pooler(so_reuseport=1)
    second = make_pooler(so_reuseport=1, listen_port=first.port)
    second.port = first.port
    first.start()
    try:
        staying = Endpoint(first.port).connect()
        assert one(staying, "SELECT 1") == 1
        second.start()
        eventually(lambda: "process up" in second.log_text(), what="both are there")
        first.signal(signal.SIGTERM)
        eventually(lambda: "waiting for all clients" in first.log_text(), what="the first one leaves")
        assert one(staying, "SELECT 1") == 1

        def served_by_second():
            try:
                with Endpoint(first.port).connect() as connection:
                    one(connection, "SELECT 1")
                return "login attempt" in second.log_text()
            except psycopg.OperationalError:
                return False
        eventually(served_by_second, what="new clients come to the second")
        staying.close()
        assert first.wait(15) == 0
        for _ in range(10):
            with Endpoint(second.port).connect() as connection:
                assert one(connection, "SELECT 1") == 1
    finally:
        first.stop()
        second.stop()


def test_without_so_reuseport_the_port_is_taken(make_pooler):
    first = make_pooler()
    second = make_pooler(listen_port=first.port)
    first.start()
    try:
        second.port = first.port
        with pytest.raises(RuntimeError):
            second.start()
            eventually(second.has_ended, 10, "it ends")
            raise RuntimeError("ended")
        assert "Address already in use" in second.log_text()
    finally:
        second.stop()
        first.stop()
