//! Checks the commands of a workflow task before any is carried out.

use std::collections::HashMap;

use crate::command::{Command, CommandKind, Draft};
use crate::limits;
use crate::rejection::Rejection;
use crate::state::conversation::{State, Turn, entry_bytes};
use crate::state::key_hash;
use crate::state::root::Root;
use crate::state::run::Run;
use crate::text::{StepKey, Text};
use crate::value::Payload;

/// What the commands add up to.
#[derive(Default)]
struct Tally<'a> {
    events: u64,
    activities: usize,
    timers: usize,
    children: usize,
    signals: usize,
    approvals: usize,
    deliveries: usize,
    state_bytes: usize,
    ask_open: bool,
    handed_off: bool,
    keys: HashMap<u64, u8>,
    /// Bytes of the state's entries that are written, as they are last.
    written: HashMap<&'a Text, usize>,
}

impl<'a> Tally<'a> {
    /// Counts what an entry adds to the state; only its last value stays.
    fn write(&mut self, state: &State, name: &'a Text, value: Option<&Payload>) {
        let bytes = |value: Option<&Payload>| value.map_or(0, |v| entry_bytes(name, v));
        let after = bytes(value);
        let stored = || bytes(state.entries.get(name));
        let before = self.written.insert(name, after).unwrap_or_else(stored);
        self.state_bytes = self.state_bytes - before + after;
    }
}

/// Checks all commands of a task together.
pub(crate) fn check(
    root: &Root,
    slot: u32,
    seen: u64,
    through: u64,
    commands: &[Command],
) -> Result<(), Rejection> {
    let Some(run) = root.runs.get(&slot) else {
        return Err(Rejection::Fenced);
    };
    // After UNREAD_EVENTS the code has been given more than the task carried.
    if seen > run.last_event.max(through) {
        return Err(invalid(
            &StepKey::default(),
            "seen_event_id is beyond the journal",
        ));
    }
    bound(
        commands.len(),
        limits::COMMANDS,
        "commands in one completion",
    )?;
    let mut tally = Tally {
        state_bytes: state_of(root, run).size_bytes,
        ask_open: open_ask(root, run).is_some(),
        handed_off: turn_of(root, run).is_some_and(|turn| turn.hand_off.is_some()),
        ..Tally::default()
    };
    for (index, command) in commands.iter().enumerate() {
        check_one(root, run, command, &mut tally)?;
        if command.kind.closes() {
            if index + 1 != commands.len() {
                return Err(invalid(&command.key, "the run closes before this command"));
            }
            if run.last_must_read > seen && !canceled_answer(root, run, seen, commands) {
                return Err(Rejection::UnreadEvents { after: seen });
            }
        }
    }
    check_bounds(root, run, &tally)
}

/// Checks that what the commands add up to fits beside what is there.
fn check_bounds(root: &Root, run: &Run, tally: &Tally<'_>) -> Result<(), Rejection> {
    if tally.events > 0 {
        bound(
            (run.last_event + tally.events) as usize,
            (limits::JOURNAL_EVENTS - limits::JOURNAL_RESERVE) as usize,
            "events in the journal of a run",
        )?;
    }
    let pending = run.activities.len() + tally.activities;
    bound(
        pending,
        limits::PENDING_ACTIVITIES,
        "pending activities of a run",
    )?;
    let pending = run.timers.len() + tally.timers;
    bound(pending, limits::PENDING_TIMERS, "pending timers of a run")?;
    let pending = run.children.len() + tally.children;
    bound(
        pending,
        limits::PENDING_CHILDREN,
        "pending children of a run",
    )?;
    let pending = run.signals.len() + tally.signals;
    bound(
        pending,
        limits::PENDING_SIGNALS,
        "signals under way of a run",
    )?;
    if tally.approvals > 0 {
        let waiting = root.approvals.values();
        let waiting = waiting.filter(|a| a.slot == run.slot && a.ended.is_none());
        let count = waiting.count() + tally.approvals;
        bound(
            count,
            limits::PENDING_APPROVALS,
            "pending approvals of a run",
        )?;
    }
    if let Some(conversation) = root.conversation.as_ref().filter(|_| tally.deliveries > 0) {
        let under_way = conversation
            .deliveries
            .values()
            .filter(|d| d.is_under_way());
        let count = under_way.count() + tally.deliveries;
        bound(count, limits::DELIVERIES, "deliveries under way")?;
    }
    bound(tally.state_bytes, limits::STATE_BYTES, "bytes of state")?;
    bound(
        root.runs.len() + tally.children,
        limits::OPEN_RUNS,
        "runs under one root",
    )
}

fn check_one<'a>(
    root: &Root,
    run: &Run,
    command: &'a Command,
    tally: &mut Tally<'a>,
) -> Result<(), Rejection> {
    let key = &command.key;
    let code = command.kind.code();
    let keyed = !command.kind.closes() && !matches!(command.kind, CommandKind::Cancel { .. });
    if keyed {
        if key.as_str().is_empty() || key.as_str().len() > limits::ID_BYTES {
            return Err(invalid(key, "a key has 1 to 256 bytes"));
        }
        let hash = key_hash(key);
        match run.keys.get(&hash).or_else(|| tally.keys.get(&hash)) {
            Some(known) if *known == code => return Ok(()),
            Some(_) => return Err(invalid(key, "the key is recorded with another kind")),
            None => tally.keys.insert(hash, code),
        };
    }
    // The end of the run has its room, and so has a task that asks for nothing:
    // what a run waits for comes in although its journal is full.
    tally.events += u64::from(!command.kind.closes());
    match &command.kind {
        CommandKind::ScheduleActivity { .. } => tally.activities += 1,
        CommandKind::StartTimer { .. } => tally.timers += 1,
        CommandKind::StartChild { .. } => {
            tally.children += 1;
            if run.workflow_id.as_str().matches('/').count() >= limits::CHILD_DEPTH {
                return Err(invalid(key, "children are nested too deep"));
            }
            if key.as_str().contains('/') {
                return Err(invalid(key, "the key of a child holds no \"/\""));
            }
        }
        CommandKind::SendSignal { .. } => tally.signals += 1,
        CommandKind::SendMessage(draft) => {
            turn_only(run, key)?;
            tally.deliveries += usize::from(is_delivered(root, draft));
        }
        CommandKind::RequestApproval { .. } => {
            tally.approvals += 1;
            asked_once(root, run, key)?;
        }
        CommandKind::HandOff { .. } => {
            turn_only(run, key)?;
            if tally.handed_off {
                return Err(invalid(key, "this turn waits for a hand-back already"));
            }
            tally.handed_off = true;
            tally.events += 1;
        }
        CommandKind::Ask { message } => {
            turn_only(run, key)?;
            let delivered = message.iter().filter(|draft| is_delivered(root, draft));
            tally.deliveries += delivered.count();
            if tally.ask_open {
                return Err(invalid(key, "another ask is open in this turn"));
            }
            tally.ask_open = true;
            tally.events += 1;
        }
        CommandKind::SetState { name, value } => {
            tally.write(state_of(root, run), name, value.as_ref());
        }
        CommandKind::Cancel { target } => {
            tally.events += 1;
            if open_ask(root, run) == Some(target) {
                tally.ask_open = false;
            }
        }
        CommandKind::RecordLocal { .. }
        | CommandKind::Complete { .. }
        | CommandKind::Fail { .. }
        | CommandKind::CancelRun { .. } => {}
    }
    Ok(())
}

/// Whether the only unread event is the answer to an ask that the same
/// completion cancels: its messages go back to the mailbox.
fn canceled_answer(root: &Root, run: &Run, seen: u64, commands: &[Command]) -> bool {
    let turn = root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    let answer = turn
        .filter(|turn| turn.slot == run.slot)
        .and_then(|turn| turn.answer.as_ref());
    answer.is_some_and(|answer| {
        answer.event == run.last_must_read
            && answer.event > seen
            && run.must_read_before <= seen
            && commands.iter().any(|command| {
                matches!(&command.kind, CommandKind::Cancel { target } if *target == answer.key)
            })
    })
}

fn state_of<'a>(root: &'a Root, run: &'a Run) -> &'a State {
    match &root.conversation {
        Some(conversation) if run.turn.is_some() => &conversation.state,
        _ => &run.state,
    }
}

fn open_ask<'a>(root: &'a Root, run: &Run) -> Option<&'a StepKey> {
    turn_of(root, run)?.ask.as_ref()
}

/// The current turn, if the run is the turn's.
fn turn_of<'a>(root: &'a Root, run: &Run) -> Option<&'a Turn> {
    let turn = root.conversation.as_ref()?.turn.as_ref()?;
    Some(turn).filter(|turn| turn.slot == run.slot)
}

/// Checks that no other run of the root waits for an approval that would have
/// the same id: a key may hold the "/" that separates the ids of children.
fn asked_once(root: &Root, run: &Run, key: &StepKey) -> Result<(), Rejection> {
    let id = run.workflow_id.child(key.as_str()).shared().into();
    let known = root.approvals.get(&id);
    if known.is_some_and(|known| known.slot != run.slot && known.ended.is_none()) {
        return Err(invalid(key, "another run asks for an approval of this id"));
    }
    Ok(())
}

/// Whether a message goes to an adapter: there is an address for its channel.
fn is_delivered(root: &Root, draft: &Draft) -> bool {
    root.conversation.as_ref().is_some_and(|conversation| {
        let own = Some(&draft.channel).filter(|channel| !channel.as_str().is_empty());
        let channel = own.unwrap_or(&conversation.reply_channel);
        conversation.addresses.contains_key(channel)
    })
}

fn turn_only(run: &Run, key: &StepKey) -> Result<(), Rejection> {
    if run.turn.is_some() {
        Ok(())
    } else {
        Err(invalid(key, "only the run of a turn talks to the customer"))
    }
}

fn bound(count: usize, limit: usize, subject: &'static str) -> Result<(), Rejection> {
    if count <= limit {
        return Ok(());
    }
    Err(Rejection::LimitExceeded {
        subject,
        limit: limit as u64,
    })
}

fn invalid(key: &StepKey, reason: &'static str) -> Rejection {
    Rejection::CommandInvalid {
        key: key.to_string(),
        reason,
    }
}
