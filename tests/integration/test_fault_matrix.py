"""tests/FAULTS.md names tests that exist, for each of its rows."""
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
TABLE = (TESTS / "FAULTS.md").read_text()


def pytest_names():
    return {name for file in TESTS.glob("integration/**/test_*.py") for name in re.findall(r"^def (test_\w+)", file.read_text(), re.M)}


def googletest_names():
    return {f"{suite}.{name}" for file in TESTS.glob("**/*_test.cpp")
            for suite, name in re.findall(r"^(?:TEST|TEST_F|TEST_P|SCRIPT)\((\w+),\s*(\w+)\)", file.read_text(), re.M)}


def test_every_fault_has_its_row_and_every_row_its_tests():
    rows = re.findall(r"^\| (\d+) \|.*\|([^|]*)\|$", TABLE, re.M)
    assert [int(number) for number, _ in rows] == list(range(1, 45))
    assert not [number for number, tests in rows if "`" not in tests]


def test_every_test_that_is_named_exists():
    named = set(re.findall(r"`(test_\w+|\w+\.\w+)`", TABLE)) - {Path(__file__).name}
    assert len(named) > 80
    assert not named - pytest_names() - googletest_names()
