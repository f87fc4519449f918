"""Conversations made up by a seed: any mixture of the simple and the extended protocol that PostgreSQL has an answer for.

A conversation is a list of steps, a step a list of (text, bytes): what a reader sees and what is sent. Every step ends with
something that is answered by a ReadyForQuery, whatever has failed before it.
"""
import random

from messages import (COPY_DONE, FLUSH, SYNC, bind, close, copy_data, copy_fail, describe, execute, frame, function_call, parse, query)

NAMES = ("", "", "s", "t")
PORTALS = ("", "", "p", "q", "c")
CURSORS_OF_SQL = ("c", "d")  # not bound to what pgswitch answers itself, which FETCH and CLOSE cannot find
SAVEPOINTS = ("a", "b")
READS = ("SELECT 1", "SELECT generate_series(1, 5)", "SELECT 'x' AS word, 2.5 AS number", "SELECT 1 WHERE false", "VALUES (1), (2)",
         "SHOW work_mem", "SHOW search_path", "SELECT count(*) FROM customers", "DELETE FROM copied WHERE false", "TABLE nobody",
         "SELECT current_setting('application_name')", "EXPLAIN (COSTS off) SELECT 1", "SELECT * FROM tt", "SELECT * FROM sales LIMIT 0")
PARAMETERS = ("SELECT $1::int", "SELECT 1 / $1::int", "SELECT $1::int, $2::text", "SELECT $1")
BROKEN = ("SELEC", "SELECT 1/0", "SELECT nothing", "SELECT 1; SELECT 2", "SELECT 'open")
CONTROL = ("BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "ROLLBACK", "START TRANSACTION READ ONLY", "END", "ABORT",
           "COMMIT AND CHAIN", "SET TRANSACTION READ ONLY", "SAVEPOINT {savepoint}", "SAVEPOINT {savepoint}", "RELEASE {savepoint}",
           "ROLLBACK TO {savepoint}", "ROLLBACK TO {savepoint}")
SETTINGS = ("SET work_mem = '3MB'", "SET LOCAL work_mem = '5MB'", "RESET work_mem", "SET application_name = 'one'", "RESET ALL",
            "SET search_path = app, public", "SELECT set_config('work_mem', '7MB', false)", "SET no_such = 1", "SET DateStyle = 'German'",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
NAMED = ("PREPARE {name} AS SELECT 1", "PREPARE {name} AS SELECT $1::int", "EXECUTE {name}", "EXECUTE {name}(2)", "EXECUTE {name}",
         "DEALLOCATE {name}", "DEALLOCATE {name}", "DEALLOCATE ALL", "DISCARD ALL", "DISCARD PLANS", "CREATE TEMP TABLE tt (a int)",
         "DROP TABLE tt")
CURSORS = ("DECLARE {portal} CURSOR FOR SELECT generate_series(1, 5)", "DECLARE {portal} CURSOR WITH HOLD FOR SELECT generate_series(1, 5)",
           "FETCH 2 FROM {portal}", "FETCH ALL FROM {portal}", "MOVE 1 IN {portal}", "CLOSE {portal}", "CLOSE ALL")
EMPTY = ("", " ", "-- nothing", ";")
STRINGS = ("SELECT 1; SELECT 2", "BEGIN; SELECT 1; COMMIT", "BEGIN; SELECT 1", "SELECT 1; SELECT 1/0; SELECT 3", "SELECT 1; COMMIT",
           "BEGIN; SELECT 1/0", "COMMIT; BEGIN", "SET work_mem = '9MB'; SELECT 1/0", "SELECT 1; BEGIN; SELECT 2", "ROLLBACK; SELECT 1",
           "SAVEPOINT a; SELECT 1/0", "BEGIN; SAVEPOINT a; SELECT 1; ROLLBACK TO a", ";; SELECT 1;;", "SELECT 1; SELEC", "BEGIN; BEGIN",
           "PREPARE s AS SELECT 1; EXECUTE s; DEALLOCATE s")
FIXED_CONTROL = {text for text in CONTROL if "{" not in text}
KINDS = ((READS, 8), (PARAMETERS, 5), (BROKEN, 3), (CONTROL, 10), (SETTINGS, 3), (NAMED, 4), (CURSORS, 3), (EMPTY, 1))
LISTS, WEIGHTS = zip(*KINDS)
MALFORMED = ((b"P", b"s\0SELECT 1"), (b"B", b"\0\0"), (b"B", b"\0s\0\0\0\0\2"), (b"D", b"x\0"), (b"D", b"S"), (b"E", b"\0"), (b"C", b"Q\0"),
             (b"S", b"more"), (b"H", b"more"), (b"B", b"\0\0\0\0\0\0\0\0\0"), (b"P", b"\xff\0SELECT 1\0\0\0"))


class Author:
    """Writes one conversation. hint: a comment that some of its statements end with."""

    def __init__(self, seed, hint=""):
        self.random, self.hint = random.Random(seed), hint
        self.unfit = set()  # names that EXECUTE must not have: PostgreSQL itself fails over them (EXECUTE of itself, SAVEPOINT)
        self.answered = set()  # names of statements that pgswitch answers itself
        self.wanted = {}  # name of a statement -> how many parameters it was parsed with

    def conversation(self):
        return [self.step() for _ in range(self.random.randint(2, 9))]

    def step(self):
        kind = self.random.random()
        if kind < 0.40:
            return [self.query(self.sql(simple=True))]
        if kind < 0.47:
            return self.copy()
        if kind < 0.50:
            return [self.message("F", function_call(1317, (b"abc",)), "length(abc)")]
        messages = [message for _ in range(self.random.randint(1, 4)) for message in self.group()]
        return [*messages, ("S", SYNC)]

    def sql(self, simple=False):
        texts = STRINGS if simple and self.random.random() < 0.15 else self.random.choices(LISTS, WEIGHTS)[0]
        name = self.random.choice(NAMES[2:])
        sql = self.random.choice(texts).format(savepoint=self.random.choice(SAVEPOINTS), name=name, portal=self.random.choice(CURSORS_OF_SQL))
        sql = "SELECT 1" if sql.startswith("EXECUTE") and name in self.unfit else sql
        fit = texts is not CONTROL and "; SELEC" != sql[-7:]  # a string over two routes has run in part when the server reads that
        return sql + self.hint if self.hint and fit and self.random.random() < 0.3 else sql

    def group(self):
        """Some messages of the extended protocol that belong together, or nearly."""
        kind, one = self.random.random(), self.random.choice
        if kind < 0.55:
            return self.whole()
        if kind < 0.60:
            return [self.parse(one(NAMES), self.sql())]
        if kind < 0.68:
            return [self.bind(one(NAMES), one(PORTALS))]
        if kind < 0.76:
            return [self.execute(one(PORTALS))]
        if kind < 0.82:
            return [self.message("D", describe(kind_of, name), kind_of, name) for kind_of, name in [self.target()]]
        if kind < 0.88:
            return [self.message("C", close(kind_of, name), kind_of, name) for kind_of, name in [self.target()]]
        if kind < 0.92:
            return [("H", FLUSH)]
        if kind < 0.95:
            return [("S", SYNC)]
        if kind < 0.97:
            return [self.query(self.sql(simple=True))]
        letter, body = one(MALFORMED)
        return [self.message(letter.decode(), frame(letter, body), repr(body))]

    def whole(self):
        """Parse, Bind, Describe, Execute; some may be left out."""
        name, portal = self.random.choice(NAMES), self.random.choice(PORTALS[:4])
        messages = [self.parse(name, self.sql())] if self.random.random() < 0.85 else []
        if self.random.random() < 0.2:
            messages.append(self.message("D", describe("S", name), "S", name))
        messages.append(self.bind(name, portal))
        if self.random.random() < 0.5:
            messages.append(self.message("D", describe("P", portal), "P", portal))
        return [*messages, self.execute(portal)]

    def copy(self):
        """COPY with its data at once, by either protocol; what is no data by the time it arrives is ignored."""
        data = [self.message("d", copy_data(line), repr(line)) for line in self.random.choices((b"a\n", b"b\n", b"a\tb\n", b"\\.\n"), (9, 9, 1, 1), k=2)]
        end = self.random.choice([("c", COPY_DONE), ("c", COPY_DONE), self.message("f", copy_fail("no"), "no")])
        sql = self.random.choice(("COPY copied FROM STDIN", "COPY copied FROM STDIN", "COPY nobody FROM STDIN", "COPY (VALUES (1), (2)) TO STDOUT"))
        if self.random.random() < 0.5:
            return [self.query(sql), *data, end, ("S", SYNC)]
        return [self.parse("", sql), self.bind("", "", ()), self.execute("", 0), *data, end, self.parse("", "SELECT 1"), ("S", SYNC)]

    def target(self):
        return self.random.choice([("S", self.random.choice(NAMES)), ("P", self.random.choice(PORTALS))])

    def parse(self, name, sql):
        if name and sql.startswith("EXECUTE"):
            sql = "SELECT 2"
        if sql in FIXED_CONTROL or sql.split(" ")[0] in ("SAVEPOINT", "RELEASE", "ROLLBACK"):
            self.unfit.add(name)
            self.answered.add(name)
        if sql in EMPTY or sql.startswith(("DEALLOCATE", "SET TRANSACTION")):
            self.answered.add(name)
        self.wanted[name] = sum(f"${number}" in sql for number in (1, 2))
        return self.message("P", parse(sql, name), name, sql)

    def bind(self, name, portal, values=None):
        portal = "p" if name in self.answered and portal in CURSORS_OF_SQL else portal
        if values is None:
            values = self.random.choices(("1", "2", "0", "x", None), (6, 6, 1, 1, 1), k=self.wanted.get(name, 0))
            values = values if portal or self.random.random() < 0.96 else ("1",)
        return self.message("B", bind(values, name, portal), portal, name, *map(repr, values))

    def execute(self, portal, rows=None):
        rows = self.random.choice((0, 0, 1, 2)) if rows is None else rows
        return self.message("E", execute(portal, rows), portal, str(rows))

    def query(self, sql):
        return self.message("Q", query(sql), sql)

    @staticmethod
    def message(letter, data, *words):
        return letter + " " + "|".join(words), data


def conversation(seed, hint=""):
    return Author(seed, hint).conversation()


def shown(steps):
    return "\n".join("  " + ", ".join(text for text, _ in step) for step in steps)


def shortened(steps, is_wrong):
    """Fewer steps and messages of which `is_wrong` still holds; the last message of each step is kept with the step."""
    progress = True
    while progress:
        progress = False
        for shorter in _one_less(steps):
            if is_wrong(shorter):
                steps, progress = shorter, True
                break
    return steps


def _one_less(steps):
    for i, step in enumerate(steps):
        yield steps[:i] + steps[i + 1:]
    for i, step in enumerate(steps):
        for j in range(len(step) - 1):
            yield steps[:i] + [step[:j] + step[j + 1:]] + steps[i + 1:]
