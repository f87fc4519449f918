"""password_command: passwords of servers from a program, as long as they live."""
import json
import os
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest
from endpoint import one
from launch import eventually, make_folder, write_file
from login_server import LoginServer

pytestmark = pytest.mark.pgswitch
SECRET = "app-secret"


class Program:
    """A shell script that notes its arguments, one a line, in the file `calls`, and then does what `body` says."""

    def __init__(self, folder, body):
        self.folder = make_folder(folder)
        self.calls = self.folder / "calls"
        self.path = self.folder / "program"
        write_file(self.calls, "")
        self.write(body)

    def write(self, body):
        fresh = write_file(self.folder / "program.new", f"#!/bin/sh\nprintf '%s|' \"$@\" >> '{self.calls}'; echo >> '{self.calls}'\n{body}\n", 0o700)
        fresh.rename(self.path)

    def seen(self):
        return [line.rstrip("|").split("|") for line in self.calls.read_text().splitlines()]


@pytest.fixture
def program(place):
    count = iter(range(1000))

    def make(body):
        return Program(place / f"program-{os.getpid()}-{next(count)}-{time.monotonic_ns()}", body)
    return make


def proxied(start_proxy, oltp, command, more="", users=None, name="pg", **settings):
    """A proxy without any secret of its own for the database `name` of the cluster oltp."""
    line = f"host=127.0.0.1 port={oltp.port} dbname=app {more}" + (f" password_command='{command}'" if command else "")
    return start_proxy(rules=None, databases={name: line}, users={"app": "", "admin": "admin-secret", **(users or {})}, auth_type="trust", **settings)


def who(endpoint, user="app", dbname="pg"):
    with endpoint.connect(user=user, dbname=dbname) as connection:
        return one(connection, "SELECT current_user")


def refusal(endpoint, user="app", dbname="pg"):
    """Of the login, or of the first statement where the client is let in by what is known of earlier logins."""
    with pytest.raises(psycopg.OperationalError) as error:
        endpoint.connect(user=user, dbname=dbname).execute("SELECT 1")
    return str(error.value)


def test_prints_a_password_once_for_all_connections(start_proxy, oltp, program):
    told = program(f"echo {SECRET}")
    proxy = proxied(start_proxy, oltp, f"{told.path} --user %u %h:%p/%d 100%%")
    with proxy.many(4, dbname="pg") as connections:
        barrier = [connection.execute("BEGIN; SELECT pg_backend_pid()") for connection in connections]
        assert len(barrier) == 4
        assert len(proxy.servers(database="pg")) == 4
    assert told.seen() == [["--user", "app", f"127.0.0.1:{oltp.port}/app", "100%"]]


def test_of_the_settings_counts_where_a_line_has_no_password_of_its_own(start_proxy, oltp, program):
    told = program(f"echo {SECRET}")
    own = f"host=127.0.0.1 port={oltp.port} dbname=app user=other password=other-secret"
    proxy = start_proxy(rules=None, databases={"own": own, "pg": f"host=127.0.0.1 port={oltp.port} dbname=app"}, users={"app": "", "admin": "admin-secret"},
                        auth_type="trust", password_command=f"{told.path} %u")
    assert who(proxy) == "app"
    assert who(proxy, dbname="own") == "other"
    assert told.seen() == [["app"]]


@pytest.mark.parametrize("shape", (
    {"DbUser": "other", "DbPassword": "other-secret", "Expiration": "2099-01-01T00:00:00+00:00"},
    {"dbUser": "other", "dbPassword": "other-secret", "expiration": 4070908800, "nextRefreshTime": 4070908800},
    {"user": "other", "password": "other-secret", "expiration": 900},
    {"SecretString": json.dumps({"username": "other", "password": "other-secret"})}), ids=("get-cluster-credentials", "serverless", "plain", "secrets-manager"))
def test_prints_json_with_the_user_that_logs_in(start_proxy, oltp, program, shape):
    told = program(f"cat <<'END'\n{json.dumps(shape, indent=1)}\nEND")
    proxy = proxied(start_proxy, oltp, f"{told.path}")
    assert who(proxy) == "other"
    proxy.console("RECONNECT")
    assert who(proxy) == "other"
    assert len(told.seen()) == 1


def test_a_password_that_has_ended_is_asked_for_again(start_proxy, oltp, program):
    told = program(f"""echo '{{"password": "{SECRET}", "expiration": "2001-01-01T00:00:00Z"}}'""")
    proxy = proxied(start_proxy, oltp, f"{told.path}")
    assert who(proxy) == "app"
    proxy.console("RECONNECT")
    assert who(proxy) == "app"
    assert len(told.seen()) == 2


def test_a_text_lives_as_long_as_the_setting_says(start_proxy, oltp, program):
    told = program(f"echo {SECRET}")
    proxy = proxied(start_proxy, oltp, f"{told.path}", password_command_lifetime=0)
    assert who(proxy) == "app"
    proxy.console("RECONNECT")
    assert who(proxy) == "app"
    assert len(told.seen()) == 2


def test_a_remembered_password_that_is_refused_is_asked_for_once_more(start_proxy, oltp, program):
    oltp.sql("CREATE ROLE rotating LOGIN PASSWORD 'first'; GRANT CONNECT ON DATABASE app TO rotating")
    told = program("echo first")
    proxy = proxied(start_proxy, oltp, f"{told.path}", users={"rotating": ""})
    assert who(proxy, user="rotating") == "rotating"
    oltp.sql("ALTER ROLE rotating PASSWORD 'second'")
    told.write("echo second")
    proxy.console("RECONNECT")
    assert who(proxy, user="rotating") == "rotating"
    assert len(told.seen()) == 2
    oltp.sql("ALTER ROLE rotating PASSWORD 'third'")
    proxy.console("RECONNECT")
    assert 'password authentication failed for user "rotating"' in refusal(proxy, user="rotating")
    assert len(told.seen()) == 3, "and no third time"


def test_failures_are_told_and_not_repeated_at_once(start_proxy, oltp, program):
    told = program(f"echo 'password={SECRET} is no use' >&2; echo {SECRET}; exit 9")
    proxy = proxied(start_proxy, oltp, f"{told.path}")
    assert 'password_command failed: exit status 9 (database "app", user "app")' in refusal(proxy)
    for _ in range(3):
        refusal(proxy)
    assert len(told.seen()) == 1
    proxy.pooler.expect_log("is no use")
    assert SECRET not in proxy.pooler.log_text()


@pytest.mark.parametrize("body, told", (
    ("true", "it printed no password"), ("echo a; echo b", "it printed more than one line"), ("echo '{'", "begins like JSON and is none"),
    ("echo '{\"a\": 1}'", "there is no password in the JSON"), ("head -c 100000 /dev/zero | tr '\\\\0' x", "it printed more than 65536 bytes"),
    ("kill -9 $$", "killed by signal 9")))
def test_what_is_no_password_is_no_login(start_proxy, oltp, program, body, told):
    assert told in refusal(proxied(start_proxy, oltp, f"{program(body).path}"))


def test_a_program_that_does_not_exist_is_named(start_proxy, oltp):
    assert 'cannot run "/no/such/program"' in refusal(proxied(start_proxy, oltp, "/no/such/program %u"))


def test_a_program_that_hangs_holds_up_nobody_else_and_is_killed(start_proxy, oltp, program):
    told = program("echo $$ > \"$(dirname \"$0\")/pid\"; sleep 1000")
    proxy = start_proxy(rules=None, users={"app": SECRET, "admin": "admin-secret"}, auth_type="trust", workers=1, password_command_timeout=5,
                        databases={"pg": f"host=127.0.0.1 port={oltp.port} dbname=app password_command='{told.path}'"})
    said = []
    waiting = threading.Thread(target=lambda: said.append(refusal(proxy)))
    waiting.start()
    eventually(lambda: (told.folder / "pid").exists() and (told.folder / "pid").read_text())
    assert who(proxy, dbname="app") == "app"
    assert waiting.is_alive(), "the other client was served meanwhile"
    waiting.join()
    assert "it took longer than password_command_timeout" in said[0]
    pid = int((told.folder / "pid").read_text())
    eventually(lambda: not Path(f"/proc/{pid}").exists())


def test_names_are_arguments_and_nothing_else(start_proxy, oltp, program):
    told = program("exit 1")
    evil = "x'; touch \"$PWD/evil\" `id` $(id) %h |"
    proxy = proxied(start_proxy, oltp, f"{told.path} -u %u", users={evil.replace('"', '""'): "", "--help": ""})
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host="127.0.0.1", port=proxy.port, user=evil, dbname="pg", sslmode="disable")
    assert told.seen() == [["-u", *evil.split("|", 1)[:1]]]
    with pytest.raises(psycopg.OperationalError) as error:
        psycopg.connect(host="127.0.0.1", port=proxy.port, user="--help", dbname="pg", sslmode="disable")
    assert "would be taken for an option" in str(error.value)
    assert len(told.seen()) == 1


def test_secrets_are_nowhere_to_be_seen(start_proxy, oltp, program):
    secret = os.urandom(12).hex()
    oltp.sql(f"CREATE ROLE hidden LOGIN PASSWORD '{secret}'")
    told = program(f"sleep 1; echo {secret}")
    proxy = proxied(start_proxy, oltp, f"{told.path} %u", users={"hidden": ""}, verbose=3)
    seen = set()
    login = threading.Thread(target=lambda: who(proxy, user="hidden"))
    login.start()
    while login.is_alive():
        seen |= processes()
    login.join()
    assert [line for line in seen if str(told.path).encode() in line], "the program was seen"
    assert not [line for line in seen if secret.encode() in line]
    for command in ("SHOW CONFIG", "SHOW DATABASES", "SHOW SERVERS", "SHOW POOLS", "SHOW CLIENTS", "SHOW USERS"):
        assert secret not in str(proxy.console(command)), command
    assert secret not in proxy.pooler.log_text()
    twice = proxied(start_proxy, oltp, f"{program(f'echo {secret}; echo {secret}').path}", users={"hidden": ""})
    assert secret not in refusal(twice, user="hidden")
    assert secret not in twice.pooler.log_text()


def processes():
    """Arguments and environment of each process."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.add((folder / "cmdline").read_bytes() + b"|" + (folder / "environ").read_bytes())
        except OSError:
            continue
    return found


def test_a_printed_password_goes_nowhere_in_the_clear(start_proxy, program, authority):
    told = program(f"echo {SECRET}")
    with LoginServer("cleartext", {"app": SECRET}) as bare, LoginServer("cleartext", {"app": SECRET}, certificate=authority.server()) as safe:
        lines = {name: f"host=127.0.0.1 port={server.port} dbname=dev password_command={told.path}" for name, server in (("bare", bare), ("safe", safe))}
        proxy = start_proxy(rules=None, databases=lines, users={"app": "", "admin": "admin-secret"}, auth_type="trust")
        assert "needs TLS" in refusal(proxy, dbname="bare")
        assert not bare.proofs
        with proxy.connect(dbname="safe", cursor_factory=psycopg.ClientCursor) as connection:
            assert one(connection, "SELECT 1") == "1"


def test_temporary_credentials_of_redshift_log_in_as_their_own_user(start_proxy, program):
    told = program("""echo '{"DbUser": "IAM:analyst", "DbPassword": "temporary", "Expiration": "2099-01-01T00:00:00+00:00"}'""")
    with LoginServer("md5", {"IAM:analyst": "temporary"}) as server:
        line = f"host=127.0.0.1 port={server.port} dbname=dev kind=redshift password_command='{told.path} --db-user %u --db-name %d'"
        proxy = start_proxy(rules=None, databases={"dw": line}, users={"analyst": "", "admin": "admin-secret"}, auth_type="trust")
        with proxy.connect(user="analyst", dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
            assert one(connection, "SELECT 1") == "1"
        assert server.startups[0]["user"] == "IAM:analyst"
        assert told.seen() == [["--db-user", "analyst", "--db-name", "dev"]]


def test_a_shutdown_does_not_wait_for_a_program(start_proxy, oltp, program):
    told = program("echo $$ > \"$(dirname \"$0\")/pid\"; sleep 1000")
    proxy = proxied(start_proxy, oltp, f"{told.path}", password_command_timeout=600)
    waiting = threading.Thread(target=lambda: refusal(proxy))
    waiting.start()
    eventually(lambda: (told.folder / "pid").exists() and (told.folder / "pid").read_text())
    proxy.pooler.signal(signal.SIGQUIT)
    eventually(proxy.pooler.has_ended)
    waiting.join()
    pid = int((told.folder / "pid").read_text())
    eventually(lambda: not Path(f"/proc/{pid}").exists())
