\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE TABLE copies (id int, t text, d date DEFAULT '2020-01-01');
COPY copies FROM STDIN;
1	one	2024-01-31
2	\N	\N
3	tab\there and \\ and \u00e9	2024-02-29
\.
\i :route
COPY copies TO STDOUT;
COPY copies (id, t) FROM STDIN (FORMAT csv, HEADER, NULL 'none');
id,t
4,"quoted, ""x"""
5,none
\.
COPY (SELECT * FROM copies ORDER BY id) TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE (t));
\i :route
COPY copies FROM STDIN;
6	bad	no date
\.
COPY copies FROM STDIN;
7
\.
COPY copies (id, nothing) FROM STDIN;
COPY no_such_table TO STDOUT;
BEGIN;
COPY copies (id) FROM STDIN;
8
\.
SAVEPOINT s;
COPY copies (id) FROM STDIN;
x
\.
ROLLBACK TO s;
SELECT count(*) FROM copies;
ROLLBACK;
\i :route
\copy copies (id, t) FROM STDIN (DELIMITER '|')
9|by psql
\.
\copy (SELECT id, t FROM copies WHERE id > 3 ORDER BY id) TO STDOUT
COPY copies FROM STDIN WHERE id > 10;
10	no	2020-01-01
11	yes	2020-01-01
\.
SELECT id FROM copies WHERE id >= 10;
COPY (SELECT 1 / (3 - i) FROM generate_series(1, 5) AS i) TO STDOUT;
COPY (INSERT INTO copies (id) VALUES (12) RETURNING id, d) TO STDOUT;
COPY copies TO STDOUT (FORMAT nothing);
SELECT 'before' AS a \; COPY (VALUES (1, 'x')) TO STDOUT \; SELECT 'behind' AS b;
DROP TABLE copies;
