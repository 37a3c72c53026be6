-- The tables of one version of the projections, made in its own schema. Rows depend on the log alone: no clock,
-- no serial numbers, text ordered by bytes. Change anything here and SHAPE in version.rs goes up by one.

CREATE TABLE checkpoint (
    stream text COLLATE "C" PRIMARY KEY CHECK (stream IN ('AUTHZ', 'CATALOG')),
    epoch text NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0)
);
INSERT INTO checkpoint VALUES ('AUTHZ', '', 0), ('CATALOG', '', 0);

-- An event is applied once, even if the log holds its id twice.
CREATE TABLE applied (
    stream text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (stream, event_id)
);

-- Aggregates of CATALOG with an event that could not be applied: nothing after it is applied either.
CREATE TABLE parked (
    subject text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    reason text NOT NULL
);

CREATE TABLE accounts (
    account_id uuid PRIMARY KEY,
    kind text NOT NULL,
    admin boolean NOT NULL,
    disabled boolean NOT NULL,
    created_at timestamptz NOT NULL,
    seq bigint NOT NULL
);

CREATE TABLE account_owners (
    account_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (account_id, owner_id)
);

CREATE TABLE tokens (
    token_id uuid PRIMARY KEY,
    owner_id uuid NOT NULL,
    kind text NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    maker_token_id uuid,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    seq bigint NOT NULL,
    scopes text[] NOT NULL,
    reissued_at timestamptz
);
CREATE INDEX ON tokens (owner_id);

CREATE TABLE token_grants (
    token_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    level text NOT NULL,
    PRIMARY KEY (token_id, channel_id)
);
CREATE INDEX ON token_grants (channel_id);

CREATE TABLE channels (
    channel_id uuid PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    owner_id uuid NOT NULL,
    privacy text NOT NULL,
    description text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    seq bigint NOT NULL,
    -- A subchannel is gone when this one is.
    parent_id uuid
);

-- Levels that accounts and groups were given; what a deleted group was given stands here still, and opens nothing.
CREATE TABLE channel_grants (
    channel_id uuid NOT NULL,
    account_id uuid,
    level text NOT NULL,
    group_id uuid,
    CHECK ((account_id IS NULL) <> (group_id IS NULL)),
    UNIQUE NULLS NOT DISTINCT (channel_id, account_id, group_id)
);
CREATE INDEX ON channel_grants (account_id);

CREATE TABLE groups (
    group_id uuid PRIMARY KEY,
    organisation_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    description text NOT NULL,
    level text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz,
    seq bigint NOT NULL
);
CREATE INDEX ON groups (organisation_id);

CREATE TABLE group_members (
    group_id uuid NOT NULL,
    account_id uuid NOT NULL,
    PRIMARY KEY (group_id, account_id)
);
CREATE INDEX ON group_members (account_id);

CREATE TABLE packages (
    package_id uuid PRIMARY KEY,
    channel_id uuid NOT NULL,
    kind text NOT NULL,
    name text COLLATE "C" NOT NULL,
    private boolean NOT NULL,
    created_at timestamptz NOT NULL,
    seq bigint NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX ON packages (channel_id);

-- Levels that accounts and groups were given on one package alone.
CREATE TABLE package_grants (
    package_id uuid NOT NULL,
    account_id uuid,
    level text NOT NULL,
    group_id uuid,
    CHECK ((account_id IS NULL) <> (group_id IS NULL)),
    UNIQUE NULLS NOT DISTINCT (package_id, account_id, group_id)
);

-- Files that stand in a channel now. Deleting the channel leaves them: its id opens nothing for ever, and what
-- CATALOG makes of it must not depend on where AUTHZ was.
CREATE TABLE artifacts (
    artifact_id uuid NOT NULL,
    package_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    subdir text COLLATE "C" NOT NULL,
    filename text COLLATE "C" NOT NULL,
    version text NOT NULL,
    build text NOT NULL,
    build_number bigint NOT NULL CHECK (build_number >= 0),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    md5 bytea NOT NULL CHECK (length(md5) = 16),
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    record_json text NOT NULL,
    run_exports_json text NOT NULL,
    channeldata_json text NOT NULL,
    indexed_timestamp_ms bigint NOT NULL,
    filetype text CHECK (filetype IN ('wheel', 'sdist')),
    project text NOT NULL,
    requires_python text NOT NULL,
    metadata_sha256 bytea CHECK (length(metadata_sha256) = 32),
    metadata_size_bytes bigint NOT NULL CHECK (metadata_size_bytes >= 0),
    summary text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    seq bigint NOT NULL,
    authz_seq bigint NOT NULL,
    labels text[] COLLATE "C" NOT NULL,
    PRIMARY KEY (channel_id, kind, subdir, filename)
);
CREATE INDEX ON artifacts USING gin (labels);
CREATE INDEX ON artifacts (channel_id, kind, name);

CREATE TABLE history (
    channel_id uuid NOT NULL,
    stream text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    part integer NOT NULL,
    at timestamptz NOT NULL,
    actor_account uuid,
    actor_token uuid,
    actor_system text NOT NULL,
    event text NOT NULL,
    summary_json text NOT NULL,
    PRIMARY KEY (channel_id, stream, seq, part)
);
CREATE INDEX ON history (channel_id, at, stream, seq, part);
