\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
LISTEN news;
LISTEN "Other News";
\i :route
SELECT pg_listening_channels() ORDER BY 1;
-- The line that psql prints for a notification has a PID.
\o /dev/null
NOTIFY news, 'to itself';
SELECT pg_notify('Other News', 'payload');
\o
\i :route
BEGIN;
LISTEN inside;
ROLLBACK;
SELECT pg_listening_channels() ORDER BY 1;
BEGIN;
UNLISTEN news;
SELECT pg_listening_channels() ORDER BY 1;
COMMIT;
\i :route
SELECT pg_listening_channels() ORDER BY 1;
SELECT pg_notify('', 'x');
SELECT pg_notify('news', repeat('x', 8000));
UNLISTEN *;
SELECT count(*) FROM pg_listening_channels();
NOTIFY news;
SELECT pg_advisory_lock(1001), pg_try_advisory_lock(1002), pg_advisory_xact_lock(1003);
\i :route
SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY objid;
SELECT pg_advisory_unlock(1001), pg_advisory_unlock(1001);
SELECT pg_advisory_unlock_all();
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
