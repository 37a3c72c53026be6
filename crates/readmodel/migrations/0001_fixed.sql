-- The fixed part: what outlives every version of the projections. The versions' own tables are made from
-- src/write/version.sql and need no migration: a new shape is a new version, rebuilt beside the live one.

CREATE SCHEMA meta;
CREATE SCHEMA live;

-- Every message that decides something, as stored in the log. A second durable copy: barriers are not in it.
CREATE TABLE meta.ledger (
    stream text COLLATE "C" NOT NULL CHECK (stream IN ('AUTHZ', 'CATALOG')),
    seq bigint NOT NULL CHECK (seq > 0),
    subject text COLLATE "C" NOT NULL,
    raw bytea NOT NULL,
    PRIMARY KEY (stream, seq)
);

-- Version n has the schema pn. Numbers are never used again.
CREATE TABLE meta.versions (
    version integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shape integer NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'scratch', 'live', 'previous', 'retired'))
);

-- One row: where the views point. Writers hold it shared for a transaction, a swap holds it alone.
-- The shape stands here too, as a locking read may not join.
CREATE TABLE meta.live (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL REFERENCES meta.versions,
    shape integer NOT NULL
);
