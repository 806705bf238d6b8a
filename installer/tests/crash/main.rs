//! What must hold of every plan, whatever is in it: a step that fails, a run that is killed, a host that loses power, a
//! file that is changed by hand. Each site below goes through all of it; whoever adds a kind of action adds it to the
//! site that has them all, and `every_kind_of_action_is_tried` says so when it is forgotten.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod drive;
mod planned;
mod site;
mod trials;

/// The trials of a site.
macro_rules! trials {
    ($($module:ident::$site:ident)*) => {$(
        mod $site {
            use crate::{$module, trials};

            #[test]
            fn does_what_was_shown_and_nothing_when_done_again() {
                trials::does_what_was_shown($module::$site);
            }

            #[test]
            fn a_step_done_twice_comes_to_the_same() {
                trials::each_step_twice($module::$site);
            }

            #[test]
            fn a_failure_at_each_call_is_undone() {
                trials::fail_at_each_call($module::$site);
            }

            #[test]
            fn a_kill_at_each_record_is_made_good_by_going_on() {
                trials::kill_at_each_record($module::$site);
            }

            #[test]
            fn a_kill_at_each_record_is_undone() {
                trials::kill_and_undo($module::$site);
            }

            #[test]
            fn a_kill_at_each_record_of_undoing_is_made_good_by_undoing() {
                trials::kill_while_undoing($module::$site);
            }

            #[test]
            fn power_loss_at_each_call_is_made_good_by_going_on() {
                trials::power_loss($module::$site);
            }

            #[test]
            fn power_loss_at_each_call_is_undone() {
                trials::power_loss_and_undo($module::$site);
            }

            #[test]
            fn files_changed_by_hand_are_kept_by_undoing() {
                trials::hand_changed_then_undone($module::$site);
            }

            #[test]
            fn files_changed_by_hand_are_shown_and_kept_by_doing() {
                trials::hand_changed_then_done($module::$site);
            }

            #[test]
            fn no_second_installer_meanwhile() {
                trials::no_second_installer($module::$site);
            }

            #[test]
            fn secrets_stay_where_they_belong() {
                trials::no_secret_is_told($module::$site);
            }
        }
    )*};
}

trials! {
    site::one_host
    site::three_hosts
    planned::planned_single
    planned::planned_head_and_two
    planned::planned_two_heads
}
