"""What the tests of rewrites by edits share: databases that are as the edits say, statements, and how to compare what they do."""
from decimal import Decimal

import psycopg
import pytest

PROTOCOLS = {"simple": {"cursor_factory": psycopg.ClientCursor}, "prepared": {"prepare_threshold": 0}}

SCHEMA = """
SET ROLE app;
CREATE TABLE {orders} (id int PRIMARY KEY, tenant text NOT NULL, customer_id int, total numeric, note text);
INSERT INTO {orders} SELECT i + {shift}, CASE i % 3 WHEN 0 THEN 'app' WHEN 1 THEN 'other' ELSE 'o''hara' END, 1 + i % 7, i * 10 + {shift},
  CASE WHEN i % 4 > 0 THEN 'note ' || i END FROM generate_series(1, 60) AS i;
"""
OTHERS = """
SET ROLE app;
CREATE TABLE customers (id int PRIMARY KEY, name text);
INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 7) AS i;
CREATE TABLE items (id int PRIMARY KEY, order_id int, tenant text, qty int);
INSERT INTO items SELECT i, 1 + i % 60, 'app', i % 5 FROM generate_series(1, 100) AS i;
CREATE FUNCTION price(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * {price}';
CREATE FUNCTION new_price(n numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT n * 3';
"""

# What reads `orders`. Every statement has one order of its rows, or is compared without one.
QUERIES = [
    "SELECT * FROM orders",
    "SELECT id, total FROM orders WHERE total > 100 ORDER BY id",
    "select O.id, o.total FROM Orders AS o WHERE o.id < 20 -- a comment\n ORDER BY 1;",
    'SELECT "orders"."id" FROM "orders" /* here: */ WHERE "orders".id > 5',
    'SELECT id FROM U&"ord\\0065rs"',
    "SELECT public.orders.id, public.orders.* FROM public.orders",
    "SELECT orders.id FROM public . /* x */ orders WHERE public.orders.total < 200",
    "TABLE orders",
    "TABLE orders ORDER BY orders.id LIMIT 3",
    "SELECT * FROM ONLY orders",
    "SELECT * FROM ONLY (orders) o",
    "SELECT * FROM orders *",
    "SELECT count(*), sum(total), min(note) FROM orders",
    "SELECT customer_id, count(*) FROM orders GROUP BY customer_id HAVING count(*) > 3 ORDER BY 1",
    "SELECT tenant, customer_id, sum(total) FROM orders GROUP BY ROLLUP (tenant, customer_id)",
    "SELECT DISTINCT tenant FROM orders",
    "SELECT DISTINCT ON (customer_id) customer_id, total FROM orders ORDER BY customer_id, total DESC",
    "SELECT id, rank() OVER (PARTITION BY customer_id ORDER BY total DESC) FROM orders",
    "SELECT id, sum(total) OVER w FROM orders WINDOW w AS (ORDER BY id ROWS 2 PRECEDING)",
    "SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id",
    "SELECT c.name, o.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.total > 300",
    "SELECT c.name, orders.id FROM orders RIGHT JOIN customers c ON orders.customer_id = c.id",
    "SELECT a.id, b.id FROM orders a FULL JOIN orders b ON a.id = b.customer_id",
    "SELECT count(*) FROM orders CROSS JOIN items",
    "SELECT count(*) FROM orders a, orders b WHERE a.id = b.id",
    "SELECT o.id, i.qty FROM orders o, items i WHERE i.order_id = o.id",
    "SELECT * FROM orders JOIN (SELECT order_id AS id, sum(qty) FROM items GROUP BY 1) i USING (id)",
    "SELECT count(*) FROM (orders NATURAL JOIN orders o2) j",
    "SELECT name FROM customers c WHERE EXISTS (SELECT FROM orders WHERE orders.customer_id = c.id AND total > 550)",
    "SELECT name FROM customers WHERE id IN (SELECT customer_id FROM orders WHERE id < 4)",
    "SELECT name, (SELECT sum(total) FROM orders o WHERE o.customer_id = customers.id) FROM customers",
    "SELECT name, ARRAY(SELECT id FROM orders o WHERE o.customer_id = customers.id ORDER BY id) FROM customers",
    "SELECT c.name, l.id FROM customers c, LATERAL (SELECT id FROM orders WHERE customer_id = c.id ORDER BY id LIMIT 2) l",
    "SELECT c.name, l.id FROM customers c LEFT JOIN LATERAL (SELECT orders.id FROM orders WHERE orders.customer_id = c.id ORDER BY 1 LIMIT 1) l ON true",
    "SELECT x.id FROM (SELECT * FROM orders) x WHERE x.id % 2 = 0",
    "SELECT * FROM (TABLE orders) orders",
    "WITH o AS (SELECT * FROM orders WHERE id < 9) SELECT count(*) FROM o",
    "WITH orders AS (SELECT id FROM orders WHERE id > 50) SELECT * FROM orders",
    "WITH orders AS (SELECT 1 AS id) SELECT * FROM orders",
    "WITH orders AS (SELECT 1 AS id) SELECT count(*) FROM public.orders",
    "WITH a AS MATERIALIZED (TABLE orders), b AS NOT MATERIALIZED (SELECT * FROM a JOIN orders USING (id)) SELECT count(*) FROM b",
    "WITH RECURSIVE t(id) AS (SELECT min(id) FROM orders UNION ALL SELECT t.id + 1 FROM t JOIN orders ON orders.id = t.id + 1) SELECT count(*) FROM t",
    "SELECT id FROM orders WHERE id < 5 UNION SELECT id FROM items WHERE id < 3",
    "(SELECT id FROM orders ORDER BY id LIMIT 2) UNION ALL (SELECT id FROM orders ORDER BY id DESC LIMIT 2)",
    "SELECT id FROM customers EXCEPT SELECT customer_id FROM orders WHERE total < 100",
    "SELECT id FROM orders INTERSECT SELECT id FROM items",
    "VALUES ((SELECT max(id) FROM orders)), (0)",
    "SELECT CASE WHEN (SELECT count(*) FROM orders) > 25 THEN 'many' ELSE 'few' END",
    "SELECT coalesce((SELECT max(note) FROM orders WHERE id = -1), 'none'), greatest((SELECT max(id) FROM orders), 1)",
    "SELECT row_to_json(o) FROM orders o WHERE id < 4",
    "SELECT o::text FROM orders o WHERE id < 4",
    "SELECT (o).total FROM orders o WHERE id < 4",
    "SELECT o.* IS NULL, count(o) FROM orders o GROUP BY 1",
    "SELECT a, b FROM orders AS o (a, b) ORDER BY a LIMIT 4",
    "SELECT 'orders', note LIKE '%orders%', $$orders$$ FROM orders WHERE id = 4",
    "SELECT string_agg(note, ',' ORDER BY id) FILTER (WHERE total > 200) FROM orders",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders",
    "SELECT id FROM orders ORDER BY (SELECT name FROM customers c WHERE c.id = customer_id), id OFFSET 3 FETCH FIRST 4 ROWS ONLY",
    "SELECT id FROM orders ORDER BY id LIMIT (SELECT count(*) / 10 FROM orders)",
    "SELECT id FROM orders WHERE id < 10 ORDER BY id FOR UPDATE OF orders SKIP LOCKED",
    "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id < 5 FOR SHARE OF o NOWAIT",
    "SELECT price(total), price(n => total) FROM orders WHERE price(total) < 500 ORDER BY public.price(total)",
    "SELECT g FROM generate_series(1, (SELECT count(*) FROM orders WHERE id < 4)) g",
    "SELECT * FROM ROWS FROM (generate_series(1, 2), unnest(ARRAY(SELECT id FROM orders WHERE id < 4 ORDER BY 1))) AS r (a, b)",
    "SELECT x.* FROM orders o, XMLTABLE('/a' PASSING xmlelement(name a, o.id) COLUMNS id text PATH '.') x WHERE o.id < 5",
    "SELECT total::int, CAST(total AS text), -total, total IS NULL, total BETWEEN 1 AND 100, ARRAY[total], ROW(total, 1) FROM orders WHERE id = 9",
    "SELECT id FROM orders WHERE total = ANY (SELECT total FROM orders WHERE id < 3) OR (id, total) IN (SELECT id, total FROM orders WHERE id = 7)",
]

# What changes tables. A second statement tells what there is then.
CHANGES = [
    "UPDATE orders SET note = 'x'",
    "UPDATE orders SET note = 'x' WHERE id < 30 RETURNING id, note",
    "UPDATE ONLY orders AS o SET total = o.total + 1, note = NULL WHERE o.total > 200 OR o.id < 5 RETURNING o.*",
    "UPDATE orders SET (total, note) = (SELECT 0, 'zero') WHERE public.orders.id IN (3, 6, 9) RETURNING public.orders.id",
    "UPDATE orders SET note = c.name FROM customers c WHERE c.id = orders.customer_id AND c.id = 3",
    "UPDATE orders o SET total = p.total FROM orders p WHERE p.id = o.id - 3",
    "UPDATE items SET qty = 0 WHERE order_id IN (SELECT id FROM orders)",
    "UPDATE items SET qty = 1 FROM orders WHERE orders.id = items.order_id",
    "DELETE FROM orders",
    "DELETE FROM orders WHERE id > 20 RETURNING *",
    "DELETE FROM ONLY (orders) o WHERE o.id > 20 OR total < 50",
    "DELETE FROM orders USING customers c WHERE c.id = customer_id AND c.name = 'customer 2'",
    "DELETE FROM orders a USING orders b WHERE a.id = b.id + 3",
    "DELETE FROM items USING orders WHERE orders.id = items.order_id",
    "WITH gone AS (DELETE FROM orders WHERE id < 10 RETURNING id) SELECT count(*) FROM gone",
    "WITH o AS (SELECT id FROM orders WHERE total > 400) UPDATE orders SET note = 'big' FROM o WHERE o.id = orders.id",
    "WITH moved AS (DELETE FROM orders RETURNING id, total) INSERT INTO items (id, order_id, qty) SELECT id + 5000, id, 1 FROM moved",
    "INSERT INTO items (id, order_id, qty) SELECT id + 5000, id, 1 FROM orders",
    "INSERT INTO items (id, order_id) VALUES (7000, (SELECT max(id) FROM orders)) RETURNING order_id",
    "INSERT INTO items AS i (id, order_id, qty) SELECT id, id, 77 FROM orders ON CONFLICT (id) DO UPDATE SET qty = excluded.qty + i.qty",
    "MERGE INTO items i USING orders o ON o.id = i.id WHEN MATCHED AND i.qty > 2 THEN DELETE WHEN MATCHED THEN UPDATE SET qty = 50 "
    "WHEN NOT MATCHED THEN INSERT VALUES (o.id + 9000, o.id, 'app', 5)",
    "CREATE TEMP TABLE made AS SELECT id, total FROM orders",
    "SELECT id, total INTO TEMP made FROM orders",
]
INSERTS = [  # refused where the table has a filter
    "INSERT INTO orders (id, tenant) VALUES (1000, 'app')",
    "INSERT INTO orders SELECT id + 1000, tenant, 1, 2, 'three' FROM orders RETURNING orders.id",
    "INSERT INTO orders VALUES (3, 'app') ON CONFLICT (id) DO UPDATE SET note = orders.note || excluded.tenant RETURNING *",
    "MERGE INTO orders USING items i ON i.id = orders.id WHEN MATCHED THEN UPDATE SET note = 'merged' WHEN NOT MATCHED THEN DO NOTHING",
    "TRUNCATE orders",
]
STATE = ("SELECT id, tenant, customer_id, total, note FROM {} ORDER BY id", "SELECT * FROM items ORDER BY id")
FILTER = ':add_filter("orders", "tenant = ?", session.user)'


def make(cluster, name, *parts):
    cluster.sql(f"CREATE DATABASE {name} OWNER app")
    cluster.sql("".join(parts), name)


@pytest.fixture(scope="module")
def databases(oltp):
    """`base`, and how it would be with each edit: the truth to compare with."""
    archive = "SET ROLE app; CREATE SCHEMA archive;" + SCHEMA.format(orders="archive.orders_old", shift=5)
    make(oltp, "rw_base", SCHEMA.format(orders="orders", shift=0), OTHERS.format(price=2), archive)
    make(oltp, "rw_replaced", SCHEMA.format(orders="orders", shift=5), OTHERS.format(price=2))
    make(oltp, "rw_filtered", SCHEMA.format(orders="orders", shift=0), OTHERS.format(price=2), "DELETE FROM orders WHERE tenant <> 'app';")
    make(oltp, "rw_function", SCHEMA.format(orders="orders", shift=0), OTHERS.format(price=3))
    make(oltp, "rw_column", SCHEMA.format(orders="orders", shift=0), OTHERS.format(price=2), "ALTER TABLE orders RENAME total TO total_cents;")
    yield
    for name in ("base", "replaced", "filtered", "function", "column"):
        oltp.sql(f"DROP DATABASE rw_{name} WITH (FORCE)")


def rewriting(edits):
    return f"""
function rewrite(stmt, session)
  if session.database ~= "plain" then return stmt{edits} end
end
"""


@pytest.fixture
def start(start_proxy, databases, oltp):
    def start(rules, **settings):
        target = f"host=127.0.0.1 port={oltp.port} dbname="
        return start_proxy(rules=rules, databases={"base": target + "rw_base", "plain": target + "rw_base",
        "column": target + "rw_column"}, **settings)
    return start


def answer(connection, sql):
    """Names of columns, and rows as text in an order of their own unless the statement has one."""
    cursor = connection.execute(sql)
    if cursor.description is None:
        return cursor.statusmessage
    rows = [tuple(str(value.normalize() if isinstance(value, Decimal) else value) for value in row) for row in cursor.fetchall()]
    return [column.name for column in cursor.description], rows if "ORDER BY" in sql.upper() else sorted(rows)


def effect(connection, sql, table="orders"):
    """What a statement answers, and what is in the tables then; all of it is taken back."""
    with connection.transaction(force_rollback=True):
        said = answer(connection, sql)
        made = answer(connection, "SELECT * FROM made") if " made" in sql else None
        return said, made, [answer(connection, state.format(table)) for state in STATE]
