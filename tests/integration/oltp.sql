SET ROLE app;
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, since date NOT NULL DEFAULT '2020-02-29');
INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, 1000) AS i;

-- What tests write into; emptied after each.
CREATE TABLE written (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text UNIQUE DEFERRABLE INITIALLY IMMEDIATE,
                      amount integer CHECK (amount >= 0));

CREATE SCHEMA private;
CREATE TABLE private.hidden (note text);
INSERT INTO private.hidden VALUES ('in the schema private');

CREATE TABLE every_type (
  b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, t text, v varchar(10), c char(5),
  bytes bytea, d date, ts timestamp, tz timestamptz, iv interval, u uuid, j json, jb jsonb, ia integer[], ta text[],
  ip inet, r int4range, bits bit(4), p point);
INSERT INTO every_type VALUES
  (true, -32768, 2147483647, -9223372036854775808, 1.5, 0.1, 12345678901234567890.0123456789, 'día ☃ ''q'' "d" \', 'v', 'c',
   '\x00ff0a', '2024-02-29', '2024-02-29 23:59:59.999999', '2024-02-29 12:00+02', '1 year 2 mons 3 days 04:05:06',
   'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a":  1}', '{"b": [1, null]}', '{1,NULL,3}', '{a,"b c",NULL}',
   '10.1.2.3/8', '[1,5)', B'1010', '(1,2)'),
  (NULL, NULL, NULL, NULL, 'NaN', '-Infinity', 'NaN', '', '', '', '', 'infinity', '-infinity', NULL, NULL, NULL, NULL, 'null',
   '{}', '{}', NULL, 'empty', NULL, NULL);
GRANT SELECT ON customers TO other, md5user;
