//! What a conversation may do, told a second time and in other words: the
//! model reads the events and knows what has to wait where.

use std::collections::{BTreeSet, HashMap};

use everturn_engine::event::{
    DeliveryStatus, Event, RunEvent, RunStatus, Slot, TurnCause, TurnStart,
};
use everturn_engine::text::StepKey;
use everturn_engine::value::{AuthorKind, Change, Message};

/// The conversation as the events tell it.
#[derive(Default)]
pub struct Model {
    transcript: u64,
    journals: HashMap<Slot, u64>,
    seen: HashMap<Slot, u64>,
    turn: Option<Turn>,
    deliveries: HashMap<u64, DeliveryStatus>,
    /// Deliveries that an adapter has which can reconcile, or that have to be.
    reconciled: BTreeSet<u64>,
    event_count: u64,
    closed: bool,
    paused: bool,
    owned: bool,
    /// Messages that wait, by position.
    pub mailbox: BTreeSet<u64>,
    /// Events that wait, by position.
    pub waiting: BTreeSet<u64>,
    /// Messages that turns which failed have left, by position.
    pub unanswered: BTreeSet<u64>,
    /// Events of a turn that is to be tried again.
    again: Vec<u64>,
    /// Attempts that the policy in force allows.
    attempts: u32,
    /// Messages that wait for the end of quiet hours: whose, and what its code
    /// had been given.
    held: Vec<(Slot, StepKey, u64)>,
}

/// The turn that runs.
struct Turn {
    slot: Slot,
    number: u64,
    interrupted: bool,
    replied: bool,
    relieved: bool,
    /// Its code says that nothing is to be said.
    dismissed: bool,
    /// A person owned the conversation when it spoke.
    kept_in: bool,
    /// Where its ask stands: answers come after it; `None` while it is held.
    ask_after: Option<u64>,
    ask: Option<StepKey>,
    attempt: u32,
    messages: Vec<u64>,
    events: Vec<u64>,
    /// Steered into it and not answered by a reply: event id, position.
    steered: Vec<(u64, u64)>,
    /// Given to it as answers, likewise.
    answers: Vec<(u64, u64)>,
    /// Events steered into it, likewise.
    more_events: Vec<(u64, u64)>,
    /// The last answer: event id, key, messages.
    answer: Option<(u64, StepKey, Vec<u64>)>,
}

impl Turn {
    /// What its code did not know when it spoke is not answered by it.
    fn spoke(&mut self, seen: u64) {
        self.replied = true;
        self.steered.retain(|(event, _)| *event > seen);
        self.answers.retain(|(event, _)| *event > seen);
        self.more_events.retain(|(event, _)| *event > seen);
    }
}

impl Model {
    pub fn read(&mut self, event: &Event) {
        if let Some(message) = event.added_message() {
            self.transcript += 1;
            assert_eq!(
                message.sequence, self.transcript,
                "the transcript has a gap"
            );
        }
        match event {
            Event::Run { slot, id, event } => self.read_run(*slot, *id, event),
            Event::TaskCompleted { slot, seen } => {
                let known = self.seen.entry(*slot).or_default();
                assert!(*seen >= *known, "a run forgot what it has seen");
                *known = *seen;
            }
            Event::MessageReceived(message) => {
                assert!(!self.closed, "a closed conversation took a message");
                self.mailbox.insert(message.sequence);
            }
            Event::MessageChanged { message, waits, .. }
            | Event::MessageAdopted { message, waits } => self.take_in(message, *waits),
            Event::EventReceived(event) => {
                assert!(!self.closed, "a closed conversation took an event");
                self.event_count += 1;
                assert_eq!(event.sequence, self.event_count, "events have a gap");
                self.waiting.insert(event.sequence);
            }
            Event::ConversationOpened { policy, .. } => {
                self.attempts = policy.on_turn_failure.attempts;
            }
            Event::ConversationUpdated(update) => {
                self.attempts = update.policy.on_turn_failure.attempts;
            }
            Event::ConversationPaused { .. } => self.paused = true,
            Event::ConversationResumed => self.paused = false,
            Event::HandedOff { .. } => self.owned = true,
            Event::HandedBack { .. } => {
                self.owned = false;
                self.mailbox.append(&mut self.unanswered);
            }
            Event::HumanMessageSent {
                answers_through, ..
            } => self.person_wrote(*answers_through),
            Event::ConversationMerged { waiting, .. } => self.merge_away(waiting),
            Event::ConversationClosed { .. } => self.close(),
            Event::DeliveryStarted { .. } | Event::DeliveryMoved { .. } => {
                self.read_delivery(event);
            }
            Event::ConversationReopened => {
                assert!(self.closed, "an open conversation was reopened");
                self.closed = false;
            }
            Event::HeldMessageSent { message, slot, key } => {
                self.let_go(message.sequence, *slot, key);
            }
            _ => {}
        }
    }

    /// A change, or a message that was said elsewhere.
    fn take_in(&mut self, message: &Message, waits: bool) {
        assert!(!waits || !self.closed, "it waits where nothing is answered");
        if let Some(Change::Retract(of)) = message.change {
            self.mailbox.remove(&of);
            self.unanswered.remove(&of);
        }
        if waits {
            self.mailbox.insert(message.sequence);
        }
    }

    /// It is part of another one, where these messages are to be answered.
    fn merge_away(&mut self, waiting: &[u64]) {
        let open = self.mailbox.iter().chain(&self.unanswered);
        for sequence in open.filter(|_| !self.closed) {
            assert!(waiting.contains(sequence), "{sequence} is forgotten");
        }
        self.owned = false;
        self.close();
    }

    fn close(&mut self) {
        self.closed = true;
        self.held.clear();
        self.paused = false;
        self.mailbox.clear();
        self.waiting.clear();
        self.unanswered.clear();
        self.again.clear();
    }

    fn let_go(&mut self, sequence: u64, slot: Slot, key: &StepKey) {
        assert!(self.agents_may_act(), "a held message left that must not");
        assert!(!self.held.is_empty(), "nothing was held");
        let (of, held, seen) = self.held.remove(0);
        assert_eq!((of, &held), (slot, key), "held messages left out of order");
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.slot == slot) else {
            return;
        };
        turn.spoke(seen);
        let question = turn.ask.as_ref().map(|ask| format!("{ask}/message"));
        if question.as_deref() == Some(key.as_str()) {
            turn.ask_after = Some(sequence);
        }
    }

    fn read_delivery(&mut self, event: &Event) {
        match event {
            Event::DeliveryStarted {
                sequence,
                reconciles,
                ..
            } => {
                assert!(!self.paused, "a delivery began in a pause");
                let known = self.reconciled.contains(sequence);
                assert!(*reconciles || !known, "given to one that cannot reconcile");
                if *reconciles {
                    self.reconciled.insert(*sequence);
                }
                let before = self.delivery(*sequence);
                assert_eq!(before, DeliveryStatus::Pending, "handed over twice");
                self.deliveries.insert(*sequence, DeliveryStatus::Sending);
            }
            Event::DeliveryMoved {
                sequence,
                status,
                reconcile,
                ..
            } => {
                let able = self.reconciled.contains(sequence);
                assert!(!reconcile || able, "sent again, though nobody can ask");
                if !reconcile {
                    self.reconciled.remove(sequence);
                }
                let before = self.delivery(*sequence);
                let again = before == DeliveryStatus::Sending && *status == DeliveryStatus::Pending;
                // The same one again brings only the provider's id.
                let same = before == *status && *status >= DeliveryStatus::Accepted;
                assert!(
                    again || same || *status > before,
                    "{before:?} to {status:?}"
                );
                self.deliveries.insert(*sequence, *status);
            }
            _ => {}
        }
    }

    fn delivery(&self, sequence: u64) -> DeliveryStatus {
        let known = self.deliveries.get(&sequence);
        known.copied().unwrap_or(DeliveryStatus::Pending)
    }

    fn agents_may_act(&self) -> bool {
        !self.closed && !self.paused && !self.owned
    }

    fn person_wrote(&mut self, through: u64) {
        assert!(!self.closed, "a person wrote into a closed conversation");
        let through = if through == 0 { u64::MAX } else { through };
        self.mailbox.retain(|it| *it > through);
        self.unanswered.retain(|it| *it > through);
        if let Some(turn) = &mut self.turn {
            turn.relieved |= turn.messages.iter().all(|it| *it <= through);
            turn.steered.retain(|(_, it)| *it > through);
            turn.answers.retain(|(_, it)| *it > through);
        }
    }

    fn start_turn(&mut self, slot: Slot, start: TurnStart) {
        assert!(self.turn.is_none(), "two turns at once");
        assert!(self.agents_may_act(), "a turn began that must not");
        let left = take(&mut self.unanswered, start.through);
        let new = take(&mut self.mailbox, start.through);
        let is_new = !new.is_empty();
        let mut messages = [left, new].concat();
        messages.sort_unstable();
        let mut events = std::mem::take(&mut self.again);
        let again = start.attempt > 1;
        events.extend(take(&mut self.waiting, start.events_through));
        let turn = Turn {
            slot,
            number: start.number,
            interrupted: false,
            replied: false,
            relieved: false,
            dismissed: false,
            kept_in: false,
            ask_after: Some(0),
            ask: None,
            attempt: start.attempt,
            messages,
            events,
            steered: Vec::new(),
            answers: Vec::new(),
            more_events: Vec::new(),
            answer: None,
        };
        let (messages, events) = (!turn.messages.is_empty(), !turn.events.is_empty());
        // Another attempt has the cause of the first, whatever is left of it.
        let right = match start.cause {
            TurnCause::Message | TurnCause::Reopened => messages || again,
            TurnCause::Event => again || (events && !is_new),
            TurnCause::Idle | TurnCause::CustomerTimeout => !is_new,
            TurnCause::StaffTimeout => true,
        };
        assert!(right, "a turn with the wrong cause");
        self.turn = Some(turn);
    }

    fn read_run(&mut self, slot: Slot, id: u64, event: &RunEvent) {
        let last = self.journals.insert(slot, id).unwrap_or(0);
        assert_eq!(id, last + 1, "the journal has a gap");
        if let RunEvent::Started(started) = event {
            if let Some(start) = started.turn {
                self.start_turn(slot, start);
            }
            return;
        }
        let may_act = self.agents_may_act();
        let seen = self.seen.get(&slot).copied().unwrap_or(0);
        let Some(turn) = self.turn.as_mut().filter(|turn| turn.slot == slot) else {
            let speaks = matches!(event, RunEvent::MessageSent { .. });
            assert!(!speaks, "somebody else than the turn spoke");
            return;
        };
        match event {
            RunEvent::MessageSent { message, .. } => {
                assert!(!turn.interrupted, "a superseded turn spoke");
                assert!(may_act, "an agent spoke that must be silent");
                assert_eq!(message.turn, turn.number);
                turn.spoke(seen);
            }
            RunEvent::MessageHeld { key, .. } => {
                assert!(!turn.interrupted && may_act, "a fenced message is held");
                self.held.push((slot, key.clone(), seen));
            }
            RunEvent::MessageSuppressed { .. } => {
                turn.kept_in |= !turn.interrupted && self.owned;
            }
            RunEvent::AskOpened {
                key,
                after,
                is_held,
            } => {
                assert!(!turn.interrupted && may_act, "a fenced turn asked");
                turn.ask = Some(key.clone());
                turn.ask_after = (!is_held).then_some(*after);
            }
            RunEvent::TurnInterrupted { .. } => {
                assert!(!turn.interrupted, "interrupted twice");
                turn.interrupted = true;
                self.held.retain(|(of, ..)| *of != slot);
            }
            RunEvent::NoReplyRecorded {
                suppressed: false, ..
            } => {
                assert!(!turn.interrupted && may_act, "a fenced turn dismissed");
                turn.dismissed = true;
                turn.steered.retain(|(event, _)| *event > seen);
                turn.answers.retain(|(event, _)| *event > seen);
                turn.more_events.retain(|(event, _)| *event > seen);
            }
            RunEvent::Closed { status, .. } => self.end_turn(*status),
            _ => self.read_given(slot, id, event),
        }
    }

    /// What the code of the turn is given, or gives back.
    fn read_given(&mut self, slot: Slot, id: u64, event: &RunEvent) {
        let seen = self.seen.get(&slot).copied().unwrap_or(0);
        let Some(turn) = &mut self.turn else {
            return;
        };
        let given = matches!(
            event,
            RunEvent::AskAnswered { .. }
                | RunEvent::MessagesArrived { .. }
                | RunEvent::EventsArrived { .. }
        );
        assert!(
            !given || !turn.interrupted,
            "a superseded turn was given more"
        );
        match event {
            RunEvent::AskAnswered {
                key,
                messages,
                earlier,
            } => {
                let after = turn.ask_after.expect("nobody was asked yet");
                let before = messages.iter().filter(|m| m.sequence <= after).count();
                assert_eq!(before, *earlier as usize, "earlier ones are marked");
                assert!(before < messages.len(), "nothing came after the question");
                turn.ask = None;
                let given = take_first(&mut self.mailbox, positions(messages));
                turn.answers.extend(given.iter().map(|it| (id, *it)));
                turn.answer = Some((id, key.clone(), given));
            }
            RunEvent::MessagesArrived { messages } => {
                let given = take_first(&mut self.mailbox, positions(messages));
                turn.steered.extend(given.iter().map(|it| (id, *it)));
            }
            RunEvent::EventsArrived { events } => {
                let events = events.iter().map(|event| event.sequence).collect();
                let given = take_first(&mut self.waiting, events);
                turn.more_events.extend(given.iter().map(|it| (id, *it)));
            }
            RunEvent::HandedBack { messages, .. } => {
                assert!(messages.is_sorted_by_key(|m| m.sequence));
                let mut news = positions(messages);
                news.retain(|sequence| self.mailbox.contains(sequence));
                let given = take_first(&mut self.mailbox, news);
                turn.answers.extend(given.iter().map(|it| (id, *it)));
            }
            RunEvent::CommandCanceled { target } => {
                let unread =
                    |(event, key, _): &mut (u64, StepKey, Vec<u64>)| key == target && *event > seen;
                if turn.ask.as_ref() == Some(target) {
                    let question: StepKey = format!("{target}/message").as_str().into();
                    self.held
                        .retain(|(of, key, _)| *of != slot || *key != question);
                }
                if let Some((_, _, given)) = turn.answer.take_if(unread) {
                    turn.answers.retain(|(_, it)| !given.contains(it));
                    self.mailbox.extend(given);
                }
            }
            _ => {}
        }
    }

    /// What the turn leaves to the next one.
    fn end_turn(&mut self, status: RunStatus) {
        let Some(turn) = self.turn.take().filter(|_| !self.closed) else {
            return;
        };
        let positions = |given: Vec<(u64, u64)>| given.into_iter().map(|(_, it)| it);
        let answered = turn.replied || turn.relieved || turn.dismissed;
        let failed = status != RunStatus::Completed && !turn.interrupted;
        let again = turn.interrupted || (turn.kept_in && !answered);
        let mut events = Vec::new();
        if again || failed {
            if !turn.replied {
                events.extend(turn.events);
            }
            events.extend(positions(turn.more_events));
        }
        if failed {
            if !answered {
                self.unanswered.extend(turn.messages);
            }
            self.unanswered.extend(positions(turn.answers));
            self.unanswered.extend(positions(turn.steered));
            let by_itself = matches!(status, RunStatus::Failed | RunStatus::TimedOut);
            if by_itself && turn.attempt < self.attempts {
                self.again = events;
            }
            return;
        }
        self.mailbox.extend(positions(turn.steered));
        if again {
            self.mailbox.extend(positions(turn.answers));
            self.waiting.extend(events);
            if !answered {
                self.mailbox.extend(turn.messages);
            }
        }
    }

    /// Positions of the messages and events that the turn was started with.
    pub fn given(&self) -> Option<(&[u64], &[u64])> {
        let turn = self.turn.as_ref()?;
        Some((&turn.messages, &turn.events))
    }
}

fn positions(messages: &[Message]) -> Vec<u64> {
    let customers = messages.iter().filter(|m| m.author == AuthorKind::Customer);
    customers.map(|m| m.sequence).collect()
}

/// Takes everything up to a position.
fn take(waiting: &mut BTreeSet<u64>, through: u64) -> Vec<u64> {
    let rest = waiting.split_off(&(through + 1));
    std::mem::replace(waiting, rest).into_iter().collect()
}

/// Takes these, which have to be the first that wait.
fn take_first(waiting: &mut BTreeSet<u64>, these: Vec<u64>) -> Vec<u64> {
    for sequence in &these {
        assert_eq!(waiting.pop_first(), Some(*sequence), "given out of order");
    }
    these
}
