//! What holds for every file and all rows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use throng_core::user::Profile;

use super::*;

/// A text that is somebody's name or address.
fn word() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "[ -~]{1,40}", "[^\0]{1,6}"]
        .prop_filter("blank ones are none", |text| !text.trim().is_empty())
}

/// Users, groups, who is directly in which group, and how each line is written.
#[derive(Debug, Clone)]
struct World {
    users: Vec<[String; 5]>,
    groups: Vec<[String; 2]>,
    in_groups: Vec<(prop::sample::Index, prop::sample::Index)>,
    nested: Vec<(prop::sample::Index, prop::sample::Index)>,
    width: usize,
    end: &'static str,
}

prop_compose! {
    fn world()(
        users in prop::collection::vec([word(), word(), word(), word(), word()], 1..6),
        groups in prop::collection::vec([word(), word()], 1..5),
        in_groups in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..8),
        nested in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..5),
        width in 3usize..90,
        end in prop::sample::select(vec!["\n", "\r\n"]),
    ) -> World {
        World { users, groups, in_groups, nested, width, end }
    }
}

impl World {
    /// The name of the entry, with everything in it escaped or in another case.
    fn dn(kind: &str, number: usize, loud: bool) -> String {
        if loud {
            format!("CN = {kind}\\20 {number}, O=X").to_ascii_uppercase()
        } else {
            format!("cn={kind} \\20{number},o=x")
        }
    }

    /// The file and the rows that it holds, lines apart.
    fn render(&self) -> (String, Vec<UserRow>, Vec<GroupRow>) {
        let mut file = String::new();
        let mut users = Vec::new();
        let mut groups: Vec<GroupRow> = Vec::new();
        for (n, [name, display_name, first_name, last_name, email]) in self.users.iter().enumerate() {
            let lines = [
                ("dn", Self::dn("user", n, false)),
                ("objectClass", "inetOrgPerson".to_owned()),
                ("uid", name.clone()),
                ("displayName", display_name.clone()),
                ("givenName", first_name.clone()),
                ("sn", last_name.clone()),
                ("mail", email.clone()),
                ("userPassword", format!("{{SSHA}}{name}")),
            ];
            self.write(&mut file, &lines);
            users.push(UserRow {
                line: 0,
                name: name.clone(),
                profile: Profile {
                    display_name: display_name.clone(),
                    first_name: first_name.clone(),
                    last_name: last_name.clone(),
                    email: email.clone(),
                },
                active: true,
                groups: Vec::new(),
                password_hash: Some(format!("{{SSHA}}{name}")),
            });
        }
        for (n, [name, description]) in self.groups.iter().enumerate() {
            let mut lines = vec![
                ("dn", Self::dn("group", n, true)),
                ("objectClass", "groupOfNames".to_owned()),
                ("cn", name.clone()),
                ("description", description.clone()),
            ];
            for (user, group) in &self.in_groups {
                let user = user.index(self.users.len());
                if group.index(self.groups.len()) == n {
                    lines.push(("member", Self::dn("user", user, true)));
                    if users[user].groups.last() != Some(name) {
                        users[user].groups.push(name.clone());
                    }
                }
            }
            for (child, _) in self.nested.iter().filter(|(_, parent)| parent.index(self.groups.len()) == n) {
                lines.push(("member", Self::dn("group", child.index(self.groups.len()), false)));
            }
            groups.push(GroupRow {
                line: 0,
                name: name.clone(),
                description: description.clone(),
                parents: Vec::new(),
            });
            self.write(&mut file, &lines);
        }
        for (n, [name, _]) in self.groups.iter().enumerate() {
            for (child, _) in self.nested.iter().filter(|(_, parent)| parent.index(self.groups.len()) == n) {
                let parents = &mut groups[child.index(self.groups.len())].parents;
                if parents.last() != Some(name) {
                    parents.push(name.clone());
                }
            }
        }
        (file, users, groups)
    }

    fn write(&self, file: &mut String, lines: &[(&str, String)]) {
        for (attribute, value) in lines {
            let is_safe = value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
                && !value.starts_with([' ', ':', '<'])
                && !value.ends_with(' ');
            let line = if is_safe {
                format!("{attribute}: {value}")
            } else {
                format!("{attribute}:: {}", STANDARD.encode(value))
            };
            let folded: Vec<&str> =
                line.as_bytes().chunks(self.width).map(|chunk| std::str::from_utf8(chunk).unwrap()).collect();
            file.push_str(&folded.join(&format!("{} ", self.end)));
            file.push_str(self.end);
        }
        file.push_str(self.end);
    }
}

/// Bytes that may mean something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        2 => prop::collection::vec(any::<u8>(), 0..8),
        2 => "[a:;<# \t=,\\\\\r\n]{0,8}".prop_map(String::into_bytes),
        5 => prop::sample::select(vec![
            "version: 1\n", "dn: uid=a\n", "dn: uid=b\n", "\ndn: cn=g\n", "\n", "objectClass: account\n", "uid: a\n", "cn: g\n",
            "objectClass: group\n", "member: uid=a\n", "memberUid: a\n", "userPassword:: e1NTSEF9eA==\n", "mail:: ",
            "userAccountControl: 2\n", "changetype: add\n", "x:< y\n", "# c\n",
        ]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// T91: every file has an answer, and an error and a doubt name a line of the file or the one after.
    #[test]
    fn reading_is_total_t91(file in bytes()) {
        let lines = file.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        match read(&file[..], &LdifOptions::default()) {
            Err(error) => prop_assert!((1..=lines).contains(&error.line), "{error} of {lines}"),
            Ok(read) => {
                prop_assert!(read.doubts.iter().all(|doubt| (1..=lines).contains(&doubt.line)));
                prop_assert!(read.users.windows(2).all(|pair| pair[0].line < pair[1].line));
            }
        }
    }

    /// What is written is read, however lines are folded and names of entries are spelled.
    #[test]
    fn what_is_written_is_read(world in world()) {
        let (file, users, groups) = world.render();
        let mut read = read(file.as_bytes(), &LdifOptions::default()).unwrap();
        for row in &mut read.users {
            row.line = 0;
        }
        for row in &mut read.groups {
            row.line = 0;
        }
        prop_assert_eq!(read, Ldif { users, groups, ..Ldif::default() });
    }
}
