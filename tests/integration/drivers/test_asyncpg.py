"""asyncpg."""
from pathlib import Path


def test_asyncpg_sees_the_same(proxy, comparison):
    comparison.check("asyncpg", ["/usr/bin/python3", Path(__file__).parent / "python" / "asyncpg_scenarios.py"], proxy)
