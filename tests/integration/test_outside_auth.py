"""Passwords that others know: PAM, with libpam-wrapper in place of the system's services, and LDAP, with a slapd of the test's own."""
import threading

import pytest
from directory import ADMIN, ADMIN_PASSWORD, SUFFIX, Directory
from endpoint import one
from launch import eventually, write_file
from logins import Outcome, log_in
from pam_services import pam_services

pytestmark = pytest.mark.pgswitch
PEOPLE = {"app": "app-secret", "other": "other-secret", "stranger": "stranger-secret"}
SIMPLE = f'ldapprefix=uid= ldapsuffix=",ou=people,{SUFFIX}"'
PAM_FAILED = Outcome("password", "28000", "PAM authentication failed")
LDAP_FAILED = Outcome("password", "28000", "LDAP authentication failed")


@pytest.fixture(scope="module")
def pam(place):
    return pam_services(place / "pam", PEOPLE)


@pytest.fixture(scope="module")
def directory(place, authority):
    with Directory(place / "directory", PEOPLE, authority.server("directory")) as running:
        yield running


def test_pam_lets_in_whom_it_knows_with_the_password_it_knows(start_proxy, pam):
    """auth_file does not count; the password is the server's too."""
    proxy = start_proxy(rules=None, auth_type="pam", users={"app": "of no interest", "admin": "x"}, wrapper=pam)
    assert log_in(proxy.port, "app", "app-secret") == Outcome("password", "00000", "app")
    assert log_in(proxy.port, "other", "other-secret") == Outcome("password", "00000", "other")
    assert log_in(proxy.port, "app", "wrong") == PAM_FAILED
    assert log_in(proxy.port, "nobody", "x") == PAM_FAILED
    assert log_in(proxy.port, "app", "") == Outcome("password", "28P01", "empty password returned by client")
    assert log_in(proxy.port, "stranger", "stranger-secret")[:2] == ("password", "28P01"), "the server does not know it"
    assert log_in(proxy.port, "app", "app-secret", "nowhere").message == "no such database: nowhere"
    assert log_in(proxy.port, "nobody", "x", "nowhere") == PAM_FAILED
    for secret in ("app-secret", "wrong", "stranger-secret"):
        assert secret not in proxy.pooler.log_text()


def test_hba_names_the_pam_service(start_proxy, pam, place):
    file = write_file(place / "hba-pam", "host all app all pam pamservice=everybody\nhost all other all pam pamservice=nobody\n"
                      "host all plainuser all pam pamservice=expired\nhost all all all pam\n")
    proxy = start_proxy(rules=None, auth_type="hba", auth_hba_file=file, wrapper=pam, databases={"as_other": ""})
    assert log_in(proxy.port, "app", "app-secret")[:2] == ("password", "00000")
    assert log_in(proxy.port, "other", "other-secret") == PAM_FAILED
    assert log_in(proxy.port, "plainuser", "plain-secret") == PAM_FAILED
    assert log_in(proxy.port, "md5user", "md5-secret") == PAM_FAILED, "the service pgbouncer does not know it"


@pytest.mark.parametrize("method", ("pam", "ldap"))
def test_a_database_with_an_auth_user_is_a_mistake(start_proxy, pam, method, oltp):
    proxy = start_proxy(rules=None, auth_type=method, auth_ldap_options="ldapserver=127.0.0.1 ldapsuffix=x", wrapper=pam, auth_user="app",
                        databases={"mixed": f"host=127.0.0.1 port={oltp.port} auth_user=app"})
    assert log_in(proxy.port, "app", "app-secret", "mixed") == Outcome("refused", "F0000", "bouncer config error")
    proxy.pooler.expect_log("can't be used together with database authentication")
    assert log_in(proxy.port, "app", "app-secret").asked == "password", "the global one is for others"


HERE = "ldapserver=127.0.0.1 ldapport={port} "
BY_ADMIN = f' ldapbinddn="{ADMIN}" ldapbindpasswd={ADMIN_PASSWORD}'
SEARCH = HERE + f'ldapbasedn="{SUFFIX}"'
LDAP_OPTIONS = {
    "simple": HERE + SIMPLE,
    "commas": "ldapserver=127.0.0.1, ldapport={port}, " + SIMPLE,
    "several servers": 'ldapserver="127.0.0.1 127.0.0.1" ldapport={port} ' + SIMPLE,
    "search": SEARCH + BY_ADMIN,
    "attribute": SEARCH + " ldapsearchattribute=cn" + BY_ADMIN,
    "filter": SEARCH + ' ldapsearchfilter="(|(uid=$username)(mail=$username))"' + BY_ADMIN,
    "url": f'ldapurl="ldap://127.0.0.1:{{port}}/{SUFFIX}?uid?sub"' + BY_ADMIN,
}


@pytest.mark.parametrize("options", LDAP_OPTIONS.values(), ids=LDAP_OPTIONS)
def test_ldap_lets_in_whom_the_directory_knows(start_proxy, directory, options):
    proxy = start_proxy(rules=None, auth_type="ldap", auth_ldap_options=options.format(port=directory.port), users={"admin": "x"})
    assert log_in(proxy.port, "app", "app-secret") == Outcome("password", "00000", "app")
    assert log_in(proxy.port, "app", "wrong") == LDAP_FAILED
    assert log_in(proxy.port, "nobody", "x") == LDAP_FAILED
    assert log_in(proxy.port, "*", "app-secret") == LDAP_FAILED
    assert log_in(proxy.port, "app", "") == Outcome("password", "28P01", "empty password returned by client")
    for secret in ("app-secret", "wrong", ADMIN_PASSWORD):
        assert secret not in proxy.pooler.log_text()


def test_a_wrong_directory_lets_nobody_in(start_proxy, directory):
    for options, logged in ((f'{SEARCH} ldapbinddn="{ADMIN}" ldapbindpasswd=wrong', "could not perform initial LDAP bind"),
                            (HERE + "ldapbasedn=dc=absent" + BY_ADMIN, "could not search LDAP"),
                            (SEARCH + " ldapsearchfilter=(sn=*)" + BY_ADMIN, "LDAP user is not unique"),
                            (SEARCH, "could not search LDAP"),
                            ("ldapserver=127.0.0.1 ldapport=1 " + SIMPLE, "LDAP login failed"),
                            ("ldapserver=127.0.0.1 ldapport={port} ldaptls=1 " + SIMPLE, "could not start TLS with the LDAP server"),
                            ("ldapbasedn=dc=invalid", 'could not find DNS SRV records for "invalid"')):
        proxy = start_proxy(rules=None, auth_type="ldap", auth_ldap_options=options.format(port=directory.port),
                            wrapper=("env", "RES_OPTIONS=timeout:1 attempts:1", "LOCALDOMAIN="))
        assert log_in(proxy.port, "app", "app-secret") == LDAP_FAILED
        proxy.pooler.expect_log(logged)


def test_ldap_speaks_tls_when_told_so(start_proxy, directory, authority):
    proxy = start_proxy(rules=None, auth_type="ldap", auth_ldap_options=HERE.format(port=directory.port) + "ldaptls=1 " + SIMPLE,
                        wrapper=("env", f"LDAPTLS_CACERT={authority.certificate}"))
    assert log_in(proxy.port, "app", "app-secret") == Outcome("password", "00000", "app"), proxy.pooler.log_text()


def test_hba_has_ldap_options_of_its_own(start_proxy, directory, place):
    file = write_file(place / "hba-ldap", f"host all app all ldap ldapserver=127.0.0.1 ldapport={directory.port} {SIMPLE}\n"
                      "host all all all scram-sha-256\n")
    proxy = start_proxy(rules=None, auth_type="hba", auth_hba_file=file)
    assert log_in(proxy.port, "app", "app-secret") == Outcome("password", "00000", "app")
    assert log_in(proxy.port, "other", "other-secret") == Outcome("scram", "00000", "other")


def clients_logging_in(proxy):
    return next(row["items"] for row in proxy.console("SHOW LISTS") if row["list"] == "login_clients")


def test_a_directory_that_does_not_answer_holds_up_nobody_else(start_proxy, directory, place):
    file = write_file(place / "hba-frozen", f"host all app all ldap {HERE.format(port=directory.port)} {SIMPLE}\n"
                      "host all all all scram-sha-256\n")
    proxy = start_proxy(rules=None, workers=1, auth_type="hba", auth_hba_file=file, client_login_timeout=3)
    outcomes = []
    directory.freeze()
    try:
        logins = [threading.Thread(target=lambda: outcomes.append(log_in(proxy.port, "app", "app-secret"))) for _ in range(12)]
        for login in logins:
            login.start()
        with proxy.connect(user="other") as client:
            eventually(lambda: clients_logging_in(proxy) >= 12, what="all of them wait")
            assert not outcomes
            assert one(client, "SELECT current_user") == "other"
        for login in logins:
            login.join()
    finally:
        directory.thaw()
    assert {outcome.message for outcome in outcomes} <= {"client_login_timeout", "LDAP authentication failed"}
    assert {outcome.sqlstate for outcome in outcomes} <= {"08P01", "28000"}
    eventually(lambda: log_in(proxy.port, "app", "app-secret").sqlstate == "00000", what="it answers again")
