"""psycopg 3, sync and async, and psycopg2."""
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "python"
PROGRAMS = {"psycopg_statements": "psycopg", "psycopg_transactions": "psycopg", "psycopg_cursors": "psycopg", "psycopg_pipeline": "psycopg",
            "psycopg2_scenarios": "psycopg2"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_psycopg_sees_the_same(proxy, comparison, program):
    comparison.check(PROGRAMS[program], ["/usr/bin/python3", FOLDER / f"{program}.py"], proxy)
