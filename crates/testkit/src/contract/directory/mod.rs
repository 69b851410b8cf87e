//! The contract of the directory ports.

mod fixture;
mod steps;
mod world;

pub mod reading;
pub mod writing;

pub use self::fixture::DirectoryFixture;
pub use self::world::{DisplayNames, Inhabitant, Team, World};

/// Stamps a test for each documented behaviour of [`Directory`](throng_core::directory::Directory) and of its
/// powers.
///
/// `directory_contract!(name, make, powers = [users, groups, members, passwords])` makes a module `name` with
/// one `#[test]` for each case. The powers are those that the directory has; the first test holds the list
/// against what it reports, and cases of powers that are not listed are not stamped. `make` is a closure or
/// function whose future gives a directory that holds the [`World`] it is given: a `Directory`, or a
/// [`DirectoryFixture`] when there is more to tell. It is called once for each case, inside a tokio runtime
/// that ends with the case.
///
/// ```
/// throng_testkit::directory_contract!(
///     scripted,
///     |world| async { world.scripted(throng_core::id::DirectoryId::from_bytes([1; 16])) },
///     powers = [users, groups, members, passwords],
/// );
/// ```
#[macro_export]
macro_rules! directory_contract {
    ($name:ident, $make:expr, powers = [$($power:ident),* $(,)?] $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "`make` may name everything by its full path")]
            use super::*;

            async fn fixture() -> $crate::contract::directory::DirectoryFixture {
                $crate::contract::directory::DirectoryFixture::made($make).await
            }

            #[test]
            fn the_powers_are_those_listed() {
                $crate::__private::run(async {
                    let fixture = fixture().await;
                    let listed = [$(stringify!($power)),*];
                    $crate::contract::directory::reading::the_powers_are_those_listed(
                        fixture.directory(),
                        &listed,
                    )
                    .await;
                });
            }

            $crate::__directory_cases!(reading, __stamp_directory_cases);
            $($crate::__directory_cases!($power, __stamp_directory_cases);)*
        }
    };
}

/// Hands the cases of one power, or of reading, to another macro: the one place where they are listed.
#[doc(hidden)]
#[macro_export]
macro_rules! __directory_cases {
    (reading, $then:ident) => {
        $crate::$then! { reading {
            the_id_and_the_powers_never_change
            a_user_is_found_by_any_spelling_t17
            a_user_comes_whole
            nobody_is_found_by_another_name_t17
            a_group_is_found_by_any_spelling
            exactly_the_users_who_pass_are_found
            found_users_are_paged_by_key
            exactly_the_groups_that_pass_are_found
            found_groups_are_paged_by_key
            parents_are_direct
            parents_are_paged_by_key
            children_are_direct_and_in_the_order_of_keys
            children_of_the_same_key_stay_on_one_page
            who_is_not_there_is_unknown
            a_wrong_password_is_refused
            who_is_inactive_is_refused
            the_right_password_gives_the_user
            failed_checks_count_towards_the_limit_r702
            accounts_have_ids_of_their_own
        } }
    };
    (users, $then:ident) => {
        $crate::$then! { writing {
            an_added_user_is_there_t11
            a_second_user_of_a_name_is_refused
            an_update_changes_the_named_fields_only
            an_update_deactivates_and_activates
            a_write_to_nobody_is_refused
            a_renamed_user_keeps_everything_else
            a_rename_onto_another_is_refused_r255
            a_removed_user_leaves_no_membership_t05
        } }
    };
    (groups, $then:ident) => {
        $crate::$then! { writing {
            an_added_group_is_there
            an_update_of_a_group_changes_the_named_fields_only
            a_removed_group_leaves_no_membership
        } }
    };
    (members, $then:ident) => {
        $crate::$then! { writing {
            an_added_member_is_in_the_group
            a_membership_needs_both_ends_and_stands_once
            a_removed_member_is_out_of_that_group_only
        } }
    };
    (passwords, $then:ident) => {
        $crate::$then! { writing {
            a_new_password_replaces_the_former
            a_password_of_nobody_is_refused
            a_weak_password_is_refused_r710
        } }
    };
    // `sync_contract!` holds this power to its documentation.
    (sync, $then:ident) => {};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __stamp_directory_cases {
    ($group:ident { $($case:ident)+ }) => {
        $(
            #[test]
            fn $case() {
                $crate::__private::run(async {
                    let fixture = fixture().await;
                    $crate::contract::directory::$group::$case((&fixture).into()).await;
                });
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    /// A case that is written and not listed would never run.
    #[test]
    fn every_case_that_is_written_is_listed() {
        let listed = include_str!("mod.rs");
        for source in [include_str!("reading.rs"), include_str!("writing.rs")] {
            let written = source.split("\npub async fn ").skip(1);
            for case in written.filter_map(|rest| rest.split('(').next()) {
                assert!(
                    listed.contains(&format!(" {case}\n")) || case == "the_powers_are_those_listed",
                    "{case}"
                );
            }
        }
    }
}
