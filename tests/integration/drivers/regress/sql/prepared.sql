\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
PREPARE add (int, int) AS SELECT $1 + $2 AS sum;
\i :route
EXECUTE add(1, 2);
EXECUTE add(1);
EXECUTE add('x', 2);
PREPARE add AS SELECT 1;
PREPARE one AS SELECT id, name FROM customers WHERE id = $1;
\i :route
EXECUTE one(7);
EXPLAIN (COSTS OFF) EXECUTE one(7);
SELECT name, parameter_types, from_sql FROM pg_prepared_statements WHERE from_sql ORDER BY name;
CREATE TABLE prepared_copy AS EXECUTE one(3);
SELECT * FROM prepared_copy;
BEGIN;
PREPARE inside AS SELECT 'inside';
SELECT 1/0;
ROLLBACK;
\i :route
EXECUTE inside;
DEALLOCATE PREPARE add;
EXECUTE add(1, 2);
PREPARE changes AS SELECT * FROM prepared_copy;
EXECUTE changes;
ALTER TABLE prepared_copy ADD more int;
EXECUTE changes;
DEALLOCATE ALL;
\i :route
EXECUTE one(7);
DEALLOCATE one;
SELECT 40 + 2 AS answer, 'text' AS t \gdesc
SELECT id, name FROM customers WHERE false \gdesc
SELECT 'no' AS such FROM no_such_table \gdesc
SELECT 41 + 1 AS answer \gset
\i :route
SELECT :answer;
SELECT format('SELECT %s AS n', i) FROM generate_series(1, 3) AS i \gexec
SELECT i, i % 2 AS odd, i * i AS square FROM generate_series(1, 4) AS i \crosstabview i odd square
DROP TABLE prepared_copy;
