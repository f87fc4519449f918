\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
\set VERBOSITY sqlstate
SELECT 1/0;
SELEC;
\i :route
\set VERBOSITY default
\set SHOW_CONTEXT always
SELECT 1,
  no_such_column,
  2 FROM customers;
SELECT 'día ☃', no_such_function(1);
\i :route
SELECT * FROM customers c JOIN customers d ON c.id = e.id;
INSERT INTO customers (id, name) VALUES (1, 'again');
INSERT INTO customers VALUES (1, 'a', '2020-01-01', 4);
INSERT INTO customers (id) VALUES (99999);
INSERT INTO written (id, amount) OVERRIDING SYSTEM VALUE VALUES (7, -1);
UPDATE customers SET nothing = 1;
SELECT 'unterminated;
';
SELECT $$ dollar $$, "Quoted";
SELECT /* comment ; */ 1 +;
SELECT (1 + 2));
\i :route
CREATE TABLE customers (a int);
CREATE TABLE errors_t (a int, a text);
DROP TABLE never_there;
DROP TABLE IF EXISTS never_there;
ALTER TABLE customers ADD since date;
CREATE ROLE nope;
TRUNCATE pg_class;
SELECT * FROM pg_authid;
\i :route
SELECT to_date('31-31-2020', 'DD-MM-YYYY');
SELECT array_fill(1, ARRAY[-1]);
SELECT '{"a":'::json;
SELECT xmlparse(DOCUMENT '<a>');
SELECT set_config('work_mem', '1TB', false);
SET statement_timeout = '20ms';
SELECT pg_sleep(60);
RESET statement_timeout;
\set VERBOSITY terse
SELECT 1 FROM no_such_table;
SELECT * FROM generate_series(1, 3) AS g WHERE g;
\set VERBOSITY terse
SELECT lastval();
\unset VERBOSITY
SELECT :'LAST_ERROR_SQLSTATE', :'LAST_ERROR_MESSAGE';
SELECT 1;
\echo :ERROR :SQLSTATE :ROW_COUNT
SELECT 1/0;
\echo :ERROR :SQLSTATE :ROW_COUNT
