"""tests/PGBOUNCER.md: each part of pgbouncer's surface has a test that exists, or a reason."""
import re
import subprocess
from pathlib import Path

import pytest
from launch import PROXY
from psycopg import ClientCursor

pytestmark = pytest.mark.pgswitch
TESTS = Path(__file__).resolve().parents[2]
TEXT = (TESTS / "PGBOUNCER.md").read_text()
# Subjects and forms that pgbouncer does not have, and words of placeholders.
OURS = {"ROUTES", "ROUTE", "METRICS", "CACHE", "CURSORS", "COPIES", "USER", "DATABASE", "WAIT_FOR_SERVERS", "WAIT_FOR_CLIENTS", "WAIT_FOR_TRANSACTIONS", "WHERE"}


def rows():
    """(heading, first cell, second cell)."""
    heading = ""
    for line in TEXT.splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| ") and not line.endswith("| test, or reason |"):
            what, proof = line.strip("|").split(" | ")
            yield heading, what.strip(), proof.strip()


def test_each_row_has_a_test_or_a_reason():
    assert len(list(rows())) > 170
    assert [what for _, what, proof in rows() if len(proof) < 20] == []


def test_each_test_that_is_named_exists():
    sources = "\n".join(path.read_text() for path in [*TESTS.glob("*/*.py"), *TESTS.glob("*/*/*.py"), *TESTS.glob("*/*.cpp")])
    known = set(re.findall(r"def (test_\w+)", sources))
    known |= {".".join(pair) for pair in re.findall(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", sources)}
    named = {name for _, _, proof in rows() for name in re.findall(r"`([^`]+)`", proof)}
    assert len(named) > 100
    assert named - known == set()


def test_each_setting_of_pgbouncer_has_a_row():
    listed = subprocess.run([PROXY, "--settings"], capture_output=True, text=True, timeout=60).stdout
    settings = re.findall(r"^\| `(\w+)`", listed, re.M)
    of_pgbouncer = settings[:settings.index("workers")]  # ours come behind them
    assert len(of_pgbouncer) == 101
    assert [what.strip("`") for heading, what, _ in rows() if heading == "Settings"] == of_pgbouncer


def test_each_command_and_show_has_a_row(start_proxy):
    details = []
    with start_proxy(rules=None).connect(user="admin", dbname="pgbouncer", cursor_factory=ClientCursor) as console:
        console.add_notice_handler(lambda notice: details.append(notice.message_detail))
        console.execute("SHOW HELP")
    words = set(re.findall(r"[A-Z_]{3,}", details[0])) - OURS
    cells = {word for heading, what, _ in rows() if heading in ("Commands of the console", "SHOW") for word in re.findall(r"[A-Z_]{2,}", what)}
    assert words - cells == set()
