"""stmt:where(): whatever a statement says, no row that it reads lies outside of the bounds that a rule is told. Statements by chance are
asked through pgswitch for their bounds and of the server for their rows."""
import os
import random
from datetime import date, datetime, timedelta

import pytest
from endpoint import Endpoint

pytestmark = pytest.mark.pgswitch
STATEMENTS = int(os.environ.get("PGSWITCH_BOUNDS", "400"))
RULES = """
local function told(column, bounds)
  if bounds == nil then return { column, "none" } end
  local row = { column, "some", bounds.min, bounds.max }
  for i = 1, 4 do row[i] = row[i] ~= nil and tostring(row[i]) or "open" end
  row[5] = "any"
  if bounds.values then
    local values = {}
    for i, value in ipairs(bounds.values) do values[i] = tostring(value) end
    row[5] = table.concat(values, "|")
  end
  return row
end
function route(stmt)
  if not stmt:touches("bounded") then return end
  local rows = { told("n", stmt:where("bounded", "n")), told("day", stmt:where("bounded", "day")) }
  for i = 1, 2 do for j = 1, 5 do rows[i][j] = rows[i][j] or "open" end end
  return answer { columns = { "column", "bound", "min", "max", "values" }, rows = rows }
end
"""
TABLES = """
SET ROLE app;
CREATE TABLE bounded (n int, day date, other int);
INSERT INTO bounded SELECT i % 41 - 20, date '2024-01-01' + i % 60, i % 7 FROM generate_series(1, 900) AS i;
CREATE TABLE partner (m int, other int);
INSERT INTO partner SELECT i - 10, i % 5 FROM generate_series(1, 30) AS i;
"""


class Statements:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        return self.random.choice(choices)

    def number(self):
        value = self.random.randint(-25, 25)
        return self.pick(str(value), str(value), f"'{value}'", f"{value}::int", f"'{value}'::numeric", f"{value}.0", f"({value})")

    def day(self):
        value = date(2023, 12, 25) + timedelta(days=self.random.randint(0, 80))
        return self.pick(f"'{value}'", f"date '{value}'", f"'{value}'::date", f"'{value} 00:00'::timestamp", f"'{value} 15:30'::date", f"'{value:%Y%m%d}'")

    def comparison(self, name):
        column, value = (name("n"), self.number) if self.random.random() < 0.5 else (name("day"), self.day)
        operator = self.pick("=", "<", "<=", ">", ">=", "<>")
        return self.pick(
            f"{column} {operator} {value()}", f"{value()} {operator} {column}", f"{column} {operator} {value()}",
            f"{column} BETWEEN {value()} AND {value()}", f"{column} NOT BETWEEN {value()} AND {value()}",
            f"{column} BETWEEN SYMMETRIC {value()} AND {value()}", f"{column} IN ({value()}, {value()}, {value()})",
            f"{column} NOT IN ({value()}, {value()})", f"{column} = ANY (ARRAY[{self.random.randint(-9, 9)}, 3])" if column.endswith("n") else "true",
            f"{name('other')} = {self.random.randint(0, 6)}", f"{column} IS NOT NULL", f"{name('n')} + 1 > {self.random.randint(-9, 9)}")

    def condition(self, name, depth=3):
        if depth == 0 or self.random.random() < 0.3:
            return self.comparison(name)
        arms = [self.condition(name, depth - 1) for _ in range(self.random.randint(2, 3))]
        text = "(" + self.pick(" AND ", " AND ", " OR ").join(arms) + ")"
        return f"NOT {text}" if self.random.random() < 0.1 else text

    def query(self):
        alias = self.pick("", "b", "AS b")
        short = "b" if alias else "bounded"
        qualified = self.pick(True, False)
        kind = self.pick("plain", "plain", "join", "subquery", "exists")

        def name(column):
            return f"{short}.{column}" if qualified or column == "other" else column
        table = f"bounded {alias}"
        where = self.condition(name)
        if kind == "join":
            how = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN")
            on = f"{short}.other = p.other AND {self.condition(name, 1)}"
            table = self.pick(f"{table} {how} partner p ON {on}", f"partner p {how} {table} ON {on}")
            where = self.pick(where, "true")
        if kind == "subquery":
            return f"SELECT q.n, q.day FROM (SELECT * FROM {table} WHERE {where}) q WHERE q.n > {self.random.randint(-9, 9)}"
        if kind == "exists":
            where += f" AND EXISTS (SELECT FROM partner p WHERE p.m = {short}.other)"
        return f"SELECT {short}.n, {short}.day FROM {table} WHERE {where}"

    def statement(self):
        return self.query() if self.random.random() < 0.8 else f"{self.query()} UNION ALL {self.query()}"


@pytest.fixture(scope="module", autouse=True)
def tables(oltp):
    oltp.sql(TABLES, "app")
    yield
    oltp.sql("DROP TABLE bounded, partner", "app")


def moment(text):
    text = f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 and text.isdigit() else text
    return datetime.fromisoformat(text)


def check(rows, told, read, sql):
    _, bound, low, high, values = told
    if bound == "none":
        return False
    for value in rows:
        assert low == "open" or value >= read(low), (sql, value, told)
        assert high == "open" or value <= read(high), (sql, value, told)
        assert values == "any" or value in [read(one) for one in values.split("|")], (sql, value, told)
    return True


def test_no_row_lies_outside_of_the_bounds(start_proxy, oltp):
    bounded = 0
    with start_proxy(rules=RULES).connect() as asked, Endpoint(oltp.port).connect() as server:
        for seed in range(STATEMENTS):
            sql = Statements(f"bounds {seed}").statement()
            rows = [row for row in server.execute(sql).fetchall() if row[0] is not None]
            n, day = asked.execute(sql).fetchall()
            bounded += check([row[0] for row in rows], n, float, sql)
            bounded += check([datetime.combine(row[1], datetime.min.time()) for row in rows], day, moment, sql)
    assert bounded > STATEMENTS / 4, "too few statements had bounds to test anything"
