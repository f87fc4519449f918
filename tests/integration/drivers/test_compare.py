"""compare.py itself: what it accepts as different, and what makes it fail."""
from pathlib import Path
from types import SimpleNamespace

import compare
import pytest

TABLE = "| some | `the pid` | transaction | why |\n| some | `the name` | both | why |\n| other | `the pid` | both | why |\n"
DIRECT = {"the pid": 1, "the name": "a", "the rest": []}


@pytest.fixture
def expect(tmp_path, monkeypatch):
    """expect(driver, pool mode, what differs from DIRECT, what is seen directly)"""
    def expect(driver, mode, seen, direct=DIRECT):
        proxy = SimpleNamespace(pooler=SimpleNamespace(settings={"pool_mode": mode}))
        compare.Comparison(None, None).expect(driver, direct, {**direct, **seen}, proxy)

    (tmp_path / "README.md").write_text(TABLE)
    monkeypatch.setattr(compare, "README", tmp_path / "README.md")
    return expect


def test_what_the_table_names_is_accepted(expect):
    expect("some", "transaction", {"the pid": 2, "the name": "b"})
    expect("some", "session", {"the name": "b"})


@pytest.mark.parametrize("mode, seen, why", (
    ("transaction", {"the pid": 2, "the name": "b", "the rest": [1]}, "the rest"),
    ("session", {"the pid": 2, "the name": "b"}, "the pid"),
    ("transaction", {"the pid": 2}, "no longer different.*the name"),
    ("session", {"the name": "b", "one more": 1}, "one more"),
    ("session", {"the name": "b", "routed": "elsewhere"}, "routed")))
def test_anything_else_fails(expect, mode, seen, why):
    with pytest.raises(AssertionError, match=why):
        expect("some", mode, seen)


def test_a_scenario_that_the_driver_does_not_try_fails(expect):
    with pytest.raises(AssertionError, match="does not try.*the name"):
        expect("some", "transaction", {"the pid": 2}, {"the pid": 1})


def test_every_driver_of_the_table_is_tested():
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert {driver for driver, _, _ in compare.rows() if f'"{driver}"' not in sources} == set()
    assert len(compare.rows()) > 10
