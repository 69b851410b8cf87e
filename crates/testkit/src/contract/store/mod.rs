//! The contract of the store ports.

mod fixture;
mod scene;

pub mod census;
pub mod claims;
pub mod concurrent;
pub mod credentials;
pub mod graph;
pub mod groups;
pub mod log;
pub mod mirrors;
pub mod moves;
pub mod reading;
pub mod registry;
pub mod search;
pub mod sessions;
pub mod users;

pub use self::fixture::StoreFixture;

/// Stamps a test for each documented behaviour of the store ports.
///
/// `store_contract!(name, make)` makes a module `name` with one `#[test]` for each of [`CASES`], and one that
/// holds the list of them complete. `make` is a closure or function without parameters whose future gives an
/// empty store: a [`Store`](throng_core::store::Store), or a [`StoreFixture`] when the store is shared or
/// something has to outlive it. It is called once for each case, inside a tokio runtime that ends with the
/// case.
///
/// ```
/// throng_testkit::store_contract!(memory, || async { throng_testkit::memory::MemoryStore::new() });
/// ```
#[macro_export]
macro_rules! store_contract {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "`make` may name everything by its full path")]
            use super::*;

            async fn fixture() -> $crate::contract::store::StoreFixture {
                $crate::contract::store::StoreFixture::made($make).await
            }

            $crate::__store_cases!(__stamp_store_cases);
        }
    };
}

/// Hands the list of cases, by module, to another macro: the one place where it stands.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_cases {
    ($then:ident) => {
        $crate::$then! {
            reading {
                locate_finds_everybody_of_a_name
                locate_gives_the_whole_user
                locate_tells_the_claim_also_when_nobody_holds_the_name
                locate_finds_nobody
                locate_tells_the_epoch_t72
                locate_groups_finds_all_of_a_name
                a_user_is_found_by_key_in_its_directory_only
                a_user_is_found_by_its_id_byte_for_byte_t06
                names_are_the_same_by_key_alone_r301_t19
                odd_names_are_only_names_t80
                the_longest_names_are_kept_apart_t20
            }
            search {
                search_users_leaves_out_no_name_that_passes
                search_users_gives_every_occurrence_of_a_name
                search_users_keeps_to_its_directories
                search_users_pages_by_key_t19
                search_pages_survive_changes_between_them
                search_finds_listed_names_once_on_pages_of_any_size
                search_bears_the_largest_filter_t81
                namesakes_come_in_the_order_of_keys
                namesakes_of_a_full_page
                search_groups_leaves_out_no_name_that_passes
                search_groups_gives_every_occurrence_of_a_name
                search_groups_pages_by_key
            }
            graph {
                parents_are_direct_and_in_the_order_of_keys
                parents_are_paged
                children_are_in_the_order_of_keys_users_first
                children_of_the_same_key_stay_on_one_page
                members_are_spelled_as_they_are_today
                above_tells_every_nesting_once
                above_ends_in_cycles_r403
                below_tells_every_nesting_once
                below_ends_in_cycles_r403
                a_long_chain_is_followed_up_to_the_limit_t26
                nestings_stay_inside_a_directory_r275
                users_in_groups_come_once_in_the_order_of_keys
            }
            users {
                an_added_user_is_kept_whole
                a_user_needs_a_directory
                a_user_has_its_key_and_id_alone_in_a_directory
                a_user_is_added_only_where_others_lack_the_name_t09
                a_user_is_added_with_its_password_or_none
                an_update_changes_the_named_fields_only
                an_update_of_nobody_or_of_a_shadowed_account_is_refused
                deactivation_ends_the_sessions_t72
                a_renamed_user_keeps_everything_else
                a_rename_may_change_the_spelling_alone_r255
                claims_follow_a_rename
                a_rename_of_nobody_or_onto_somebody_is_refused
                a_rename_onto_anothers_claim_is_refused_t02
                a_replaced_id_takes_everything_but_sessions_along
                a_taken_id_is_not_given_again
                a_removed_user_leaves_nothing_to_a_successor_t05
                claims_of_a_removed_user_become_tombstones_t02
                a_removal_of_nobody_or_of_a_shadowed_account_is_refused
            }
            groups {
                an_added_group_is_kept_whole
                a_group_has_its_key_and_id_alone_in_a_directory
                an_update_of_a_group_changes_the_named_fields_only
                a_removed_group_leaves_no_membership
                a_membership_needs_both_ends
                a_member_is_added_once
                a_cycle_of_groups_is_refused_t25
                a_cycle_of_groups_is_kept_for_a_source_r410
                a_removed_member_is_out_of_that_group_only
            }
            registry {
                a_directory_is_kept_with_all_its_settings
                a_replaced_directory_keeps_its_users
                directories_are_named_apart_and_ordered_by_key_r105
                a_removed_directory_takes_all_it_held_along
                claims_of_a_removed_directory_become_tombstones_t12
                a_removal_of_no_directory_is_refused
                an_application_is_kept_with_its_plan
                an_application_is_replaced_at_once
                applications_are_named_apart
                a_plan_is_replaced_only_by_the_next_version
                a_seat_needs_a_directory
                a_removed_application_takes_what_is_its_own_along
                a_consumer_is_kept_whole_t46
                a_consumer_is_replaced_only_by_the_next_version
            }
            claims {
                a_claim_is_kept_whole
                a_name_is_claimed_once_in_an_application
                a_claim_is_replaced_only_if_it_is_the_one_expected_t01
                a_claim_is_released_only_if_it_is_the_one_expected
                claims_are_paged_by_key
                an_alias_leads_to_the_account_and_its_name
                an_account_has_one_alias_in_an_application
                an_alias_that_is_taken_is_refused_r806
                a_removed_alias_leads_nowhere
            }
            credentials {
                a_credential_is_kept_whole
                a_password_of_nobody_or_of_a_shadowed_account_is_refused
                a_new_password_ends_the_sessions_t72
                failures_are_counted_and_cleared_r702
                a_hash_is_upgraded_only_in_place_of_its_former_t56
                login_times_only_go_forward
                the_passwords_of_a_directory_expire_r732
                what_is_done_to_credentials_is_not_logged
            }
            sessions {
                a_session_is_found_by_its_token_only_t71
                a_session_of_another_epoch_or_id_or_token_is_refused_t72
                a_session_needs_an_account_and_an_application
                an_account_of_a_live_directory_has_sessions_too
                ended_sessions_are_dead_at_once_t72
                ending_no_sessions_is_no_fault
                a_session_dies_with_its_account_t72
                a_touch_only_goes_forward
                a_closed_session_is_gone
                the_sessions_of_an_account_are_closed_but_for_one
                a_purge_removes_what_has_ended
                what_is_done_to_sessions_is_not_logged
            }
            mirrors {
                users_are_found_by_their_ids
                marks_are_those_of_users_as_they_are_kept
                user_marks_are_paged_by_id
                groups_are_marked_by_key
                a_members_mark_ends_with_any_change_of_them
                a_rewritten_user_keeps_its_name_and_sessions
                a_rewrite_that_deactivates_ends_the_sessions_t72
                many_rewrites_and_leaves_at_once_mean_what_they_mean_alone
                what_is_remembered_of_a_mirror_is_kept_whole
                the_last_of_two_changes_of_one_thing_counts
                a_lease_is_one_process_s_at_a_time_t65
                nothing_is_written_under_a_lost_lease_t65
                rounds_are_journalled_and_abort_with_their_lease_t66
                a_deferred_set_is_logged_as_one_reset
                a_removed_directory_takes_its_mirror_along
            }
            moves {
                everything_that_belongs_to_an_account_is_told
                nothing_of_a_predecessor_belongs_to_an_account_t05
                any_change_of_what_belongs_to_an_account_is_seen
                a_cleared_password_was_never_set
                a_login_is_brought_along
                a_move_is_kept_whole_and_by_version
                a_directory_stays_while_a_move_needs_it
                entries_of_a_move_are_kept_whole_and_paged
                an_account_waits_for_its_password
            }
            census {
                holders_are_everybody_in_the_order_of_keys
                holders_are_paged_by_whole_names
                occupants_come_where_they_were_asked_for
                claims_come_where_they_were_asked_for
                a_group_graph_tells_every_nesting_once
                a_set_may_expect_that_nothing_was_logged_since
            }
            log {
                the_log_is_numbered_from_one_without_gaps
                batches_continue_after_a_number
                a_set_of_nothing_is_not_logged
                a_set_is_one_batch_in_its_order
                every_change_leaves_its_entry
                a_store_keeps_its_instance
                claims_that_move_or_die_are_logged
                a_replaced_id_is_logged
                a_failing_change_leaves_nothing_of_the_others
                changes_of_a_set_build_on_each_other
            }
            concurrent {
                one_of_many_namesakes_is_added_t09
                one_of_many_users_of_a_name_is_added
                opposite_nestings_never_make_a_cycle_t25
                a_ring_of_nestings_is_never_closed_t25
                one_of_many_edits_of_a_plan_is_kept
                one_of_many_claims_on_a_name_is_made_t01
                sets_at_the_same_time_are_logged_without_gaps
                failures_at_the_same_time_are_all_counted_r702
                one_of_many_upgrades_of_a_hash_happens_t56
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __stamp_store_cases {
    ($($group:ident { $($case:ident)* })*) => {
        #[test]
        fn every_case_is_stamped() {
            $crate::contract::store::assert_stamped(&[$($(stringify!($case),)*)*]);
        }

        $($(
            #[test]
            fn $case() {
                $crate::__private::run(async {
                    let fixture = fixture().await;
                    $crate::contract::store::$group::$case((&fixture).into()).await;
                });
            }
        )*)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __list_store_cases {
    ($($group:ident { $($case:ident)* })*) => {
        &[$($(stringify!($case),)*)*]
    };
}

/// The names of all cases.
pub const CASES: &[&str] = crate::__store_cases!(__list_store_cases);

/// Asserts that a suite has all cases, and any at all.
#[doc(hidden)]
pub fn assert_stamped(stamped: &[&str]) {
    assert!(!stamped.is_empty(), "a suite that runs no case proves nothing");
    assert_eq!(stamped, CASES, "the suite has other cases than the contract");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A case that is written and not listed would never run.
    #[test]
    fn every_case_that_is_written_is_listed() {
        let sources = [
            include_str!("reading.rs"),
            include_str!("search.rs"),
            include_str!("graph.rs"),
            include_str!("users.rs"),
            include_str!("groups.rs"),
            include_str!("registry.rs"),
            include_str!("claims.rs"),
            include_str!("credentials.rs"),
            include_str!("sessions.rs"),
            include_str!("mirrors.rs"),
            include_str!("moves.rs"),
            include_str!("census.rs"),
            include_str!("log.rs"),
            include_str!("concurrent.rs"),
        ];
        let written: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.split("\npub async fn ").skip(1))
            .filter_map(|rest| rest.split('(').next())
            .collect();
        assert_eq!(written, CASES);
    }
}
