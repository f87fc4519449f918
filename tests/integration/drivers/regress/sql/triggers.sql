\getenv source PG_ABS_SRCDIR
\set route :source '/route.sql'
CREATE TABLE watched (id int PRIMARY KEY, v text);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE NOTICE '% % % old % new %', TG_NAME, TG_WHEN, TG_OP, to_json(OLD), to_json(NEW); RETURN COALESCE(NEW, OLD); END $$;
CREATE TRIGGER before_each BEFORE INSERT OR UPDATE OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION watch();
\i :route
INSERT INTO watched VALUES (1, 'a'), (2, 'b');
UPDATE watched SET v = v || v WHERE id = 2;
DELETE FROM watched WHERE id = 1 RETURNING *;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused %', NEW.id USING ERRCODE = 'check_violation'; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON watched DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
\i :route
BEGIN;
INSERT INTO watched VALUES (3, 'c');
SELECT count(*) FROM watched;
COMMIT;
INSERT INTO watched VALUES (4, 'd');
\i :route
SELECT * FROM watched;
CREATE RULE no_delete AS ON DELETE TO watched DO INSTEAD NOTHING;
DELETE FROM watched;
SELECT count(*) FROM watched;
SET client_min_messages = warning;
UPDATE watched SET v = 'unheard';
\i :route
UPDATE watched SET v = 'still unheard';
RESET client_min_messages;
UPDATE watched SET v = 'heard';
\d watched
CREATE TABLE children (id int REFERENCES watched);
INSERT INTO children VALUES (77);
DROP TABLE watched;
DROP TABLE watched CASCADE;
DROP TABLE children;
DROP FUNCTION watch, refuse;
