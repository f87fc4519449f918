\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
SHOW DateStyle; SHOW TimeZone; SHOW IntervalStyle;
SET search_path = private, public;
\i :route
SELECT note FROM hidden;
SHOW search_path;
BEGIN;
SET LOCAL search_path = pg_catalog;
SELECT note FROM hidden;
ROLLBACK;
SELECT note FROM hidden;
RESET search_path;
SELECT note FROM hidden;
SET work_mem = '5MB';
BEGIN;
SET work_mem = '6MB';
SAVEPOINT s;
SET work_mem = '7MB';
SHOW work_mem;
ROLLBACK TO s;
SHOW work_mem;
ROLLBACK;
\i :route
SHOW work_mem;
BEGIN; SET work_mem = '8MB'; COMMIT;
\i :route
SELECT current_setting('work_mem'), current_setting('no.such', true) IS NULL AS unknown, current_setting('no.such');
SET my.own = 'a ''quoted'' value';
\i :route
SHOW my.own;
SELECT set_config('my.own', 'by function', false), set_config('my.local', 'local', true);
\i :route
SELECT current_setting('my.own'), current_setting('my.local', true);
SET TimeZone = 'Asia/Kathmandu';
SELECT timestamptz '2024-01-01 00:00Z';
SET TIME ZONE INTERVAL '-03:30' HOUR TO MINUTE;
\i :route
SELECT timestamptz '2024-01-01 00:00Z';
SET DateStyle = 'SQL, DMY';
SELECT date '2024-02-28', interval '1 day 2 hours';
SET work_mem = 'much';
SET no_such_setting = 1;
SET max_connections = 5;
SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;
\i :route
CREATE TABLE refused (a int);
SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE;
SET standard_conforming_strings = off;
SELECT 'a\'b; SELECT 2 --' AS escaped;
RESET standard_conforming_strings;
SELECT 'a\' AS plain;
SET client_min_messages = error;
DO $$ BEGIN RAISE WARNING 'unheard'; END $$;
RESET ALL;
\i :route
SHOW work_mem; SHOW TimeZone; SHOW DateStyle; SHOW client_min_messages;
SET ROLE app; SELECT current_user, session_user; RESET ROLE;
SET SESSION AUTHORIZATION postgres;
SELECT name, setting FROM pg_settings WHERE name IN ('work_mem', 'search_path', 'lock_timeout') ORDER BY name;
CREATE FUNCTION settings_f() RETURNS text LANGUAGE sql SET work_mem = '9MB' AS $$ SELECT current_setting('work_mem') $$;
SELECT settings_f(), current_setting('work_mem');
DROP FUNCTION settings_f;
DISCARD ALL;
SHOW TimeZone;
