\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE FUNCTION fact(n int) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN IF n < 2 THEN RETURN 1; END IF; RETURN n * fact(n - 1); END $$;
\i :route
SELECT fact(20);
CREATE FUNCTION pairs(n int, OUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql AS $$ SELECT i, 'b' || i FROM generate_series(1, n) AS i $$;
SELECT * FROM pairs(3);
SELECT pairs(2);
CREATE PROCEDURE proc(INOUT n int) LANGUAGE plpgsql AS $$ BEGIN n := n * 2; RAISE NOTICE 'doubled to %', n; END $$;
\i :route
CALL proc(21);
CREATE TABLE functions_t (n int);
CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN
  FOR i IN 1..4 LOOP INSERT INTO functions_t VALUES (i); IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF; END LOOP; END $$;
CALL commits();
\i :route
SELECT * FROM functions_t;
BEGIN;
CALL commits();
ROLLBACK;
DO $$ DECLARE x int; BEGIN SELECT count(*) INTO x FROM functions_t; RAISE NOTICE 'found %', x; END $$;
DO $$ BEGIN BEGIN PERFORM 1/0; EXCEPTION WHEN division_by_zero THEN RAISE NOTICE 'caught % %', SQLSTATE, SQLERRM; END; END $$;
DO $$ BEGIN RAISE EXCEPTION 'own' USING ERRCODE = 'P0099', HINT = 'a hint', DETAIL = 'a detail'; END $$;
DO $$ BEGIN PERFORM fact('x'); END $$;
DO LANGUAGE plpgsql 'BEGIN ASSERT 1 = 2, ''not so''; END';
CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETRUN 1; END $$;
CREATE FUNCTION std(int) RETURNS int LANGUAGE sql RETURN $1 + 1;
\i :route
SELECT std(1), std(NULL);
SELECT std();
CREATE AGGREGATE longest (text) (SFUNC = textcat, STYPE = text, INITCOND = '');
SELECT longest(x ORDER BY x) FROM unnest(ARRAY['b', 'a']) AS x;
CREATE FUNCTION variadic_f(VARIADIC a int[]) RETURNS int LANGUAGE sql AS 'SELECT array_length(a, 1)';
SELECT variadic_f(1, 2, 3), variadic_f(VARIADIC '{1}');
\df std
\sf fact
DROP AGGREGATE longest (text);
DROP FUNCTION fact, pairs, std, variadic_f;
DROP PROCEDURE proc, commits;
DROP TABLE functions_t;
