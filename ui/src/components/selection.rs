//! Which rows of a table are chosen: with their boxes, the space bar, and the shift key for everything in between.
use std::collections::BTreeSet;

use sycamore::prelude::*;
use wasm_bindgen::JsValue;

use super::Text;
use crate::i18n::t;

/// The chosen rows, by their keys; copies are the same choice.
#[derive(Clone, Copy)]
pub struct Selection {
    chosen: Signal<BTreeSet<String>>,
    /// Where a range begins.
    anchor: Signal<Option<String>>,
    /// On a phone, whether a touch chooses a row instead of opening it.
    touching: Signal<bool>,
}

impl Selection {
    /// Nothing is chosen yet; lives as long as the current scope.
    pub fn new() -> Self {
        Self { chosen: create_signal(BTreeSet::new()), anchor: create_signal(None), touching: create_signal(false) }
    }

    /// The chosen keys; tracked.
    pub fn chosen(self) -> ReadSignal<BTreeSet<String>> {
        *self.chosen
    }

    /// Whether a touch chooses.
    pub fn touching(self) -> Signal<bool> {
        self.touching
    }

    /// Whether a row is chosen; tracked.
    pub fn has(self, key: &str) -> bool {
        self.chosen.with(|chosen| chosen.contains(key))
    }

    /// Chooses nothing any more.
    pub fn clear(self) {
        if self.chosen.with_untracked(|chosen| !chosen.is_empty()) {
            self.chosen.set(BTreeSet::new());
        }
        self.touching.set(false);
    }

    /// Takes rows out of the choice.
    pub fn drop_all(self, keys: &[String]) {
        if !keys.is_empty() {
            self.chosen.update(|chosen| chosen.retain(|key| !keys.contains(key)));
        }
    }

    /// Keeps only what is among `keys`: what is not in sight must not be acted upon.
    pub fn keep(self, keys: &[String]) {
        let all_there = self.chosen.with_untracked(|chosen| chosen.iter().all(|key| keys.contains(key)));
        if !all_there {
            self.chosen.update(|chosen| chosen.retain(|key| keys.contains(key)));
        }
    }

    /// Chooses a row or takes it back; with `range` everything from the last one to it. `keys` are the rows that can be
    /// chosen, in order.
    pub fn press(self, key: &str, range: bool, keys: &[String]) {
        let anchor = self.anchor.get_clone_untracked();
        self.chosen.update(|chosen| press(chosen, key, anchor.as_deref().filter(|_| range), keys));
        self.anchor.set(Some(key.to_owned()));
    }

    /// Chooses all of `keys`, or none when all are chosen.
    pub fn press_all(self, keys: &[String]) {
        self.chosen.update(|chosen| {
            if keys.iter().all(|key| chosen.contains(key)) {
                chosen.clear();
            } else {
                chosen.extend(keys.iter().cloned());
            }
        });
    }

    /// The box in the table's head: empty, full, or in between. `keys` are the rows that can be chosen.
    pub(super) fn head(self, keys: ReadSignal<Vec<String>>) -> View {
        let state = create_selector(move || {
            let chosen = self.chosen.with(BTreeSet::len);
            let all = keys.with(Vec::len);
            (chosen > 0 && chosen >= all, chosen > 0 && chosen < all)
        });
        view! {
            th(class="row-select", role="columnheader", scope="col") {
                input(
                    r#type="checkbox",
                    aria-label=move || t().jobs.select_page(),
                    prop:checked=move || JsValue::from_bool(state.get().0),
                    prop:indeterminate=move || JsValue::from_bool(state.get().1),
                    on:change=move |_: web_sys::Event| self.press_all(&keys.get_clone_untracked())
                )
            }
        }
    }

    /// The box of a row; a row without a label can't be chosen.
    pub(super) fn cell(self, key: String, label: Option<Text>, keys: ReadSignal<Vec<String>>) -> View {
        let Some(label) = label else {
            return view! { td(class="row-select", role="cell") };
        };
        let own = key.clone();
        let press = move |event: web_sys::MouseEvent| {
            self.press(&key, event.shift_key(), &keys.get_clone_untracked());
        };
        view! {
            td(class="row-select", role="cell") {
                label(class="row-box") {
                    input(
                        r#type="checkbox",
                        aria-label=move || label.get_clone(),
                        prop:checked=move || JsValue::from_bool(self.has(&own)),
                        on:click=press
                    )
                }
            }
        }
    }
}

fn press(chosen: &mut BTreeSet<String>, key: &str, anchor: Option<&str>, keys: &[String]) {
    let place = |wanted: &str| keys.iter().position(|key| key == wanted);
    if let (Some(from), Some(to)) = (anchor.and_then(place), place(key)) {
        let (first, last) = (from.min(to), from.max(to));
        chosen.extend(keys[first..=last].iter().cloned());
    } else if !chosen.remove(key) {
        chosen.insert(key.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_go_both_ways_and_single_rows_come_and_go() {
        let keys: Vec<String> = ["1", "2", "3", "4"].map(str::to_owned).to_vec();
        let mut chosen = BTreeSet::new();
        press(&mut chosen, "3", None, &keys);
        press(&mut chosen, "1", Some("3"), &keys);
        assert_eq!(chosen.iter().collect::<Vec<_>>(), ["1", "2", "3"]);
        press(&mut chosen, "2", None, &keys);
        assert_eq!(chosen.iter().collect::<Vec<_>>(), ["1", "3"]);
        press(&mut chosen, "4", Some("gone"), &keys);
        assert_eq!(chosen.len(), 3, "a range without a beginning is one row");
    }
}
