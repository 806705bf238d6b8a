//! Lists whose items change while they are shown: one signal an item, so that an item that stays is drawn only once and
//! afterwards changes in place. Sycamore's `Keyed` alone keeps the view of an item whose value changed as it was.
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use sycamore::prelude::*;

/// The items' signals by key.
pub struct Items<T: 'static>(Rc<RefCell<BTreeMap<String, Signal<T>>>>);

impl<T> Clone for Items<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Items<T> {
    /// The signal of an item that is in the list.
    pub fn get(&self, key: &str) -> Option<Signal<T>> {
        self.0.borrow().get(key).copied()
    }
}

/// The keys of a list, in order, and a signal for each of its items.
pub fn keyed_items<T: Clone + PartialEq>(
    list: impl Fn() -> Vec<T> + 'static,
    key: fn(&T) -> &str,
) -> (ReadSignal<Vec<String>>, Items<T>) {
    let items = Items(Rc::default());
    let kept: Rc<RefCell<BTreeMap<String, Signal<T>>>> = items.0.clone();
    let scope = use_current_scope();
    let keys = create_selector(move || {
        let list = list();
        let keys: Vec<String> = list.iter().map(|item| key(item).to_owned()).collect();
        for item in list {
            let known = kept.borrow().get(key(&item)).copied();
            match known {
                Some(signal) if signal.with_untracked(|old| *old == item) => {}
                Some(signal) => signal.set(item),
                None => {
                    let key = key(&item).to_owned();
                    let signal = scope.run_in(|| create_signal(item));
                    kept.borrow_mut().insert(key, signal);
                }
            }
        }
        if kept.borrow().len() > keys.len() {
            let wanted: BTreeSet<&String> = keys.iter().collect();
            kept.borrow_mut().retain(|key, _| wanted.contains(key));
        }
        keys
    });
    (keys, items)
}
