\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE TABLE joins_a (id int PRIMARY KEY, name text);
CREATE TABLE joins_b (id int REFERENCES joins_a ON DELETE CASCADE, amount int);
INSERT INTO joins_a SELECT i, 'name ' || i FROM generate_series(1, 6) AS i;
INSERT INTO joins_b SELECT 1 + i % 4, i * 10 FROM generate_series(1, 12) AS i;
\i :route
SELECT a.name, sum(b.amount) FROM joins_a a LEFT JOIN joins_b b USING (id) GROUP BY a.name ORDER BY a.name;
SELECT * FROM joins_a NATURAL JOIN joins_b ORDER BY id, amount LIMIT 5 OFFSET 2;
SELECT a.id, x.amount FROM joins_a a, LATERAL (SELECT amount FROM joins_b b WHERE b.id = a.id ORDER BY amount DESC LIMIT 1) x ORDER BY 1;
SELECT id, amount, rank() OVER w, sum(amount) OVER (w ROWS UNBOUNDED PRECEDING) FROM joins_b WINDOW w AS (PARTITION BY id ORDER BY amount) ORDER BY id, amount;
SELECT id, count(*), grouping(id) FROM joins_b GROUP BY ROLLUP (id) ORDER BY id;
\i :route
WITH RECURSIVE up(n, path) AS (SELECT 1, '1' UNION ALL SELECT n + 1, path || '>' || n + 1 FROM up WHERE n < 4) SELECT * FROM up;
WITH gone AS (DELETE FROM joins_b WHERE amount > 100 RETURNING *), back AS (INSERT INTO joins_b SELECT id, -amount FROM gone RETURNING amount)
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT sum(amount) FROM back) AS back;
SELECT id FROM joins_a EXCEPT SELECT id FROM joins_b ORDER BY 1;
(SELECT 1 AS n UNION ALL SELECT 2) INTERSECT SELECT 2;
EXPLAIN (COSTS OFF) SELECT * FROM joins_a WHERE id = 3;
MERGE INTO joins_a t USING (VALUES (1, 'new 1'), (9, 'new 9')) s(id, name) ON t.id = s.id
  WHEN MATCHED THEN UPDATE SET name = s.name WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.name);
INSERT INTO joins_a VALUES (9, 'again') ON CONFLICT (id) DO UPDATE SET name = excluded.name || '!' RETURNING *;
UPDATE joins_b b SET amount = 0 FROM joins_a a WHERE a.id = b.id AND a.name = 'new 1';
DELETE FROM joins_a USING joins_b WHERE joins_a.id = joins_b.id AND joins_b.amount = 0 RETURNING joins_a.*;
SELECT 1 AS a, 2 AS b UNION SELECT 'x', 3;
SELECT name FROM joins_a GROUP BY id ORDER BY id;
SELECT amount FROM joins_b GROUP BY id;
CREATE VIEW joins_v AS SELECT name, amount FROM joins_a JOIN joins_b USING (id);
\i :route
SELECT count(*) FROM joins_v;
\d joins_v
\d+ joins_a
DROP TABLE joins_a;
DROP TABLE joins_a, joins_b CASCADE;
