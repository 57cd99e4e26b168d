//! The people of a simulation: customers who write, two senders at a time,
//! and a member of staff who pauses conversations, takes them over, and changes
//! their policies.

use std::time::Duration;

use everturn_engine::decide::{
    HandBack, HandOff, Opening, SendHumanMessage, SubmitMessage, UpdateConversation,
};
use everturn_engine::policy::{OnBusy, TurnPolicy};
use everturn_engine::rejection::Rejection;
use everturn_engine::text::RootKey;
use everturn_engine::value::{Assignee, Span, Time};
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::time::sleep;

use crate::coordinator::Coordinator;
use crate::turn::{TEAM, content};

/// Messages of one sender.
const MESSAGES: usize = 14;
/// What the staff does in one conversation.
const INTERVENTIONS: usize = 3;
/// Longest time between two messages, in milliseconds.
const PAUSE_MS_MAX: u64 = 60;

/// A message that was acknowledged: its name and its position.
pub type Acknowledged = (String, u64);

/// A time in which no agent may be heard, and why.
pub struct Silence {
    /// When it was known to have begun.
    pub from: Time,
    /// When its end was asked for.
    pub until: Time,
    /// Why.
    pub why: &'static str,
}

/// A conversation: its key and what it is opened with.
#[derive(Clone)]
pub struct Customer {
    pub key: RootKey,
    pub policy: TurnPolicy,
    channel: &'static str,
}

impl Customer {
    /// One with a policy by random choices. Half of them write by a channel
    /// that has an adapter.
    pub fn random(number: usize, random: &mut StdRng) -> Self {
        let quiet = Span([0, 0, 15_000, 40_000][random.random_range(0..4)]);
        let on_busy = any_on_busy(random);
        Self {
            key: RootKey {
                namespace: "default".into(),
                id: format!("customer-{number}").into(),
            },
            policy: TurnPolicy {
                quiet,
                max_wait: Span(quiet.0 * 3),
                max_messages: random.random_range(0..4),
                on_busy,
                interrupt_grace: Span(random.random_range(10_000..200_000)),
                ..TurnPolicy::default()
            },
            channel: ["chat", "sms"][number % 2],
        }
    }

    /// Submits a message until it is acknowledged; its position.
    pub async fn say(&self, coordinator: &Coordinator, name: &str) -> u64 {
        let submit = async |handle: everturn_runtime::Handle| {
            handle
                .submit_message(self.key.clone(), self.message(name))
                .await
        };
        let accepted = coordinator.call(name, submit).await;
        accepted.expect("a message is never refused").sequence
    }

    /// Writes messages one after another.
    pub async fn write(
        self,
        coordinator: Coordinator,
        sender: usize,
        mut random: StdRng,
    ) -> Vec<Acknowledged> {
        let mut acknowledged = Vec::new();
        for number in 0..MESSAGES {
            let name = format!("{sender}-{number}");
            let sequence = self.say(&coordinator, &name).await;
            if random.random_bool(0.1) {
                let again = self.say(&coordinator, &name).await;
                assert_eq!(again, sequence, "a repeated message gets the same answer");
            }
            acknowledged.push((name, sequence));
            sleep(Duration::from_millis(random.random_range(0..PAUSE_MS_MAX))).await;
        }
        acknowledged
    }

    /// Intervenes now and then, and hands back what code has handed over.
    pub async fn attend(self, coordinator: Coordinator, mut random: StdRng) -> Vec<Silence> {
        let mut silences = Vec::new();
        for _ in 0..INTERVENTIONS {
            sleep(Duration::from_millis(random.random_range(0..300))).await;
            let silence = match random.random_range(0..5) {
                0 | 1 => self.pause(&coordinator, &mut random).await,
                2 | 3 => self.take_over(&coordinator, &mut random).await,
                _ => self.change_policy(&coordinator, &mut random).await,
            };
            silences.extend(silence);
            self.hand_back(&coordinator).await;
        }
        silences
    }

    async fn pause(&self, coordinator: &Coordinator, random: &mut StdRng) -> Option<Silence> {
        let pause = async |handle: everturn_runtime::Handle| {
            handle
                .pause_conversation(self.key.clone(), "a look".into())
                .await
        };
        let paused = coordinator.call("pause", pause).await;
        let from = coordinator.now();
        // It may not have been opened yet.
        paused.ok()?;
        sleep(Duration::from_millis(random.random_range(0..120))).await;
        let until = coordinator.now();
        let resume = async |handle: everturn_runtime::Handle| {
            handle.resume_conversation(self.key.clone()).await
        };
        let resumed = coordinator.call("resume", resume).await;
        resumed.expect("it can be resumed");
        Some(Silence {
            from,
            until,
            why: "paused",
        })
    }

    async fn take_over(&self, coordinator: &Coordinator, random: &mut StdRng) -> Option<Silence> {
        let hand_off = async |handle: everturn_runtime::Handle| {
            let request = HandOff {
                assignee: Assignee::Team(TEAM.into()),
                reason: "a look".into(),
                context: None,
            };
            handle.hand_off(self.key.clone(), request).await
        };
        let taken = coordinator.call("hand off", hand_off).await;
        let from = coordinator.now();
        // It may not have been opened yet, or code was faster.
        taken.ok()?;
        for number in 0..random.random_range(0..3) {
            sleep(Duration::from_millis(random.random_range(0..60))).await;
            let write = async |handle: everturn_runtime::Handle| {
                let request = SendHumanMessage {
                    author_name: "Kim".into(),
                    content: content("a word"),
                    channel: Default::default(),
                    request: (u64::try_from(from.0).expect("after 1970") + number).into(),
                    seen_through: 0,
                    already_sent: None,
                };
                handle.send_human_message(self.key.clone(), request).await
            };
            let written = coordinator.call("write", write).await;
            written.expect("a member of the team may write");
        }
        let until = coordinator.now();
        self.hand_back(coordinator).await;
        Some(Silence {
            from,
            until,
            why: "a person's",
        })
    }

    async fn change_policy(
        &self,
        coordinator: &Coordinator,
        random: &mut StdRng,
    ) -> Option<Silence> {
        let on_busy = any_on_busy(random);
        let update = async |handle: everturn_runtime::Handle| {
            let request = UpdateConversation {
                labels: Default::default(),
                addresses: Default::default(),
                policy: Box::new(move |policy| policy.on_busy = on_busy),
                reply_channel: Default::default(),
                type_name: Default::default(),
                task_queue: Default::default(),
                opt_outs: Default::default(),
            };
            handle.update_conversation(self.key.clone(), request).await
        };
        match coordinator.call("update", update).await {
            Ok(_) | Err(Rejection::ConversationNotFound) => None,
            Err(rejection) => panic!("update: {rejection}"),
        }
    }

    /// Hands back, if it is handed over.
    pub async fn hand_back(&self, coordinator: &Coordinator) {
        let hand_back = async |handle: everturn_runtime::Handle| {
            handle
                .hand_back(self.key.clone(), HandBack::default())
                .await
        };
        match coordinator.call("hand back", hand_back).await {
            Ok(()) | Err(Rejection::NotHandedOff | Rejection::ConversationNotFound) => {}
            Err(rejection) => panic!("hand back: {rejection}"),
        }
    }

    fn message(&self, name: &str) -> SubmitMessage {
        SubmitMessage {
            opening: Opening {
                type_name: "chat".into(),
                task_queue: "default".into(),
                policy: self.policy.clone(),
                labels: Default::default(),
                retention: None,
            },
            channel: self.channel.into(),
            provider_message_id: name.into(),
            author_name: Default::default(),
            content: content("hello"),
            customer_address: if self.channel == "sms" { "+1" } else { "" }.into(),
            is_automatic: false,
            opt_out: None,
        }
    }
}

fn any_on_busy(random: &mut StdRng) -> OnBusy {
    let all = [OnBusy::Queue, OnBusy::Interrupt, OnBusy::Steer];
    all[random.random_range(0..all.len())]
}
