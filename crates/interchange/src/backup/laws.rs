//! What holds for every file and all rows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use throng_core::user::Profile;

use super::*;

/// A text that XML can hold in an attribute as it is.
fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "[ -~]{1,12}", "[ -~À-ÿ\u{10000}-\u{10010}]{1,6}"]
        .prop_filter("blank ones are none", |text| !text.trim().is_empty())
}

#[derive(Debug, Clone)]
struct World {
    users: Vec<(bool, [String; 4])>,
    groups: Vec<[String; 1]>,
    in_groups: Vec<(prop::sample::Index, prop::sample::Index)>,
    nested: Vec<(prop::sample::Index, prop::sample::Index)>,
}

prop_compose! {
    fn world()(
        users in prop::collection::vec((any::<bool>(), [word(), word(), word(), word()]), 1..6),
        groups in prop::collection::vec([word()], 1..5),
        in_groups in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..8),
        nested in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..5),
    ) -> World {
        World { users, groups, in_groups, nested }
    }
}

/// How a row is written.
type Form = fn(&str, &[(&str, String)]) -> String;

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&#62;").replace('"', "&quot;")
}

/// As Jira writes rows.
fn attributes(element: &str, fields: &[(&str, String)]) -> String {
    let fields: String =
        fields.iter().map(|(name, value)| format!(" {name}=\"{}\"", escape(value))).collect();
    format!("<{element}{fields}/>\n")
}

/// As Crowd writes rows, and Jira its long texts.
fn elements(element: &str, fields: &[(&str, String)]) -> String {
    let fields = fields.iter().map(|(name, value)| {
        if value.contains("]]>") {
            format!("<{name}>{}</{name}>", escape(value))
        } else {
            format!("<{name}><![CDATA[{value}]]></{name}>\n")
        }
    });
    format!(
        "<{element}>\n<attributes><name>x</name></attributes>{}</{element}>\n",
        fields.collect::<String>()
    )
}

impl World {
    /// Names are numbered, so that no two fold together.
    fn user(&self, n: usize) -> String {
        format!("{n}{}", self.users[n].1[0])
    }

    fn group(&self, n: usize) -> String {
        format!("{n}{}", self.groups[n][0])
    }

    fn rows(&self) -> (Vec<UserRow>, Vec<GroupRow>) {
        let mut users: Vec<_> = self
            .users
            .iter()
            .enumerate()
            .map(|(n, (active, [_, display_name, last_name, email]))| UserRow {
                name: self.user(n),
                profile: Profile {
                    display_name: display_name.clone(),
                    first_name: String::new(),
                    last_name: last_name.clone(),
                    email: email.clone(),
                },
                active: *active,
                password_hash: Some(format!("{{PKCS5S2}}{n}")),
                ..UserRow::default()
            })
            .collect();
        let mut groups: Vec<_> =
            (0..self.groups.len()).map(|n| GroupRow { name: self.group(n), ..GroupRow::default() }).collect();
        for (child, parent) in &self.in_groups {
            let name = self.group(parent.index(self.groups.len()));
            let own = &mut users[child.index(self.users.len())].groups;
            if !own.contains(&name) {
                own.push(name);
            }
        }
        for (child, parent) in &self.nested {
            let name = self.group(parent.index(self.groups.len()));
            let own = &mut groups[child.index(self.groups.len())].parents;
            if !own.contains(&name) {
                own.push(name);
            }
        }
        (users, groups)
    }

    /// The rows of each kind, written in a form and with the names of a product.
    fn render(&self, form: Form, kinds: [&str; 4], names: [&str; 4]) -> [String; 4] {
        let [directory_name, user_name, email_name, group_name] = names;
        let home = || ("directoryId", "7".to_owned());
        let directory = form(
            kinds[0],
            &[
                ("id", "7".to_owned()),
                (directory_name, "Here".to_owned()),
                ("active", "true".to_owned()),
                ("type", "INTERNAL".to_owned()),
            ],
        );
        let users =
            self.users.iter().enumerate().map(|(n, (active, [_, display_name, last_name, email]))| {
                form(
                    kinds[1],
                    &[
                        ("id", n.to_string()),
                        home(),
                        (user_name, self.user(n)),
                        ("active", active.to_string()),
                        ("displayName", display_name.clone()),
                        ("lastName", last_name.clone()),
                        (email_name, email.clone()),
                        ("credential", format!("{{PKCS5S2}}{n}")),
                    ],
                )
            });
        let groups = (0..self.groups.len())
            .map(|n| form(kinds[2], &[("id", n.to_string()), home(), (group_name, self.group(n))]));
        let membership = |parent: &prop::sample::Index, child: String, kind: &str| {
            form(
                kinds[3],
                &[
                    ("parentName", self.group(parent.index(self.groups.len()))),
                    ("childName", child),
                    ("membershipType", kind.to_owned()),
                    home(),
                ],
            )
        };
        let of_users = self.in_groups.iter().map(|(child, parent)| {
            membership(parent, self.user(child.index(self.users.len())), "GROUP_USER")
        });
        let of_groups = self.nested.iter().map(|(child, parent)| {
            membership(parent, self.group(child.index(self.groups.len())), "GROUP_GROUP")
        });
        [directory, users.collect(), groups.collect(), of_users.chain(of_groups).collect()]
    }
}

/// Bytes that may mean something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let head = prop::sample::select(vec![
        "",
        "<entity-engine-xml>",
        "<crowd><users>",
        "<entity-engine-xml><Directory id='1' directoryName='a' active='1' type='INTERNAL'/>",
    ]);
    let piece = prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..4),
        2 => "[<>/a='\"&;! \n\\[\\]-]{0,6}".prop_map(String::into_bytes),
        5 => prop::sample::select(vec![
            "<user>", "</user>", "<name>a</name>", "<User id='1' directoryId='1' userName='a' active='1'/>", "\n",
            "<Group id='1' directoryId='1' groupName='g'/>", "<directoryId>1</directoryId>", "<active>1</active>", "<!-- a -->",
            "<Membership directoryId='1' parentName='g' childName='a'/>", "</entity-engine-xml>", "</users>", "</crowd>",
            "<![CDATA[", "]]>", "&amp;", "<?a?>", "<!DOCTYPE a>",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    (head, prop::collection::vec(piece, 0..12))
        .prop_map(|(head, pieces)| [head.as_bytes(), &pieces.concat()].concat())
}

proptest! {
    /// T79, T91: every file has an answer, and an error and a doubt name a line of the file.
    #[test]
    fn reading_is_total_t79(file in bytes()) {
        let lines = file.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        for choice in [DirectoryChoice::Id(1), "a".into()] {
            let options = BackupOptions { directory: choice, on_dangling: OnDangling::Report };
            match read(&file[..], &options) {
                Err(error) => prop_assert!((1..=lines).contains(&error.line), "{error} of {lines}"),
                Ok(read) => prop_assert!(read.doubts.iter().all(|doubt| (1..=lines).contains(&doubt.line))),
            }
        }
        if let Err(error) = list_directories(&file[..]) {
            prop_assert!((1..=lines).contains(&error.line), "{error} of {lines}");
        }
    }

    /// What is written in the form of either product is read, in whatever order the kinds of rows come.
    #[test]
    fn what_is_written_is_read(world in world(), order in Just([0, 1, 2, 3]).prop_shuffle()) {
        let (users, groups) = world.rows();
        let jira_kinds = ["Directory", "User", "Group", "Membership"];
        let jira_names = ["directoryName", "userName", "emailAddress", "groupName"];
        let crowd_kinds = ["directory", "user", "group", "membership"];
        let sections = ["directories", "users", "groups", "memberships"];
        let mut files = BTreeMap::new();
        for (form, rows) in [
            ("attributes", world.render(attributes, jira_kinds, jira_names)),
            ("elements", world.render(elements, jira_kinds, jira_names)),
        ] {
            let rows: String = order.iter().map(|n| rows[*n].as_str()).collect();
            files.insert(form, format!("<entity-engine-xml>{rows}</entity-engine-xml>"));
        }
        let rows = world.render(elements, crowd_kinds, ["name", "name", "email", "name"]);
        let rows: String = order.iter().map(|n| format!("<{0}>{1}</{0}>", sections[*n], rows[*n])).collect();
        files.insert("crowd", format!("<crowd>{rows}</crowd>"));
        for (form, file) in files {
            for choice in [DirectoryChoice::Id(7), "here".into()] {
                let mut read = read(file.as_bytes(), &BackupOptions::of(choice)).unwrap();
                read.users.iter_mut().for_each(|row| row.line = 0);
                read.groups.iter_mut().for_each(|row| row.line = 0);
                prop_assert_eq!(&read.users, &users, "{}", form);
                prop_assert_eq!(&read.groups, &groups, "{}", form);
                prop_assert_eq!(read.directory.users, users.len() as u64);
            }
        }
    }
}
