//! The states of conversations as workers are given them: whoever runs the code
//! of a turn, and however often, it starts with the same state.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use everturn_engine::command::{Command, CommandKind, SetState};
use everturn_engine::text::{RootKey, Text};
use everturn_engine::value::{Blob, Payload};
use everturn_runtime::WorkflowTask;

/// Bytes of values that a worker says it keeps.
pub const KEPT_BYTES: usize = 20_000;

type Entries = BTreeMap<Text, Payload>;

/// What each run was given first, by any worker.
#[derive(Clone, Default)]
pub struct States(Rc<RefCell<BTreeMap<u128, Entries>>>);

/// What a worker has kept in its session.
#[derive(Default)]
pub struct Kept(BTreeMap<(RootKey, u64), Payload>);

impl States {
    /// Completes the state that a task brings with what the worker has.
    ///
    /// # Panics
    /// When another worker was given something else for the same run, or a value
    /// was left out that the worker was never sent.
    pub fn check(&self, kept: &mut Kept, task: &WorkflowTask) {
        let first = task.entries.first().and_then(|entry| entry.turn.as_ref());
        let Some(turn) = first else {
            return;
        };
        let mut entries = turn.context.state.entries.clone();
        for (name, version) in &turn.versions {
            let value = (task.root.clone(), *version);
            match entries.get(name) {
                Some(given) => {
                    kept.0.insert(value, given.clone());
                }
                None => {
                    let known = kept.0.get(&value).expect("it was sent before");
                    entries.insert(name.clone(), known.clone());
                }
            }
        }
        let mut states = self.0.borrow_mut();
        let before = states
            .entry(task.run_id.0)
            .or_insert_with(|| entries.clone());
        assert_eq!(*before, entries, "a turn is given another state");
    }
}

/// What a turn writes: a few entries, some of them long.
pub fn write(number: u64) -> Command {
    let name = ["short", "long", "longer"][(number % 3) as usize];
    let length = 40 + (number % 3) as usize * 2_900;
    let letter = b'a' + (number % 26) as u8;
    let value = Payload {
        data: Blob(vec![letter; length].into()),
        content_type: Default::default(),
    };
    let set = SetState {
        name: name.into(),
        value: (!number.is_multiple_of(7)).then_some(value),
    };
    Command {
        key: "state".into(),
        kind: CommandKind::SetState(set),
    }
}
