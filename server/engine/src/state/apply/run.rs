//! The fold: how each event changes the state of its root. Total and without
//! choice: what may happen was settled when the event was decided.

use crate::event::{Event, RunEvent, RunStarted, RunStatus, Slot};
use crate::hash::stable_hash;
use crate::limits;
use crate::state::conversation::{Answer, Conversation, Remembered, State, Turn, TurnContext};
use crate::state::deadlines::Deadline;
use crate::state::root::{Root, arm_activity, disarm_activity};
use crate::state::run::{Activity, Child, OutgoingSignal, Run, Stage, Task, Timer};
use crate::text::StepKey;
use crate::value::{Failure, Message, Outcome, Time};

impl Root {
    /// Folds one event into the state.
    pub fn apply(&mut self, time: Time, event: &Event) {
        if !self.exists() {
            self.created = time;
        }
        self.updated = time;
        match event {
            Event::Run { slot, id, event } => self.apply_run(time, *slot, *id, event),
            Event::ActivityStarted {
                slot,
                activity,
                attempt,
                epoch,
                worker,
            } => {
                let Some(pending) = activity_mut(self, *slot, *activity) else {
                    return;
                };
                pending.attempt = *attempt;
                pending.heard = time;
                pending.stage = Stage::Started {
                    at: time,
                    epoch: *epoch,
                    worker: worker.clone(),
                };
                self.rearm(*slot, *activity);
            }
            Event::TaskCompleted { slot, seen } => {
                if let Some(run) = self.runs.get_mut(slot) {
                    run.seen = run.seen.max(*seen);
                }
            }
            Event::ConversationOpened {
                type_name,
                task_queue,
                policy,
                labels,
            } => {
                self.labels.clone_from(labels);
                self.conversation = Some(Conversation {
                    type_name: type_name.clone(),
                    task_queue: task_queue.clone(),
                    policy: *policy,
                    closed: None,
                    reply_channel: crate::text::Text::default(),
                    message_count: 0,
                    turn_count: 0,
                    mailbox: std::collections::VecDeque::new(),
                    recent: std::collections::VecDeque::new(),
                    turn: None,
                    state: State::default(),
                    remembered: std::collections::VecDeque::new(),
                });
            }
            Event::MessageReceived(message) => self.receive(message),
            Event::ConversationClosed { reason } => {
                if let Some(conversation) = &mut self.conversation {
                    conversation.closed = Some(reason.clone());
                    conversation.mailbox.clear();
                }
                self.deadlines.disarm(Deadline::Burst);
            }
            Event::RequestRemembered { hash } => {
                self.requests.push_back(*hash);
                if self.requests.len() > limits::REMEMBERED_REQUESTS {
                    self.requests.pop_front();
                }
            }
        }
    }

    fn receive(&mut self, message: &Message) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        conversation.reply_channel = message.channel.clone();
        conversation.mailbox.push_back(message.clone());
        if !message.provider_message_id.as_str().is_empty() {
            conversation.remembered.push_back(Remembered {
                hash: message_hash(message),
                sequence: message.sequence,
                time: message.time,
            });
            if conversation.remembered.len() > limits::REMEMBERED_MESSAGES {
                conversation.remembered.pop_front();
            }
        }
    }

    fn apply_run(&mut self, time: Time, slot: Slot, id: u64, event: &RunEvent) {
        if let RunEvent::Started(started) = event {
            self.start_run(time, slot, started);
        }
        let Some(run) = self.runs.get_mut(&slot) else {
            return;
        };
        run.last_event = id;
        if event.is_notification() {
            run.last_notification = id;
        }
        if event.must_be_read() {
            run.last_must_read = id;
        }
        if let Some((key, kind)) = recorded_key(event) {
            run.keys.insert(key_hash(key), kind);
        }
        match event {
            RunEvent::ActivityScheduled { .. }
            | RunEvent::ActivityCompleted { .. }
            | RunEvent::ActivityFailed { .. }
            | RunEvent::ActivityAttemptFailed { .. } => {
                self.apply_activity(time, slot, id, event);
            }
            RunEvent::MessageSent { message, .. } => self.send(message),
            RunEvent::AskOpened { .. }
            | RunEvent::AskAnswered { .. }
            | RunEvent::TurnInterrupted { .. }
            | RunEvent::MessagesArrived { .. }
            | RunEvent::CommandCanceled { .. } => self.apply_turn(time, slot, id, event),
            RunEvent::StateSet {
                name,
                value,
                suppressed: false,
                ..
            } => self.state_of(slot).set(name, value.clone()),
            RunEvent::Closed { status, outcome } => self.close_run(time, slot, *status, outcome),
            _ => apply_step(run, &mut self.deadlines, slot, id, event),
        }
    }

    fn start_run(&mut self, time: Time, slot: Slot, started: &RunStarted) {
        self.next_slot = self.next_slot.max(slot + 1);
        let execution_deadline = started.execution_timeout.map(|span| time + span);
        if let Some(at) = execution_deadline {
            self.deadlines.arm(Deadline::Execution(slot), at);
        }
        self.runs.insert(
            slot,
            Run {
                slot,
                workflow_id: started.workflow_id.clone(),
                run_id: started.run_id,
                type_name: started.type_name.clone(),
                task_queue: started.task_queue.clone(),
                parent: started.parent.clone(),
                turn: started.turn.map(|turn| turn.number),
                status: RunStatus::Running,
                outcome: None,
                started: time,
                closed: None,
                execution_deadline,
                labels: started.labels.clone(),
                request: started.request,
                last_event: 0,
                last_notification: 0,
                last_must_read: 0,
                seen: 0,
                keys: std::collections::BTreeMap::new(),
                activities: std::collections::BTreeMap::new(),
                timers: std::collections::BTreeMap::new(),
                children: std::collections::BTreeMap::new(),
                signals: std::collections::BTreeMap::new(),
                state: State::default(),
                cancel_requested: false,
                task_failure: None,
                task: Task::None,
                task_failures: 0,
            },
        );
        if let Some(turn) = started.turn {
            self.start_turn(time, slot, turn);
        } else if started.parent.is_none() {
            self.main = Some(slot);
        }
    }

    fn start_turn(&mut self, time: Time, slot: Slot, turn: crate::event::TurnStart) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let recent: Vec<Message> = conversation.recent.iter().cloned().collect();
        let messages = conversation.take_mailbox(turn.through);
        conversation.turn_count = turn.number;
        conversation.turn = Some(Turn {
            number: turn.number,
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
            },
        });
        self.deadlines.disarm(Deadline::Burst);
    }

    fn send(&mut self, message: &Message) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        conversation.message_count = message.sequence;
        conversation.push_recent(message.clone());
        if let Some(turn) = &mut conversation.turn
            && turn.number == message.turn
        {
            turn.replied = true;
        }
    }

    fn apply_activity(&mut self, time: Time, slot: Slot, id: u64, event: &RunEvent) {
        let Some(run) = self.runs.get_mut(&slot) else {
            return;
        };
        match event {
            RunEvent::ActivityScheduled {
                key,
                activity_type,
                input,
                options,
            } => {
                let activity = Activity {
                    key: key.clone(),
                    activity_type: activity_type.clone(),
                    input: input.clone(),
                    options: options.clone(),
                    scheduled: time,
                    attempt: 1,
                    stage: Stage::Queued(time),
                    cancel_requested: false,
                    last_failure: None,
                    heartbeat_details: None,
                    heard: Time(0),
                };
                arm_activity(&mut self.deadlines, slot, id, &activity);
                run.activities.insert(id, activity);
            }
            RunEvent::ActivityCompleted { activity, .. }
            | RunEvent::ActivityFailed { activity, .. } => {
                run.activities.remove(activity);
                disarm_activity(&mut self.deadlines, slot, *activity);
            }
            RunEvent::ActivityAttemptFailed {
                activity,
                attempt,
                failure,
                next_at,
                ..
            } => {
                if let Some(pending) = run.activities.get_mut(activity) {
                    pending.attempt = attempt + 1;
                    pending.stage = Stage::BackingOff(*next_at);
                    pending.last_failure = Some(failure.clone());
                    arm_activity(&mut self.deadlines, slot, *activity, pending);
                }
            }
            _ => {}
        }
    }

    fn apply_turn(&mut self, time: Time, slot: Slot, id: u64, event: &RunEvent) {
        if let RunEvent::CommandCanceled { target } = event {
            self.cancel_step(slot, target);
        }
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let through = match event {
            RunEvent::AskAnswered { messages, .. } | RunEvent::MessagesArrived { messages } => {
                messages.last().map_or(0, |m| m.sequence)
            }
            _ => 0,
        };
        if through > 0 {
            conversation.take_mailbox(through);
            self.deadlines.disarm(Deadline::Burst);
        }
        let Some(turn) = conversation.turn.as_mut().filter(|t| t.slot == slot) else {
            return;
        };
        match event {
            RunEvent::AskOpened { key } => turn.ask = Some(key.clone()),
            RunEvent::AskAnswered { key, messages } => {
                turn.ask = None;
                turn.answer = Some(Answer {
                    event: id,
                    key: key.clone(),
                    messages: messages.clone(),
                });
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
                let run_seen = self.runs.get(&slot).map_or(0, |run| run.seen);
                let unread = turn
                    .answer
                    .take_if(|a| a.key == *target && a.event > run_seen);
                if let Some(answer) = unread {
                    conversation.return_to_mailbox(answer.messages);
                }
            }
            _ => {}
        }
    }

    fn cancel_step(&mut self, slot: Slot, target: &StepKey) {
        let Some(run) = self.runs.get_mut(&slot) else {
            return;
        };
        let deadlines = &mut self.deadlines;
        run.timers.retain(|id, timer| {
            let keep = timer.key != *target;
            if !keep {
                deadlines.disarm(Deadline::Timer(slot, *id));
            }
            keep
        });
        if let Some(activity) = run.activities.values_mut().find(|a| a.key == *target) {
            activity.cancel_requested = true;
        }
    }

    fn close_run(&mut self, time: Time, slot: Slot, status: RunStatus, outcome: &Outcome) {
        let Some(run) = self.runs.get_mut(&slot) else {
            return;
        };
        for id in run.activities.keys() {
            disarm_activity(&mut self.deadlines, slot, *id);
        }
        for id in run.timers.keys() {
            self.deadlines.disarm(Deadline::Timer(slot, *id));
        }
        for deadline in [
            Deadline::Execution(slot),
            Deadline::Grace(slot),
            Deadline::TaskTimeout(slot),
            Deadline::TaskRetry(slot),
        ] {
            self.deadlines.disarm(deadline);
        }
        run.activities.clear();
        run.timers.clear();
        run.children.clear();
        run.signals.clear();
        run.keys.clear();
        run.status = status;
        run.outcome = Some(outcome.clone());
        run.closed = Some(time);
        run.task = Task::None;
        self.end_turn(slot);
    }

    fn end_turn(&mut self, slot: Slot) {
        let Some(conversation) = &mut self.conversation else {
            return;
        };
        let Some(turn) = conversation.turn.take_if(|turn| turn.slot == slot) else {
            return;
        };
        let unanswered = turn.interrupted.is_some() && !turn.replied;
        if unanswered && conversation.is_open() {
            conversation.return_to_mailbox(turn.context.messages);
        }
    }

    /// The state that a run's code writes: the conversation's for a turn.
    fn state_of(&mut self, slot: Slot) -> &mut State {
        let Some(run) = self.runs.get_mut(&slot) else {
            unreachable!("a journal event of an unknown run was filtered out before");
        };
        match &mut self.conversation {
            Some(conversation) if run.turn.is_some() => &mut conversation.state,
            _ => &mut run.state,
        }
    }

    pub(crate) fn rearm(&mut self, slot: Slot, activity: u64) {
        let pending = self
            .runs
            .get(&slot)
            .and_then(|r| r.activities.get(&activity));
        if let Some(pending) = pending {
            arm_activity(&mut self.deadlines, slot, activity, pending);
        }
    }
}

/// Steps that only touch the run itself.
fn apply_step(
    run: &mut Run,
    deadlines: &mut crate::state::deadlines::Deadlines,
    slot: Slot,
    id: u64,
    event: &RunEvent,
) {
    match event {
        RunEvent::TimerStarted { key, fire_at } => {
            deadlines.arm(Deadline::Timer(slot, id), *fire_at);
            let timer = Timer {
                key: key.clone(),
                fire_at: *fire_at,
            };
            run.timers.insert(id, timer);
        }
        RunEvent::TimerFired { timer, .. } => {
            run.timers.remove(timer);
            deadlines.disarm(Deadline::Timer(slot, *timer));
        }
        RunEvent::ChildStarted {
            key,
            workflow_id,
            child,
            ..
        } => {
            let child = Child {
                key: key.clone(),
                slot: *child,
                workflow_id: workflow_id.clone(),
            };
            run.children.insert(id, child);
        }
        RunEvent::ChildClosed { child, .. } => {
            run.children.remove(child);
        }
        RunEvent::SignalScheduled {
            key,
            workflow_id,
            name,
            input,
        } => {
            let signal = OutgoingSignal {
                key: key.clone(),
                workflow_id: workflow_id.clone(),
                name: name.clone(),
                input: input.clone(),
            };
            run.signals.insert(id, signal);
        }
        RunEvent::SignalDelivered { signal, .. } => {
            run.signals.remove(signal);
        }
        RunEvent::CancelRequested { .. } => run.cancel_requested = true,
        _ => {}
    }
}

/// The key and command kind that an event records, if it records one.
fn recorded_key(event: &RunEvent) -> Option<(&StepKey, u8)> {
    match event {
        RunEvent::ActivityScheduled { key, .. } => Some((key, 1)),
        RunEvent::TimerStarted { key, .. } => Some((key, 2)),
        RunEvent::ChildStarted { key, .. } => Some((key, 3)),
        RunEvent::LocalRecorded { key, .. } => Some((key, 4)),
        RunEvent::MessageSent { key, .. } | RunEvent::MessageSuppressed { key, .. } => {
            Some((key, 5))
        }
        RunEvent::AskOpened { key } => Some((key, 6)),
        RunEvent::StateSet { key, .. } => Some((key, 7)),
        RunEvent::SignalScheduled { key, .. } => Some((key, 8)),
        _ => None,
    }
}

/// Hash under which a run remembers a command's key.
#[must_use]
pub(crate) fn key_hash(key: &StepKey) -> u64 {
    stable_hash(&[key.as_str().as_bytes()])
}

/// Hash under which a conversation remembers an inbound message.
#[must_use]
pub(crate) fn message_hash(message: &Message) -> u64 {
    stable_hash(&[
        message.channel.as_str().as_bytes(),
        message.provider_message_id.as_str().as_bytes(),
    ])
}

fn activity_mut(root: &mut Root, slot: Slot, activity: u64) -> Option<&mut Activity> {
    root.runs.get_mut(&slot)?.activities.get_mut(&activity)
}

/// The failure of a run that was closed from outside.
#[must_use]
pub(crate) fn terminated(reason: &str) -> Failure {
    Failure::new(crate::value::FailureKind::Terminated, "Terminated", reason)
}
