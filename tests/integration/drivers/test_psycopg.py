"""psycopg 3, sync and async."""
from pathlib import Path

import pytest

PROGRAMS = sorted(path.stem for path in Path(__file__).parent.glob("python/psycopg_*.py") if path.stem != "psycopg_seen")


@pytest.mark.parametrize("program", PROGRAMS)
def test_psycopg_sees_the_same(proxy, comparison, program):
    comparison.check("psycopg", ["/usr/bin/python3", Path(__file__).parent / "python" / f"{program}.py"], proxy)
