"""What the Python driver programs share: a list of scenarios, each printed with what it saw.

    @scenario
    def a_promise(): return ...                     # "a promise"
    @scenario(over=["simple", "extended"])
    def a_promise(protocol): return ...             # "a promise, simple" and "a promise, extended"

    run()

To try some by hand: part of their names as an argument. With the argument `routed`, `ROUTED` is true: the program sends statements to the other cluster in between and hands the cluster
name it got to `routed_to`, and the last scenario tells whether all of them ran there.
"""
import inspect
import json
import sys
import traceback
from pathlib import Path

ROUTED = "routed" in sys.argv
ROUTED_QUERY = "SELECT current_setting('cluster_name') FROM sales LIMIT 1"
_scenarios = []
_clusters = []


def scenario(function=None, over=None):
    if function is None:
        return lambda given: scenario(given, over)
    name = function.__name__.replace("_", " ")
    if over is None:
        _scenarios.append((name, function, ()))
    else:
        _scenarios.extend((f"{name}, {each}", function, (each,)) for each in over)
    return function


def group(name):
    """A group of statements.json: {name: sql}."""
    return json.loads((Path(__file__).resolve().parents[1] / "statements.json").read_text())[name]


def routed_to(cluster):
    _clusters.append(cluster)


def run(loop=None):
    """loop: runs a coroutine to its end, for drivers that have coroutines for scenarios."""
    wanted = [argument for argument in sys.argv[1:] if argument != "routed"]
    for name, function, arguments in _scenarios:
        if wanted and not any(part in name for part in wanted):
            continue
        try:
            seen = function(*arguments)
            seen = loop(seen) if inspect.isawaitable(seen) else seen
        except Exception:
            seen = {"raised": traceback.format_exc()}
        _print(name, seen)
    if ROUTED:
        _print("routed statements ran on the other cluster", set(_clusters) == {"analytics"} or repr(_clusters[:9]))


def _print(name, seen):
    print(json.dumps({"scenario": name, "seen": seen}, default=_plain), flush=True)


def _plain(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return f"{type(value).__name__} {value}"
