-- The ticket sales of Amazon Redshift's sample, as far as the queries of the tests go: five sellers, two months, two states.
CREATE TABLE sales (salesid integer, sellerid integer, qtysold smallint, pricepaid decimal(8, 2), saletime timestamp);
INSERT INTO sales SELECT i, 1 + i % 5, 1 + i % 4, 10 + i % 90, timestamp '2008-01-01' + i * interval '29 minutes' FROM generate_series(1, 3000) AS i;
CREATE TABLE users (userid integer, username varchar(40), state char(2), likesports boolean);
INSERT INTO users SELECT i, 'user ' || i || CASE WHEN i % 7 = 0 THEN ' ''\' ELSE '' END, CASE WHEN i % 3 = 0 THEN 'CA' ELSE 'NY' END, i % 2 = 0
  FROM generate_series(1, 400) AS i;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
