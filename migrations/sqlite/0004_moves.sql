-- Moves and their journal. A move outlives its directories, so that what happened can be read: it refers to none.
-- Passwords stand apart from the records, so that a record can be shown.

CREATE TABLE throng_move (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    began_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE throng_move_entry (
    move_id BLOB NOT NULL REFERENCES throng_move (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    record TEXT NOT NULL,
    source_credential TEXT,
    target_credential TEXT,
    PRIMARY KEY (move_id, position)
) STRICT, WITHOUT ROWID;

-- Accounts that wait for their password. Whose it is, is the row's.
CREATE TABLE throng_capture (
    user_id INTEGER PRIMARY KEY REFERENCES throng_user (id) ON DELETE CASCADE,
    move_id BLOB NOT NULL CHECK (length(move_id) = 16),
    source_id BLOB NOT NULL CHECK (length(source_id) = 16),
    name TEXT NOT NULL,
    name_key BLOB NOT NULL,
    external_id TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

CREATE INDEX throng_capture_by_move ON throng_capture (move_id);
