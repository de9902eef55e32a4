//! One suite of tests that every [`Store`](crate::store::Store) passes: what it promises to clients, tried through
//! the trait alone.

mod batches;
mod contents;
mod copies;
mod files;
mod heads;
pub(crate) mod histories;
pub(crate) mod moves;
mod past;
pub(crate) mod peer;

pub(crate) use batches::*;
pub(crate) use contents::*;
pub(crate) use copies::*;
pub(crate) use files::*;
pub(crate) use heads::*;
pub(crate) use histories::*;
pub(crate) use moves::*;
pub(crate) use past::*;

/// Makes every test of the suite a test of the module it is called in. Takes a way to make a fresh store, the
/// clock it goes by, and whatever must be kept for as long as it is used.
macro_rules! suite {
    ($make:expr) => {
        $crate::store::conformance::suite!(@ $make;
            an_unknown_mirror_stands_at_genesis
            the_first_claim_makes_the_mirror_and_another_source_is_refused
            a_second_source_of_the_same_name_is_refused_and_nothing_is_touched
            another_directory_at_the_same_path_is_told_apart
            a_proposal_on_another_base_is_refused
            a_mirror_nobody_claimed_takes_no_proposals
            a_repeated_commit_is_durable_again
            a_proposal_of_what_is_the_head_already_is_done
            the_oldest_proposal_gives_way_and_is_unknown
            a_proposal_may_run_ahead_of_the_commit_before_it
            a_superseded_lineage_is_fenced
            a_takeover_supersedes_whoever_wrote_past_the_fork
            a_takeover_needs_a_fork_in_the_chain
            clients_share_nothing
            literals_arrive_in_any_order_and_repeated
            a_content_that_is_held_is_never_missing
            what_arrived_is_kept_for_the_next_proposal
            mirrors_that_commit_the_same_contents_at_once_do_not_take_them_from_each_other
            a_commit_before_all_literals_names_the_rest
            a_content_made_of_copies_literals_and_zeros_is_whole
            a_copy_that_is_not_what_the_id_says_is_answered_with_digests
            a_copy_past_the_end_or_of_another_clients_content_is_refused
            bytes_that_are_not_what_their_id_says_are_thrown_away
            what_no_honest_client_proposes_is_malformed
            pieces_outside_the_literals_are_refused
            an_empty_file_needs_nobody_to_send_it
            a_large_content_arrives_in_many_frames
            bytes_are_read_at_every_revision
            swaps_cycles_and_kind_changes_are_one_batch
            a_refused_change_is_named_and_nothing_happens
            names_are_bytes
            pages_cover_a_tree_that_does_not_fit_into_one
            a_fresh_mirror_passes_its_check
            random_histories_give_what_the_model_gives
            every_pair_of_tiny_trees_and_every_partial_map_of_two_files_is_one_batch
            every_knot_of_moves_is_one_batch
            an_unknown_mirror_has_no_files
            a_deleted_file_is_counted_and_a_symlink_is_not
            a_deleted_directory_counts_every_file_below_it
            what_leaves_a_deleted_directory_first_is_not_counted
            what_left_or_ended_before_its_directory_is_not_counted_again
            a_directory_replaced_by_a_file_counts_what_was_in_it
            a_file_replaced_by_another_kind_is_counted
            a_file_that_a_move_overwrites_is_counted
            another_file_under_the_name_of_a_deleted_one_does_not_hide_it
            swaps_renames_and_new_contents_end_nothing
            small_deletes_add_up
            mirrors_of_one_client_are_counted_apart
            a_takeover_keeps_the_window_whoever_asks_from_wherever
            a_file_is_followed_through_its_renames_and_those_of_its_directories
            what_was_deleted_has_versions_and_so_has_what_came_after_it
            versions_past_a_page_go_on_where_it_ended
            revisions_are_told_with_their_rounds_counts_and_times
            what_is_at_many_paths_is_one_question
            a_clients_mirrors_are_listed_and_nobody_elses;
            the_revision_as_of_a_time_is_the_last_one_decided_by_then
            a_day_later_a_revision_does_not_count_any_more
            a_clock_set_back_lets_nothing_leave_the_window_early
        );
    };
    (@ $make:expr; $($test:ident)*; $($timed:ident)*) => {
        $(#[test]
        fn $test() {
            let make = $make;
            let (store, _clock, _kept) = make();
            $crate::store::conformance::$test(&store);
        })*
        $(#[test]
        fn $timed() {
            let make = $make;
            let (store, clock, _kept) = make();
            $crate::store::conformance::$timed(&store, &clock);
        })*
    };
}

pub(crate) use suite;
