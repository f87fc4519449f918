-- Users that no auth_file knows. Run once in each cluster's database app by who needs them.
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'authenticator') THEN RETURN; END IF;
  CREATE ROLE authenticator LOGIN PASSWORD 'auth-secret';
  CREATE ROLE scram_only LOGIN PASSWORD 'scram-secret';
  CREATE ROLE boss LOGIN PASSWORD 'boss-secret';
  CREATE ROLE expired LOGIN PASSWORD 'old-secret' VALID UNTIL '2001-01-01';
  CREATE ROLE nopassword LOGIN;
  CREATE ROLE nologin PASSWORD 'nologin-secret';
  PERFORM set_config('password_encryption', 'md5', true);
  CREATE ROLE md5_only LOGIN PASSWORD 'md5-secret' IN ROLE md5_users;
END $$;
CREATE OR REPLACE FUNCTION user_lookup(wanted text) RETURNS TABLE (name text, secret text) LANGUAGE sql STABLE SECURITY DEFINER
  SET search_path = pg_catalog AS $$
  SELECT rolname::text, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END FROM pg_authid WHERE rolname = wanted AND rolcanlogin
$$;
REVOKE ALL ON FUNCTION user_lookup(text) FROM public;
GRANT EXECUTE ON FUNCTION user_lookup(text) TO authenticator;
