\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE TABLE types (id int PRIMARY KEY, b boolean, n numeric(12, 4), f float8, t text, v varchar(9), c char(6), y bytea, d date,
  tz timestamptz, iv interval, u uuid, j jsonb, a int[], r numrange, e inet, bits varbit, p point);
\i :route
INSERT INTO types VALUES
  (1, true, 12345678.1234, 'NaN', 'día ☃ ''q'' \', 'v', 'c', '\x00ff', '2024-02-29', '2024-02-29 12:00:00.123456+02', '1 year 2 mons -3 days 04:05:06.7',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null, {"b": "c"}]}', '{{1,2},{NULL,4}}', '[1.5,2)', '::1/64', B'10110', '(1.5,-2)'),
  (2, false, -0.0001, '-Infinity', '', '', '', '', '-infinity', 'infinity', '-1 day', NULL, 'null', '{}', 'empty', '10.0.0.0/8', B'', NULL),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT * FROM types ORDER BY id;
\x on
SELECT * FROM types ORDER BY id;
\x off
\i :route
SELECT n * 2 AS twice, f > 0 AS positive, length(t), octet_length(y), d + 1 AS next, tz AT TIME ZONE 'UTC' AS utc, iv * 2 AS iv2 FROM types ORDER BY id;
SELECT j -> 'a' -> 2 ->> 'b' AS inner, a[2][2], lower(r), host(e), bit_length(bits), p[0] FROM types WHERE id = 1;
SELECT id, jsonb_pretty(j) FROM types ORDER BY id;
SELECT row_to_json(types) FROM types WHERE id = 2;
SELECT pg_typeof(x), x FROM (VALUES (1::numeric), (NULL), ('Infinity')) AS v(x);
SELECT 'a'::char(5) || '|' AS padded, 'abc'::varchar(2) AS cut, 1::money > 0::money AS money, '{"b":1,"a":2}'::json AS kept, xmlparse(CONTENT '<a>b</a>') AS xml;
SELECT 9223372036854775807::bigint + 1;
SELECT '12:60'::time, '2023-02-29'::date;
SELECT repeat('0123456789', 3) AS wide, E'two\nlines' AS lines, E'tab\there' AS tab;
CREATE TYPE types_mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN types_small AS int CHECK (VALUE < 10);
CREATE TYPE types_pair AS (mood types_mood, small types_small);
\i :route
SELECT ROW('ok', 5)::types_pair, ('happy'::types_mood > 'sad') AS above, enum_range(NULL::types_mood);
SELECT 11::types_small;
SELECT 'angry'::types_mood;
DROP TABLE types;
DROP TYPE types_pair, types_mood;
DROP DOMAIN types_small;
