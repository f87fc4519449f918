-- What Redshift has and PostgreSQL lacks (redshift facts 1.6, 2.2, 3.2), in the database behind the stand-in. Names are put into the
-- schema `redshift` by translate.cpp; `redshift_absent` stays empty: what is looked up there does not exist.
CREATE SCHEMA redshift;
CREATE SCHEMA redshift_absent;
GRANT USAGE ON SCHEMA redshift, redshift_absent TO PUBLIC;

CREATE FUNCTION redshift.version() RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.63269'$$;
CREATE FUNCTION redshift.getdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT date_trunc('second', statement_timestamp()::timestamp)$$;
CREATE FUNCTION redshift.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT transaction_timestamp()::timestamp$$;
CREATE FUNCTION redshift.current_user_id() RETURNS integer LANGUAGE sql STABLE AS
$$SELECT oid::integer FROM pg_catalog.pg_roles WHERE rolname = current_user$$;

-- Developer Guide, DATEADD and DATEDIFF: names of date parts, and boundaries that are crossed.
CREATE FUNCTION redshift.date_part_name(part text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN lower(part) IN ('y', 'yr', 'yrs', 'year', 'years') THEN 'year'
    WHEN lower(part) IN ('qtr', 'qtrs', 'quarter', 'quarters') THEN 'quarter'
    WHEN lower(part) IN ('mon', 'mons', 'month', 'months') THEN 'month'
    WHEN lower(part) IN ('w', 'week', 'weeks') THEN 'week'
    WHEN lower(part) IN ('d', 'day', 'days') THEN 'day'
    WHEN lower(part) IN ('h', 'hr', 'hrs', 'hour', 'hours') THEN 'hour'
    WHEN lower(part) IN ('m', 'min', 'mins', 'minute', 'minutes') THEN 'minute'
    WHEN lower(part) IN ('s', 'sec', 'secs', 'second', 'seconds') THEN 'second'
    ELSE lower(part) END $$;
CREATE FUNCTION redshift.dateadd(part text, amount bigint, moment timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
  SELECT moment + CASE redshift.date_part_name(part) WHEN 'quarter' THEN amount * 3 * interval '1 month'
    ELSE amount * ('1 ' || redshift.date_part_name(part))::interval END $$;
CREATE FUNCTION redshift.datediff(part text, a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE redshift.date_part_name(part)
    WHEN 'year' THEN extract(year FROM b) - extract(year FROM a)
    WHEN 'quarter' THEN (extract(year FROM b) - extract(year FROM a)) * 4 + extract(quarter FROM b) - extract(quarter FROM a)
    WHEN 'month' THEN (extract(year FROM b) - extract(year FROM a)) * 12 + extract(month FROM b) - extract(month FROM a)
    WHEN 'week' THEN extract(epoch FROM date_trunc('week', b) - date_trunc('week', a)) / 604800
    ELSE extract(epoch FROM date_trunc(redshift.date_part_name(part), b) - date_trunc(redshift.date_part_name(part), a))
      / CASE redshift.date_part_name(part) WHEN 'day' THEN 86400 WHEN 'hour' THEN 3600 WHEN 'minute' THEN 60 ELSE 1 END
    END::bigint $$;
CREATE FUNCTION redshift.last_day(moment timestamp) RETURNS date LANGUAGE sql IMMUTABLE AS
$$SELECT (date_trunc('month', moment) + interval '1 month - 1 day')::date$$;
CREATE FUNCTION redshift.add_months(moment timestamp, amount bigint) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$SELECT moment + amount * interval '1 month'$$;
CREATE FUNCTION redshift.date_part_year(day date) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT extract(year FROM day)::integer$$;
CREATE FUNCTION redshift.convert_timezone(zone text, moment timestamp) RETURNS timestamp LANGUAGE sql STABLE AS
$$SELECT moment AT TIME ZONE 'UTC' AT TIME ZONE zone$$;

CREATE FUNCTION redshift.len(value text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$SELECT length(value)$$;
CREATE FUNCTION redshift.charindex(part text, whole text) RETURNS integer LANGUAGE sql IMMUTABLE AS
$$SELECT strpos(whole, part)$$;
CREATE FUNCTION redshift.strtol(digits text, base integer) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$SELECT sum((strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(substr(digits, i, 1))) - 1) 
  * base::numeric ^ (length(digits) - i))::bigint
  FROM generate_series(1, length(digits)) i$$;
CREATE FUNCTION redshift.sha2(value text, bits integer) RETURNS text LANGUAGE sql IMMUTABLE AS
$$SELECT pg_catalog.encode(CASE bits WHEN 224 THEN sha224(convert_to(value, 'UTF8')) WHEN 384 THEN sha384(convert_to(value, 'UTF8'))
  WHEN 512 THEN sha512(convert_to(value, 'UTF8')) ELSE sha256(convert_to(value, 'UTF8')) END, 'hex')$$;

-- Developer Guide, JSON_EXTRACT_PATH_TEXT: a key that is not there gives ''.
CREATE FUNCTION redshift.json_extract_path_text(value text, VARIADIC path text[]) RETURNS varchar LANGUAGE sql IMMUTABLE AS
$$SELECT CASE WHEN value IS NULL THEN NULL ELSE coalesce(pg_catalog.json_extract_path_text(value::json, VARIADIC path), '') END::varchar$$;
CREATE DOMAIN redshift.super AS jsonb;
CREATE DOMAIN redshift.varbyte AS bytea;
CREATE AGGREGATE redshift.listagg(text, text) (SFUNC = string_agg_transfn, STYPE = internal, FINALFUNC = string_agg_finalfn);
CREATE FUNCTION redshift.middle(list double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE AS
$$SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM unnest(list) x$$;
CREATE AGGREGATE redshift.median(double precision) (SFUNC = array_append, STYPE = double precision[], FINALFUNC = redshift.middle);

-- What the last COPY and UNLOAD of the session did (facts 3.2 "Outcome"); the stand-in sets it.
CREATE FUNCTION redshift.pg_last_copy_count() RETURNS bigint LANGUAGE sql STABLE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint$$;
CREATE FUNCTION redshift.pg_last_unload_count() RETURNS bigint LANGUAGE sql STABLE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_unload_count', true), ''), '0')::bigint$$;
CREATE FUNCTION redshift.pg_last_query_id() RETURNS bigint LANGUAGE sql STABLE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_query_id', true), ''), '-1')::bigint$$;
CREATE FUNCTION redshift.pg_last_copy_id() RETURNS bigint LANGUAGE sql STABLE AS
$$SELECT coalesce(nullif(current_setting('redshift.last_copy_id', true), ''), '-1')::bigint$$;
CREATE SEQUENCE redshift.query_ids;

-- Developer Guide, STL_LOAD_ERRORS.
CREATE TABLE redshift.load_errors (userid integer, slice integer, tbl integer, starttime timestamp, session integer, query integer,
  filename char(256), line_number bigint, colname char(127), type char(10), col_length char(10), position integer, raw_line char(1024),
  raw_field_value char(1024), err_code integer, err_reason char(100));
CREATE VIEW redshift.stl_load_errors AS SELECT * FROM redshift.load_errors
  WHERE userid = (SELECT oid::integer FROM pg_catalog.pg_roles WHERE rolname = current_user)
     OR (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user);
CREATE VIEW redshift.sys_load_error_detail AS SELECT userid AS user_id, query AS query_id, session AS session_id, starttime AS start_time,
  filename AS file_name, line_number, colname AS column_name, type AS column_type, col_length AS column_length, position,
  err_code AS error_code, err_reason AS error_message FROM redshift.stl_load_errors;
CREATE VIEW redshift.stv_sessions AS SELECT backend_start::timestamp AS starttime, pid AS process,
  usename::char(50) AS user_name, datname::char(50) AS db_name
  FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend';
CREATE VIEW redshift.stv_db_isolation_level AS SELECT oid::integer AS db_id, datname::char(128) AS db_name,
  'Serializable'::char(20) AS isolation_level
  FROM pg_catalog.pg_database;
CREATE VIEW redshift.pg_table_def AS SELECT schemaname, tablename, attname AS "column",
  format_type(atttypid, atttypmod) AS type, 'none'::char(32) AS encoding,
  false AS distkey, 0 AS sortkey, attnotnull AS "notnull" FROM pg_catalog.pg_tables JOIN pg_catalog.pg_class c ON relname = tablename
  JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace AND nspname = schemaname
  JOIN pg_catalog.pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
  WHERE schemaname = ANY (current_schemas(true));
CREATE VIEW redshift.svv_table_info AS SELECT current_database() AS database, schemaname AS schema, tablename AS "table"
  FROM pg_catalog.pg_tables;
GRANT SELECT ON ALL TABLES IN SCHEMA redshift TO PUBLIC;
