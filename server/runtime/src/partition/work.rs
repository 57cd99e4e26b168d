//! Work: tasks leave for workers, or are lost on the way.

use std::sync::Arc;

use everturn_dispatch::{Offer, TaskKind};
use everturn_engine::decide::{self, ActivityToken, Taker, TaskToken};
use everturn_engine::event::{RunId, Slot};
use everturn_engine::state::root::Root;
use everturn_engine::transition::Transaction;

use crate::assignments::Assigned;
use crate::journal::{Entry, TurnInput, page, with_input};
use crate::metrics::Metrics;
use crate::partition::batch::After;
use crate::partition::hot::Hot;
use crate::partition::parked::Parked;
use crate::partition::{Input, Partition, Shared};
use crate::session::SessionCore;
use crate::task::{ActivityTask, WorkItem, WorkflowTask};
use crate::task_ref::TaskRef;

impl Partition {
    /// Starts tasks for the sessions that they were given to.
    pub(super) fn begin_all(&mut self, assigned: Vec<Assigned>) {
        for one in assigned {
            if self.is_to_be_deferred(&one) {
                self.deferred.push(one);
                continue;
            }
            if !self.ensure(&one.task.root) {
                self.park(Parked::Assigned(one));
                continue;
            }
            let begun = match one.task.kind() {
                TaskKind::Workflow => self.begin_workflow(&one),
                TaskKind::Activity => self.begin_activity(&one),
            };
            if !begun {
                let next = self.shared.workers.refund(one.session.id, &one.task);
                self.begin_later(next);
            }
        }
    }

    /// Tasks given out while others are being started: through the mailbox,
    /// so that the loop stays flat.
    fn begin_later(&mut self, assigned: Vec<Assigned>) {
        self.shared.route(assigned);
    }

    fn begin_activity(&mut self, one: &Assigned) -> bool {
        let task = &one.task;
        let Some(hot) = self.roots.get_mut(&task.root) else {
            return false;
        };
        hot.touched = self.context.now;
        let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        let (slot, activity) = (task.slot, task.activity);
        let worker = Taker {
            identity: &one.session.identity,
            reconciles: slot == 0 && reconciles(&one.session, tx.root, activity),
        };
        let started = decide::begin_activity(&mut tx, slot, activity, task.attempt, worker);
        let Ok(start) = started else {
            if slot == 0 {
                decide::refuse_delivery(&mut tx, activity, task.attempt);
                self.absorb(&task.root);
            }
            return false;
        };
        let (workflow_id, run_id) = match hot.root.runs.get(&slot) {
            Some(run) => (run.workflow_id.clone(), run.run_id),
            // A delivery belongs to the conversation itself.
            None => (hot.root.key.id.workflow_id(), RunId::default()),
        };
        hot.holders
            .insert((slot, activity), Arc::clone(&one.session));
        let item = WorkItem::Activity(Box::new(ActivityTask {
            delivery_id: one.session.delivery_id(one.delivery),
            root: task.root.clone(),
            token: ActivityToken {
                slot,
                activity,
                attempt: task.attempt,
                epoch: start.epoch,
            },
            workflow_id,
            run_id,
            start,
        }));
        self.deliver_activity(one, item)
    }

    /// Hands an attempt over: at once, or after its start is durable if there
    /// is no second attempt.
    fn deliver_activity(&mut self, one: &Assigned, item: WorkItem) -> bool {
        Metrics::add(&self.shared.metrics.activity_starts, 1);
        let durable_first = match &item {
            WorkItem::Activity(task) => task.start.durable_first,
            _ => false,
        };
        if durable_first {
            self.absorb(&one.task.root);
            let session = Arc::clone(&one.session);
            self.batch.after.push(After::Push(session, item));
        } else {
            self.absorb_lazily(&one.task.root);
            self.shared.hand_over(&one.session, item, &one.task);
        }
        true
    }

    fn begin_workflow(&mut self, one: &Assigned) -> bool {
        let task = &one.task;
        let slot = task.slot;
        let Some(hot) = self.roots.get_mut(&task.root) else {
            return false;
        };
        hot.touched = self.context.now;
        let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
        let Ok(start) = decide::begin_task(&mut tx, slot, &one.session.identity) else {
            self.note_waiting(&task.root);
            return false;
        };
        self.timers.set(&task.root, hot.root.deadlines.next());
        let Some(run) = hot.root.runs.get(&slot) else {
            return false;
        };
        Metrics::add(&self.shared.metrics.workflow_task_starts, 1);
        let cached = hot
            .sticky
            .get(&slot)
            .is_some_and(|s| s.id == one.session.id);
        let previous = if cached { start.seen } else { 0 };
        if !cached {
            hot.sticky.remove(&slot);
        }
        let item = WorkflowTask {
            delivery_id: one.session.delivery_id(one.delivery),
            root: task.root.clone(),
            token: TaskToken {
                slot,
                epoch: start.epoch,
            },
            workflow_id: run.workflow_id.clone(),
            run_id: run.run_id,
            type_name: run.type_name.clone(),
            previous,
            entries: Vec::new(),
            complete: true,
            through: start.through,
        };
        let in_memory = hot.journals.get(&slot);
        if in_memory.is_some_and(|journal| journal.reaches_back_to(previous)) {
            let page_bytes = self.shared.options.page_bytes;
            let (entries, complete) = entries_for(hot, slot, previous, page_bytes, &one.session);
            let item = WorkflowTask {
                entries,
                complete,
                ..item
            };
            let item = WorkItem::Workflow(Box::new(item));
            self.shared.hand_over(&one.session, item, task);
        } else {
            self.want_journal(one, item);
        }
        true
    }

    /// The task that an item is about, if it is one.
    pub(super) fn task_in(&self, item: &WorkItem) -> Option<TaskRef> {
        match item {
            WorkItem::Activity(task) => {
                Some(TaskRef::of_activity(self.number, &task.root, task.token))
            }
            WorkItem::Workflow(task) => {
                Some(TaskRef::of_run(self.number, &task.root, task.token.slot))
            }
            _ => None,
        }
    }

    /// Workers went away with these tasks.
    pub(super) fn lose_all(&mut self, tasks: Vec<TaskRef>) {
        for task in tasks {
            if !self.ensure(&task.root) {
                self.park(Parked::Lost(task));
                continue;
            }
            let Some(hot) = self.roots.get_mut(&task.root) else {
                continue;
            };
            let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
            if task.activity == 0 {
                hot.sticky.remove(&task.slot);
                decide::lose_task(&mut tx, task.slot);
                self.note_waiting(&task.root);
            } else {
                decide::lose_activity(&mut tx, task.slot, task.activity, task.attempt);
            }
            self.count_retries();
            self.absorb(&task.root);
        }
    }

    /// Tasks that were started but never left: they go back to their queues
    /// and cost no attempt.
    pub(super) fn offer_again(&mut self, tasks: Vec<TaskRef>) {
        let mut offers = Vec::new();
        for task in tasks {
            if !self.ensure(&task.root) {
                self.park(Parked::Undelivered(task));
                continue;
            }
            let Some(hot) = self.roots.get_mut(&task.root) else {
                continue;
            };
            if task.slot == 0 {
                let mut tx = Transaction::new(&mut hot.root, &mut self.context, &mut self.output);
                decide::return_delivery(&mut tx, task.activity, task.attempt);
                self.absorb(&task.root);
                continue;
            }
            let Some(run) = hot.root.runs.get(&task.slot) else {
                continue;
            };
            let (name, priority) = match run.activities.get(&task.activity) {
                Some(activity) => (&activity.options.task_queue, activity.options.priority),
                None if task.activity == 0 => (&run.task_queue, 4),
                None => continue,
            };
            let queue = self.shared.queue(&task.root, name, task.kind());
            offers.push((
                queue,
                Offer {
                    task,
                    priority,
                    sticky: None,
                },
            ));
        }
        let assigned = self.shared.workers.offer(self.context.now, offers);
        self.begin_later(assigned);
    }
}

impl Shared {
    /// Gives a task to a session. A poll may have been answered by now: then
    /// its task goes back to the queue.
    pub(super) fn hand_over(
        self: &Arc<Self>,
        session: &SessionCore,
        item: WorkItem,
        task: &TaskRef,
    ) {
        let unsent = session.push_or_return(item);
        if unsent.is_some_and(|item| item.goes_back()) {
            let tasks = vec![task.clone()];
            self.send(task.partition as usize, Input::Undelivered(tasks));
        }
    }
}

/// Whether a session can reconcile the delivery of a message.
fn reconciles(session: &SessionCore, root: &Root, sequence: u64) -> bool {
    let conversation = root.conversation.as_ref();
    let delivery = conversation.and_then(|c| c.deliveries.get(&sequence));
    delivery.is_some_and(|delivery| session.can_reconcile(&delivery.queue()))
}

/// The entries for a workflow task, and whether these are all: the journal
/// for a worker that has nothing, only the news for one that has issued the
/// commands itself. The worker reads the rest of a long journal itself.
fn entries_for(
    hot: &Hot,
    slot: Slot,
    previous: u64,
    page_bytes: usize,
    session: &SessionCore,
) -> (Vec<Arc<Entry>>, bool) {
    let Some(journal) = hot.journals.get(&slot) else {
        return (Vec::new(), true);
    };
    let wanted = journal
        .entries_after(previous)
        .filter(|entry| previous == 0 || is_news(entry));
    let (mut entries, complete) = page(wanted, page_bytes);
    let whole = with_input(&mut entries, page_bytes, || {
        let input = TurnInput::of(&hot.root, slot)?;
        Some(session.values.leave_out(&hot.root.key, input))
    });
    (entries, complete && whole)
}

pub(super) fn is_news(entry: &Arc<Entry>) -> bool {
    entry.event.is_notification()
}
