-- Who last used which token. It comes from the stream USAGE and not from the log: it stands apart from the versions of
-- the projections, a rebuild leaves it as it is, and a verification compares nothing of it.

-- One row for each string of a token, and for whether it was alive when it was shown.
CREATE TABLE meta.token_uses (
    token_id uuid NOT NULL,
    string_no integer NOT NULL CHECK (string_no >= 0),
    alive boolean NOT NULL,
    at timestamptz NOT NULL,
    -- Personal data: emptied when they are as old as the stream keeps them.
    address text NOT NULL,
    client text NOT NULL,
    family text NOT NULL,
    outcome text NOT NULL,
    PRIMARY KEY (token_id, string_no, alive)
);
CREATE INDEX ON meta.token_uses (at) WHERE address <> '' OR client <> '';

-- How far the stream has been taken in.
CREATE TABLE meta.usage_position (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch text NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0)
);
INSERT INTO meta.usage_position (epoch, seq) VALUES ('', 0);

CREATE VIEW live.token_uses AS SELECT * FROM meta.token_uses;
