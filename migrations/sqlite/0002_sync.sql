-- Mirrors. A mark is a 64-bit digest that the library computes of what the row holds, so that a mirror is compared
-- with its source without being read whole. Rows from before have none, and are in no mirror.

ALTER TABLE throng_user ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
ALTER TABLE throng_group ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;
-- The mark of the group's direct members; NULL as soon as it may not be true any more.
ALTER TABLE throng_group ADD COLUMN members_mark INTEGER;

CREATE TABLE throng_mirror (
    directory_id BLOB NOT NULL PRIMARY KEY REFERENCES throng_directory (id) ON DELETE CASCADE,
    state TEXT NOT NULL DEFAULT '{}',
    approval TEXT,
    lease_owner BLOB CHECK (lease_owner IS NULL OR length(lease_owner) = 16),
    lease_epoch INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- A round that nobody runs any more has a time of abortion and no end in its record.
CREATE TABLE throng_round (
    directory_id BLOB NOT NULL REFERENCES throng_directory (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    running INTEGER NOT NULL CHECK (running IN (0, 1)),
    aborted_at INTEGER,
    record TEXT NOT NULL,
    PRIMARY KEY (directory_id, number)
) STRICT, WITHOUT ROWID;
