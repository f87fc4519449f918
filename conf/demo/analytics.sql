-- The analytic side of the demo: ticket sales in the manner of Amazon Redshift's TICKIT sample, every row computed here.
-- Runs in the database "analytics" of the cluster "analytics", in front of which tests/redshift stands in for Redshift.
BEGIN;

CREATE TABLE category (catid smallint PRIMARY KEY, catgroup text, catname text, catdesc text);
CREATE TABLE venue    (venueid smallint PRIMARY KEY, venuename text, venuecity text, venueseats integer);
CREATE TABLE date     (dateid smallint PRIMARY KEY, caldate date NOT NULL, day text, week smallint, month text, qtr smallint,
                       year smallint, holiday boolean);
CREATE TABLE users    (userid integer PRIMARY KEY, username text, firstname text, city text, likesports boolean,
                       likemusic boolean);
CREATE TABLE event    (eventid integer PRIMARY KEY, venueid smallint NOT NULL, catid smallint NOT NULL,
                       dateid smallint NOT NULL, eventname text, starttime timestamp);
CREATE TABLE listing  (listid integer PRIMARY KEY, sellerid integer NOT NULL, eventid integer NOT NULL,
                       dateid smallint NOT NULL, numtickets smallint, priceperticket numeric(8, 2));
CREATE TABLE sales    (salesid integer PRIMARY KEY, listid integer NOT NULL, sellerid integer NOT NULL,
                       buyerid integer NOT NULL, eventid integer NOT NULL, dateid smallint NOT NULL,
                       qtysold smallint NOT NULL, pricepaid numeric(8, 2), commission numeric(8, 2), saletime timestamp);

INSERT INTO category VALUES
  (1, 'Shows', 'Musicals', 'Musical theatre'), (2, 'Shows', 'Plays', 'All non-musical theatre'),
  (3, 'Shows', 'Opera', 'All opera and light opera'), (4, 'Concerts', 'Pop', 'All rock and pop music concerts'),
  (5, 'Concerts', 'Jazz', 'All jazz singers and bands'), (6, 'Concerts', 'Classical', 'All symphony and choir concerts');

INSERT INTO venue
SELECT i, 'Venue ' || i, (ARRAY['Lisbon', 'Oslo', 'Quito', 'Nairobi', 'Osaka'])[1 + i % 5], 500 + (i * 613) % 60000
FROM generate_series(1, 200) AS i;

INSERT INTO date
SELECT i, d, upper(to_char(d, 'DY')), to_char(d, 'IW')::smallint, upper(to_char(d, 'MON')), to_char(d, 'Q')::smallint,
       to_char(d, 'YYYY')::smallint, to_char(d, 'MMDD') IN ('0101', '1225')
FROM generate_series(1, 731) AS i, LATERAL (SELECT date '2023-12-31' + i AS d) AS day;

INSERT INTO users
SELECT i, 'user' || i, (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald'])[1 + i % 5],
       (ARRAY['Lisbon', 'Oslo', 'Quito', 'Nairobi', 'Osaka'])[1 + i / 5 % 5], i % 2 = 0, i % 3 = 0
FROM generate_series(1, 20000) AS i;

INSERT INTO event
SELECT i, 1 + i % 200, 1 + i % 6, 1 + (i * 13) % 731,
       (ARRAY['Mamma Mia!', 'Hamlet', 'Carmen', 'The Loud Ones', 'Blue Trio', 'Ninth Symphony'])[1 + i % 6] || ' #' || i / 6,
       timestamp '2024-01-01 19:30' + ((i * 13) % 731) * interval '1 day'
FROM generate_series(1, 4000) AS i;

INSERT INTO listing
SELECT i, 1 + (i * 31) % 20000, 1 + (i * 7) % 4000, 1 + (i * 17) % 731, 1 + i % 12, 20 + (i * 271) % 28000 / 100.0
FROM generate_series(1, 60000) AS i;

INSERT INTO sales
SELECT i, 1 + i % 60000, 1 + (i * 31) % 20000, 1 + (i * 101) % 20000, 1 + (i * 7) % 4000, 1 + (i * 17) % 731, 1 + i % 6,
       price, round(price * 0.15, 2), timestamp '2024-01-01' + ((i * 17) % 731) * interval '1 day' + i % 86400 * interval '1 s'
FROM generate_series(1, 120000) AS i, LATERAL (SELECT (1 + i % 6) * (20 + (i * 271) % 28000 / 100.0) AS price) AS paid;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
COMMIT;
VACUUM ANALYZE;
