-- Every name begins with throng_, so that the tables can live in a file of the host.
-- Times are microseconds since 1970. Keys are the bytes of folded names: the library computes them, and they
-- are compared as bytes. A claim outlives its directory as a tombstone: its directory_id refers to nothing.

CREATE TABLE throng_meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_directory (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key BLOB NOT NULL UNIQUE,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    stored INTEGER NOT NULL CHECK (stored IN (0, 1)),
    permissions TEXT NOT NULL,
    kind TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_application (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    name TEXT NOT NULL,
    name_key BLOB NOT NULL UNIQUE,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    aliases TEXT NOT NULL,
    plan_version INTEGER NOT NULL,
    memberships TEXT NOT NULL,
    rules TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_seat (
    application_id BLOB NOT NULL REFERENCES throng_application (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    directory_id BLOB NOT NULL REFERENCES throng_directory (id) ON DELETE CASCADE,
    settings TEXT NOT NULL,
    PRIMARY KEY (application_id, position),
    UNIQUE (directory_id, application_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_user (
    id INTEGER PRIMARY KEY,
    directory_id BLOB NOT NULL REFERENCES throng_directory (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key BLOB NOT NULL,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    email TEXT NOT NULL,
    email_key BLOB,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    attributes TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The name comes first, so that one seek finds everybody of a name whatever the number of directories.
CREATE UNIQUE INDEX throng_user_by_name ON throng_user (name_key, directory_id);
CREATE UNIQUE INDEX throng_user_by_external_id ON throng_user (directory_id, external_id);
CREATE INDEX throng_user_by_email ON throng_user (email_key) WHERE email_key IS NOT NULL;

CREATE TABLE throng_group (
    id INTEGER PRIMARY KEY,
    directory_id BLOB NOT NULL REFERENCES throng_directory (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key BLOB NOT NULL,
    description TEXT NOT NULL,
    imported INTEGER NOT NULL CHECK (imported IN (0, 1)),
    attributes TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX throng_group_by_name ON throng_group (name_key, directory_id);
CREATE UNIQUE INDEX throng_group_by_external_id ON throng_group (directory_id, external_id);

CREATE TABLE throng_user_membership (
    group_id INTEGER NOT NULL REFERENCES throng_group (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES throng_user (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX throng_user_membership_by_user ON throng_user_membership (user_id, group_id);

CREATE TABLE throng_group_membership (
    parent_id INTEGER NOT NULL REFERENCES throng_group (id) ON DELETE CASCADE,
    child_id INTEGER NOT NULL REFERENCES throng_group (id) ON DELETE CASCADE,
    PRIMARY KEY (parent_id, child_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX throng_group_membership_by_child ON throng_group_membership (child_id, parent_id);

CREATE TABLE throng_credential (
    user_id INTEGER PRIMARY KEY REFERENCES throng_user (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('usable', 'quarantined', 'absent')),
    hash TEXT,
    history TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    failed_attempts INTEGER NOT NULL,
    must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)),
    CHECK ((state = 'absent') = (hash IS NULL))
) STRICT;

CREATE TABLE throng_last_login (
    user_id INTEGER PRIMARY KEY REFERENCES throng_user (id) ON DELETE CASCADE,
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE throng_claim (
    application_id BLOB NOT NULL REFERENCES throng_application (id) ON DELETE CASCADE,
    name_key BLOB NOT NULL,
    identity BLOB NOT NULL CHECK (length(identity) = 16),
    directory_id BLOB NOT NULL CHECK (length(directory_id) = 16),
    external_id TEXT NOT NULL,
    tombstoned_at INTEGER,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (application_id, name_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX throng_claim_by_subject ON throng_claim (directory_id, external_id);

CREATE TABLE throng_alias (
    application_id BLOB NOT NULL REFERENCES throng_application (id) ON DELETE CASCADE,
    alias_key BLOB NOT NULL,
    alias TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES throng_user (id) ON DELETE CASCADE,
    PRIMARY KEY (application_id, alias_key),
    UNIQUE (user_id, application_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_session (
    token_digest BLOB NOT NULL PRIMARY KEY CHECK (length(token_digest) = 32),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    application_id BLOB NOT NULL REFERENCES throng_application (id) ON DELETE CASCADE,
    directory_id BLOB NOT NULL REFERENCES throng_directory (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX throng_session_by_subject ON throng_session (directory_id, external_id);
CREATE INDEX throng_session_by_application ON throng_session (application_id);
CREATE INDEX throng_session_by_end ON throng_session (expires_at);

-- How often the sessions of accounts were ended whose directory keeps no users here.
CREATE TABLE throng_live_epoch (
    directory_id BLOB NOT NULL REFERENCES throng_directory (id) ON DELETE CASCADE,
    external_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    PRIMARY KEY (directory_id, external_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_change_log (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    entries TEXT NOT NULL
) STRICT;
