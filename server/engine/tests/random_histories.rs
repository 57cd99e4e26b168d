//! Random requests in random order: whatever happens, the invariants hold and
//! the log folds to the same state.

mod scenario;

use everturn_engine::command::{Command, CommandKind};
use everturn_engine::decide::{self, ActivityToken, TaskToken};
use everturn_engine::event::{Event, RunEvent};
use everturn_engine::policy::{OnBusy, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::value::{Failure, FailureKind, Span};
use proptest::prelude::*;
use scenario::{Scenario, activity, ask, cancel, complete, payload, reply};

#[derive(Clone, Debug)]
enum Step {
    Submit(u8),
    Wait(i64),
    BeginTask,
    CompleteTask { commands: Vec<u8>, close: bool },
    BeginActivity,
    CompleteActivity(bool),
    Signal,
    Cancel,
    Restart,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Submit),
        3 => (0..15_000i64).prop_map(Step::Wait),
        6 => Just(Step::BeginTask),
        8 => (prop::collection::vec(0..6u8, 0..4), any::<bool>())
            .prop_map(|(commands, close)| Step::CompleteTask { commands, close }),
        4 => Just(Step::BeginActivity),
        4 => any::<bool>().prop_map(Step::CompleteActivity),
        1 => Just(Step::Signal),
        1 => Just(Step::Cancel),
        2 => Just(Step::Restart),
        1 => Just(Step::Close),
    ]
}

fn policy() -> impl Strategy<Value = TurnPolicy> {
    let busy = prop_oneof![
        Just(OnBusy::Queue),
        Just(OnBusy::Interrupt),
        Just(OnBusy::Steer)
    ];
    (busy, 0..2_000i64).prop_map(|(on_busy, quiet)| TurnPolicy {
        on_busy,
        quiet: Span::from_millis(quiet),
        max_wait: Span::from_millis(quiet * 4),
        ..TurnPolicy::default()
    })
}

#[derive(Default)]
struct Held {
    tasks: Vec<(TaskToken, u64)>,
    activities: Vec<ActivityToken>,
    serial: usize,
}

fn command(kind: u8, serial: usize) -> Command {
    let key = format!("step-{serial}");
    match kind {
        0 => activity(&key),
        1 => reply(&key, &key),
        2 => ask(&key),
        3 => scenario::command(
            &key,
            CommandKind::StartTimer {
                delay: Span::from_secs(3),
            },
        ),
        4 => cancel(&format!("step-{}", serial.saturating_sub(3))),
        _ => scenario::command(
            &key,
            CommandKind::SetState {
                name: "n".into(),
                value: Some(payload("1")),
            },
        ),
    }
}

fn play(s: &mut Scenario, held: &mut Held, step: Step) {
    let slots: Vec<_> = s.root.runs.keys().copied().collect();
    match step {
        Step::Submit(id) => {
            let _ = s.submit(&id.to_string(), "text");
        }
        Step::Wait(ms) => s.wait(Span::from_millis(ms)),
        Step::BeginTask => {
            for slot in slots {
                if let Ok(start) = s.step(|tx| decide::begin_task(tx, slot)) {
                    let token = TaskToken {
                        slot,
                        epoch: start.epoch,
                    };
                    held.tasks.push((token, start.through));
                }
            }
        }
        Step::CompleteTask { commands, close } => {
            let Some((token, seen)) = held.tasks.pop() else {
                return;
            };
            let mut batch = Vec::new();
            for kind in commands {
                held.serial += 1;
                batch.push(command(kind, held.serial));
            }
            batch.extend(close.then(complete));
            let outcome = s.step(|tx| decide::complete_task(tx, token, seen, batch.clone()));
            if let Err(Rejection::UnreadEvents { .. }) = outcome {
                let all = s.root.runs[&token.slot].last_event;
                let _ = s.step(|tx| decide::complete_task(tx, token, all, batch));
            }
        }
        Step::BeginActivity => {
            for slot in slots {
                let pending: Vec<_> = s.root.runs[&slot]
                    .activities
                    .iter()
                    .map(|(id, a)| (*id, a.attempt))
                    .collect();
                for (activity, attempt) in pending {
                    let begun = s.step(|tx| {
                        decide::begin_activity(tx, slot, activity, attempt, &"w".into())
                    });
                    if let Ok(start) = begun {
                        let epoch = start.epoch;
                        held.activities.push(ActivityToken {
                            slot,
                            activity,
                            attempt,
                            epoch,
                        });
                    }
                }
            }
        }
        Step::CompleteActivity(ok) => {
            let Some(token) = held.activities.pop() else {
                return;
            };
            let _ = s.step(|tx| {
                if ok {
                    decide::complete_activity(tx, token, payload("1"))
                } else {
                    let failure = Failure::new(FailureKind::Application, "Boom", "");
                    decide::fail_activity(tx, token, failure)
                }
            });
        }
        Step::Signal | Step::Cancel => {
            let Some(run) = s.root.runs.values().next_back() else {
                return;
            };
            let target = scenario::target(run.workflow_id.as_str());
            let _ = s.step(|tx| decide::cancel_workflow(tx, &target, "why".into()));
        }
        Step::Restart => {
            s.root = Root::decode(&s.root.encode()).expect("reads back");
            s.step(|tx| {
                decide::resume(tx);
                Ok(())
            })
            .expect("cannot be rejected");
        }
        Step::Close => {
            let _ = s.step(|tx| decide::close_conversation(tx, "bye".into(), None));
        }
    }
}

/// What must hold after every step.
fn check(s: &Scenario) {
    let open_turns = s
        .root
        .runs
        .values()
        .filter(|run| run.turn.is_some() && run.status.is_open());
    assert!(open_turns.count() <= 1, "two turns at once");
    let mut transcript = 0;
    let mut interrupted = std::collections::HashSet::new();
    let mut ids = std::collections::HashMap::new();
    for (_, event) in &s.log {
        match event {
            Event::MessageReceived(message) => {
                transcript += 1;
                assert_eq!(message.sequence, transcript, "the transcript has a gap");
            }
            Event::Run { slot, id, event } => {
                let last = ids.insert(*slot, *id).unwrap_or(0);
                assert_eq!(*id, last + 1, "the journal has a gap");
                match event {
                    RunEvent::MessageSent { message, .. } => {
                        transcript += 1;
                        assert_eq!(message.sequence, transcript, "the transcript has a gap");
                        assert!(!interrupted.contains(slot), "a superseded turn spoke");
                    }
                    RunEvent::TurnInterrupted { .. } => {
                        interrupted.insert(*slot);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_breaks_a_conversation(
        policy in policy(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut s = Scenario::with_policy("c1", policy);
        let mut held = Held::default();
        for step in steps {
            play(&mut s, &mut held, step);
            check(&s);
        }
        let folded = s.folded();
        let taken = |root: &Root| root.conversation.as_ref().map(|c| {
            (c.message_count, c.turn_count, c.mailbox.len(), c.turn.as_ref().map(|t| t.number))
        });
        prop_assert_eq!(taken(&folded), taken(&s.root));
        prop_assert_eq!(folded.runs.len(), s.folded().runs.len());
    }

    #[test]
    fn a_stored_root_reads_back_as_it_was(
        policy in policy(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut s = Scenario::with_policy("c1", policy);
        let mut held = Held::default();
        for step in steps {
            play(&mut s, &mut held, step);
        }
        let bytes = s.root.encode();
        let read = Root::decode(&bytes).expect("reads back");
        prop_assert_eq!(read.encode(), bytes);
    }
}
