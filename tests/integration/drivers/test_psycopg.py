"""psycopg 3, sync and async, and psycopg2."""
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "python"
PROGRAMS = ("psycopg_statements", "psycopg_transactions", "psycopg_cursors", "psycopg_pipeline", "psycopg2_scenarios")


@pytest.mark.parametrize("program", PROGRAMS)
def test_psycopg_sees_the_same(proxy, comparison, program):
    comparison.check(program, ["/usr/bin/python3", FOLDER / f"{program}.py"], proxy)
