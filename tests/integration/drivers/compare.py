"""The same scenarios directly and through the proxy: a driver must see the same.

A driver program takes the PG* environment (PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSSLMODE) and prints one JSON object a
line, {"scenario": name, "seen": anything}. With the argument `routed` it also sends statements to the tables of the other
cluster between the others, and prints scenarios whose names begin with "routed" and which saw `true` when all went well.
What differs from run to run by itself (PIDs, times, new oids) the program leaves out. A scenario that fails as it should not prints
{"raised": text} as what it saw, which is never right without a proxy.

Differences that pooling forces are rows of the table in tests/README.md, and only those are accepted; a row that no longer
differs or whose scenario the program does not have fails as well.
"""
import json
import os
import re
import subprocess

from endpoint import USERS
from launch import ROOT

README = ROOT / "tests" / "README.md"
TIDY = "TRUNCATE written RESTART IDENTITY"


def environment(endpoint, user="app", dbname="app"):
    return dict(os.environ, PGHOST=endpoint.host, PGPORT=str(endpoint.port), PGUSER=user, PGPASSWORD=USERS[user], PGDATABASE=dbname,
                PGSSLMODE="require" if endpoint.tls else "disable")


def run(command, endpoint, cwd=None, timeout=80, env=None):
    """What the driver program saw at an endpoint: {scenario: seen}."""
    try:
        done = subprocess.run(list(map(str, command)), cwd=cwd, env={**environment(endpoint), **(env or {})}, capture_output=True,
                              text=True, timeout=timeout)
    except subprocess.TimeoutExpired as hang:
        last = (hang.stdout or b"").decode().splitlines()[-1:]
        raise AssertionError(f"hangs; the last that it printed: {last}\n{(hang.stderr or b'').decode()[-3000:]}") from None
    assert done.returncode == 0, f"ended with {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    return parse(done.stdout)


def parse(output):
    seen = {}
    for line in output.splitlines():
        record = json.loads(line, parse_constant=str)  # NaN is not equal to itself
        assert record["scenario"] not in seen, f"twice: {record['scenario']}"
        seen[record["scenario"]] = record["seen"]
    assert seen, "no scenario was run"
    return seen


def rows():
    """(driver, scenario, pool mode) of the table in tests/README.md: | driver | scenario | pool mode | why |."""
    return re.findall(r"^\| *(\S+) *\| *`([^`|]+)` *\| *(transaction|session|both) *\|", README.read_text(), re.M)


def known_differences(driver, pool_mode):
    """Scenarios of a driver that the table says to differ."""
    return {scenario for name, scenario, mode in rows() if name == driver and mode in (pool_mode, "both")}


def differences(direct, seen):
    """{scenario: explanation} of what is not as it is directly; scenarios named routed... must have seen true."""
    routed = {name for name in seen if name.startswith("routed")}
    different = {name: f"saw {text(seen[name])}" for name in routed if seen[name] is not True}
    for name in sorted((set(direct) | set(seen)) - routed):
        parted = list(parts(direct.get(name, "(not run)"), seen.get(name, "(not run)")))
        if parted:
            different[name] = "\n  ".join(parted[:4])
    return different


def parts(one, other, path=""):
    """Where two JSON values part, for people to read."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for key in one:
            yield from parts(one[key], other[key], f"{path}[{key!r}]")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, both in enumerate(zip(one, other)):
            yield from parts(*both, f"{path}[{i}]")
    elif one != other:
        yield f"{path}\n    directly {text(one)}\n    through  {text(other)}"


def is_raised(seen):
    return isinstance(seen, dict) and set(seen) == {"raised"}


def text(value, limit=700):
    if is_raised(value):
        return "raised " + value["raised"][-limit:]
    written = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return written if len(written) <= limit else written[:limit] + "..."


class Comparison:
    """Runs driver programs, directly once and then through proxies. Made once for a pytest session (fixture `comparison`)."""

    def __init__(self, direct, oltp):
        self._direct, self._oltp, self._seen = direct, oltp, {}

    def check(self, driver, command, proxy, cwd=None, timeout=80, env=None):
        """Fails when the driver sees anything else through `proxy` than it sees directly."""
        __tracebackhide__ = True
        direct = self._directly(driver, command, cwd, timeout, env)
        routed = ["routed"] if proxy.pooler is not None and proxy.pooler.is_pgswitch else []
        self.expect(driver, direct, run([*command, *routed], proxy, cwd, timeout, env), proxy)

    def expect(self, driver, direct, seen, proxy):
        """Fails when `seen` differs from `direct` other than tests/README.md says."""
        __tracebackhide__ = True
        different = differences(direct, seen)
        known = known_differences(driver, proxy.pooler.settings["pool_mode"]) if proxy.pooler is not None else set()
        assert known <= set(direct), f"{README.name} names what {driver} does not try: {known - set(direct)}"
        unexpected = {name: why for name, why in different.items() if name not in known}
        report = "\n".join(f"{name}: {why}" for name, why in unexpected.items())
        assert not unexpected, f"{driver} sees something else than directly in {len(unexpected)} scenarios:\n{report}"
        assert known <= set(different), f"no longer different, take it out of {README.name}: {known - set(different)}"

    def _directly(self, driver, command, cwd, timeout, env):
        key = (driver, *map(str, command))
        if key not in self._seen:
            self._seen[key] = seen = run(command, self._direct, cwd, timeout, env)
            raised = [f"{name}: {what['raised']}" for name, what in seen.items() if is_raised(what)]
            assert not raised, f"{driver} fails without a proxy:\n" + "\n".join(raised)
            self._oltp.sql(TIDY, "app")
        return self._seen[key]
