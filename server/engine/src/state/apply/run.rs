//! How runs and their steps change.

use std::collections::BTreeMap;

use crate::event::{RunEvent, RunStarted, RunStatus, Slot};
use crate::state::apply::{key_hash, kind_hash};
use crate::state::conversation::Pause;
use crate::state::deadlines::{Deadline, Deadlines};
use crate::state::entries::State;
use crate::state::root::{Root, arm_activity, disarm_activity};
use crate::state::run::{Activity, Child, OutgoingSignal, Run, Stage, Task, Timer};
use crate::text::{StepKey, Text};
use crate::value::{Outcome, Time, Usage};

impl Root {
    pub(super) fn apply_run(&mut self, time: Time, slot: Slot, id: u64, event: &RunEvent) {
        if let RunEvent::Started(started) = event {
            self.start_run(time, slot, started);
        }
        self.note_done(slot, event);
        let Some(run) = self.runs.get_mut(&slot) else {
            return;
        };
        run.last_event = id;
        if event.is_notification() {
            run.last_notification = id;
        }
        if event.must_be_read() {
            run.must_read_before = std::mem::replace(&mut run.last_must_read, id);
        }
        note_key(run, event);
        match event {
            RunEvent::ActivityScheduled { .. }
            | RunEvent::ActivityCompleted { .. }
            | RunEvent::ActivityFailed { .. }
            | RunEvent::ActivityAttemptFailed { .. } => {
                self.apply_activity(time, slot, id, event);
            }
            RunEvent::MessageSent { key, message } => self.send(slot, key, message),
            RunEvent::AskOpened { .. }
            | RunEvent::AskAnswered { .. }
            | RunEvent::TurnInterrupted { .. }
            | RunEvent::MessagesArrived { .. }
            | RunEvent::EventsArrived { .. }
            | RunEvent::HandedOff { .. }
            | RunEvent::HandedBack { .. }
            | RunEvent::MessageSuppressed { .. }
            | RunEvent::MessageHeld { .. }
            | RunEvent::CommandCanceled { .. } => self.apply_turn(time, slot, id, event),
            RunEvent::ApprovalRequested { key, request, .. } => {
                self.request_approval(time, slot, id, key, request);
            }
            RunEvent::ApprovalDecided { key, decided } => {
                let id = run.workflow_id.child(key.as_str()).shared().into();
                self.end_approval(time, &id, decided);
            }
            RunEvent::Paused { reason } => {
                run.paused = true;
                run.pause = Some(Pause {
                    reason: reason.clone(),
                    since: time,
                });
            }
            RunEvent::Resumed => {
                run.paused = false;
                run.pause = None;
                let below = self.below(slot);
                self.restart_waits(time, &below);
            }
            RunEvent::StateSet {
                name,
                value,
                suppressed: false,
                ..
            } => {
                let version = self.next_version(time);
                self.state_of(slot).set(name, value.clone(), version);
            }
            RunEvent::NoReplyRecorded {
                reason,
                suppressed: false,
                ..
            } => self.dismiss(slot, reason),
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
                fingerprint: started.fingerprint,
                last_event: 0,
                last_notification: 0,
                last_must_read: 0,
                seen: 0,
                keys: BTreeMap::new(),
                activities: BTreeMap::new(),
                timers: BTreeMap::new(),
                children: BTreeMap::new(),
                signals: BTreeMap::new(),
                state: State::default(),
                cancel_requested: false,
                task_failure: None,
                paused: false,
                usage: Usage::default(),
                must_read_before: 0,
                pause: None,
                rested: time,
                task: Task::None,
                task_failures: 0,
                task_losses: 0,
                task_since: time,
                task_failed_since: time,
                task_worker: Text::default(),
            },
        );
        if let Some(turn) = started.turn {
            self.start_turn(time, slot, turn);
        } else if started.parent.is_none() {
            self.main = Some(slot);
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
                    stands_still: false,
                    blocked_stack: Text::default(),
                };
                arm_activity(&mut self.deadlines, slot, id, &activity);
                run.activities.insert(id, activity);
            }
            RunEvent::ActivityCompleted {
                activity, usage, ..
            }
            | RunEvent::ActivityFailed {
                activity, usage, ..
            } => {
                let ended = run.activities.remove(activity);
                disarm_activity(&mut self.deadlines, slot, *activity);
                // One that completes and says nothing uses nothing.
                let completed = matches!(event, RunEvent::ActivityCompleted { .. });
                let used = usage.as_deref().cloned().or(completed.then(Usage::default));
                if let (Some(ended), Some(used)) = (ended, used) {
                    self.learn_usage(&ended.activity_type, &used);
                }
                self.add_usage(slot, usage.as_deref());
            }
            RunEvent::ActivityAttemptFailed {
                activity,
                attempt,
                failure,
                next_at,
                usage,
                ..
            } => {
                if let Some(pending) = run.activities.get_mut(activity) {
                    pending.attempt = attempt + 1;
                    pending.stage = Stage::BackingOff(*next_at);
                    pending.last_failure = Some(failure.clone());
                    pending.stands_still = false;
                    arm_activity(&mut self.deadlines, slot, *activity, pending);
                    let activity_type = pending.activity_type.clone();
                    if let Some(used) = usage {
                        self.learn_usage(&activity_type, used);
                    }
                }
                self.add_usage(slot, usage.as_deref());
            }
            _ => {}
        }
    }

    pub(super) fn cancel_step(&mut self, slot: Slot, target: &StepKey) {
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
        self.withdraw_approvals(time, slot);
        self.end_turn(time, slot, status, outcome);
    }

    /// A run and all open runs below it.
    #[must_use]
    pub(crate) fn below(&self, slot: Slot) -> Vec<Slot> {
        let mut found = vec![slot];
        let mut next = 0;
        while let Some(run) = found.get(next).and_then(|slot| self.runs.get(slot)) {
            found.extend(run.children.values().map(|child| child.slot));
            next += 1;
        }
        found
    }

    /// Attempts that stood still in their queues begin to wait for a worker.
    pub(super) fn restart_waits(&mut self, time: Time, slots: &[Slot]) {
        for slot in slots {
            let Some(run) = self.runs.get_mut(slot) else {
                continue;
            };
            for (id, activity) in &mut run.activities {
                if let Stage::Queued(since) = &mut activity.stage {
                    *since = time;
                    arm_activity(&mut self.deadlines, *slot, *id, activity);
                }
            }
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
}

/// Remembers the key of the command that an event records.
fn note_key(run: &mut Run, event: &RunEvent) {
    if let Some((key, kind)) = recorded_key(event) {
        let hash = match (run.keys.get(&key_hash(key)), event) {
            // What is recorded under the key stays.
            (Some(_), RunEvent::CommandFailed { .. }) => kind_hash(key, kind),
            _ => key_hash(key),
        };
        run.keys.insert(hash, kind);
    }
}

/// Steps that only touch the run itself.
fn apply_step(run: &mut Run, deadlines: &mut Deadlines, slot: Slot, id: u64, event: &RunEvent) {
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
        RunEvent::MessageSent { key, .. }
        | RunEvent::MessageSuppressed { key, .. }
        | RunEvent::MessageHeld { key, .. } => Some((key, 5)),
        RunEvent::AskOpened { key, .. } => Some((key, 6)),
        RunEvent::StateSet { key, .. } => Some((key, 7)),
        RunEvent::SignalScheduled { key, .. } => Some((key, 8)),
        RunEvent::ApprovalRequested { key, .. } => Some((key, 10)),
        RunEvent::HandedOff { key } => Some((key, 11)),
        RunEvent::CommandFailed { key, kind, .. } => Some((key, *kind)),
        RunEvent::ProblemRecorded { key, .. } => Some((key, 12)),
        RunEvent::NoReplyRecorded { key, .. } => Some((key, 13)),
        RunEvent::CloseRecorded { key, .. } => Some((key, 14)),
        _ => None,
    }
}
