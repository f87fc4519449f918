"""SQLAlchemy's own compliance suite, for drivers/compare.py: one scenario for each of its tests, which sees how it ends. `routed` sends
a statement to the other cluster whenever a connection is taken from SQLAlchemy's pool."""
import json
import os
import re
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, pool

HERE = Path(__file__).resolve().parent
URL = "postgresql+psycopg2://{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}?sslmode={PGSSLMODE}"


class Ends:
    """How each test ends: passed, skipped, or what failed."""

    def __init__(self):
        self.seen = {}

    def pytest_runtest_logreport(self, report):
        name = re.sub(r"_postgresql\+\w+", "", report.nodeid.partition("::")[2])
        if report.failed:
            last = re.sub(r"0x\w+|\d{5,}", "N", str(report.longrepr).splitlines()[-1])
            self.seen[name] = self.seen.get(name, "") + f"{report.when} failed: {last}"
        elif report.when == "call" or report.skipped:
            self.seen[name] = self.seen.get(name, "") + report.outcome


class Elsewhere:
    """Counts the statements that the other cluster has answered."""

    def __init__(self):
        self.count = 0
        event.listen(pool.Pool, "checkout", self.on_checkout)

    def on_checkout(self, connection, *_):
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('cluster_name') FROM public.sales LIMIT 1")
            self.count += cursor.fetchone() == ("analytics",)
        connection.rollback()


def main(routed):
    elsewhere = Elsewhere() if routed else None
    ends = Ends()
    out, sys.stdout = sys.stdout, sys.stderr
    os.chdir(HERE)
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:timeout", "-c", "setup.cfg", "--dburi", URL.format(**os.environ), "test_suite.py"],
                plugins=[ends])
    sys.stdout = out
    for name, seen in ends.seen.items():
        print(json.dumps({"scenario": name, "seen": seen}))
    if routed:
        print(json.dumps({"scenario": "routed: statements ran on the other cluster in between", "seen": elsewhere.count > 500}))


main(sys.argv[1:] == ["routed"])
