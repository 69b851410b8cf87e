//! Every statement, as a constant.
//!
//! Lists come in as one JSON parameter of hexadecimal texts, so that the text of a statement never varies and
//! keys keep their bytes. `INDEXED BY` and `CROSS JOIN` hold the plan, and a unary plus keeps a list of
//! directories from becoming a seek each: there are no statistics to choose by, on purpose.

pub(crate) mod read;
pub(crate) mod write;

/// The columns of a user `u`, in the order in which `rows::Holder` reads them.
macro_rules! user_columns {
    () => {
        "u.directory_id, u.external_id, u.name, u.name_key, u.first_name, u.last_name, u.display_name, \
         u.email, u.active, u.attributes, u.epoch"
    };
}

/// The columns of a group `g`.
macro_rules! group_columns {
    () => {
        "g.directory_id, g.external_id, g.name, g.name_key, g.description, g.imported, g.attributes"
    };
}

/// The columns of a claim `c` but for the application and the key.
macro_rules! claim_columns {
    () => {
        "c.identity, c.directory_id, c.external_id, c.tombstoned_at, c.made_at"
    };
}

/// The directories of a JSON list of hexadecimal ids.
macro_rules! listed {
    ($parameter:literal) => {
        concat!("(SELECT unhex(value) FROM json_each(", $parameter, "))")
    };
}

macro_rules! statements {
    ($($(#[$doc:meta])* $NAME:ident = $text:expr;)*) => {
        $($(#[$doc])* pub(crate) const $NAME: &str = $text;)*

        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($NAME), $NAME)),*];
    };
}

use {claim_columns, group_columns, listed, statements, user_columns};

/// Every statement with its name.
#[cfg(test)]
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    read::ALL.iter().chain(write::ALL).copied()
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Executor, Row, SqlSafeStr, query};

    use super::{all, read, write};
    use crate::sqlite::SqliteStore;

    #[tokio::test]
    async fn every_statement_fits_the_schema_t93() {
        let store = SqliteStore::in_memory().await.unwrap();
        let mut connection = store.readers.acquire().await.unwrap();
        for (name, text) in all() {
            if let Err(error) = connection.prepare(AssertSqlSafe(text).into_sql_str()).await {
                panic!("{name}: {error}");
            }
        }
        assert!(all().count() > 60);
    }

    /// How SQLite means to run a statement, a line per step.
    async fn plan(store: &SqliteStore, text: &str) -> String {
        let explained = ["EXPLAIN QUERY PLAN ", text].concat();
        let rows = query(AssertSqlSafe(explained)).fetch_all(&store.readers).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        steps.join("\n")
    }

    #[tokio::test]
    async fn a_name_is_sought_once_however_many_directories_there_are() {
        let store = SqliteStore::in_memory().await.unwrap();
        let plan = plan(&store, read::LOCATE).await;
        assert!(plan.contains("SEARCH u USING INDEX throng_user_by_name (name_key=?)"), "{plan}");
        assert!(plan.contains("SEARCH c USING PRIMARY KEY (application_id=? AND name_key=?)"), "{plan}");
    }

    #[tokio::test]
    async fn no_statement_reads_a_whole_table_of_users_or_memberships() {
        let store = SqliteStore::in_memory().await.unwrap();
        let tables = [
            "throng_user",
            "throng_group",
            "throng_user_membership",
            "throng_group_membership",
            "throng_claim",
            "throng_session",
            "throng_credential",
            "u",
            "g",
            "m",
            "c",
            "n",
            "p",
            "s",
        ];
        for (name, text) in all() {
            // The registry is small and read whole.
            if ["DIRECTORIES", "APPLICATIONS"].contains(&name) {
                continue;
            }
            for step in plan(&store, text).await.lines() {
                let scanned = step.trim().strip_prefix("SCAN ");
                let scanned = scanned.and_then(|rest| rest.split(' ').next());
                assert!(!scanned.is_some_and(|table| tables.contains(&table)), "{name}: {step}");
            }
        }
    }

    #[tokio::test]
    async fn a_list_is_gone_through_once_and_not_for_each_row_of_a_directory() {
        let store = SqliteStore::in_memory().await.unwrap();
        for (name, text) in [
            ("REWRITE_USERS", write::REWRITE_USERS),
            ("MARK_GROUPS", write::MARK_GROUPS),
            ("DELETE_USER_MEMBERSHIPS", write::DELETE_USER_MEMBERSHIPS),
            ("FORGET_MARKS", write::FORGET_MARKS),
        ] {
            for step in plan(&store, text).await.lines() {
                assert!(!step.contains("(directory_id=?)"), "{name}: {step}");
            }
        }
    }

    #[tokio::test]
    async fn a_page_of_a_large_group_is_not_sorted() {
        let store = SqliteStore::in_memory().await.unwrap();
        let plan = plan(&store, read::CHILDREN_OF_LARGE).await;
        let (users, groups) = plan.split_once("RIGHT").unwrap();
        assert!(users.contains("SEARCH u USING INDEX throng_user_by_name (name_key>?)"), "{plan}");
        assert!(!users.contains("TEMP B-TREE") && groups.contains("TEMP B-TREE"), "{plan}");
    }

    #[tokio::test]
    async fn a_page_of_who_waits_for_a_password_is_neither_sorted_nor_skipped_to() {
        let store = SqliteStore::in_memory().await.unwrap();
        let plan = plan(&store, read::CAPTURES).await;
        let sought = "throng_capture_by_move (move_id=? AND (directory_id,external_id)>(?,?))";
        assert!(plan.contains(sought) && !plan.contains("TEMP B-TREE"), "{plan}");
    }

    #[tokio::test]
    async fn a_large_group_has_the_members_of_any_other() {
        let store = SqliteStore::in_memory().await.unwrap();
        let fill = "INSERT INTO throng_directory (id, name, name_key, active, stored, permissions, kind) \
             VALUES (zeroblob(16), 'd', x'64', 1, 1, '', ''), (CAST('another directory' AS BLOB), 'e', x'65', 1, 1, \
             '', '')";
        let fill = fill.replace("another directory", "0123456789abcdef");
        let rows = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) \
             INSERT INTO throng_user (directory_id, external_id, name, name_key, first_name, last_name, display_name, \
             email, active, attributes) SELECT d.id, i, printf('n%03d', i), \
             CAST(printf('n%03d', i) AS BLOB), '', '', '', '', 1, '{}' FROM n, throng_directory d";
        let groups = "INSERT INTO throng_group (directory_id, external_id, name, name_key, description, imported, \
             attributes) SELECT directory_id, external_id, name, name_key, '', 0, '{}' FROM throng_user \
             WHERE CAST(external_id AS INTEGER) % 7 = 0";
        let users_in = "INSERT INTO throng_user_membership SELECT g.id, u.id FROM throng_group g, throng_user u \
             WHERE g.directory_id = u.directory_id AND g.name = 'n000' AND CAST(u.external_id AS INTEGER) % 3 = 0";
        let groups_in = "INSERT INTO throng_group_membership SELECT g.id, c.id FROM throng_group g, throng_group c \
             WHERE g.directory_id = c.directory_id AND g.name = 'n000' AND c.id <> g.id";
        for text in [fill.as_str(), rows, groups, users_in, groups_in] {
            query(AssertSqlSafe(text.to_owned())).execute(&store.writer).await.unwrap();
        }
        let page = async |text: &'static str, start: &str| {
            let statement = query(text).bind([0_u8; 16].as_slice()).bind(b"n000".as_slice());
            let rows =
                statement.bind(start.as_bytes().to_vec()).bind(9).fetch_all(&store.readers).await.unwrap();
            let row = |row: &sqlx::sqlite::SqliteRow| (row.get::<i64, _>(0), row.get::<String, _>(1));
            rows.iter().map(row).collect::<Vec<_>>()
        };
        for start in ["", "n000", "n021", "n0215", "n084", "n098", "o"] {
            let (large, other) =
                (page(read::CHILDREN_OF_LARGE, start).await, page(read::CHILDREN, start).await);
            assert_eq!(large, other, "{start}");
            assert_eq!(large.is_empty(), start == "o", "{start}");
        }
        // Of a hundred users each third is in the group.
        for (most, is_large) in [(33, true), (34, false)] {
            let statement = query(read::IS_LARGE).bind([0_u8; 16].as_slice()).bind(b"n000".as_slice());
            let row = statement.bind(most).fetch_optional(&store.readers).await.unwrap();
            assert_eq!(row.is_some(), is_large, "{most}");
        }
    }

    #[tokio::test]
    async fn there_are_no_statistics() {
        let store = SqliteStore::in_memory().await.unwrap();
        let text = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'";
        let row = query(text).fetch_one(&store.readers).await.unwrap();
        assert_eq!(row.get::<i64, _>(0), 0);
        for (name, text) in all() {
            assert!(!text.contains("ANALYZE") && !text.contains("optimize"), "{name}");
        }
    }
}
