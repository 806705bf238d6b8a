//! What must hold of every plan, whatever is in it: a step that fails, a run that is killed, a host that loses power, a
//! file that is changed by hand. Each site below goes through all of it; whoever adds a kind of action adds it to the
//! site that has them all, and `every_kind_of_action_is_tried` says so when it is forgotten.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod drive;
mod site;
mod trials;

/// The trials of a site.
macro_rules! trials {
    ($($site:ident)*) => {$(
        mod $site {
            use crate::{site, trials};

            #[test]
            fn does_what_was_shown_and_nothing_when_done_again() {
                trials::does_what_was_shown(site::$site);
            }

            #[test]
            fn a_step_done_twice_comes_to_the_same() {
                trials::each_step_twice(site::$site);
            }

            #[test]
            fn a_failure_at_each_call_is_undone() {
                trials::fail_at_each_call(site::$site);
            }

            #[test]
            fn a_kill_at_each_record_is_made_good_by_going_on() {
                trials::kill_at_each_record(site::$site);
            }

            #[test]
            fn a_kill_at_each_record_is_undone() {
                trials::kill_and_undo(site::$site);
            }

            #[test]
            fn a_kill_at_each_record_of_undoing_is_made_good_by_undoing() {
                trials::kill_while_undoing(site::$site);
            }

            #[test]
            fn power_loss_at_each_call_is_made_good_by_going_on() {
                trials::power_loss(site::$site);
            }

            #[test]
            fn power_loss_at_each_call_is_undone() {
                trials::power_loss_and_undo(site::$site);
            }

            #[test]
            fn files_changed_by_hand_are_kept_by_undoing() {
                trials::hand_changed_then_undone(site::$site);
            }

            #[test]
            fn files_changed_by_hand_are_shown_and_kept_by_doing() {
                trials::hand_changed_then_done(site::$site);
            }

            #[test]
            fn no_second_installer_meanwhile() {
                trials::no_second_installer(site::$site);
            }

            #[test]
            fn secrets_stay_where_they_belong() {
                trials::no_secret_is_told(site::$site);
            }
        }
    )*};
}

trials!(one_host three_hosts);
