//! How turns begin, what they do to their conversation, how they end.

use std::collections::VecDeque;

use crate::event::{RunEvent, Slot, TurnStart};
use crate::state::conversation::{Answer, Arrival, Turn, TurnContext};
use crate::state::deadlines::Deadline;
use crate::state::root::Root;
use crate::text::StepKey;
use crate::value::{AuthorKind, Message, Time, Usage};

impl Root {
    pub(super) fn start_turn(&mut self, time: Time, slot: Slot, start: TurnStart) {
        use crate::event::TurnCause as Cause;
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let recent: Vec<Message> = conversation.recent.iter().cloned().collect();
        let messages = conversation.take_mailbox(start.through);
        let events = conversation.take_events(start.events_through);
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
            },
            cause: start.cause,
            proactive: start.cause.is_proactive(),
            hand_off: None,
            unanswered: Vec::new(),
            answers: VecDeque::new(),
            events: VecDeque::new(),
            relieved: false,
            arrivals: VecDeque::new(),
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
        if turn.proactive {
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

    pub(super) fn end_turn(&mut self, slot: Slot) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let Some(turn) = conversation.turn.take_if(|turn| turn.slot == slot) else {
            return;
        };
        if conversation.is_open() {
            conversation.return_to_mailbox(turn.unanswered);
        }
        if turn.interrupted.is_some() && conversation.is_open() {
            conversation.return_to_mailbox(turn.answers);
            conversation.return_events(turn.events);
            if !turn.replied && !turn.relieved {
                conversation.return_to_mailbox(turn.context.messages);
            }
            if !turn.replied {
                conversation.return_events(turn.context.events);
            }
        }
        self.rearm_silence();
    }
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
