\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT i, 'row ' || i AS name FROM generate_series(1, 20) AS i;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
MOVE ABSOLUTE 10 IN c;
FETCH RELATIVE -1 FROM c;
FETCH LAST FROM c;
FETCH NEXT FROM c;
FETCH FIRST FROM c;
SELECT name, is_holdable, is_scrollable, is_binary FROM pg_cursors ORDER BY name;
CLOSE c;
FETCH 1 FROM c;
ROLLBACK;
DECLARE c CURSOR FOR SELECT 1;
\i :route
DECLARE held CURSOR WITH HOLD FOR SELECT id, name FROM customers ORDER BY id;
\i :route
FETCH 2 FROM held;
\i :route
MOVE FORWARD 5 IN held;
FETCH 1 FROM held;
BEGIN;
FETCH 1 FROM held;
ROLLBACK;
\i :route
FETCH 1 FROM held;
CLOSE held;
CLOSE held;
BEGIN;
DECLARE forward NO SCROLL CURSOR FOR SELECT * FROM generate_series(1, 3);
FETCH ALL FROM forward;
FETCH PRIOR FROM forward;
ROLLBACK;
CREATE TABLE cursors_t AS SELECT i AS n FROM generate_series(1, 3) AS i;
BEGIN;
DECLARE change CURSOR FOR SELECT n FROM cursors_t FOR UPDATE;
FETCH 2 FROM change;
UPDATE cursors_t SET n = 20 WHERE CURRENT OF change;
DELETE FROM cursors_t WHERE CURRENT OF nowhere;
ROLLBACK;
\set FETCH_COUNT 4
SELECT i AS fetched FROM generate_series(1, 10) AS i;
\i :route
SELECT 1 / (6 - i) AS fetched FROM generate_series(1, 10) AS i;
\set FETCH_COUNT 0
CREATE FUNCTION cursors_open() RETURNS refcursor LANGUAGE plpgsql AS $$ DECLARE r refcursor := 'named'; BEGIN OPEN r FOR SELECT 42 AS n; RETURN r; END $$;
BEGIN;
SELECT cursors_open();
FETCH ALL FROM named;
COMMIT;
DROP FUNCTION cursors_open;
DROP TABLE cursors_t;
