-- Who may do what in the database, once per database and by its superuser; done again it changes nothing. The session's
-- settings latchkey.projector, latchkey.gateway and latchkey.auth hold the passwords, so that no statement in a log does.
--
-- projector owns the ledger and the read models, and nothing else. gateway and auth connect; what they may read, views of
-- the schema live, they are granted by projector, whose they are.
DO $$
DECLARE
    name text;
    statement text;
BEGIN
    FOREACH name IN ARRAY ARRAY['projector', 'gateway', 'auth'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I', name);
        END IF;
        EXECUTE format(
            'ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L',
            name, current_setting('latchkey.' || name));
        EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), name);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CREATE ON DATABASE %I TO projector', current_database());
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    GRANT USAGE, CREATE ON SCHEMA public TO projector;
    IF pg_has_role('gateway', 'pg_read_all_data', 'MEMBER') THEN
        REVOKE pg_read_all_data FROM gateway;
    END IF;
    -- What was made before there were roles.
    FOR statement IN
        SELECT format('ALTER SCHEMA %I OWNER TO projector', nspname)
        FROM pg_namespace
        WHERE nspname ~ '^(meta|live|p[0-9]+)$' AND nspowner <> 'projector'::regrole
        UNION ALL
        SELECT format('ALTER %s %s OWNER TO projector', CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE relkind IN ('r', 'v') AND relowner <> 'projector'::regrole
            AND (nspname ~ '^(meta|live|p[0-9]+)$' OR (nspname = 'public' AND relname = '_sqlx_migrations'))
    LOOP
        EXECUTE statement;
    END LOOP;
END $$;
