//! Effects: carried out once their events are durable.

use std::sync::Arc;

use everturn_dispatch::{Offer, QueueKey, TaskKind};
use everturn_engine::decide::ActivityToken;
use everturn_engine::effect::{Effect, TurnActivity};
use everturn_engine::event::{RunId, Slot};
use everturn_engine::text::{RootKey, Text};
use everturn_engine::value::AuthorKind;

use crate::assignments::Assigned;
use crate::errand::{MergeErrand, SignalErrand};
use crate::metrics::Metrics;
use crate::partition::{Input, Partition, Shared};
use crate::record::{DeliveryRecord, RunRecord, without_messages};
use crate::task::WorkItem;
use crate::task_ref::TaskRef;
use crate::typing::{Typing, TypingNotice};
use crate::watch::{Access, Told, Update};

impl Partition {
    /// Carries out effects; tasks are offered together.
    pub(super) fn carry_out(&mut self, effects: Vec<(RootKey, Effect)>) {
        let mut offers = Vec::new();
        for (key, effect) in effects {
            match effect {
                Effect::OfferWorkflowTask { slot, queue } => {
                    let sticky = self.roots.get(&key).and_then(|hot| hot.sticky.get(&slot));
                    let offer = Offer {
                        task: TaskRef::of_run(self.number, &key, slot),
                        priority: everturn_engine::policy::ActivityOptions::PRIORITY,
                        sticky: sticky.map(|session| session.id),
                    };
                    offers.push((self.shared.queue(&key, &queue, TaskKind::Workflow), offer));
                }
                Effect::OfferActivity {
                    slot,
                    activity,
                    attempt,
                    queue,
                    priority,
                } => {
                    let task = TaskRef {
                        partition: self.number,
                        root: key.clone(),
                        slot,
                        activity,
                        attempt,
                    };
                    let offer = Offer {
                        task,
                        priority,
                        sticky: None,
                    };
                    offers.push((self.shared.queue(&key, &queue, TaskKind::Activity), offer));
                }
                other => self.carry_out_one(&key, other),
            }
        }
        if !offers.is_empty() {
            let assigned = self.shared.workers.offer(self.context.now, offers);
            self.begin_assigned(assigned);
        }
    }

    /// Begins what was given out here; tasks of other partitions go there.
    pub(super) fn begin_assigned(&mut self, assigned: Vec<Assigned>) {
        let number = self.number;
        let (ours, others): (Vec<_>, Vec<_>) = assigned
            .into_iter()
            .partition(|assigned| assigned.task.partition == number);
        self.shared.route(others);
        self.begin_all(ours);
    }

    fn carry_out_one(&mut self, key: &RootKey, effect: Effect) {
        match effect {
            Effect::CancelActivity {
                slot,
                activity,
                attempt,
                epoch,
                fenced,
            } => {
                let token = ActivityToken {
                    slot,
                    activity,
                    attempt,
                    epoch,
                };
                self.cancel_activity(key, token, fenced);
            }
            Effect::RunClosed { slot, run_id } => self.run_closed(key, slot, run_id),
            Effect::MessageAdded(message) => {
                let metrics = &self.shared.metrics;
                let customers = message.turn == 0;
                let counter = if customers {
                    &metrics.messages_received
                } else {
                    &metrics.messages_sent
                };
                Metrics::add(counter, 1);
                let delivery = self.delivery_of(key, message.sequence);
                self.tell_watchers(key, &Update::Message(message, delivery));
            }
            Effect::DeliveryMoved { sequence } => {
                self.release_delivery(key, sequence);
                if let Some(delivery) = self.delivery_of(key, sequence) {
                    self.tell_watchers(key, &Update::Delivery(sequence, delivery));
                }
            }
            Effect::ConversationChanged => self.access_changed(key),
            Effect::Erased => {
                if let Some(hot) = self.roots.get_mut(key) {
                    hot.sticky.clear();
                    hot.holders.clear();
                    hot.waiters.clear();
                }
                let reason = "the conversation was erased".into();
                self.tell_watchers(key, &Update::Closed { reason });
                self.watchers.remove(key);
            }
            Effect::TurnChanged { number, activity } => {
                self.tell_watchers(key, &Update::TurnChanged { number, activity });
                self.show_typing(key, activity == Some(TurnActivity::Running));
            }
            Effect::ConversationClosed { reason } => {
                self.tell_watchers(key, &Update::Closed { reason });
                self.watchers.remove(key);
            }
            Effect::Merge => {
                let shared = Arc::clone(&self.shared);
                let errand = MergeErrand {
                    source: key.clone(),
                };
                tokio::spawn(async move {
                    // It comes again if it fails.
                    if let Err(error) = errand.run(&shared).await {
                        tracing::debug!(%error, "a merge is carried on later");
                    }
                });
            }
            signal @ Effect::SendSignal { .. } => self.send_signal(key, signal),
            Effect::OfferWorkflowTask { .. } | Effect::OfferActivity { .. } => {
                unreachable!("offers were taken out before")
            }
        }
    }

    /// While a turn works on an answer an agent types.
    fn show_typing(&self, key: &RootKey, is_typing: bool) {
        let adapters = &self.shared.workers.typing;
        let hot = self.roots.get(key).filter(|_| !adapters.is_empty());
        let Some(conversation) = hot.and_then(|hot| hot.root.conversation.as_ref()) else {
            return;
        };
        let turn = conversation.turn.as_ref();
        let channel = turn.map_or(&conversation.reply_channel, |turn| &turn.reply_channel);
        let address = conversation.addresses.get(channel);
        if let Some(address) = address.filter(|_| conversation.is_active() || !is_typing) {
            adapters.tell(TypingNotice {
                conversation: key.clone(),
                address: address.clone(),
                typing: Typing {
                    author: AuthorKind::Agent,
                    author_name: Text::default(),
                    channel: channel.clone(),
                    is_typing,
                },
            });
        }
    }

    fn send_signal(&self, key: &RootKey, effect: Effect) {
        let Effect::SendSignal {
            slot,
            signal,
            workflow_id,
            name,
            input,
        } = effect
        else {
            return;
        };
        let hot = self.roots.get(key);
        let Some(run) = hot.and_then(|hot| hot.root.runs.get(&slot)) else {
            return;
        };
        let errand = SignalErrand {
            sender: key.clone(),
            slot,
            signal,
            run_id: run.run_id,
            workflow_id,
            name,
            input,
        };
        tokio::spawn(errand.run(Arc::clone(&self.shared)));
    }

    fn cancel_activity(&mut self, key: &RootKey, token: ActivityToken, fenced: bool) {
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        let holder = (token.slot, token.activity);
        let session = if fenced {
            hot.holders.remove(&holder)
        } else {
            hot.holders.get(&holder).cloned()
        };
        let Some(session) = session else {
            return;
        };
        if fenced {
            let task = TaskRef::of_activity(self.number, key, token);
            self.shared.workers.settle(&[(session.id, task)]);
        }
        session.push(WorkItem::Cancel {
            root: key.clone(),
            token,
            fenced,
        });
    }

    /// The adapter of a delivery that is over has been told so, if it had to
    /// be: it has it no longer.
    fn release_delivery(&mut self, key: &RootKey, sequence: u64) {
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        let conversation = hot.root.conversation.as_ref();
        let delivery = conversation.and_then(|c| c.deliveries.get(&sequence));
        if delivery.is_none_or(|delivery| delivery.holder.is_none()) {
            hot.holders.remove(&(0, sequence));
        }
    }

    fn run_closed(&mut self, key: &RootKey, slot: Slot, run_id: RunId) {
        let Some(hot) = self.roots.get_mut(key) else {
            return;
        };
        hot.holders.retain(|(run, _), _| *run != slot);
        if let Some(session) = hot.sticky.remove(&slot) {
            session.push(WorkItem::Evict(run_id));
        }
        // One that was erased leaves nothing to tell.
        let Some(run) = hot.root.runs.get(&slot) else {
            return;
        };
        if let Some(waiters) = hot.waiters.remove(&slot) {
            let record = RunRecord::of(&hot.root, run);
            for waiter in waiters {
                // One that gave up needs no answer.
                let _ = waiter.send(record.clone());
            }
        }
    }

    fn delivery_of(&self, key: &RootKey, sequence: u64) -> Option<Box<DeliveryRecord>> {
        let conversation = self.roots.get(key)?.root.conversation.as_ref()?;
        let delivery = conversation.deliveries.get(&sequence)?;
        Some(Box::new(DeliveryRecord::of(conversation, delivery)))
    }

    fn access_changed(&mut self, key: &RootKey) {
        let conversation = self
            .roots
            .get(key)
            .and_then(|hot| hot.root.conversation.as_ref());
        let access = conversation.map(|conversation| Access {
            pause: conversation.pause.clone(),
            handover: conversation.handover.as_ref().map(without_messages),
            budget_reached: conversation.budget_reached,
        });
        if let Some(access) = access {
            self.tell_watchers(key, &Update::Changed(Box::new(access)));
        }
    }

    pub(super) fn tell_watchers(&mut self, key: &RootKey, update: &Update) {
        let Some(watchers) = self.watchers.get_mut(key) else {
            return;
        };
        let skipped = &self.shared.metrics.watch_updates_skipped;
        watchers.retain(|watcher| {
            let told = watcher.tell(update);
            if told == Told::Skipped {
                Metrics::add(skipped, 1);
            }
            told != Told::Gone
        });
        if watchers.is_empty() {
            self.watchers.remove(key);
        }
    }
}

impl Shared {
    /// The dispatch key of a queue in a root's namespace.
    pub(crate) fn queue(
        &self,
        key: &RootKey,
        name: &everturn_engine::text::QueueName,
        kind: TaskKind,
    ) -> QueueKey {
        QueueKey {
            namespace: key.namespace.shared(),
            name: name.shared(),
            kind,
        }
    }

    /// The partition that a root belongs to.
    pub(crate) fn partition_of(&self, key: &RootKey) -> u32 {
        let hash = crate::keys::store_key(key).hash64();
        let count = self.mailboxes.len() as u64;
        u32::try_from(hash % count).unwrap_or(0)
    }

    /// Sends assigned tasks to the partitions that hold their runs.
    pub(crate) fn route(self: &Arc<Self>, assigned: Vec<Assigned>) {
        let mut by_partition: Vec<Vec<Assigned>> = Vec::new();
        by_partition.resize_with(self.mailboxes.len(), Vec::new);
        for one in assigned {
            if let Some(group) = by_partition.get_mut(one.task.partition as usize) {
                group.push(one);
            }
        }
        for (number, group) in by_partition.into_iter().enumerate() {
            if !group.is_empty() {
                self.send(number, Input::Assigned(group));
            }
        }
    }

    /// Puts something into the mailbox of a partition that must not be lost
    /// even when the mailbox is full. Bounded by what the senders hold:
    /// tasks under credits.
    pub(crate) fn send(self: &Arc<Self>, number: usize, input: Input) {
        let Some(mailbox) = self.mailboxes.get(number) else {
            return;
        };
        if let Err(tokio::sync::mpsc::error::TrySendError::Full(input)) = mailbox.try_send(input) {
            let mailbox = mailbox.clone();
            tokio::spawn(async move {
                // Fails only when the partition stopped for good.
                let _ = mailbox.send(input).await;
            });
        }
    }
}
