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

-- Accounts that wait for their password. They stand by their subjects, so that those of a move are read in order, a
-- page at a time; an account takes its own along when its id changes, and into its end.
CREATE TABLE throng_capture (
    directory_id BLOB NOT NULL,
    external_id TEXT NOT NULL,
    move_id BLOB NOT NULL CHECK (length(move_id) = 16),
    source_id BLOB NOT NULL CHECK (length(source_id) = 16),
    source_name TEXT NOT NULL,
    source_name_key BLOB NOT NULL,
    source_external_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (directory_id, external_id),
    FOREIGN KEY (directory_id, external_id) REFERENCES throng_user (directory_id, external_id)
        ON DELETE CASCADE ON UPDATE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX throng_capture_by_move ON throng_capture (move_id, directory_id, external_id);
