-- How applications that ask over the network show who they are, what sessions are bound to, and which store this is.

CREATE TABLE throng_consumer (
    application_id BLOB NOT NULL PRIMARY KEY REFERENCES throng_application (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    drawn BLOB CHECK (length(drawn) = 32),
    chosen TEXT CHECK (drawn IS NULL OR chosen IS NULL),
    addresses TEXT NOT NULL,
    webhooks TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Sessions that there are were bound to nothing, and have no limit of their own.
ALTER TABLE throng_session ADD COLUMN idle INTEGER NOT NULL DEFAULT 9223372036854775807;
ALTER TABLE throng_session ADD COLUMN binding BLOB NOT NULL
    DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000' CHECK (length(binding) = 32);

INSERT INTO throng_meta (name, value) VALUES ('instance', lower(hex(randomblob(16))));
