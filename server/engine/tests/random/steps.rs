//! What may happen, in random order.

use everturn_engine::policy::{
    AfterCap, AfterFailure, AfterHandoff, Budget, FrequencyCap, HandoffTimeout, OnBusy, OnClosed,
    OnEdit, OnHumanMessage, OnTurnFailure, QuietHours, TurnCap, TurnPolicy,
};
use everturn_engine::value::{Assignee, Span};
use proptest::prelude::*;

/// One thing that happens. Numbers pick among what is there.
#[derive(Clone, Debug)]
pub enum Step {
    /// A message of the customer; the same number is a repetition.
    Submit(u8),
    /// The customer changes a message, or takes it back.
    Change { id: u8, text: Option<u8> },
    /// The customer types, or has stopped.
    Type(bool),
    /// Something that only staff and agents see.
    Note(u8),
    /// Another conversation with so many messages is merged into this one;
    /// every other one waits there.
    Absorb(u8),
    /// This one is merged into another one, or has been.
    MergeAway,
    /// An event; the same number is a repetition.
    SubmitEvent(u8),
    /// Time passes.
    Wait(i64),
    /// A worker takes a task of any kind that was offered.
    Begin(u8),
    /// A worker completes a workflow task with these commands, and may close
    /// the run: well or not.
    CompleteTask {
        pick: u8,
        commands: Vec<u8>,
        close: Option<bool>,
    },
    /// A worker could not run the code.
    FailTask(u8),
    /// A worker with a workflow task went away.
    LoseTask(u8),
    /// A worker or adapter is through with an attempt.
    EndAttempt { pick: u8, how: u8, tokens: u8 },
    /// Somebody signals a run.
    Signal(u8),
    /// Somebody asks a run to cancel.
    Cancel(u8),
    /// Somebody terminates a run.
    Terminate(u8),
    /// The conversation is paused or resumed.
    Pause(bool),
    /// A run is paused or resumed.
    PauseRun(u8, bool),
    /// The conversation is handed off.
    HandOff(u8),
    /// The conversation is handed back.
    HandBack,
    /// A person writes.
    Write(u8),
    /// An approval is decided.
    Decide { pick: u8, how: u8, stale: bool },
    /// A receipt comes in.
    Report { message: u8, how: u8, by_id: bool },
    /// The policy changes.
    Update(Box<TurnPolicy>),
    /// The coordinator restarts, from the view or from the log.
    Restart(bool),
    /// The conversation is closed, with or without a retention, and whether
    /// or not somebody waits.
    Close(bool, bool),
    /// The conversation is erased.
    Erase,
}

pub fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        60 => inside(),
        1 => policy().prop_map(|policy| Step::Update(Box::new(policy))),
        1 => any::<bool>().prop_map(Step::Restart),
    ]
}

/// The end of a history: some conversations are closed and erased.
pub fn ending() -> impl Strategy<Value = Vec<Step>> {
    let last = prop_oneof![
        6 => inside(),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(keeps, all)| Step::Close(keeps, all)),
        1 => Just(Step::Erase),
        1 => Just(Step::MergeAway),
        1 => any::<bool>().prop_map(Step::Restart),
    ];
    prop::collection::vec(last, 0..20)
}

fn inside() -> impl Strategy<Value = Step> {
    let commands = prop::collection::vec(0..15u8, 0..4);
    let close = prop::option::weighted(0.35, prop::bool::weighted(0.7));
    let task = (any::<u8>(), commands, close);
    prop_oneof![
        14 => any::<u8>().prop_map(Step::Submit),
        4 => (any::<u8>(), prop::option::of(0..3u8)).prop_map(|(id, text)| Step::Change { id, text }),
        2 => any::<bool>().prop_map(Step::Type),
        1 => any::<u8>().prop_map(Step::Note),
        1 => (0..6u8).prop_map(Step::Absorb),
        6 => any::<u8>().prop_map(Step::SubmitEvent),
        10 => (0..30_000i64).prop_map(Step::Wait),
        40 => any::<u8>().prop_map(Step::Begin),
        36 => task.prop_map(|(pick, commands, close)| Step::CompleteTask { pick, commands, close }),
        1 => any::<u8>().prop_map(Step::FailTask),
        1 => any::<u8>().prop_map(Step::LoseTask),
        20 => (any::<u8>(), 0..10u8, any::<u8>())
            .prop_map(|(pick, how, tokens)| Step::EndAttempt { pick, how, tokens }),
        12 => any::<u8>().prop_map(Step::Signal),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => any::<u8>().prop_map(Step::Terminate),
        4 => prop::bool::weighted(0.3).prop_map(Step::Pause),
        3 => (any::<u8>(), prop::bool::weighted(0.3)).prop_map(|(pick, on)| Step::PauseRun(pick, on)),
        1 => (0..3u8).prop_map(Step::HandOff),
        4 => Just(Step::HandBack),
        2 => (0..20u8).prop_map(Step::Write),
        6 => (any::<u8>(), 0..3u8, prop::bool::weighted(0.1))
            .prop_map(|(pick, how, stale)| Step::Decide { pick, how, stale }),
        4 => (any::<u8>(), 0..4u8, any::<bool>())
            .prop_map(|(message, how, by_id)| Step::Report { message, how, by_id }),
    ]
}

pub fn policy() -> impl Strategy<Value = TurnPolicy> {
    let busy = || {
        prop_oneof![
            Just(OnBusy::Queue),
            Just(OnBusy::Interrupt),
            Just(OnBusy::Steer)
        ]
    };
    let timeout = || prop::option::of((1..90i64).prop_map(Span::from_secs));
    let hours = (0..20u16, 0..20u16).prop_map(|(start_minute, end_minute)| QuietHours {
        time_zone: "UTC".into(),
        start_minute,
        end_minute,
    });
    let cap = (1..3u32, 30..600i64).prop_map(|(max_messages, window)| FrequencyCap {
        max_messages,
        window: Span::from_secs(window),
    });
    let budget = (50..600u64).prop_map(|tokens| Budget {
        tokens,
        cost_micros: 0,
        currency: "".into(),
    });
    let then = prop_oneof![
        3 => Just(AfterFailure::Wait),
        1 => Just(AfterFailure::HandOff(Assignee::Team("all".into()))),
        1 => Just(AfterFailure::Event("turn-failed".into())),
    ];
    let on_turn_failure = (1..4u32, 0..20i64, then).prop_map(|(attempts, backoff, then)| {
        let backoff = Span::from_secs(backoff);
        OnTurnFailure {
            attempts,
            backoff,
            then,
        }
    });
    (
        (busy(), busy(), 0..2_000i64, 0..4u32),
        (timeout(), timeout(), timeout()),
        (
            prop::option::of(hours),
            prop::option::of(cap),
            prop::option::weighted(0.3, budget),
        ),
        on_turn_failure,
    )
        .prop_map(
            |((on_busy, on_event, quiet, max_messages), timeouts, bounds, on_turn_failure)| {
                TurnPolicy {
                    quiet: Span::from_millis(quiet),
                    max_wait: Span::from_millis(quiet * 4),
                    max_messages,
                    on_busy,
                    interrupt_grace: Span::from_secs(10),
                    on_event,
                    idle_timeout: timeouts.0,
                    customer_timeout: timeouts.1,
                    staff_timeout: timeouts.2,
                    quiet_hours: bounds.0,
                    frequency_cap: bounds.1,
                    budget: bounds.2,
                    on_turn_failure,
                    max_interrupts: max_messages + 1,
                    max_delay: (max_messages == 2).then_some(Span::from_secs(20)),
                    ..with_people(max_messages, timeouts.0)
                }
            },
        )
}

/// What a policy says about the end and about people, by a number.
fn with_people(number: u32, after: Option<Span>) -> TurnPolicy {
    TurnPolicy {
        turn_cap: TurnCap {
            turns: 20 * number,
            window: Span::from_secs(300),
            then: match number {
                1 => AfterCap::HandOff(Assignee::Team("all".into())),
                _ => AfterCap::Wait,
            },
        },
        on_edit: match number {
            2 => OnEdit::Turn,
            _ => OnEdit::Record,
        },
        on_closed: match number {
            3 => OnClosed::Refuse,
            _ => OnClosed::Reopen,
        },
        on_human_message: match number {
            1 => OnHumanMessage::Keep,
            2 => OnHumanMessage::Refuse,
            _ => OnHumanMessage::TakeOver,
        },
        handoff_timeout: after.map(|after| HandoffTimeout {
            after,
            then: match number {
                1 => AfterHandoff::HandBack,
                2 => AfterHandoff::Event("untaken".into()),
                _ => AfterHandoff::HandOff(Assignee::Team("others".into())),
            },
        }),
        ..TurnPolicy::default()
    }
}
