"""Queries by chance over orders, items and customers, whose names, aliases and WITH queries get into each other's way. Each has one column, `id`."""
import random

TABLES = ("orders", "orders", "items", "customers")
ALIASES = ("orders", "items", "o", "x", "customers")


class RandomQueries:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def statement(self):
        """A query, or a change of `orders` or `items`."""
        chance = self.random.random()
        if chance < 0.7:
            return self.query(3, [], [])
        target = self.random.choice(("orders", "orders AS o", "ONLY orders x", "public.orders", "items orders", "items"))
        name = target.split(".")[-1].split()[-1]
        using, other = "", []
        if self.random.random() < 0.4:
            item, alias = self.from_item(1, [name], [], {name})
            using, other = item, [alias]
        where = self.condition(2, [name, *other], [])
        if other:
            where = f"{name}.id = {other[0]}.id AND ({where})"
        returning = f" RETURNING {name}.id" if self.random.random() < 0.5 else ""
        with_, ctes = self.with_clause(1, []) if self.random.random() < 0.3 else ("", [])
        if ctes:
            where += f" AND {name}.id IN ({self.query(1, [name], ctes)})"
        if chance < 0.85:
            return f"{with_}DELETE FROM {target}{' USING ' + using if using else ''} WHERE {where}{returning}"
        column = "note" if "items" not in target else "qty"
        value = "'x'" if column == "note" else "7"
        return f"{with_}UPDATE {target} SET {column} = {value}{' FROM ' + using if using else ''} WHERE {where}{returning}"

    def query(self, depth, outer, ctes):
        chance = self.random.random()
        if depth > 1 and chance < 0.25:
            clause, names = self.with_clause(depth - 1, ctes)
            return clause + self.query(depth - 1, outer, ctes + names)
        if depth > 1 and chance < 0.4:
            word = self.random.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            return f"({self.query(depth - 1, outer, ctes)}) {word} ({self.query(depth - 1, outer, ctes)})"
        return self.select(depth, outer, ctes)

    def with_clause(self, depth, ctes):
        recursive = self.random.random() < 0.2
        names, parts = [], []
        for name in self.random.sample(("orders", "items", "w", "o"), self.random.randint(1, 2)):
            seen = [one for one in ctes + names if not recursive or one != name]
            parts.append(f"{name} AS ({self.select(depth, [], seen) if not recursive else 'SELECT 1 + id AS id FROM public.orders'})")
            names.append(name)
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(parts)} ", names

    def from_item(self, depth, outer, ctes, taken):
        """(text, visible name): not one of those that are taken."""
        while True:
            chance = self.random.random()
            if depth > 0 and chance < 0.25:
                alias = self.random.choice(ALIASES)
                text = f"{self.random.choice(('', 'LATERAL ')) if taken else ''}({self.query(depth - 1, [], ctes)}) {alias}"
            else:
                table = self.random.choice(TABLES + tuple(ctes))
                alias = table
                text = table
                if table in TABLES and self.random.random() < 0.25:
                    text = self.random.choice(("public.", "ONLY ", "ONLY public.")) + table
                if self.random.random() < 0.5:
                    alias = self.random.choice(ALIASES)
                    text += self.random.choice((" ", " AS ")) + alias
            if alias not in taken:
                return text, alias

    def select(self, depth, outer, ctes):
        first, name = self.from_item(depth, outer, ctes, set())
        names, source, conditions = [name], first, []
        if self.random.random() < 0.4:
            second, other = self.from_item(depth, outer, ctes, {name})
            names.append(other)
            join = self.random.choice((", ", " JOIN ", " LEFT JOIN "))
            source += join + second
            if join == ", ":
                conditions.append(f"{name}.id = {other}.id")
            else:
                source += f" ON {name}.id = {other}.id"
        conditions.append(self.condition(depth, names + outer, ctes))
        return f"SELECT {self.expression(depth, names, outer, ctes)} AS id FROM {source} WHERE {' AND '.join(conditions)}"

    def expression(self, depth, names, outer, ctes):
        chance = self.random.random()
        if depth > 0 and chance < 0.15:
            return f"(SELECT max(q.id) FROM ({self.select(depth - 1, names, ctes)}) q)"
        if chance < 0.25:
            return f"coalesce({self.random.choice(names + outer)}.id, -1)"
        return f"{self.random.choice(names)}.id"

    def condition(self, depth, names, ctes):
        name = self.random.choice(names)
        chance = self.random.random()
        if depth > 0 and chance < 0.3:
            word = self.random.choice(("IN", "NOT IN"))
            return f"{name}.id {word} ({self.query(depth - 1, names, ctes)})"
        if depth > 0 and chance < 0.45:
            return f"EXISTS ({self.select(depth - 1, names, ctes)})"
        if chance < 0.55 and "orders" in names:
            return f"public.orders.id > {self.random.randint(1, 30)}"
        return f"{name}.id {self.random.choice('<>')} {self.random.randint(1, 60)}"
