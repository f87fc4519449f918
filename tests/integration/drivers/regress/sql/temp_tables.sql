\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE TEMP TABLE mine (a int PRIMARY KEY, b text) ON COMMIT PRESERVE ROWS;
\i :route
INSERT INTO mine SELECT i, 'b' || i FROM generate_series(1, 5) AS i;
\i :route
SELECT count(*) FROM mine;
CREATE INDEX ON mine (b);
CREATE TEMP VIEW mine_v AS SELECT a FROM mine WHERE a > 3;
SELECT * FROM mine_v ORDER BY a;
\i :route
BEGIN;
CREATE TEMP TABLE dropped (x int) ON COMMIT DROP;
INSERT INTO dropped VALUES (1);
SELECT * FROM dropped;
COMMIT;
SELECT * FROM dropped;
BEGIN;
CREATE TEMP TABLE emptied (x int) ON COMMIT DELETE ROWS;
INSERT INTO emptied VALUES (1);
COMMIT;
\i :route
SELECT count(*) FROM emptied;
CREATE TEMP TABLE customers (id int);
SELECT count(*) FROM customers;
SELECT count(*) FROM public.customers;
DROP TABLE customers;
SELECT count(*) FROM customers;
CREATE TEMP SEQUENCE mine_s;
SELECT nextval('mine_s'), nextval('mine_s');
\i :route
SELECT currval('mine_s'), lastval();
SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'v', 'S') ORDER BY relname;
SELECT * INTO TEMP into_temp FROM mine WHERE a < 3;
TABLE into_temp;
BEGIN;
CREATE TEMP TABLE undone (x int);
ROLLBACK;
SELECT * FROM undone;
DISCARD TEMP;
\i :route
SELECT * FROM mine;
CREATE TEMP TABLE mine (other int);
TABLE mine;
DISCARD ALL;
TABLE mine;
