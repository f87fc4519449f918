"""auth_type = hba: who may come in from where and how, cert and peer with name maps, and reloads."""
import getpass
import signal
import ssl
import subprocess

import pytest
from certificates import Authority
from conftest import HERE
from endpoint import USERS
from launch import eventually, write_file
from logins import Outcome, log_in
from pooler import run_command

pytestmark = pytest.mark.pgswitch
NOBODY = Outcome("refused", "28000", "no authentication method is found")
REJECTED = Outcome("refused", "28000", "login rejected")


@pytest.fixture
def start(make_pooler, start_proxy, place):
    """start(rules of the HBA file, name maps, **settings)"""
    def start(hba, maps=None, **settings):
        count = len(list(place.glob("hba-*")))
        file = write_file(place / f"hba-{count}", hba)
        if maps is not None:
            settings["auth_ident_file"] = write_file(place / f"ident-{count}", maps)
        proxy = start_proxy(**{"rules": None, "auth_type": "hba", "auth_hba_file": file, **settings})
        proxy.hba = file
        return proxy
    return start


def unix(proxy):
    """The path of its Unix socket, once it listens there too."""
    return proxy.pooler.socket_path()


def system_user():
    return getpass.getuser()


def test_each_method_is_asked_of_whom_its_line_is_about(start):
    proxy = start("""
        host app app 127.0.0.1/32 scram-sha-256
        host all other 127.0.0.0 255.0.0.0 md5
        host all "plainuser" all password
        host other all all reject
        host sameuser all all trust
        host all md5user 10.0.0.0/8 trust
    """, users={**USERS, "sam": "x"}, databases={"other": "host=127.0.0.1"})
    assert log_in(proxy.port, "app", "app-secret") == Outcome("scram", "00000", "app")
    assert log_in(proxy.port, "app", "wrong").sqlstate == "28P01"
    assert log_in(proxy.port, "other", "other-secret") == Outcome("md5", "00000", "other")
    assert log_in(proxy.port, "plainuser", "plain-secret") == Outcome("password", "00000", "plainuser")
    assert log_in(proxy.port, "app", "app-secret", "other") == REJECTED
    assert log_in(proxy.port, "md5user", "md5-secret") == NOBODY
    assert log_in(proxy.port, "admin", "admin-secret", "pgbouncer") == NOBODY
    assert log_in(proxy.port, "sam", database="sam").message == "no such database: sam"


def test_md5_becomes_scram_where_the_secret_is_one(start, oltp):
    secret = oltp.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
    proxy = start("host all all all md5\n", users={**USERS, "app": secret})
    assert log_in(proxy.port, "app", "app-secret") == Outcome("scram", "00000", "app")


def test_who_comes_in_without_a_password_has_the_keys_of_who_showed_it(start, oltp, place):
    """The user list has a verifier alone: only a SCRAM login yields what the server wants to see."""
    place.chmod(0o755)
    secret = oltp.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")
    proxy = start("local all app trust\nhost all app all scram-sha-256\n", users={**USERS, "app": secret}, unix_socket_dir=place,
                  pool_mode="session", server_login_retry=1)
    assert log_in(proxy.port, "app", "app-secret") == Outcome("scram", "00000", "app")
    for _ in range(2):
        oltp.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'app'")
        assert log_in(proxy.port, "app", unix=unix(proxy)) == Outcome("nothing", "00000", "app")


def test_tls_tells_hostssl_from_hostnossl(start):
    proxy = start("hostssl all app all trust\nhostnossl all app all reject\nhostnossl all other all trust\n",
                  tls=True, client_tls_sslmode="prefer", server_tls_sslmode="disable")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    assert log_in(proxy.port, "app", tls=context)[:2] == ("nothing", "00000")
    assert log_in(proxy.port, "app") == REJECTED
    assert log_in(proxy.port, "other")[:2] == ("nothing", "00000")
    assert log_in(proxy.port, "other", tls=context) == NOBODY


def test_the_first_line_counts(start):
    proxy = start("host all app all reject\nhost all all all trust\n")
    assert log_in(proxy.port, "app", "app-secret") == REJECTED
    assert log_in(proxy.port, "other")[:2] == ("nothing", "00000")
    assert log_in(proxy.port, "stranger") == Outcome("refused", "28000", '"trust" authentication failed')


def test_a_line_about_the_console_is_about_each_of_its_names(start):
    for name in ("pgbouncer", "pgswitch"):
        proxy = start(f"host {name} all all reject\nhost all all all trust\n")
        for database in ("pgbouncer", "pgswitch"):
            assert log_in(proxy.port, "admin", database=database, query="SHOW VERSION") == REJECTED


def test_physical_replication_is_what_the_keyword_names(start):
    def replicates(hba):
        where = f"host=127.0.0.1 port={start(hba).port} user=app dbname=app replication=true"
        return subprocess.run(["psql", "-X", "-w", "-d", where, "-c", "IDENTIFY_SYSTEM"], capture_output=True, text=True, timeout=30).stderr

    assert "login rejected" in replicates("host replication all all reject\nhost all all all trust\n")
    assert "no authentication method is found" in replicates("host all,app all all trust\n")
    assert "no authentication method" not in replicates("host replication app all trust\n")


def test_a_unix_socket_is_local_and_nothing_else(start, place):
    proxy = start("local all app trust\nhost all other all trust\n", unix_socket_dir=place)
    place.chmod(0o755)
    assert log_in(proxy.port, "app", unix=unix(proxy))[:2] == ("nothing", "00000")
    assert log_in(proxy.port, "other", unix=unix(proxy)) == NOBODY
    assert log_in(proxy.port, "app") == NOBODY


def test_peer_is_the_system_user_or_whom_the_map_allows(start, place):
    me = system_user()
    maps = f"staff {me} app\nstaff /^(.*)$ x\\1\nall_of {me} all\nothers nobody-else app\n"
    place.chmod(0o755)
    rejected = Outcome("refused", "28000", "unix socket login rejected")
    proxy = start(f"local all app peer map=staff\nlocal all x{me} peer map=staff\nlocal app other peer map=all_of\n"
                  f"local all plainuser peer map=others\nlocal all {me},md5user peer\nhost all all all peer\n", maps, unix_socket_dir=place,
                  users={**USERS, me: "secret", f"x{me}": "secret"})
    assert log_in(proxy.port, "app", unix=unix(proxy)) == Outcome("nothing", "00000", "app")
    assert log_in(proxy.port, "other", unix=unix(proxy)) == Outcome("nothing", "00000", "other")
    assert log_in(proxy.port, "plainuser", unix=unix(proxy)) == rejected
    assert log_in(proxy.port, "md5user", unix=unix(proxy)) == rejected
    assert log_in(proxy.port, "app") == rejected
    for user in (me, f"x{me}"):
        assert log_in(proxy.port, user, unix=unix(proxy)).message != rejected.message, "it is let in, but the server has no such user"


def test_auth_type_peer_asks_everybody(start_proxy, place):
    me = system_user()
    place.chmod(0o755)
    proxy = start_proxy(rules=None, auth_type="peer", unix_socket_dir=place, users={**USERS, me: "secret"}, admin_users=me)
    assert log_in(proxy.port, me, database="pgbouncer", unix=unix(proxy), query="SHOW POOLS")[:2] == ("nothing", "00000")
    assert log_in(proxy.port, "app", unix=unix(proxy)).message == "unix socket login rejected"
    assert log_in(proxy.port, me).message == "unix socket login rejected"


def client_tls(authority, user, of=None):
    """of: whose certificate the client has, if not the authority's that the proxy trusts."""
    pair = (of or authority).client(user)
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def test_a_certificate_names_the_user_or_whom_the_map_allows(start, authority):
    proxy = start("hostssl all app all cert\nhostssl all all all cert map=mail\n", "mail /^(.*)@example\\.org$ \\1\nmail boss all\n",
                  tls=True, client_tls_sslmode="verify-ca")
    refused = Outcome("refused", "28000", "certificate authentication failed")
    for name, user, good in (("app", "app", True), ("boss", "app", False), ("other@example.org", "other", True), ("other", "other", False),
                             ("other@example.org", "md5user", False), ("boss", "plainuser", True), ("boss", "stranger", False)):
        outcome = log_in(proxy.port, user, tls=client_tls(authority, name))
        assert outcome == (Outcome("nothing", "00000", user) if good else refused), (name, user)


@pytest.mark.parametrize("mode", ("prefer", "require"))
def test_some_come_by_certificate_and_others_by_password(start, authority, place, mode):
    proxy = start("hostssl all app all cert\nhost all all all scram-sha-256\n", tls=True, client_tls_sslmode=mode)
    refused = Outcome("refused", "28000", "certificate authentication failed")
    nobodys = Authority(place / "nobodys", "a CA that nobody trusts")
    without = ssl.create_default_context(cafile=str(authority.certificate))
    assert log_in(proxy.port, "app", tls=client_tls(authority, "app")) == Outcome("nothing", "00000", "app")
    assert log_in(proxy.port, "app", tls=client_tls(authority, "app", of=nobodys)) == refused
    assert log_in(proxy.port, "app", "app-secret", tls=without) == refused
    for context in (without, client_tls(authority, "app"), client_tls(authority, "app", of=nobodys)):
        assert log_in(proxy.port, "other", "other-secret", tls=context) == Outcome("scram", "00000", "other")


def test_auth_type_cert_asks_everybody_for_a_certificate(start_proxy, authority):
    proxy = start_proxy(rules=None, tls=True, auth_type="cert", client_tls_sslmode="verify-full")
    assert log_in(proxy.port, "app", tls=client_tls(authority, "app")) == Outcome("nothing", "00000", "app")
    assert log_in(proxy.port, "other", tls=client_tls(authority, "app")).message == "certificate authentication failed"
    assert log_in(proxy.port, "app").message == "SSL required"


def test_lines_look_users_up_too(start, oltp):
    oltp.sql((HERE / "auth_roles.sql").read_text(), "app")
    proxy = start("host all scram_only all scram-sha-256\nhost all boss all reject\n", users={**USERS, "authenticator": "auth-secret"},
                  auth_user="authenticator", auth_query="SELECT name, secret FROM user_lookup($1)")
    assert log_in(proxy.port, "boss", "boss-secret") == REJECTED
    assert log_in(proxy.port, "stranger") == NOBODY
    assert proxy.pooler.log_text().count("new connection to server") == 0, "nobody is asked about who may not come in"
    assert log_in(proxy.port, "scram_only", "scram-secret") == Outcome("scram", "00000", "scram_only")


def test_sighup_brings_new_rules_and_bad_ones_change_nothing(start):
    proxy = start("host all app all trust\n")
    with proxy.connect() as client:
        assert log_in(proxy.port, "app").sqlstate == "00000"
        write_file(proxy.hba, "host all app all reject\n")
        proxy.pooler.signal(signal.SIGHUP)
        eventually(lambda: log_in(proxy.port, "app") == REJECTED, what="the new rules")
        write_file(proxy.hba, "host all app all rejectt\nhost all all all trust\n")
        proxy.pooler.signal(signal.SIGHUP)
        wrong = f"{proxy.hba}:1: could not parse hba config line: unsupported method rejectt"
        proxy.pooler.expect_log(wrong)
        assert log_in(proxy.port, "app") == REJECTED
        assert log_in(proxy.port, "other") == NOBODY
        proxy.hba.unlink()
        proxy.pooler.signal(signal.SIGHUP)
        proxy.pooler.expect_log("cannot read auth_hba_file")
        assert log_in(proxy.port, "app") == REJECTED
        assert client.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("hba, maps, wrong", (("host all all all rejectt\n", None, "unsupported method rejectt"),
                                              (None, None, "cannot read auth_hba_file"),
                                              ("local all all peer map=x\n", "y a b\n", 'map "x" is not in auth_ident_file'),
                                              ("local all all peer map=x\n", "x a\n", "broken ident map line")))
def test_it_does_not_start_with_bad_rules(make_pooler, place, hba, maps, wrong):
    pooler = make_pooler(rules=None, auth_type="hba")
    file = pooler.folder / "hba"
    if hba:
        write_file(file, hba)
    pooler.write_ini(auth_hba_file=file, **({"auth_ident_file": write_file(pooler.folder / "ident", maps)} if maps else {}))
    status, _, error = run_command("check", pooler.ini)
    assert status == 1 and wrong in error
    with pytest.raises(RuntimeError, match="ended with 1"):
        pooler.start()


def test_names_come_from_files_beside_it(start, place):
    write_file(place / "insiders", "app\nother # and no more\n")
    proxy = start("host all @insiders all trust\n")
    assert log_in(proxy.port, "other").sqlstate == "00000"
    assert log_in(proxy.port, "md5user") == NOBODY
