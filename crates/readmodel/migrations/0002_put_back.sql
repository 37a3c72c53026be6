-- An event that was lost from the log and put back stands behind the rest and keeps its first place, here and in the
-- log. Nothing was ever put back before this release, so older rows are right without it.

ALTER TABLE meta.ledger ADD COLUMN original_seq bigint CHECK (original_seq > 0 AND original_seq < seq);
CREATE INDEX ledger_put_back ON meta.ledger (stream, original_seq) WHERE original_seq IS NOT NULL;

-- What the projector found when it last compared log and ledger; a row for each stream.
CREATE TABLE meta.ledger_check (
    stream text COLLATE "C" PRIMARY KEY CHECK (stream IN ('AUTHZ', 'CATALOG')),
    checked_at timestamptz NOT NULL,
    seq bigint NOT NULL,
    missing bigint NOT NULL,
    first_missing bigint,
    differing bigint NOT NULL
);

-- Readers see views only.
CREATE VIEW live.ledger_check AS SELECT stream, checked_at, seq, missing, first_missing, differing FROM meta.ledger_check;

-- Every projector says now and then that it lives: the one that writes, and those that stand by.
CREATE TABLE meta.projectors (
    incarnation uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    version text COLLATE "C" NOT NULL,
    active boolean NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE VIEW live.projectors AS SELECT incarnation, name, version, active, seen_at FROM meta.projectors;
