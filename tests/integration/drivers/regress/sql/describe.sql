\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE SCHEMA described;
CREATE TABLE described.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT 'x' UNIQUE, n numeric(8, 2) CHECK (n > 0));
COMMENT ON TABLE described.t IS 'a comment';
CREATE INDEX ON described.t (lower(name)) WHERE n > 5;
\i :route
\d described.t
\dt+ described.*
\di described.*
\ds described.*
CREATE MATERIALIZED VIEW described.m AS SELECT count(*) FROM described.t;
\dm described.*
CREATE TYPE described.mood AS ENUM ('a', 'b');
\i :route
\dT described.*
\dn described
\dp described.t
GRANT SELECT ON described.t TO other;
\z described.t
\df pg_catalog.abs
\do pg_catalog.||/
\dC described.*
\dv described.*
\sv described.m
CREATE TABLE described.parts (a int, b text) PARTITION BY RANGE (a);
CREATE TABLE described.part1 PARTITION OF described.parts FOR VALUES FROM (0) TO (10);
\d+ described.parts
INSERT INTO described.parts VALUES (5, 'in'), (50, 'out');
SELECT tableoid::regclass, * FROM described.parts;
\dP described.*
\d no_such_table
\pset format unaligned
TABLE described.m;
\pset format csv
SELECT 1 AS a, 'x,y' AS b;
\pset format html
SELECT 1 AS a, '<x>' AS b;
\pset format aligned
\pset null '(null)'
SELECT NULL AS nothing;
SELECT 1 AS a \gx
DROP SCHEMA described CASCADE;
