"""conf/MIGRATING.md: what it shows works as it says."""
import re

import pytest
from endpoint import WHO, one
from launch import ROOT, eventually, write_file
from pooler import ini_text, run_command

pytestmark = pytest.mark.pgswitch
TEXT = (ROOT / "conf" / "MIGRATING.md").read_text()


def block(language, which=0):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.M | re.S)[which]


def python(number):
    """The functions of a Python block."""
    names = {"re": re}
    exec(block("python", number), names)  # noqa: S102 the document's own
    return names


def routed(explained):
    return re.search(r"app\.redshift", explained) is not None


@pytest.fixture
def ini(tmp_path):
    """Writes a configuration with these rules and settings; returns its path."""
    def write(rules="", **settings):
        write_file(tmp_path / "userlist.txt", '"app" "secret"\n')
        if rules:
            settings["rules_file"] = write_file(tmp_path / "rules.lua", rules)
        settings = {"listen_addr": "127.0.0.1", "auth_file": tmp_path / "userlist.txt", **settings}
        return write_file(tmp_path / "pgbouncer.ini", ini_text({"app": "host=127.0.0.1", "app.redshift": "host=127.0.0.1"}, settings))
    return write


QUERIES = ("SELECT * FROM events", "SELECT * FROM sales", "SELECT 1", "SELECT 'events'", "INSERT INTO sales VALUES (1)")


@pytest.mark.parametrize("user", ("app", "application", "other"))
@pytest.mark.parametrize("query", QUERIES)
def test_the_routing_module_in_lua_decides_as_the_one_in_python(ini, user, query):
    status, out, err = run_command("explain", ini(block("lua routing")), "-u", user, "-d", "app", query)
    assert status == 0, err
    assert routed(out) == (python(0)["routing_rules"](user, query) == "app.redshift")


QUERY = "SELECT storename, SUM(total) FROM sales JOIN store USING (storeid) GROUP BY storename"


@pytest.mark.parametrize("query", (QUERY, QUERY + " ORDER BY 1", QUERY.replace(", ", ","), "SELECT 1"))
def test_the_rewriting_module_in_lua_writes_what_the_one_in_python_does(ini, query):
    status, out, err = run_command("explain", ini(block("lua rewriting")), "-d", "app", query)
    assert status == 0, err
    wanted = python(1)["rewrite_query"]("app", query)
    assert ("rewritten" in out) == (wanted != query)
    assert wanted == query or wanted in out


def test_the_routing_module_works_on_a_server(start_proxy):
    proxy = start_proxy(rules=block("lua routing"), pool_mode="statement")
    with proxy.connect() as app, proxy.connect(user="other") as other:
        assert one(app, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
        assert one(app, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"
        assert one(other, f"SELECT {WHO} FROM events LIMIT 1") == "analytics"
        assert one(other, f"SELECT {WHO}") == "oltp"


def test_the_table_decides_like_the_module(ini):
    path = ini(block("lua table"))
    for user, query, wanted in (("app", "SELECT * FROM sales", True), ("other", "SELECT * FROM sales", False),
                                ("other", 'select * from "events"', True), ("app", "SELECT 'events'", False)):
        status, out, err = run_command("explain", path, "-u", user, "-d", "app", query)
        assert status == 0 and routed(out) == wanted, (query, out, err)


SETTINGS = {"routing_rules_py_module_file": ("/etc/rules.py", "not_enabled", "rules_file"),
            "rewrite_query_py_module_file": ("/etc/rewrite.py", "not_enabled", "rules_file"),
            "rewrite_query_disconnect_on_failure": ("true", "false", "rules_on_error"),
            "polling_frequency": ("0.5", "0.1", "RECONNECT"),
            "server_failed_delay": ("10", "30", "server_login_retry")}


@pytest.mark.parametrize("key", SETTINGS)
def test_a_setting_of_the_relatives_is_refused_with_the_one_to_use(ini, key):
    value, harmless, instead = SETTINGS[key]
    status, out, err = run_command("check", ini(**{key: value}))
    assert status == 1 and re.search(rf"pgbouncer\.ini:\d+: .*{key}.*{instead}", out + err)
    status, out, err = run_command("check", ini(**{key: harmless}))
    assert status == 0 and re.search(rf"{key}.*{instead}", out + err)
    assert f"`{key}`" in TEXT


def test_a_topology_query_is_refused_with_what_to_do(tmp_path):
    path = write_file(tmp_path / "a.ini", "[databases]\na = host=127.0.0.1 topology_query='SELECT 1'\n[pgbouncer]\nlisten_addr = 127.0.0.1\n")
    status, out, err = run_command("check", path)
    assert status == 1 and re.search(r"a\.ini:2: .*topology_query.*read_write_split", out + err)


# The lines of the first table that a test of its own shows.

def test_a_setting_that_needs_a_restart_is_named(start_proxy):
    proxy = start_proxy()
    proxy.pooler.write_ini(listen_backlog=77)
    proxy.console("RELOAD")
    eventually(lambda: "setting listen_backlog takes effect after a restart only" in proxy.pooler.log_text(), what="it is told")


def test_every_file_it_names_is_there():
    for name in re.findall(r"`((?:rules|tests)/[\w/]+\.\w+)`", TEXT):
        assert (ROOT / name).exists() or (ROOT / "conf" / name).exists(), name
    assert "README.md" in TEXT
