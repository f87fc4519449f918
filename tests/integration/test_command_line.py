"""pgswitch --help, --version, check and explain; none of them needs a server."""
import json
import re

import pytest
from conftest import HERE, TEST_RULES
from launch import ROOT, write_file
from pooler import ini_text, run_command

pytestmark = pytest.mark.pgswitch
DATABASES = {"app": "host=127.0.0.1 port=1 dbname=app", "app.redshift": "host=127.0.0.1 port=1 dbname=analytics"}


@pytest.fixture
def write_ini(tmp_path):
    def write(rules=None, databases=DATABASES, **settings):
        write_file(tmp_path / "userlist.txt", '"app" "secret"\n')
        settings = {"listen_addr": "127.0.0.1", "listen_port": "6432", "auth_file": tmp_path / "userlist.txt", **settings}
        if rules is not None:
            settings["rules_file"] = write_file(tmp_path / "rules.lua", rules)
        return write_file(tmp_path / "pgswitch.ini", ini_text(databases, settings))
    return write


def test_help_names_the_commands():
    status, out, _ = run_command("--help")
    assert status == 0
    assert all(word in out for word in ("check", "explain", "test", "replay", "--version"))


def test_version():
    status, out, _ = run_command("--version")
    assert status == 0 and re.match(r"pgswitch \d+\.\d+\.\d+", out)


def test_check_accepts_a_good_configuration(write_ini):
    status, out, err = run_command("check", write_ini(TEST_RULES))
    assert status == 0, out + err


@pytest.mark.parametrize("settings,words", (
    ({"default_pool_size": "many"}, r"pgswitch\.ini:\d+"),
    ({"no_such_key": "1"}, r"pgswitch\.ini:\d+"),
    ({"pool_mode": "sometimes"}, r"pgswitch\.ini:\d+"),
    ({"auth_file": "/nowhere/userlist.txt"}, "userlist"),
    ({"rules": "function route(stmt session)\nend\n"}, r"rules\.lua:1"),
    ({"rules": "\n\nno_such_function()\n"}, r"rules\.lua:3"),
    ({"rules_file": "/nowhere/rules.lua"}, r"rules\.lua")))
def test_check_tells_file_and_line_of_what_is_wrong(write_ini, settings, words):
    status, out, err = run_command("check", write_ini(**settings))
    assert status == 1
    assert re.search(words, out + err)


def test_check_of_a_missing_file():
    status, out, err = run_command("check", "/nowhere/pgswitch.ini")
    assert status == 1 and "/nowhere/pgswitch.ini" in out + err


def explain(ini, *arguments):
    status, out, err = run_command("explain", ini, *arguments)
    assert status == 0, err
    return out


@pytest.mark.parametrize("sql,wanted", (
    ("SELECT name FROM customers WHERE id = 1", ("customers", "select", "read only +yes", "rule +default")),
    ("SELECT count(*) FROM analytics.sales s JOIN events USING (id)", ("analytics.sales, events", "app.redshift", r"rules\.lua:\d+ route", "aggregate", "1 join")),
    ("INSERT INTO written SELECT * FROM customers", ("writes +written", "reads +customers", "read only +no")),
    ("SELECT pg_advisory_lock(1)", ("pg_advisory_lock", "advisory lock")),
    ("CREATE TEMP TABLE t (a int)", ("temporary table",)),
    ("SELECT * FROM forbidden", ("refused: 42501 forbidden is forbidden", "hint: Ask for something else")),
    ("SELECT * FROM local_answer", ("answered here, 2 rows",)),
    ("SELECT * FROM old_events", ("rewritten +WITH old_events AS", "app.redshift", "for this exact text")),
    ("SELECT 1; SELECT * FROM sales", ("statement 1 of 2", "statement 2 of 2", "app.redshift")),
    ("UNLOAD ('SELECT 1') TO 's3://bucket'", ("unparsed", "UNLOAD")),
    ("SELEC 1", ("unparsed",)),
    ("", ("empty",)),
))
def test_explain_tells_what_was_understood_and_decided(write_ini, sql, wanted):
    out = explain(write_ini(TEST_RULES), "-u", "app", "-d", "app", sql)
    assert [words for words in wanted if not re.search(words, out)] == []


def test_explain_asks_for_the_given_user_and_database(write_ini):
    ini = write_ini("function route(stmt, session)\n  if session.user == 'boss' then return 'app.redshift' end\nend\n")
    assert "app.redshift" in explain(ini, "-u", "boss", "-d", "app", "SELECT 1")
    out = explain(ini, "-u", "app", "-d", "app", "SELECT 1")
    assert "app.redshift" not in out and "user" in out


def test_the_wrong_arguments_are_told():
    for arguments in (("explain",), ("check",), ("test",), ("replay",), ("--no-such-option",)):
        status, out, err = run_command(*arguments)
        assert status != 0 and out + err


LUA_FILES = [path for path in sorted((ROOT / "conf").rglob("*.lua")) if path.parent.name != "rules"]  # those: test_rule_examples.py
TEST_FILES = [path for path in LUA_FILES if path.name.endswith("_test.lua")]
RULE_FILES = [path for path in LUA_FILES if path not in TEST_FILES] + [HERE / "rules.lua"]


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.name)
def test_every_rules_file_of_the_tree_loads(write_ini, path):
    status, out, err = run_command("check", write_ini(path.read_text()))
    assert status == 0, out + err


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_every_file_of_tests_of_the_tree_passes(write_ini, path):
    rules = path.with_name(path.name.replace("_test.lua", ".lua"))
    assert run_command("test", write_ini(rules.read_text()), path)[0] == 0


def test_explain_tells_the_same_in_json(write_ini):
    told = json.loads(explain(write_ini(TEST_RULES), "--json", "-d", "app", "SELECT 1; SELECT * FROM sales"))
    assert told["database"] == "app"
    decisions = [(one["decision"]["verb"], one["decision"]["route"]) for one in told["statements"]]
    assert decisions == [("route", "app"), ("route", "app.redshift")]
    assert told["statements"][1]["reads"] == ["sales"]


def test_explain_says_what_is_only_observed(write_ini):
    ini = write_ini("rules { { name = 'all', route = 'app.redshift' } }\n", rules_mode="observe")
    out = explain(ini, "-d", "app", "SELECT 1")
    assert re.search(r"observed +rules\.lua:1 all would have said route app\.redshift", out)
    assert re.search(r"decision +the client's own database, app", out)


DEMO = (
    ("SELECT * FROM customers", "rule +default"),
    ("SELECT sum(pricepaid) FROM sales JOIN event USING (eventid)", "route app.redshift"),
    ("SELECT count(*) FROM public.users", "route app.redshift"),
    ("DELETE FROM sales WHERE salesid = 1", "refused: 42501 writes to sales are refused"),
    ("INSERT INTO event SELECT * FROM event", "refused: 42501"),
    ("SELECT * FROM customers JOIN sales ON buyerid = id", "refused: 0A000"),
    ("SELECT * FROM sales_by_month", "rewritten +WITH sales_by_month AS"),
    ("SELECT * FROM pgswitch_demo", "answered here, 2 rows"),
)


@pytest.mark.parametrize("sql,words", DEMO)
def test_the_demos_rules_decide_as_the_demo_says(write_ini, sql, words):
    rules = (ROOT / "conf" / "demo" / "rules.lua").read_text()
    assert re.search(words, explain(write_ini(rules), "-u", "app", "-d", "app", sql))
