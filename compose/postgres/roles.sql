-- The database roles of Exchequer, and what each may do. Safe to run again at any time; passwords are set anew.
--
-- Run it with psql as a superuser, connected to the product's database, before the first migration:
--
--     psql -X -v ON_ERROR_STOP=1 -d exchequer -f roles.sql
--
-- The passwords come as psql variables (owner_password, app_password, signer_password) or, so that they show in no
-- process list, from EXCHEQUER_OWNER_PASSWORD, EXCHEQUER_APP_PASSWORD and EXCHEQUER_SIGNER_PASSWORD.
--
--   exchequer_owner   owns the schema; only migrations connect as it
--   exchequer_app     web, worker and beat: reads and writes ordinary tables; migrations take from it what is append-only
--   exchequer_signer  the signer: nothing, until a migration grants it a table
--   exchequer_ledger  cannot connect; owns the one function that writes the ledger

\if :{?owner_password}
\else
\getenv owner_password EXCHEQUER_OWNER_PASSWORD
\endif
\if :{?app_password}
\else
\getenv app_password EXCHEQUER_APP_PASSWORD
\endif
\if :{?signer_password}
\else
\getenv signer_password EXCHEQUER_SIGNER_PASSWORD
\endif

SET client_min_messages = warning;
-- Two runs at once would trip over each other's changes to the same catalogue rows.
SELECT pg_advisory_lock(hashtext('exchequer roles')) \g (format=unaligned tuples_only=on) /dev/null

SELECT format('CREATE ROLE %I', name)
  FROM unnest(ARRAY['exchequer_owner', 'exchequer_app', 'exchequer_signer', 'exchequer_ledger']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE exchequer_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
ALTER ROLE exchequer_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app_password';
ALTER ROLE exchequer_signer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'signer_password';
ALTER ROLE exchequer_ledger NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

-- Migrations hand functions over to exchequer_ledger; they do not act with its rights otherwise.
SELECT CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN 'GRANT exchequer_ledger TO exchequer_owner WITH INHERIT FALSE, SET TRUE'
            ELSE 'GRANT exchequer_ledger TO exchequer_owner' END
\gexec

-- This database.
SELECT format('ALTER DATABASE %I OWNER TO exchequer_owner', current_database())
 WHERE (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) <> 'exchequer_owner'
\gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database())
\gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO exchequer_app, exchequer_signer', current_database())
\gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO exchequer_app, exchequer_signer;
-- CREATE: without it no function could be handed over to this role.
GRANT USAGE, CREATE ON SCHEMA public TO exchequer_ledger;

-- What the owner will create: tables are the app's to use unless a migration takes that back; functions are nobody's
-- unless a migration grants them; the signer gets nothing by default.
ALTER DEFAULT PRIVILEGES FOR ROLE exchequer_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO exchequer_app;
ALTER DEFAULT PRIVILEGES FOR ROLE exchequer_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO exchequer_app;
ALTER DEFAULT PRIVILEGES FOR ROLE exchequer_owner
    REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

SELECT pg_advisory_unlock(hashtext('exchequer roles')) \g (format=unaligned tuples_only=on) /dev/null
