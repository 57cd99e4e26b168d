//! The mailbox of a conversation: when waiting messages and events become a
//! turn, answer an ask, steer a running turn or interrupt it.

use std::collections::BTreeMap;

use crate::decide::held;
use crate::decide::ownership::{HandOff, take_over};
use crate::decide::proactive::quiet_until;
use crate::event::{RunEvent, RunStarted, Slot, TurnCause, TurnStart};
use crate::policy::{AfterCap, OnBusy};
use crate::state::conversation::Conversation;
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::state::run::Run;
use crate::state::turn::Turn;
use crate::text::StepKey;
use crate::transition::Transaction;
use crate::value::{Assignee, InboundEvent, Message, Span, Time};

/// What is to be done with what waits.
enum Step {
    /// Nothing now; look again at this time.
    Wait(Option<Time>),
    /// A turn begins, the attempt of that number at its messages.
    Start(TurnCause, u32),
    /// The messages answer an ask.
    Answer(StepKey),
    /// The messages go into the running turn.
    SteerMessages,
    /// The events go into the running turn.
    SteerEvents,
}

/// Interrupts the running turn when the policy says that a new message does.
pub(crate) fn message_came(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let policy = &conversation.policy;
    let now = tx.context.now;
    let turn = conversation.turn.as_ref();
    let busy = turn.filter(|turn| turn.ask.is_none() && turn.hand_off.is_none());
    let interrupts = busy.is_some_and(|turn| {
        // Who writes has ended the silence that the turn is about.
        turn.cause.is_silence()
            || (policy.on_busy == OnBusy::Interrupt && turn.may_be_interrupted(policy, now))
    });
    let grace = policy.interrupt_grace;
    if interrupts && conversation.is_active() {
        interrupt(tx, grace);
    }
    settle(tx);
}

/// Interrupts the running turn when the policy says that a new event does.
pub(crate) fn event_came(tx: &mut Transaction<'_>) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let policy = &conversation.policy;
    let grace = policy.interrupt_grace;
    // In quiet hours the event waits, so that it interrupts nothing.
    let awake = quiet_until(policy.quiet_hours.as_ref(), tx.context.now).is_none();
    let turn = conversation.turn.as_ref();
    let interrupts = policy.on_event == OnBusy::Interrupt
        && turn.is_some_and(|turn| turn.may_be_interrupted(policy, tx.context.now));
    if conversation.is_active() && awake && interrupts {
        interrupt(tx, grace);
    }
    settle(tx);
}

/// Supersedes the current turn, once: its sends are fenced from here on.
pub(crate) fn interrupt(tx: &mut Transaction<'_>, grace: Span) {
    let turn = tx.root.conversation.as_ref().and_then(|c| c.turn.as_ref());
    if let Some(turn) = turn.filter(|turn| turn.interrupted.is_none()) {
        let slot = turn.slot;
        tx.emit_run(slot, RunEvent::TurnInterrupted { grace });
    }
}

/// Hands what waits to whoever is to have it, if it is due; sets the deadline
/// otherwise.
pub(crate) fn settle(tx: &mut Transaction<'_>) {
    held::let_go(tx);
    // Messages and events may be due one after the other, and more of them
    // than go together. Each step but the last takes at least one.
    loop {
        let Some(conversation) = &tx.root.conversation else {
            return;
        };
        let slot = conversation.turn.as_ref().map_or(0, |turn| turn.slot);
        match next_step(tx.root, conversation, tx.context.now) {
            Step::Wait(Some(due)) => {
                tx.root.deadlines.arm(Deadline::Burst, due);
                return;
            }
            Step::Wait(None) => {
                tx.root.deadlines.disarm(Deadline::Burst);
                return;
            }
            Step::Start(cause, attempt) => {
                match hindered_by_cap(conversation, tx.context.now) {
                    None => start_turn(tx, cause, attempt),
                    Some((until, AfterCap::Wait)) => {
                        tx.root.deadlines.arm(Deadline::Burst, until);
                    }
                    Some((_, AfterCap::HandOff(assignee))) => hand_over_capped(tx, assignee),
                }
                return;
            }
            Step::Answer(key) => {
                let event = answer(conversation, key);
                tx.emit_run(slot, event);
            }
            Step::SteerMessages => {
                let messages = waiting_messages(conversation);
                tx.emit_run(slot, RunEvent::MessagesArrived { messages });
            }
            Step::SteerEvents => {
                let events = waiting_events(conversation);
                tx.emit_run(slot, RunEvent::EventsArrived { events });
            }
        }
    }
}

/// Until when the conversation may have no further turn, and what follows.
fn hindered_by_cap(conversation: &Conversation, now: Time) -> Option<(Time, AfterCap)> {
    let until = conversation.capped_until().filter(|until| *until > now)?;
    Some((until, conversation.policy.turn_cap.then.clone()))
}

/// Somebody looks at what has had too many turns.
fn hand_over_capped(tx: &mut Transaction<'_>, assignee: Assignee) {
    let conversation = tx.root.conversation.as_ref();
    let turns = conversation.map_or(0, |c| c.policy.turn_cap.turns);
    let request = HandOff {
        assignee,
        reason: format!("{turns} turns in a short while: two machines may be talking").into(),
        context: None,
    };
    take_over(tx, request);
}

/// The silence that a policy names has lasted: a turn begins, after the quiet
/// hours if agents would write first.
pub(crate) fn silence(tx: &mut Transaction<'_>, deadline: Deadline, cause: TurnCause) {
    let now = tx.context.now;
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    if !conversation.is_active() || conversation.turn.is_some() {
        return;
    }
    let hours = conversation.policy.quiet_hours.as_ref();
    let quiet = quiet_until(hours, now).filter(|_| cause.is_proactive());
    let capped = conversation.capped_until().filter(|until| *until > now);
    match quiet.max(capped) {
        Some(until) => tx.root.deadlines.arm(deadline, until),
        None => start_turn(tx, cause, 1),
    }
}

fn next_step(root: &Root, conversation: &Conversation, now: Time) -> Step {
    if !conversation.is_active() {
        return Step::Wait(None);
    }
    match &conversation.turn {
        None => without_turn(conversation, now),
        Some(turn) if turn.interrupted.is_some() => Step::Wait(None),
        Some(turn) => {
            let run = root.runs.get(&turn.slot);
            let steers = turn.hand_off.is_none() && run.is_some_and(Run::has_room);
            with_turn(conversation, turn, steers, now)
        }
    }
}

fn without_turn(conversation: &Conversation, now: Time) -> Step {
    // Events that come while a burst is collected go with it, and so does what
    // an earlier turn has left.
    if let Some(due) = conversation.burst_due() {
        return if due > now {
            Step::Wait(Some(due))
        } else {
            Step::Start(TurnCause::Message, 1)
        };
    }
    let hours = conversation.policy.quiet_hours.as_ref();
    let awake = Some(())
        .filter(|()| !conversation.events.is_empty())
        .map(|()| quiet_until(hours, now));
    if awake == Some(None) {
        return Step::Start(cause_of_events(conversation), 1);
    }
    match &conversation.retry {
        Some(retry) if retry.at <= now => Step::Start(retry.cause, retry.attempt),
        retry => {
            let due = retry.as_ref().map(|retry| retry.at);
            let times = [due, awake.flatten()].into_iter().flatten();
            Step::Wait(times.min())
        }
    }
}

/// Why a turn starts that events are due for: for the customer's sake if an
/// earlier one has left messages, unless its failure is what they say.
fn cause_of_events(conversation: &Conversation) -> TurnCause {
    let then = &conversation.policy.on_turn_failure.then;
    let told = conversation.events.iter().any(|it| then.is_told_by(it));
    if conversation.unanswered.is_empty() || told {
        TurnCause::Event
    } else {
        TurnCause::Message
    }
}

fn with_turn(conversation: &Conversation, turn: &Turn, steers: bool, now: Time) -> Step {
    let policy = &conversation.policy;
    let takes = steers && policy.on_busy == OnBusy::Steer;
    let taken = match &turn.ask {
        // Nobody has been asked yet.
        Some(_) if turn.ask_is_held => None,
        Some(_) => conversation.burst_due_after(turn.ask_after),
        None => conversation.burst_due().filter(|_| takes),
    };
    if taken.is_some_and(|due| due <= now) {
        return match &turn.ask {
            Some(key) => Step::Answer(key.clone()),
            None => Step::SteerMessages,
        };
    }
    if !steers || policy.on_event != OnBusy::Steer || conversation.events.is_empty() {
        return Step::Wait(taken);
    }
    match quiet_until(policy.quiet_hours.as_ref(), now) {
        None => Step::SteerEvents,
        Some(until) => Step::Wait(Some(taken.map_or(until, |due| due.min(until)))),
    }
}

/// The waiting messages answer an ask: those that came after its question,
/// and with them those that came before.
fn answer(conversation: &Conversation, key: StepKey) -> RunEvent {
    let after = conversation.turn.as_ref().map_or(0, |turn| turn.ask_after);
    let mut waiting = conversation.mailbox.iter().map(|m| m.sequence);
    let first = waiting.find(|at| *at > after).unwrap_or(0);
    let messages = through(conversation, conversation.burst_through().max(first));
    let earlier = messages.iter().filter(|m| m.sequence <= after).count();
    RunEvent::AskAnswered {
        key,
        messages,
        earlier: u32::try_from(earlier).unwrap_or(u32::MAX),
    }
}

fn waiting_messages(conversation: &Conversation) -> Vec<Message> {
    through(conversation, conversation.burst_through())
}

fn through(conversation: &Conversation, through: u64) -> Vec<Message> {
    let waiting = conversation.mailbox.iter();
    waiting
        .take_while(|m| m.sequence <= through)
        .cloned()
        .collect()
}

fn waiting_events(conversation: &Conversation) -> Vec<InboundEvent> {
    let through = conversation.events_through();
    let waiting = conversation.events.iter();
    waiting
        .take_while(|e| e.sequence <= through)
        .cloned()
        .collect()
}

fn start_turn(tx: &mut Transaction<'_>, cause: TurnCause, attempt: u32) {
    let Some(conversation) = &tx.root.conversation else {
        return;
    };
    let number = conversation.turn_count + 1;
    let turn = TurnStart {
        number,
        through: conversation.turn_through(),
        cause,
        events_through: conversation.events_through(),
        attempt,
        episode: conversation.episode.as_ref().map_or(0, |it| it.first),
    };
    let started = RunStarted {
        workflow_id: tx
            .root
            .key
            .id
            .workflow_id()
            .child(&format!("turn-{number}")),
        run_id: tx.context.take_run_id(),
        type_name: conversation.type_name.clone(),
        task_queue: conversation.task_queue.clone(),
        input: None,
        turn: Some(turn),
        parent: None,
        execution_timeout: None,
        labels: BTreeMap::new(),
        request: 0,
        fingerprint: 0,
    };
    let slot: Slot = tx.root.next_slot;
    tx.emit_run(slot, RunEvent::Started(Box::new(started)));
}
