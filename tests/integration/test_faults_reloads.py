"""What operators do wrong, and what time does to what they did right: certificates that expire, reloads that fail."""
import signal
import ssl
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from conftest import tls_settings
from endpoint import USERS, Endpoint, failure, one
from faults import at_another_time, wrapper
from launch import eventually, write_file

pytestmark = [pytest.mark.pooler, pytest.mark.pgswitch]


def test_a_server_whose_certificate_has_expired_is_not_used_and_the_client_is_told(start_proxy, authority):
    proxy = start_proxy(wrapper=wrapper(at_another_time(FAKETIME="+40d")), server_tls_sslmode="verify-full", server_login_retry=1,
                        server_tls_ca_file=authority.certificate)
    with pytest.raises(psycopg.OperationalError, match="certificate has expired"):
        proxy.connect()


@pytest.fixture
def expired(authority, monkeypatch):
    """A certificate of two months ago, good for one."""
    with monkeypatch.context() as patch:
        for name, value in at_another_time(FAKETIME="-60d").items():
            patch.setenv(name, value)
        return authority.server("expired")


def test_an_expired_certificate_of_ours_can_be_replaced_by_a_reload(start_proxy, authority, expired, place):
    files = {"client_tls_cert_file": place / "current.crt", "client_tls_key_file": place / "current.key"}

    def install(pair):
        for file, source in zip(files.values(), (pair.certificate, pair.key)):
            write_file(file, Path(source).read_text())
    install(expired)
    proxy = start_proxy(client_tls_sslmode="require", **files)
    verified = {"sslmode": "verify-full", "sslrootcert": str(authority.certificate)}
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        proxy.connect(**verified)
    with proxy.connect(sslmode="require") as client:
        install(authority.server("fresh"))
        Endpoint(proxy.port, tls=True).console("RELOAD")
        with proxy.connect(**verified) as another:
            assert one(another, "SELECT 1") == 1
        assert one(client, "SELECT 1") == 1


def state(proxy):
    return {row["key"]: row["value"] for row in proxy.console("SHOW STATE")}


def test_show_state_and_the_log_tell_when_our_certificates_expire(start_proxy, authority, expired, place):
    """That of clients' connections, which is good for a month less an instant, and that which servers see, which has expired."""
    proxy = start_proxy(client_tls_sslmode="allow", client_tls_cert_file=authority.server("fresh").certificate,
                        client_tls_key_file=authority.server("fresh").key, server_tls_cert_file=expired.certificate, server_tls_key_file=expired.key,
                        server_tls_sslmode="prefer")
    told = state(proxy)
    for side, pair, days in (("client", proxy.pooler.settings["client_tls_cert_file"], ("29",)), ("server", expired.certificate, ("-31", "-30"))):
        end = subprocess.run(["openssl", "x509", "-noout", "-enddate", "-in", pair], capture_output=True, text=True, check=True).stdout
        unix = ssl.cert_time_to_seconds(end.strip().removeprefix("notAfter="))
        assert told[f"{side}_tls_cert_file_expires"].startswith(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(unix)))
        assert told[f"{side}_tls_cert_file_days_left"] in days
    proxy.pooler.expect_log("the certificate of server_tls_cert_file has expired")
    assert "certificate of client_tls_cert_file" not in proxy.pooler.log_text()
    proxy.pooler.write_ini(server_tls_cert_file=authority.client("app").certificate, server_tls_key_file=authority.client("app").key)
    proxy.console("RELOAD")
    assert state(proxy)["server_tls_cert_file_days_left"] == "29"


def test_a_certificate_that_is_good_for_less_than_two_weeks_is_told_at_the_start(start_proxy, authority):
    proxy = start_proxy(tls=True, wrapper=wrapper(at_another_time(FAKETIME="+20d")), server_tls_sslmode="prefer")
    proxy.pooler.expect_log("the certificate of client_tls_cert_file expires in less than 10 days")
    assert state(proxy)["client_tls_cert_file_days_left"] == "9"


def test_a_reload_with_a_key_of_another_certificate_keeps_the_old_pair_and_tells(start_proxy, authority):
    settings = tls_settings(authority)
    proxy = start_proxy(tls=True)
    proxy.pooler.write_ini(client_tls_key_file=authority.server("of-another").key)
    with proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        assert "key" in str(failure(console, "RELOAD"))
    with proxy.connect(sslmode="verify-full", sslrootcert=str(authority.certificate)) as client:
        assert one(client, "SELECT 1") == 1
    assert settings["client_tls_key_file"] != proxy.pooler.settings["client_tls_key_file"]


def break_ini(pooler):
    write_file(pooler.ini, pooler.ini.read_text() + "\nthis is no setting\n")
    return pooler.ini.name


def break_a_value(pooler):
    pooler.write_ini(query_timeout="soon")
    return "query_timeout"


def break_the_user_list(pooler):
    write_file(pooler.folder / "userlist.txt", '"app" "another-secret"\n"no end\n')
    return "userlist.txt"


def break_the_rules(pooler):
    write_file(pooler.settings["rules_file"], "function route(stmt session)\nend\n")
    return "rules.lua"


def break_a_module_of_the_rules(pooler):
    write_file(pooler.folder / "routes.lua", "return {")
    write_file(pooler.settings["rules_file"], 'local routes = require("routes")\n')
    return "routes.lua"


def break_the_hba_file(pooler):
    write_file(pooler.settings["auth_hba_file"], "host all all all trust\nhost all all all passwort\n")
    return "passwort"


def break_the_ident_map(pooler):
    write_file(pooler.settings["auth_ident_file"], "map of\n")
    return "ident"


def break_the_certificate(pooler):
    write_file(pooler.settings["client_tls_cert_file"], "no certificate\n")
    return "could not load certificate file"


def break_the_name_of_an_included_file(pooler):
    write_file(pooler.ini, pooler.ini.read_text() + "\n%include nowhere.ini\n")
    return "nowhere.ini"


DAMAGES = (break_ini, break_a_value, break_the_user_list, break_the_rules, break_a_module_of_the_rules, break_the_hba_file, break_the_ident_map,
           break_the_certificate, break_the_name_of_an_included_file)


@pytest.fixture
def fragile(start_proxy, authority, place):
    """A proxy that reads every kind of file there is."""
    pair = authority.server("fragile")
    return start_proxy(tls=True, default_pool_size=3, auth_type="hba", auth_hba_file=write_file(place / "fragile-hba", "host all all all scram-sha-256\n"),
                       auth_ident_file=write_file(place / "fragile-ident", "map of app\n"), client_tls_cert_file=pair.certificate, client_tls_key_file=pair.key)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_failed_reload_names_its_cause_and_changes_nothing_at_all(fragile, damage):
    proxy = fragile
    kept = {file: file.read_text() for file in map(Path, (proxy.pooler.ini, proxy.pooler.folder / "userlist.txt", *(
        value for key, value in proxy.pooler.settings.items() if key.endswith("_file"))))}
    assert (state(proxy)["reload"], state(proxy)["reload_time"]) == ("none", "")
    proxy.pooler.write_ini(default_pool_size=7)
    cause = damage(proxy.pooler)
    with proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        error = failure(console, "RELOAD")
        assert cause in str(error)
        config = {row[0]: row[1] for row in console.execute("SHOW CONFIG").fetchall()}
    assert config["default_pool_size"] == "3"
    with proxy.connect(password=USERS["app"]) as client:
        assert one(client, "SELECT current_setting('cluster_name') FROM sales LIMIT 1") == "analytics"
    told = state(proxy)
    assert told["reload"].startswith("failed, the old configuration stays in force: ") and cause in told["reload"]
    assert told["reload_time"]
    for file, text in kept.items():
        write_file(file, text)
    proxy.pooler.signal(signal.SIGHUP)
    eventually(lambda: state(proxy)["reload"] == "done", what="the next one is done")
