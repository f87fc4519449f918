-- The transactional side of the demo: a small shop with a help desk. Runs in the database "app" of the cluster "oltp".
BEGIN;

CREATE TABLE customers (
  id      integer PRIMARY KEY,
  name    text NOT NULL,
  email   text NOT NULL UNIQUE,
  city    text NOT NULL,
  since   date NOT NULL
);

CREATE TABLE orders (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  placed_at   timestamptz NOT NULL DEFAULT now(),
  status      text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'paid', 'shipped', 'returned')),
  total       numeric(10, 2) NOT NULL CHECK (total >= 0)
);
CREATE INDEX orders_customer ON orders (customer_id);

CREATE TABLE tickets (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id    bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
  opened_at   timestamptz NOT NULL DEFAULT now(),
  subject     text NOT NULL,
  closed      boolean NOT NULL DEFAULT false
);
CREATE INDEX tickets_order ON tickets (order_id);

INSERT INTO customers
SELECT i,
       (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Tony', 'Radia'])[1 + i % 8] || ' ' ||
       (ARRAY['Hopper', 'Lovelace', 'Liskov', 'Knuth', 'Allen', 'Hoare', 'Perlman'])[1 + i % 7],
       'customer' || i || '@example.com',
       (ARRAY['Lisbon', 'Oslo', 'Quito', 'Nairobi', 'Osaka'])[1 + i % 5],
       date '2020-01-01' + i % 1500
FROM generate_series(1, 1000) AS i;

INSERT INTO orders (customer_id, placed_at, status, total)
SELECT 1 + (i * 37) % 1000,
       timestamptz '2024-01-01 00:00+00' + i * interval '97 minutes',
       (ARRAY['paid', 'shipped', 'shipped', 'shipped', 'returned'])[1 + i % 5],
       5 + (i * 7919) % 50000 / 100.0
FROM generate_series(1, 5000) AS i;

INSERT INTO tickets (order_id, opened_at, subject, closed)
SELECT 1 + (i * 11) % 5000,
       timestamptz '2024-02-01 00:00+00' + i * interval '5 hours',
       (ARRAY['Where is my parcel?', 'Wrong size', 'Invoice please', 'Broken on arrival'])[1 + i % 4],
       i % 3 <> 0
FROM generate_series(1, 1500) AS i;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
COMMIT;
VACUUM ANALYZE;
