//! How turns begin, what they do to their conversation, how they end.

use std::collections::VecDeque;

use crate::event::{RunEvent, RunId, RunStatus, Slot, TurnCause, TurnStart};
use crate::state::conversation::Conversation;
use crate::state::deadlines::Deadline;
use crate::state::episode::Episode;
use crate::state::held::Held;
use crate::state::root::Root;
use crate::state::turn::{Answer, Arrival, EndedTurn, Interrupted, Retry, Turn, TurnContext};
use crate::text::{StepKey, Text};
use crate::value::{Failure, Message, Outcome, Time, Usage};

impl Root {
    pub(super) fn start_turn(&mut self, time: Time, slot: Slot, start: TurnStart) {
        self.number_values(time);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let recent: Vec<Message> = conversation.recent.iter().cloned().collect();
        let messages = conversation.take_for_turn(start.through);
        let answered = messages.last().map(|message| &message.channel);
        let reply_channel = answered.unwrap_or(&conversation.reply_channel).clone();
        // What is tried again came first.
        let mut events = conversation.retry.take().map_or(Vec::new(), |it| it.events);
        events.extend(conversation.take_events(start.events_through));
        // Who answers the customer does not write first.
        let proactive = start.cause.is_proactive() && messages.is_empty();
        let episode = conversation.episode.take();
        let interrupted = episode.as_ref().and_then(interrupted);
        let reopens = std::mem::take(&mut conversation.is_reopened);
        let cause = match start.cause {
            TurnCause::Message if reopens => TurnCause::Reopened,
            cause => cause,
        };
        conversation.turn_count = start.number;
        conversation.turn_usage = Usage::default();
        end_silence(conversation, start.cause);
        conversation.turn = Some(Turn {
            number: start.number,
            slot,
            started: time,
            interrupted: None,
            replied: false,
            ask: None,
            answer: None,
            context: TurnContext {
                messages,
                recent,
                state: conversation.state.clone(),
                reply_channel: reply_channel.clone(),
                events,
                addresses: conversation.addresses.clone(),
                cause,
                attempt: start.attempt.max(1),
                interrupted,
                shared: Default::default(),
            },
            cause,
            proactive,
            hand_off: None,
            unanswered: Vec::new(),
            answers: VecDeque::new(),
            events: VecDeque::new(),
            relieved: false,
            arrivals: VecDeque::new(),
            no_reply: None,
            ask_after: 0,
            ask_is_held: false,
            was_kept_in: false,
            episode: match start.episode {
                0 => start.number,
                first => first,
            },
            episode_since: episode.as_ref().map_or(time, |it| it.since),
            interrupts: episode.as_ref().map_or(0, |it| it.interrupts),
            steps: episode.map_or(Vec::new(), |it| it.steps),
            reply_channel,
            given: Vec::new(),
        });
        conversation.note_turn(time);
        self.deadlines.disarm(Deadline::Burst);
        self.rearm_silence();
    }

    /// Gives versions to what was written before there were any.
    fn number_values(&mut self, time: Time) {
        let conversation = self.conversation.as_ref();
        let names = conversation.map(|it| it.state.unversioned());
        for name in names.unwrap_or_default() {
            let version = self.next_version(time);
            let Some(conversation) = &mut self.conversation else {
                return;
            };
            conversation.state.versions.insert(name, version);
        }
    }

    pub(super) fn send(&mut self, slot: Slot, key: &StepKey, message: &Message) {
        self.add_own_message(message, Some((slot, key.clone())));
        let seen = self.runs.get(&slot).map_or(0, |run| run.seen);
        self.spoke(slot, message, seen);
    }

    /// A message of a turn's code has left, which had been given its journal
    /// up to an event.
    pub(super) fn spoke(&mut self, slot: Slot, message: &Message, seen: u64) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let current = conversation.turn.as_mut();
        let current = current.filter(|turn| turn.number == message.turn && turn.slot == slot);
        let proactive = match current {
            Some(turn) => {
                turn.replied = true;
                turn.answer(seen);
                turn.proactive
            }
            // It was held, and its turn is over.
            None => true,
        };
        conversation.note_answered();
        if proactive {
            conversation.proactive.push_back(message.time);
            let cap = conversation.policy.frequency_cap;
            let kept = cap.map_or(0, |cap| cap.max_messages as usize);
            while conversation.proactive.len() > kept {
                conversation.proactive.pop_front();
            }
        }
    }

    pub(super) fn apply_turn(&mut self, time: Time, slot: Slot, id: u64, event: &RunEvent) {
        if let RunEvent::CommandCanceled { target } = event {
            self.cancel_step(slot, target);
        }
        let taken = self.take_for_turn(event);
        let run_seen = self.runs.get(&slot).map_or(0, |run| run.seen);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let Some(turn) = conversation.turn.as_mut().filter(|t| t.slot == slot) else {
            return;
        };
        if let Some(arrival) = arrival(id, event) {
            turn.note_arrival(arrival);
        }
        if let Some(last) = taken.last() {
            turn.reply_channel = last.channel.clone();
        }
        match event {
            RunEvent::AskOpened {
                key,
                after,
                is_held,
            } => {
                turn.ask = Some(key.clone());
                turn.ask_after = *after;
                turn.ask_is_held = *is_held;
            }
            RunEvent::AskAnswered { key, messages, .. } => {
                turn.ask = None;
                turn.note_answers(messages);
                turn.answer = Some(Answer {
                    event: id,
                    key: key.clone(),
                    messages: messages.clone(),
                });
            }
            RunEvent::MessagesArrived { messages } => {
                turn.unanswered.extend(messages.iter().cloned());
            }
            RunEvent::EventsArrived { events } => turn.note_events(events),
            RunEvent::HandedOff { key } => turn.hand_off = Some(key.clone()),
            RunEvent::HandedBack { has_more, .. } => {
                turn.hand_off.take_if(|_| !has_more);
                turn.note_answers(&taken);
            }
            RunEvent::MessageSuppressed { .. } => {
                turn.was_kept_in |= turn.interrupted.is_none() && conversation.handover.is_some();
            }
            RunEvent::MessageHeld {
                key,
                message,
                until,
            } => conversation.held.push_back(Held {
                slot,
                key: key.clone(),
                message: message.clone(),
                until: *until,
                seen: run_seen,
                is_free: false,
            }),
            RunEvent::TurnInterrupted { grace } => {
                let until = time + *grace;
                turn.interrupted = Some(until);
                // Its successor says what is to be said.
                conversation.held.retain(|held| held.slot != slot);
                self.deadlines.arm(Deadline::Grace(slot), until);
            }
            RunEvent::CommandCanceled { target } => cancel_ask(conversation, target, run_seen),
            _ => {}
        }
    }

    /// What a turn is given leaves the mailbox: the messages that do.
    fn take_for_turn(&mut self, event: &RunEvent) -> Vec<Message> {
        let (Some(conversation), Some(given)) = (&mut self.conversation, arrival(0, event)) else {
            return Vec::new();
        };
        if given.events > 0 {
            conversation.take_events(given.events);
        }
        if given.messages == 0 {
            return Vec::new();
        }
        self.deadlines.disarm(Deadline::Burst);
        conversation.take_mailbox(given.messages)
    }

    /// The code of a turn said that what it was given needs no answer.
    pub(super) fn dismiss(&mut self, slot: Slot, reason: &Text) {
        let seen = self.runs.get(&slot).map_or(0, |run| run.seen);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let Some(turn) = conversation.turn.as_mut().filter(|t| t.slot == slot) else {
            return;
        };
        turn.no_reply = Some(reason.clone());
        turn.answer(seen);
        conversation.note_answered();
        conversation.staff_since = conversation.mailbox.front().map(|m| m.time);
    }

    pub(super) fn end_turn(&mut self, time: Time, slot: Slot, status: RunStatus, how: &Outcome) {
        let run_id = self.runs.get(&slot).map_or(RunId(0), |run| run.run_id);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let Some(turn) = conversation.turn.take_if(|turn| turn.slot == slot) else {
            return;
        };
        let mut given = turn.context.events.iter().chain(&turn.events);
        let then = &conversation.policy.on_turn_failure.then;
        let was_told = given.any(|event| then.is_told_by(event));
        let ended = EndedTurn {
            was_told,
            ..ended(&turn, run_id, time, status, how)
        };
        if conversation.is_open() {
            let is_taken_up = ended.superseded || turn.is_left_undone();
            let episode = Episode {
                first: turn.episode,
                since: turn.episode_since,
                interrupts: turn.interrupts + u32::from(is_taken_up),
                steps: turn.steps.clone(),
            };
            if ended.has_failed() {
                leave_to_next(conversation, turn, &ended);
            } else {
                return_arrivals(conversation, turn);
            }
            conversation.note_left();
            let again = is_taken_up || conversation.retry.is_some();
            conversation.episode = Some(episode).filter(|_| again);
        }
        conversation.last_turn = Some(ended);
        self.rearm_silence();
    }
}

/// The ask of the current turn is taken back: its question does not leave any
/// more, and an answer that nobody has read is the mailbox's again.
fn cancel_ask(conversation: &mut Conversation, target: &StepKey, seen: u64) {
    let Some(turn) = &mut conversation.turn else {
        return;
    };
    if turn.ask.take_if(|ask| ask == target).is_some() {
        let (slot, question) = (turn.slot, question_key(target));
        let held = &mut conversation.held;
        held.retain(|held| held.slot != slot || held.key != question);
    }
    let unread = turn.answer.take_if(|a| a.key == *target && a.event > seen);
    if let Some(answer) = unread {
        let given = |m: &Message| answer.messages.contains(m);
        turn.answers.retain(|m| !given(m));
        turn.arrivals.retain(|it| it.event != answer.event);
        conversation.return_to_mailbox(answer.messages);
    }
}

/// What an interrupted turn has left, for the one that takes up its work.
fn interrupted(episode: &Episode) -> Option<Interrupted> {
    (episode.interrupts > 0).then(|| Interrupted {
        first: episode.first,
        steps: episode.steps.clone(),
    })
}

/// The silence is over for which a turn was started.
fn end_silence(conversation: &mut Conversation, cause: TurnCause) {
    match cause {
        TurnCause::Idle => conversation.idle_since = None,
        TurnCause::CustomerTimeout => conversation.customer_since = None,
        TurnCause::StaffTimeout => conversation.staff_since = None,
        TurnCause::Message | TurnCause::Reopened | TurnCause::Event => {}
    }
}

fn ended(turn: &Turn, run_id: RunId, time: Time, status: RunStatus, how: &Outcome) -> EndedTurn {
    EndedTurn {
        number: turn.number,
        run_id,
        attempt: turn.context.attempt,
        status,
        failure: match how {
            Outcome::Completed(_) => None,
            // The rest of it is with the run.
            Outcome::Failed(failure) => Some(Failure {
                details: None,
                cause: None,
                more_causes: Vec::new(),
                ..failure.clone()
            }),
        },
        started: turn.started,
        ended: time,
        superseded: turn.interrupted.is_some(),
        replied: turn.replied,
        no_reply: turn.no_reply.clone(),
        was_told: false,
    }
}

/// A turn is over: what came to it after its last reply starts the next one,
/// and so does all that it was given if it was interrupted.
fn return_arrivals(conversation: &mut Conversation, turn: Turn) {
    let has_answered = turn.has_answered();
    let is_left_undone = turn.interrupted.is_some() || turn.is_left_undone();
    conversation.return_to_mailbox(turn.unanswered);
    if is_left_undone {
        conversation.return_to_mailbox(turn.answers);
        conversation.return_events(turn.events);
        if !has_answered {
            conversation.return_to_mailbox(turn.context.messages);
        }
        if !turn.replied {
            conversation.return_events(turn.context.events);
        }
    }
}

/// A turn failed: the messages that it did not answer are the next turn's,
/// which is tried again if the policy says so.
fn leave_to_next(conversation: &mut Conversation, turn: Turn, ended: &EndedTurn) {
    let turn_is_done = turn.has_answered();
    if !turn_is_done {
        conversation.keep_unanswered(turn.context.messages);
    }
    conversation.keep_unanswered(turn.answers.into_iter().chain(turn.unanswered));
    let mut events = Vec::from(turn.events);
    if !turn.replied {
        events.splice(0..0, turn.context.events);
    }
    let policy = &conversation.policy.on_turn_failure;
    let is_left = !turn_is_done || !conversation.unanswered.is_empty() || !events.is_empty();
    let again = ended.may_be_tried_again() && is_left;
    let delay = policy.delay_after(turn.context.attempt).filter(|_| again);
    conversation.retry = delay.map(|delay| Retry {
        at: ended.ended + delay,
        attempt: turn.context.attempt + 1,
        cause: turn.cause,
        events,
    });
}

/// Key of the message that an ask sends.
pub(crate) fn question_key(ask: &StepKey) -> StepKey {
    format!("{ask}/message").as_str().into()
}

/// What arrives in a turn with an event of its journal.
fn arrival(id: u64, event: &RunEvent) -> Option<Arrival> {
    let (messages, events) = match event {
        RunEvent::AskAnswered { messages, .. }
        | RunEvent::MessagesArrived { messages }
        | RunEvent::HandedBack { messages, .. } => (messages.last()?.sequence, 0),
        RunEvent::EventsArrived { events } => (0, events.last()?.sequence),
        _ => return None,
    };
    Some(Arrival {
        event: id,
        messages,
        events,
    })
}
