SET ROLE app;
CREATE TABLE sales (id integer PRIMARY KEY, customer_id integer NOT NULL, price numeric NOT NULL);
INSERT INTO sales SELECT i, 1 + i % 1000, i % 97 FROM generate_series(1, 10000) AS i;
CREATE TABLE events (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO events SELECT i, 'event ' || i FROM generate_series(1, 100) AS i;
GRANT SELECT ON sales, events TO other, md5user;
