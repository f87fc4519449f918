"""pgswitch test: unit tests of rules, their exit codes, what they print and what they write."""
import xml.etree.ElementTree as ElementTree

import pytest
from launch import write_file
from pooler import ini_text, run_command

pytestmark = pytest.mark.pgswitch
RULES = """local names = require "names"

rules {
  { name = "no writes", when = { tables = "sales", read_only = false }, reject = { message = "sales are read-only", hint = "ask" } },
  { name = "analytics", when = { tables = names.analytic }, route = "app.redshift" },
}

function rewrite(stmt, session)
  if stmt:touches("sales_by_month") then
    return "WITH sales_by_month AS (SELECT 1) " .. stmt.text
  end
end
"""
TESTS = """
test("writes to sales are refused", { sql = "DELETE FROM sales", expect = { reject = { message = "sales are read-only", sqlstate = "42501" } } })
for _, name in ipairs { "sales", "event" } do
  test(name .. " is analytic", { sql = "SELECT * FROM " .. name, session = { user = "bi" }, expect = { route = "app.redshift", rule = "analytics" } })
end
test("the view is written out", {
  sql = "SELECT * FROM sales_by_month",
  expect = { route = "app", text = "WITH sales_by_month AS (SELECT 1) SELECT * FROM sales_by_month" },
})
"""
FAILING = """
test("wrong route", { sql = "SELECT * FROM sales", expect = { route = "app" } })
"""


@pytest.fixture
def run(tmp_path):
    write_file(tmp_path / "users.txt", '"app" "secret"\n')
    write_file(tmp_path / "names.lua", 'local names = { analytic = { "sales", "event" } }\nreturn names\n')
    settings = {"auth_file": tmp_path / "users.txt", "rules_file": write_file(tmp_path / "rules.lua", RULES)}
    ini = write_file(tmp_path / "pgswitch.ini", ini_text({"app": "host=127.0.0.1", "app.redshift": "host=127.0.0.1"}, settings))

    def run(tests, *options):
        return run_command("test", ini, write_file(tmp_path / "rules_test.lua", tests), *options)
    return run


def test_good_tests_pass(run):
    assert run(TESTS) == (0, "4 tests, 0 failed\n", "")


def test_a_failed_test_is_told_with_place_difference_and_story(run):
    status, out, _ = run(TESTS + FAILING)
    assert status == 1
    line = TESTS.count("\n") + 2
    assert out.startswith(f"rules_test.lua:{line}: FAILED: wrong route\n  route\n    expected  app\n    got       app.redshift\n")
    assert 'asked      rules.lua:5 analytics said yes, by tables = "sales", "event"' in out
    assert out.endswith("5 tests, 1 failed\n")


def test_a_rule_that_is_never_hit_fails_the_run(run):
    only_one = TESTS[:TESTS.index("for ")]
    status, out, _ = run(only_one)
    assert status == 1
    assert out == "never hit: rules.lua:5 analytics\nnever hit: rules.lua rewrite\n1 test, 0 failed, 2 rules never hit\n"
    assert run(only_one, "--allow-unhit") == (0, "1 test, 0 failed\n", "")


def test_coverage_shows_the_lines_of_the_file_and_its_modules(run):
    status, out, _ = run(TESTS, "--coverage")
    assert status == 0
    assert "names.lua: 2 of 2 lines have run (100.0 %)\n+     1  local names" in out
    assert "+    10      return \"WITH sales_by_month" in out
    status, out, _ = run(FAILING.replace('"app"', '"app.redshift"'), "--coverage", "--allow-unhit")
    assert status == 0 and "!    10      return \"WITH sales_by_month" in out


def test_junit_is_written(run, tmp_path):
    status, _, _ = run(TESTS + FAILING, "--junit", tmp_path / "out.xml")
    assert status == 1
    suites = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suites.get("tests"), suites.get("failures")) == ("6", "1")
    failed = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert failed == ["wrong route"]
    assert run(TESTS, "--junit", "/nowhere/out.xml")[0] == 1


@pytest.mark.parametrize("tests,words", (
    ("test('x', { sql = 'SELECT 1' })", "rules_test.lua:1: a test needs expect"),
    ("\n\nnonsense(", "rules_test.lua:3:"),
    ("-- nothing", "there is no test in it"),
    ("while true do end", "instruction budget"),
    ("os.exit(0)", "rules_test.lua:1:")))
def test_a_file_of_tests_that_does_not_load_fails(run, tests, words):
    status, out, err = run(tests)
    assert status == 1 and words in err and out == ""


def test_several_files_are_one_run(run, tmp_path):
    more = write_file(tmp_path / "more_test.lua", FAILING.replace('"app"', '"app.redshift"'))
    assert run(TESTS, more) == (0, "5 tests, 0 failed\n", "")
