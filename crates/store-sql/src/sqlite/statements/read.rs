//! Statements that ask.

use super::{claim_columns, group_columns, listed, statements, user_columns};

/// What is above the groups of `direct`.
macro_rules! above {
    () => {
        " reached (id) AS (SELECT id FROM direct \
         UNION SELECT m.parent_id FROM reached \
         CROSS JOIN throng_group_membership m ON m.child_id = reached.id \
         LIMIT (SELECT count(*) FROM direct) + ?3) \
         SELECT NULL, NULL, g.name, g.name_key FROM direct CROSS JOIN throng_group g ON g.id = direct.id \
         UNION ALL \
         SELECT * FROM (SELECT c.name, c.name_key, g.name, g.name_key FROM reached \
         CROSS JOIN throng_group_membership m ON m.child_id = reached.id \
         CROSS JOIN throng_group c ON c.id = m.child_id \
         CROSS JOIN throng_group g ON g.id = m.parent_id LIMIT ?3)"
    };
}

statements! {
    /// The claim on a name and everybody of it. The one row on the left makes the claim arrive also when
    /// nobody holds it.
    LOCATE = concat!(
        "SELECT ", claim_columns!(), ", ", user_columns!(),
        " FROM (SELECT ?1 AS application_id, ?2 AS name_key) q",
        " LEFT JOIN throng_claim c ON c.application_id = q.application_id AND c.name_key = q.name_key",
        " LEFT JOIN throng_user u INDEXED BY throng_user_by_name ON u.name_key = q.name_key",
    );
    LOCATE_GROUPS = concat!(
        "SELECT ", group_columns!(), " FROM throng_group g INDEXED BY throng_group_by_name",
        " WHERE g.name_key = ?1",
    );
    USER = concat!(
        "SELECT ", user_columns!(), " FROM throng_user u INDEXED BY throng_user_by_name",
        " WHERE u.name_key = ?2 AND u.directory_id = ?1",
    );
    USER_BY_ID = concat!(
        "SELECT ", user_columns!(), " FROM throng_user u WHERE u.directory_id = ?1 AND u.external_id = ?2",
    );
    USERS_BY_ID = concat!(
        "SELECT ", user_columns!(), " FROM json_each(?2) k",
        " CROSS JOIN throng_user u INDEXED BY throng_user_by_external_id",
        " ON u.external_id = k.value WHERE u.directory_id = ?1",
    );
    /// All in one row, a line for each: a row of its own would cost more than what it says. No id holds a tab or an
    /// end of line.
    USER_MARKS =
        "SELECT group_concat(external_id || char(9) || mark, char(10)) FROM (SELECT u.external_id, u.mark \
         FROM throng_user u INDEXED BY throng_user_by_external_id \
         WHERE u.directory_id = ?1 AND u.external_id > ?2 ORDER BY u.external_id LIMIT ?3)";
    GROUP_MARKS =
        "SELECT g.name, g.name_key, g.imported, g.mark, g.members_mark \
         FROM throng_group g INDEXED BY throng_group_by_name \
         WHERE g.name_key > ?2 AND g.directory_id = ?1 ORDER BY g.name_key LIMIT ?3";
    MIRROR =
        "SELECT state, approval, lease_owner, lease_epoch, lease_until FROM throng_mirror \
         WHERE directory_id = ?1";
    ROUNDS =
        "SELECT record, aborted_at FROM throng_round WHERE directory_id = ?1 ORDER BY number DESC LIMIT ?2";
    /// Directories, first key, key after the last, limit of names.
    SEARCH_USERS = concat!(
        "WITH page (name_key) AS (",
        " SELECT DISTINCT n.name_key FROM throng_user n INDEXED BY throng_user_by_name",
        " WHERE n.name_key >= ?2 AND n.name_key < ?3 AND +n.directory_id IN ", listed!("?1"),
        " ORDER BY n.name_key LIMIT ?4)",
        " SELECT ", user_columns!(), " FROM page",
        " CROSS JOIN throng_user u INDEXED BY throng_user_by_name ON u.name_key = page.name_key",
        " WHERE +u.directory_id IN ", listed!("?1"), " ORDER BY u.name_key",
    );
    /// The same for one e-mail address, the fifth parameter.
    SEARCH_USERS_BY_EMAIL = concat!(
        "WITH page (name_key) AS (",
        " SELECT DISTINCT n.name_key FROM throng_user n INDEXED BY throng_user_by_email",
        " WHERE n.email_key = ?5 AND n.name_key >= ?2 AND n.name_key < ?3 AND +n.directory_id IN ",
        listed!("?1"), " ORDER BY n.name_key LIMIT ?4)",
        " SELECT ", user_columns!(), " FROM page",
        " CROSS JOIN throng_user u INDEXED BY throng_user_by_name ON u.name_key = page.name_key",
        " WHERE +u.directory_id IN ", listed!("?1"), " ORDER BY u.name_key",
    );
    SEARCH_GROUPS = concat!(
        "WITH page (name_key) AS (",
        " SELECT DISTINCT n.name_key FROM throng_group n INDEXED BY throng_group_by_name",
        " WHERE n.name_key >= ?2 AND n.name_key < ?3 AND +n.directory_id IN ", listed!("?1"),
        " ORDER BY n.name_key LIMIT ?4)",
        " SELECT ", group_columns!(), " FROM page",
        " CROSS JOIN throng_group g INDEXED BY throng_group_by_name ON g.name_key = page.name_key",
        " WHERE +g.directory_id IN ", listed!("?1"), " ORDER BY g.name_key",
    );
    NAMESAKES = concat!(
        "SELECT ", user_columns!(), " FROM json_each(?2) k",
        " CROSS JOIN throng_user u INDEXED BY throng_user_by_name ON u.name_key = unhex(k.value)",
        " WHERE +u.directory_id IN ", listed!("?1"), " ORDER BY u.name_key",
    );
    GROUP_NAMESAKES = concat!(
        "SELECT ", group_columns!(), " FROM json_each(?2) k",
        " CROSS JOIN throng_group g INDEXED BY throng_group_by_name ON g.name_key = unhex(k.value)",
        " WHERE +g.directory_id IN ", listed!("?1"), " ORDER BY g.name_key",
    );
    PARENTS_OF_USER =
        "SELECT g.name, g.name_key FROM throng_user u INDEXED BY throng_user_by_name \
         CROSS JOIN throng_user_membership m ON m.user_id = u.id \
         CROSS JOIN throng_group g ON g.id = m.group_id \
         WHERE u.name_key = ?2 AND u.directory_id = ?1 AND g.name_key >= ?3 ORDER BY g.name_key LIMIT ?4";
    PARENTS_OF_GROUP =
        "SELECT g.name, g.name_key FROM throng_group c INDEXED BY throng_group_by_name \
         CROSS JOIN throng_group_membership m ON m.child_id = c.id \
         CROSS JOIN throng_group g ON g.id = m.parent_id \
         WHERE c.name_key = ?2 AND c.directory_id = ?1 AND g.name_key >= ?3 ORDER BY g.name_key LIMIT ?4";
    CHILDREN =
        "WITH parent (id) AS (SELECT g.id FROM throng_group g INDEXED BY throng_group_by_name \
         WHERE g.name_key = ?2 AND g.directory_id = ?1) \
         SELECT 0, u.name, u.name_key FROM parent \
         CROSS JOIN throng_user_membership m ON m.group_id = parent.id \
         CROSS JOIN throng_user u ON u.id = m.user_id WHERE u.name_key >= ?3 \
         UNION ALL \
         SELECT 1, c.name, c.name_key FROM parent \
         CROSS JOIN throng_group_membership m ON m.parent_id = parent.id \
         CROSS JOIN throng_group c ON c.id = m.child_id WHERE c.name_key >= ?3 \
         ORDER BY 3, 1 LIMIT ?4";
    /// A row when a group has more users than the third parameter.
    IS_LARGE =
        "SELECT 1 FROM throng_user_membership WHERE group_id = (SELECT g.id \
         FROM throng_group g INDEXED BY throng_group_by_name WHERE g.name_key = ?2 AND g.directory_id = ?1) \
         LIMIT 1 OFFSET ?3";
    /// The same as `CHILDREN`, in the order of all users of these names: a page costs what lies between its ends, where
    /// the other reads and sorts the whole group for each.
    CHILDREN_OF_LARGE =
        "WITH parent (id) AS (SELECT g.id FROM throng_group g INDEXED BY throng_group_by_name \
         WHERE g.name_key = ?2 AND g.directory_id = ?1) \
         SELECT 0, u.name, u.name_key FROM parent \
         CROSS JOIN throng_user u INDEXED BY throng_user_by_name \
         CROSS JOIN throng_user_membership m ON m.group_id = parent.id AND m.user_id = u.id \
         WHERE u.name_key >= ?3 AND u.directory_id = ?1 \
         UNION ALL \
         SELECT 1, c.name, c.name_key FROM parent \
         CROSS JOIN throng_group_membership m ON m.parent_id = parent.id \
         CROSS JOIN throng_group c ON c.id = m.child_id WHERE c.name_key >= ?3 \
         ORDER BY 3, 1 LIMIT ?4";
    /// Rows without a first group are direct. Reading stops at as many further groups as there may be edges,
    /// since an edge leads to each.
    ABOVE_USER = concat!(
        "WITH RECURSIVE direct (id) AS (SELECT m.group_id FROM throng_user u INDEXED BY throng_user_by_name",
        " CROSS JOIN throng_user_membership m ON m.user_id = u.id",
        " WHERE u.name_key = ?2 AND u.directory_id = ?1),",
        above!(),
    );
    ABOVE_GROUP = concat!(
        "WITH RECURSIVE direct (id) AS (SELECT m.parent_id",
        " FROM throng_group g INDEXED BY throng_group_by_name",
        " CROSS JOIN throng_group_membership m ON m.child_id = g.id",
        " WHERE g.name_key = ?2 AND g.directory_id = ?1),",
        above!(),
    );
    BELOW =
        "WITH RECURSIVE direct (id) AS (SELECT m.child_id \
         FROM throng_group g INDEXED BY throng_group_by_name \
         CROSS JOIN throng_group_membership m ON m.parent_id = g.id \
         WHERE g.name_key = ?2 AND g.directory_id = ?1), \
         reached (id) AS (SELECT id FROM direct \
         UNION SELECT m.child_id FROM reached \
         CROSS JOIN throng_group_membership m ON m.parent_id = reached.id \
         LIMIT (SELECT count(*) FROM direct) + ?3) \
         SELECT NULL, NULL, g.name, g.name_key FROM direct CROSS JOIN throng_group g ON g.id = direct.id \
         UNION ALL \
         SELECT * FROM (SELECT p.name, p.name_key, g.name, g.name_key FROM reached \
         CROSS JOIN throng_group_membership m ON m.parent_id = reached.id \
         CROSS JOIN throng_group p ON p.id = m.parent_id \
         CROSS JOIN throng_group g ON g.id = m.child_id LIMIT ?3)";
    USERS_IN = concat!(
        "SELECT ", user_columns!(), " FROM (SELECT DISTINCT m.user_id FROM json_each(?2) k",
        " CROSS JOIN throng_group g INDEXED BY throng_group_by_name",
        " ON g.name_key = unhex(k.value) AND g.directory_id = ?1",
        " CROSS JOIN throng_user_membership m ON m.group_id = g.id) w",
        " CROSS JOIN throng_user u ON u.id = w.user_id",
        " WHERE u.name_key >= ?3 ORDER BY u.name_key LIMIT ?4",
    );
    CREDENTIAL =
        "SELECT c.state, c.hash, c.history, c.changed_at, c.failed_attempts, c.must_change \
         FROM throng_user u JOIN throng_credential c ON c.user_id = u.id \
         WHERE u.directory_id = ?1 AND u.external_id = ?2";
    LAST_LOGIN =
        "SELECT l.at FROM throng_user u JOIN throng_last_login l ON l.user_id = u.id \
         WHERE u.directory_id = ?1 AND u.external_id = ?2";
    /// A user, the credential, the last login, and as JSON the groups, the claims and the aliases.
    BELONGINGS = concat!(
        "SELECT ", user_columns!(), ", k.state, k.hash, k.history, k.changed_at, k.failed_attempts,",
        " k.must_change, l.at,",
        " (SELECT json_group_array(json_array(g.name, hex(g.name_key))) FROM throng_user_membership m",
        " CROSS JOIN throng_group g ON g.id = m.group_id WHERE m.user_id = u.id),",
        " (SELECT json_group_array(json_array(hex(c.application_id), hex(c.name_key), hex(c.identity), c.made_at))",
        " FROM throng_claim c WHERE c.directory_id = u.directory_id AND c.external_id = u.external_id",
        " AND c.tombstoned_at IS NULL),",
        " (SELECT json_group_array(json_array(hex(a.application_id), a.alias, hex(a.alias_key)))",
        " FROM throng_alias a WHERE a.user_id = u.id)",
        " FROM throng_user u LEFT JOIN throng_credential k ON k.user_id = u.id",
        " LEFT JOIN throng_last_login l ON l.user_id = u.id",
        " WHERE u.directory_id = ?1 AND u.external_id = ?2",
    );
    /// In the order of names, a row for each directory that holds one.
    /// Read from the index alone.
    HOLDERS = concat!(
        "SELECT group_concat(line, char(10)) FROM (",
        "SELECT CAST(u.name_key AS TEXT) || char(9) || lower(hex(u.directory_id)) AS line",
        " FROM throng_user u INDEXED BY throng_user_by_name WHERE (u.name_key > ?2 OR (?3 AND u.name_key >= ?2))",
        " AND +u.directory_id IN ", listed!("?1"), " ORDER BY u.name_key, u.directory_id LIMIT ?4)",
    );
    /// Each of the list is a directory and a key, one after the other.
    OCCUPANTS =
        "SELECT group_concat(j.key || char(9) || u.external_id || char(9) || u.name || char(9) || u.active || char(9) \
         || coalesce((SELECT group_concat(m.group_id) FROM throng_user_membership m WHERE m.user_id = u.id), ''), \
         char(10)) FROM json_each(?1) j CROSS JOIN throng_user u INDEXED BY throng_user_by_name \
         ON u.name_key = substr(unhex(j.value), 17) AND u.directory_id = substr(unhex(j.value), 1, 16)";
    CLAIMS_ON =
        "SELECT group_concat(j.key || char(9) || hex(c.identity) || char(9) || hex(c.directory_id) || char(9) \
         || c.external_id || char(9) || coalesce(c.tombstoned_at, '') || char(9) || c.made_at, char(10)) \
         FROM json_each(?2) j CROSS JOIN throng_claim c ON c.application_id = ?1 AND c.name_key = unhex(j.value)";
    GROUP_NUMBERS = "SELECT g.id, g.name, g.name_key FROM throng_group g WHERE g.directory_id = ?1 ORDER BY g.name_key";
    GROUP_NESTINGS =
        "SELECT m.child_id, m.parent_id FROM throng_group g CROSS JOIN throng_group_membership m \
         ON m.parent_id = g.id WHERE g.directory_id = ?1";
    IS_DIRECTORY = "SELECT 1 FROM throng_directory WHERE id = ?1";
    MOVES = "SELECT record FROM throng_move ORDER BY began_at DESC, id DESC";
    IS_MOVE = "SELECT 1 FROM throng_move WHERE id = ?1";
    MOVE = "SELECT record FROM throng_move WHERE id = ?1";
    MOVE_ENTRIES =
        "SELECT record, source_credential, target_credential FROM throng_move_entry \
         WHERE move_id = ?1 AND position >= ?2 ORDER BY position LIMIT ?3";
    CAPTURE =
        "SELECT directory_id, external_id, move_id, source_id, source_name, source_name_key, source_external_id, until \
         FROM throng_capture WHERE directory_id = ?1 AND external_id = ?2";
    CAPTURES =
        "SELECT directory_id, external_id, move_id, source_id, source_name, source_name_key, source_external_id, until \
         FROM throng_capture INDEXED BY throng_capture_by_move \
         WHERE move_id = ?1 AND (directory_id, external_id) > (?2, ?3) ORDER BY directory_id, external_id LIMIT ?4";
    EPOCH =
        "SELECT coalesce(\
         (SELECT epoch FROM throng_user WHERE directory_id = ?1 AND external_id = ?2), \
         (SELECT epoch FROM throng_live_epoch WHERE directory_id = ?1 AND external_id = ?2), 0)";
    /// Whether records are kept, the epoch of the record, and the epoch without one.
    STANDING =
        "SELECT d.stored, u.epoch, coalesce(l.epoch, 0) FROM throng_directory d \
         LEFT JOIN throng_user u ON u.directory_id = d.id AND u.external_id = ?2 \
         LEFT JOIN throng_live_epoch l ON l.directory_id = d.id AND l.external_id = ?2 WHERE d.id = ?1";
    /// A session of an account that is not there has no epoch to equal, and so is dead.
    SESSION =
        "SELECT s.id, s.application_id, s.directory_id, s.external_id, s.name, s.name_key, s.epoch, \
         s.created_at, s.used_at, s.expires_at, s.idle, s.binding \
         FROM throng_session s JOIN throng_directory d ON d.id = s.directory_id \
         LEFT JOIN throng_user u ON u.directory_id = d.id AND u.external_id = s.external_id \
         LEFT JOIN throng_live_epoch l ON l.directory_id = d.id AND l.external_id = s.external_id \
         WHERE s.token_digest = ?1 \
         AND s.epoch = CASE d.stored WHEN 1 THEN u.epoch ELSE coalesce(l.epoch, 0) END";
    DIRECTORIES = "SELECT id, name, active, permissions, kind FROM throng_directory ORDER BY name_key";
    APPLICATIONS =
        "SELECT a.id, a.name, a.active, a.aliases, a.plan_version, a.memberships, a.rules, s.settings, a.administrators \
         FROM throng_application a LEFT JOIN throng_seat s ON s.application_id = a.id \
         ORDER BY a.name_key, s.position";
    CONSUMERS =
        "SELECT application_id, version, drawn, chosen, addresses, webhooks FROM throng_consumer \
         ORDER BY application_id";
    CLAIM = concat!(
        "SELECT ", claim_columns!(), " FROM throng_claim c WHERE c.application_id = ?1 AND c.name_key = ?2",
    );
    CLAIMS = concat!(
        "SELECT ", claim_columns!(), ", c.name_key FROM throng_claim c",
        " WHERE c.application_id = ?1 AND c.name_key >= ?2 ORDER BY c.name_key LIMIT ?3",
    );
    ALIAS =
        "SELECT u.directory_id, u.external_id, u.name, u.name_key FROM throng_alias a \
         JOIN throng_user u ON u.id = a.user_id WHERE a.application_id = ?1 AND a.alias_key = ?2";
    ALIAS_OF =
        "SELECT a.alias, a.alias_key FROM throng_user u \
         JOIN throng_alias a ON a.user_id = u.id AND a.application_id = ?1 \
         WHERE u.directory_id = ?2 AND u.external_id = ?3";
    INSTANCE = "SELECT value FROM throng_meta WHERE name = 'instance'";
    HEAD = "SELECT coalesce(max(sequence), 0) FROM throng_change_log";
    BATCHES =
        "SELECT sequence, at, entries FROM throng_change_log WHERE sequence > ?1 ORDER BY sequence LIMIT ?2";
    KNOWN = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'throng_migrations'";
    MIGRATIONS = "SELECT version, success, checksum FROM throng_migrations ORDER BY version";
    FOLDING = "SELECT value FROM throng_meta WHERE name = 'folding'";
}
