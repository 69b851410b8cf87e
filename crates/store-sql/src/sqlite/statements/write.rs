//! Statements that change something, and those that changes are decided by.

use super::{claim_columns, group_columns, listed, statements, user_columns};

statements! {
    /// The account of a subject with the row's own id at the end.
    ACCOUNT = concat!(
        "SELECT ", user_columns!(), ", u.id FROM throng_user u WHERE u.directory_id = ?1 AND",
        " u.external_id = ?2",
    );
    /// A row when another user than the third parameter's holds the key in one of the directories.
    KEY_HELD = concat!(
        "SELECT 1 FROM throng_user u INDEXED BY throng_user_by_name",
        " WHERE u.name_key = ?1 AND +u.directory_id IN ", listed!("?2"), " AND u.id <> ?3 LIMIT 1",
    );
    /// A directory that is not there, or keeps no records, becomes NULL, which the table refuses.
    INSERT_USER =
        "INSERT INTO throng_user (directory_id, external_id, name, name_key, first_name, last_name, \
         display_name, email, email_key, active, attributes, mark) \
         VALUES ((SELECT id FROM throng_directory WHERE id = ?1 AND stored = 1), \
         ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id";
    UPDATE_USER =
        "UPDATE throng_user SET first_name = ?2, last_name = ?3, display_name = ?4, email = ?5, \
         email_key = ?6, active = ?7, attributes = ?8, mark = ?9 WHERE id = ?1";
    RENAME_USER = "UPDATE throng_user SET name = ?2, name_key = ?3, mark = ?4 WHERE id = ?1";
    REPLACE_EXTERNAL_ID = "UPDATE throng_user SET external_id = ?2, mark = ?3 WHERE id = ?1";
    DELETE_USER = "DELETE FROM throng_user WHERE id = ?1";
    PUT_CREDENTIAL =
        "INSERT INTO throng_credential (user_id, state, hash, history, changed_at, failed_attempts, \
         must_change) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (user_id) DO UPDATE SET \
         state = excluded.state, hash = excluded.hash, history = excluded.history, \
         changed_at = excluded.changed_at, \
         failed_attempts = excluded.failed_attempts, must_change = excluded.must_change";
    DELETE_CREDENTIAL = "DELETE FROM throng_credential WHERE user_id = ?1 RETURNING 1";
    NOTE_LOGIN =
        "INSERT INTO throng_last_login (user_id, at) VALUES (?1, ?2) \
         ON CONFLICT (user_id) DO UPDATE SET at = max(at, excluded.at)";
    PUT_CAPTURE =
        "INSERT INTO throng_capture (directory_id, external_id, move_id, source_id, source_name, source_name_key, \
         source_external_id, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
         ON CONFLICT (directory_id, external_id) DO UPDATE SET \
         move_id = excluded.move_id, source_id = excluded.source_id, source_name = excluded.source_name, \
         source_name_key = excluded.source_name_key, source_external_id = excluded.source_external_id, \
         until = excluded.until";
    DELETE_CAPTURE = "DELETE FROM throng_capture WHERE directory_id = ?1 AND external_id = ?2";
    /// A row when the version is the one after that of the record that is there.
    PUT_MOVE =
        "INSERT INTO throng_move (id, began_at, version, record) SELECT ?1, ?2, ?3, ?4 \
         WHERE ?3 = coalesce((SELECT version FROM throng_move WHERE id = ?1), 0) + 1 \
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, record = excluded.record RETURNING 1";
    PUT_MOVE_ENTRIES =
        "INSERT INTO throng_move_entry (move_id, position, record, source_credential, target_credential) \
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?2) \
         WHERE true ON CONFLICT (move_id, position) DO UPDATE SET record = excluded.record, \
         source_credential = excluded.source_credential, target_credential = excluded.target_credential";
    DELETE_MOVE_ENTRIES = "DELETE FROM throng_move_entry WHERE move_id = ?1";
    NEXT_EPOCH = "UPDATE throng_user SET epoch = epoch + 1 WHERE id = ?1";
    NEXT_LIVE_EPOCH =
        "INSERT INTO throng_live_epoch (directory_id, external_id, epoch) \
         SELECT id, ?2, 1 FROM throng_directory WHERE id = ?1 AND stored = 0 \
         ON CONFLICT (directory_id, external_id) DO UPDATE SET epoch = epoch + 1 RETURNING epoch";
    DELETE_SESSIONS = "DELETE FROM throng_session WHERE directory_id = ?1 AND external_id = ?2";

    /// A group with the row's own id at the end.
    GROUP = concat!(
        "SELECT ", group_columns!(), ", g.id FROM throng_group g INDEXED BY throng_group_by_name",
        " WHERE g.name_key = ?2 AND g.directory_id = ?1",
    );
    GROUP_KEY_HELD = concat!(
        "SELECT 1 FROM throng_group g INDEXED BY throng_group_by_name",
        " WHERE g.name_key = ?1 AND +g.directory_id IN ", listed!("?2"), " LIMIT 1",
    );
    INSERT_GROUP =
        "INSERT INTO throng_group (directory_id, external_id, name, name_key, description, imported, \
         attributes, mark) VALUES ((SELECT id FROM throng_directory WHERE id = ?1 AND stored = 1), ?2, ?3, ?4, \
         ?5, ?6, ?7, ?8)";
    UPDATE_GROUP = "UPDATE throng_group SET description = ?2, attributes = ?3, mark = ?4 WHERE id = ?1";
    DELETE_GROUP = "DELETE FROM throng_group WHERE id = ?1";
    /// A group and a user by their keys.
    GROUP_AND_USER =
        "SELECT (SELECT id FROM throng_group WHERE name_key = ?2 AND directory_id = ?1), \
         (SELECT id FROM throng_user WHERE name_key = ?3 AND directory_id = ?1)";
    GROUP_AND_GROUP =
        "SELECT (SELECT id FROM throng_group WHERE name_key = ?2 AND directory_id = ?1), \
         (SELECT id FROM throng_group WHERE name_key = ?3 AND directory_id = ?1)";
    INSERT_USER_MEMBERSHIP = "INSERT INTO throng_user_membership (group_id, user_id) VALUES (?1, ?2)";
    INSERT_GROUP_MEMBERSHIP = "INSERT INTO throng_group_membership (parent_id, child_id) VALUES (?1, ?2)";
    DELETE_USER_MEMBERSHIP =
        "DELETE FROM throng_user_membership WHERE group_id = ?1 AND user_id = ?2 RETURNING 1";
    DELETE_GROUP_MEMBERSHIP =
        "DELETE FROM throng_group_membership WHERE parent_id = ?1 AND child_id = ?2 RETURNING 1";
    /// A row when the first group is the second or somewhere below it: the edge would close a cycle.
    CLOSES_CYCLE =
        "WITH RECURSIVE below (id) AS (SELECT ?2 \
         UNION SELECT m.child_id FROM below CROSS JOIN throng_group_membership m ON m.parent_id = below.id) \
         SELECT 1 FROM below WHERE id = ?1 LIMIT 1";

    PUT_DIRECTORY =
        "INSERT INTO throng_directory (id, name, name_key, active, stored, permissions, kind) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         name_key = excluded.name_key, active = excluded.active, stored = excluded.stored, \
         permissions = excluded.permissions, kind = excluded.kind";
    /// The plans that lose a seat with the directory are other plans.
    NEXT_PLANS =
        "UPDATE throng_application SET plan_version = plan_version + 1 \
         WHERE id IN (SELECT application_id FROM throng_seat WHERE directory_id = ?1) RETURNING id";
    DELETE_DIRECTORY = "DELETE FROM throng_directory WHERE id = ?1 RETURNING 1";
    PLAN_VERSION = "SELECT plan_version FROM throng_application WHERE id = ?1";
    PUT_APPLICATION =
        "INSERT INTO throng_application (id, name, name_key, active, aliases, plan_version, memberships, \
         rules, administrators) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         name_key = excluded.name_key, active = excluded.active, aliases = excluded.aliases, \
         plan_version = excluded.plan_version, memberships = excluded.memberships, rules = excluded.rules, \
         administrators = excluded.administrators";
    DELETE_SEATS = "DELETE FROM throng_seat WHERE application_id = ?1";
    INSERT_SEATS =
        "INSERT INTO throng_seat (application_id, position, directory_id, settings) \
         SELECT ?1, key, unhex(value ->> 0), value ->> 1 FROM json_each(?2)";
    DELETE_APPLICATION = "DELETE FROM throng_application WHERE id = ?1 RETURNING 1";

    /// Whether the application is there, and the version of what is kept about it as a consumer.
    CONSUMER_VERSION =
        "SELECT a.id, coalesce(c.version, 0) FROM throng_application a \
         LEFT JOIN throng_consumer c ON c.application_id = a.id WHERE a.id = ?1";
    PUT_CONSUMER =
        "INSERT INTO throng_consumer (application_id, version, drawn, chosen, addresses, webhooks) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (application_id) DO UPDATE SET \
         version = excluded.version, drawn = excluded.drawn, chosen = excluded.chosen, \
         addresses = excluded.addresses, webhooks = excluded.webhooks";
    DIRECTORY_THERE = "SELECT 1 FROM throng_directory WHERE id = ?1";
    EXPIRE_PASSWORDS =
        "UPDATE throng_credential SET must_change = 1 WHERE state <> 'absent' AND user_id IN \
         (SELECT u.id FROM throng_user u INDEXED BY throng_user_by_external_id WHERE u.directory_id = ?1)";

    STANDING_CLAIM = concat!(
        "SELECT ", claim_columns!(), " FROM throng_claim c WHERE c.application_id = ?1 AND c.name_key = ?2",
    );
    INSERT_CLAIM =
        "INSERT INTO throng_claim (application_id, name_key, identity, directory_id, external_id, \
         tombstoned_at, made_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    DELETE_CLAIM = "DELETE FROM throng_claim WHERE application_id = ?1 AND name_key = ?2";
    /// The claims of an account follow it from one name to another; a tombstone stays where it is.
    MOVE_CLAIMS =
        "UPDATE throng_claim SET name_key = ?3 WHERE directory_id = ?1 AND external_id = ?2 \
         AND name_key <> ?3 AND tombstoned_at IS NULL RETURNING application_id, name_key";
    BURY_CLAIMS =
        "UPDATE throng_claim SET tombstoned_at = ?3 WHERE directory_id = ?1 AND external_id = ?2 \
         AND tombstoned_at IS NULL RETURNING application_id, name_key";
    HAND_CLAIMS_ON =
        "UPDATE throng_claim SET external_id = ?3 WHERE directory_id = ?1 AND external_id = ?2 \
         AND tombstoned_at IS NULL RETURNING application_id, name_key";
    BURY_CLAIMS_OF_DIRECTORY =
        "UPDATE throng_claim SET tombstoned_at = ?2 WHERE directory_id = ?1 AND tombstoned_at IS NULL \
         RETURNING application_id, name_key";
    DELETE_ALIASES = "DELETE FROM throng_alias WHERE user_id = ?1 RETURNING application_id";
    DELETE_ALIAS = "DELETE FROM throng_alias WHERE user_id = ?2 AND application_id = ?1 RETURNING 1";
    INSERT_ALIAS =
        "INSERT INTO throng_alias (application_id, user_id, alias_key, alias) VALUES (?1, ?2, ?3, ?4)";

    /// Rows of many users are read from JSON by position: see `apply::batch`.
    INSERT_USERS =
        "INSERT INTO throng_user (directory_id, external_id, name, name_key, first_name, last_name, \
         display_name, email, email_key, active, attributes, mark) \
         SELECT (SELECT id FROM throng_directory WHERE id = ?1 AND stored = 1), value ->> 0, value ->> 1, \
         CAST(value ->> 2 AS BLOB), value ->> 3, value ->> 4, value ->> 5, value ->> 6, \
         CAST(value ->> 7 AS BLOB), value ->> 8, value ->> 9, value ->> 11 FROM json_each(?2)";
    INSERT_CREDENTIALS =
        "INSERT INTO throng_credential (user_id, state, hash, history, changed_at, failed_attempts, \
         must_change) SELECT u.id, value ->> '$[10][0]', value ->> '$[10][1]', value ->> '$[10][2]', \
         value ->> '$[10][3]', value ->> '$[10][4]', value ->> '$[10][5]' FROM json_each(?2) \
         CROSS JOIN throng_user u ON u.directory_id = ?1 AND u.external_id = value ->> 0 \
         WHERE value ->> 10 IS NOT NULL";
    ANY_KEY_HELD = concat!(
        "SELECT 1 FROM json_each(?1) k CROSS JOIN throng_user u INDEXED BY throng_user_by_name",
        " ON u.name_key = CAST(k.value ->> 2 AS BLOB) WHERE +u.directory_id IN ", listed!("?2"), " LIMIT 1",
    );
    INSERT_GROUPS =
        "INSERT INTO throng_group (directory_id, external_id, name, name_key, description, imported, \
         attributes, mark) SELECT (SELECT id FROM throng_directory WHERE id = ?1 AND stored = 1), value ->> 0, \
         value ->> 1, CAST(value ->> 2 AS BLOB), value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
         FROM json_each(?2)";
    ANY_GROUP_KEY_HELD = concat!(
        "SELECT 1 FROM json_each(?1) k CROSS JOIN throng_group g INDEXED BY throng_group_by_name",
        " ON g.name_key = CAST(k.value ->> 2 AS BLOB) WHERE +g.directory_id IN ", listed!("?2"), " LIMIT 1",
    );
    /// Keys of groups, each with those of members. What is not there becomes NULL, which the table refuses. A group is
    /// looked up once for all its members.
    INSERT_USER_MEMBERSHIPS =
        "WITH list (id, members) AS MATERIALIZED (SELECT (SELECT id FROM throng_group \
         WHERE name_key = CAST(value ->> 0 AS BLOB) AND directory_id = ?1), value -> 1 FROM json_each(?2)) \
         INSERT INTO throng_user_membership (group_id, user_id) SELECT list.id, \
         (SELECT id FROM throng_user WHERE name_key = CAST(k.value AS BLOB) AND directory_id = ?1) \
         FROM list CROSS JOIN json_each(list.members) k";
    INSERT_GROUP_MEMBERSHIPS =
        "WITH list (id, members) AS MATERIALIZED (SELECT (SELECT id FROM throng_group \
         WHERE name_key = CAST(value ->> 0 AS BLOB) AND directory_id = ?1), value -> 1 FROM json_each(?2)) \
         INSERT INTO throng_group_membership (parent_id, child_id) SELECT list.id, \
         (SELECT id FROM throng_group WHERE name_key = CAST(k.value AS BLOB) AND directory_id = ?1) \
         FROM list CROSS JOIN json_each(list.members) k";

    /// A row when one of the accounts is not there.
    ANY_USER_MISSING =
        "SELECT 1 FROM json_each(?2) v WHERE NOT EXISTS (SELECT 1 FROM throng_user u \
         WHERE u.directory_id = ?1 AND u.external_id = v.value ->> 0) LIMIT 1";
    /// The rows are found before they are updated: the planner would otherwise go through the list for each row of
    /// the directory.
    REWRITE_USERS =
        "WITH list (id, v) AS MATERIALIZED (SELECT u.id, v.value FROM json_each(?2) v \
         CROSS JOIN throng_user u INDEXED BY throng_user_by_external_id \
         ON u.directory_id = ?1 AND u.external_id = v.value ->> 0) \
         UPDATE throng_user SET first_name = v ->> 1, last_name = v ->> 2, display_name = v ->> 3, email = v ->> 4, \
         email_key = CAST(v ->> 5 AS BLOB), active = v ->> 6, attributes = v ->> 7, mark = v ->> 8 \
         FROM list WHERE throng_user.id = list.id";
    /// A row when one of those is no membership.
    ANY_MEMBERSHIP_MISSING =
        "SELECT 1 FROM json_each(?2) v CROSS JOIN json_each(v.value -> 1) k WHERE NOT EXISTS (SELECT 1 \
         FROM throng_group g INDEXED BY throng_group_by_name \
         CROSS JOIN throng_user u INDEXED BY throng_user_by_name \
         CROSS JOIN throng_user_membership m ON m.group_id = g.id AND m.user_id = u.id \
         WHERE g.name_key = CAST(v.value ->> 0 AS BLOB) AND g.directory_id = ?1 \
         AND u.name_key = CAST(k.value AS BLOB) AND u.directory_id = ?1) LIMIT 1";
    DELETE_USER_MEMBERSHIPS =
        "DELETE FROM throng_user_membership WHERE (group_id, user_id) IN (SELECT g.id, u.id \
         FROM json_each(?2) v CROSS JOIN json_each(v.value -> 1) k \
         CROSS JOIN throng_group g INDEXED BY throng_group_by_name \
         ON g.name_key = CAST(v.value ->> 0 AS BLOB) AND g.directory_id = ?1 \
         CROSS JOIN throng_user u INDEXED BY throng_user_by_name \
         ON u.name_key = CAST(k.value AS BLOB) AND u.directory_id = ?1)";
    /// Pairs of a group's key and a mark.
    MARK_GROUPS =
        "WITH list (id, mark) AS MATERIALIZED (SELECT g.id, v.value ->> 1 FROM json_each(?2) v \
         CROSS JOIN throng_group g INDEXED BY throng_group_by_name \
         ON g.name_key = CAST(v.value ->> 0 AS BLOB) AND g.directory_id = ?1) \
         UPDATE throng_group SET members_mark = list.mark FROM list WHERE throng_group.id = list.id";
    ANY_GROUP_MISSING =
        "SELECT 1 FROM json_each(?2) v WHERE NOT EXISTS (SELECT 1 \
         FROM throng_group g INDEXED BY throng_group_by_name \
         WHERE g.name_key = CAST(v.value ->> 0 AS BLOB) AND g.directory_id = ?1) LIMIT 1";
    MARK_GROUP = "UPDATE throng_group SET members_mark = ?2 WHERE id = ?1";
    FORGET_MARK = "UPDATE throng_group SET members_mark = NULL WHERE id = ?1 AND members_mark IS NOT NULL";
    FORGET_MARKS =
        "UPDATE throng_group SET members_mark = NULL WHERE members_mark IS NOT NULL AND id IN (SELECT g.id \
         FROM json_each(?2) v CROSS JOIN throng_group g INDEXED BY throng_group_by_name \
         ON g.name_key = unhex(v.value) AND g.directory_id = ?1)";
    FORGET_MARKS_OF_USER =
        "UPDATE throng_group SET members_mark = NULL WHERE members_mark IS NOT NULL \
         AND id IN (SELECT group_id FROM throng_user_membership WHERE user_id = ?1)";
    FORGET_MARKS_OVER_GROUP =
        "UPDATE throng_group SET members_mark = NULL WHERE members_mark IS NOT NULL \
         AND id IN (SELECT parent_id FROM throng_group_membership WHERE child_id = ?1)";

    PUT_MIRROR =
        "INSERT INTO throng_mirror (directory_id, state) VALUES (?1, ?2) \
         ON CONFLICT (directory_id) DO UPDATE SET state = excluded.state";
    APPROVE =
        "INSERT INTO throng_mirror (directory_id, approval) VALUES (?1, ?2) \
         ON CONFLICT (directory_id) DO UPDATE SET approval = excluded.approval";
    /// A row while nobody else has taken the lease.
    FENCE = "SELECT 1 FROM throng_mirror WHERE directory_id = ?1 AND lease_epoch = ?2";
    /// No row when another process has it.
    TAKE_LEASE =
        "INSERT INTO throng_mirror (directory_id, lease_owner, lease_epoch, lease_until) \
         VALUES (?1, ?2, 1, ?4) ON CONFLICT (directory_id) DO UPDATE SET lease_owner = excluded.lease_owner, \
         lease_epoch = lease_epoch + 1, lease_until = excluded.lease_until \
         WHERE lease_owner IS NULL OR lease_owner = excluded.lease_owner OR lease_until <= ?3 \
         RETURNING lease_epoch";
    ABORT_ROUNDS =
        "UPDATE throng_round SET running = 0, aborted_at = ?2 WHERE directory_id = ?1 AND running = 1";
    RENEW_LEASE =
        "UPDATE throng_mirror SET lease_until = max(lease_until, ?3) \
         WHERE directory_id = ?1 AND lease_epoch = ?2 AND lease_owner IS NOT NULL RETURNING 1";
    RELEASE_LEASE =
        "UPDATE throng_mirror SET lease_owner = NULL, lease_until = 0 \
         WHERE directory_id = ?1 AND lease_epoch = ?2";
    PUT_ROUND =
        "INSERT INTO throng_round (directory_id, number, running, record) SELECT ?1, ?3, ?4, ?5 \
         WHERE EXISTS (SELECT 1 FROM throng_mirror WHERE directory_id = ?1 AND lease_epoch = ?2) \
         ON CONFLICT (directory_id, number) DO UPDATE SET running = excluded.running, \
         record = excluded.record RETURNING 1";
    FORGET_ROUNDS = "DELETE FROM throng_round WHERE directory_id = ?1 AND number <= ?2 - 100";

    APPEND =
        "INSERT INTO throng_change_log (sequence, at, entries) \
         SELECT coalesce(max(sequence), 0) + 1, ?1, ?2 FROM throng_change_log RETURNING sequence";

    COUNT_FAILURE =
        "UPDATE throng_credential SET failed_attempts = min(failed_attempts + 1, 4294967295) WHERE user_id = \
         (SELECT id FROM throng_user WHERE directory_id = ?1 AND external_id = ?2) RETURNING failed_attempts";
    CLEAR_FAILURES =
        "UPDATE throng_credential SET failed_attempts = 0 WHERE failed_attempts <> 0 AND user_id = \
         (SELECT id FROM throng_user WHERE directory_id = ?1 AND external_id = ?2)";
    UPGRADE_HASH =
        "UPDATE throng_credential SET hash = ?4 WHERE hash = ?3 AND user_id = \
         (SELECT id FROM throng_user WHERE directory_id = ?1 AND external_id = ?2) RETURNING 1";
    /// Triples of directory, external id in hexadecimal, and time.
    NOTE_LOGINS =
        "INSERT INTO throng_last_login (user_id, at) SELECT u.id, value ->> 2 FROM json_each(?1) \
         CROSS JOIN throng_user u ON u.directory_id = unhex(value ->> 0) \
         AND u.external_id = CAST(unhex(value ->> 1) AS TEXT) \
         WHERE true ON CONFLICT (user_id) DO UPDATE SET at = max(at, excluded.at)";

    INSERT_SESSION =
        "INSERT INTO throng_session (token_digest, id, application_id, directory_id, external_id, name, \
         name_key, epoch, created_at, used_at, expires_at, idle, binding) VALUES (?1, ?2, ?3, ?4, ?5, ?6, \
         ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    TOUCH_SESSION = "UPDATE throng_session SET used_at = ?2 WHERE id = ?1 AND used_at < ?2";
    CLOSE_SESSION = "DELETE FROM throng_session WHERE token_digest = ?1";
    /// All of an account in an application but for one, if the fourth parameter is a digest.
    CLOSE_SESSIONS =
        "DELETE FROM throng_session WHERE directory_id = ?2 AND external_id = ?3 AND application_id = ?1 \
         AND token_digest IS NOT ?4";
    PURGE_SESSIONS = "DELETE FROM throng_session WHERE expires_at < ?1";

    NOTE_FOLDING =
        "INSERT INTO throng_meta (name, value) VALUES ('folding', ?1) ON CONFLICT (name) DO NOTHING";
}
