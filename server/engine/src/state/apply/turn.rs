//! How turns begin, what they do to their conversation, how they end.

use std::collections::VecDeque;

use crate::event::{RunEvent, RunId, RunStatus, Slot, TurnStart};
use crate::state::conversation::Conversation;
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::state::turn::{Answer, Arrival, EndedTurn, Retry, Turn, TurnContext};
use crate::text::{StepKey, Text};
use crate::value::{AuthorKind, Failure, Message, Outcome, Time, Usage};

impl Root {
    pub(super) fn start_turn(&mut self, time: Time, slot: Slot, start: TurnStart) {
        use crate::event::TurnCause as Cause;
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let recent: Vec<Message> = conversation.recent.iter().cloned().collect();
        let messages = conversation.take_for_turn(start.through);
        // What is tried again came first.
        let mut events = conversation.retry.take().map_or(Vec::new(), |it| it.events);
        events.extend(conversation.take_events(start.events_through));
        // Who answers the customer does not write first.
        let proactive = start.cause.is_proactive() && messages.is_empty();
        conversation.turn_count = start.number;
        conversation.turn_usage = Usage::default();
        match start.cause {
            Cause::Idle => conversation.idle_since = None,
            Cause::CustomerTimeout => conversation.customer_since = None,
            Cause::StaffTimeout => conversation.staff_since = None,
            Cause::Message | Cause::Event => {}
        }
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
                reply_channel: conversation.reply_channel.clone(),
                events,
                addresses: conversation.addresses.clone(),
                cause: start.cause,
                attempt: start.attempt.max(1),
            },
            cause: start.cause,
            proactive,
            hand_off: None,
            unanswered: Vec::new(),
            answers: VecDeque::new(),
            events: VecDeque::new(),
            relieved: false,
            arrivals: VecDeque::new(),
            no_reply: None,
        });
        self.deadlines.disarm(Deadline::Burst);
        self.rearm_silence();
    }

    pub(super) fn send(&mut self, slot: Slot, key: &StepKey, message: &Message) {
        self.add_own_message(message, Some((slot, key.clone())));
        let seen = self.runs.get(&slot).map_or(0, |run| run.seen);
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let current = conversation.turn.as_mut();
        let Some(turn) = current.filter(|turn| turn.number == message.turn) else {
            return;
        };
        turn.replied = true;
        turn.answer(seen);
        let proactive = turn.proactive;
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
        self.take_for_turn(event);
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
        match event {
            RunEvent::AskOpened { key } => turn.ask = Some(key.clone()),
            RunEvent::AskAnswered { key, messages } => {
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
            RunEvent::HandedBack { messages, .. } => {
                turn.hand_off = None;
                let person = messages.iter().rposition(|m| m.author == AuthorKind::Human);
                turn.note_answers(&messages[person.map_or(0, |at| at + 1)..]);
            }
            RunEvent::TurnInterrupted { grace } => {
                let until = time + *grace;
                turn.interrupted = Some(until);
                self.deadlines.arm(Deadline::Grace(slot), until);
            }
            RunEvent::CommandCanceled { target } => {
                if turn.ask.as_ref() == Some(target) {
                    turn.ask = None;
                }
                let unread = turn
                    .answer
                    .take_if(|a| a.key == *target && a.event > run_seen);
                if let Some(answer) = unread {
                    let given = |m: &Message| answer.messages.contains(m);
                    turn.answers.retain(|m| !given(m));
                    turn.arrivals.retain(|it| it.event != answer.event);
                    conversation.return_to_mailbox(answer.messages);
                }
            }
            _ => {}
        }
    }

    /// What a turn is given leaves the mailbox.
    fn take_for_turn(&mut self, event: &RunEvent) {
        let (Some(conversation), Some(given)) = (&mut self.conversation, arrival(0, event)) else {
            return;
        };
        if given.events > 0 {
            conversation.take_events(given.events);
        }
        if given.messages > 0 {
            conversation.take_mailbox(given.messages);
            self.deadlines.disarm(Deadline::Burst);
        }
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
            if ended.has_failed() {
                leave_to_next(conversation, turn, &ended);
            } else {
                return_arrivals(conversation, turn);
            }
        }
        conversation.last_turn = Some(ended);
        self.rearm_silence();
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
    conversation.return_to_mailbox(turn.unanswered);
    if turn.interrupted.is_some() {
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
