//! What must be true of a conversation at the end, by its transcript and its
//! journals.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use everturn_engine::decide::RunRef;
use everturn_engine::event::{DeliveryStatus, SuppressReason};
use everturn_engine::value::{AuthorKind, Message, Time};
use everturn_runtime::{DeliveryRecord, Handle, MessagePage, RunRecord};

use crate::coordinator::Coordinator;
use crate::people::{Acknowledged, Customer, Silence};
use crate::turn::{Story, listed};

/// What is known about a conversation from outside.
pub struct Seen<'a> {
    pub customer: &'a Customer,
    pub acknowledged: &'a [Acknowledged],
    pub silences: &'a [Silence],
}

impl Seen<'_> {
    /// Checks everything; what was kept in by fences, one reason each.
    pub async fn check(
        &self,
        coordinator: &Coordinator,
        runs: &[RunRecord],
    ) -> Vec<SuppressReason> {
        let MessagePage {
            messages: transcript,
            deliveries,
            ..
        } = self.page(coordinator).await;
        check_deliveries(&transcript, &deliveries);
        let customers = self.check_order(&transcript);
        self.check_silences(&transcript);
        let said = self.check_answers(&transcript);
        check_turns(runs);
        let (mut settled, mut returned) = (said, BTreeMap::new());
        let mut kept_in = Vec::new();
        for run in runs {
            let story = self.story(coordinator, run).await;
            settled.extend(settled_in(&story, run, &transcript));
            kept_in.extend(story.suppressed.iter().map(|(reason, _)| *reason));
            let closed = run.closed.expect("every turn is over");
            returned.extend(story.given.iter().map(|sequence| (*sequence, closed)));
        }
        settled.extend(taken_by_people(&transcript, &returned));
        let open: Vec<_> = customers.difference(&settled).collect();
        assert!(open.is_empty(), "{}: nobody answered {open:?}", self.id());
        kept_in
    }

    fn id(&self) -> &str {
        self.customer.key.id.as_str()
    }

    async fn page(&self, coordinator: &Coordinator) -> MessagePage {
        let read =
            async |handle: Handle| handle.messages(self.customer.key.clone(), 0, 10_000).await;
        let page = coordinator.call("messages", read).await;
        let page = page.expect("it is there");
        assert!(!page.more);
        page
    }

    /// Positions are dense, and every message is where its sender was told;
    /// the positions of the customer's messages.
    fn check_order(&self, transcript: &[Message]) -> BTreeSet<u64> {
        let mut found = HashMap::new();
        for (message, sequence) in transcript.iter().zip(1..) {
            assert_eq!(message.sequence, sequence, "positions are dense");
            if message.author == AuthorKind::Customer {
                let name = message.provider_message_id.to_string();
                let twice = found.insert(name, sequence);
                assert_eq!(twice, None, "a message is there once");
            }
        }
        for (name, sequence) in self.acknowledged {
            assert_eq!(found.get(name), Some(sequence), "{}: {name}", self.id());
        }
        assert_eq!(
            found.len(),
            self.acknowledged.len(),
            "no more than were sent"
        );
        found.into_values().collect()
    }

    /// No agent is heard while the conversation is paused or a person's.
    fn check_silences(&self, transcript: &[Message]) {
        let agents = transcript
            .iter()
            .filter(|it| it.author == AuthorKind::Agent);
        for message in agents {
            for Silence { from, until, why } in self.silences {
                let breaks = *from < message.time && message.time < *until;
                let (id, sequence) = (self.id(), message.sequence);
                assert!(!breaks, "{id}: {sequence} while the conversation was {why}");
            }
        }
    }

    /// No message is answered twice; those that are answered.
    fn check_answers(&self, transcript: &[Message]) -> BTreeSet<u64> {
        let mut answered = BTreeMap::new();
        for message in transcript
            .iter()
            .filter(|it| it.author == AuthorKind::Agent)
        {
            for sequence in listed(&message.content) {
                assert!(sequence < message.sequence, "an answer comes after");
                let twice = answered.insert(sequence, message.sequence);
                let (id, second) = (self.id(), message.sequence);
                assert_eq!(twice, None, "{id}: {second} answers {sequence} again");
            }
        }
        answered.into_keys().collect()
    }

    async fn story(&self, coordinator: &Coordinator, run: &RunRecord) -> Story {
        let read = async |handle: Handle| {
            let target = RunRef {
                workflow_id: run.workflow_id.clone(),
                run_id: Some(run.run_id),
            };
            let namespace = self.customer.key.namespace.clone();
            handle.history(namespace, target, 0, 10_000).await
        };
        let page = coordinator.call("history", read).await;
        Story::of(&page.expect("it is there").entries)
    }
}

/// What went out by the channel with an adapter has been handed over, or it is
/// known that nobody knows.
fn check_deliveries(transcript: &[Message], deliveries: &BTreeMap<u64, DeliveryRecord>) {
    let leaves = |it: &&Message| {
        it.channel.as_str() == "sms" && matches!(it.author, AuthorKind::Agent | AuthorKind::Human)
    };
    let left: Vec<u64> = transcript
        .iter()
        .filter(leaves)
        .map(|it| it.sequence)
        .collect();
    assert!(
        deliveries.keys().eq(&left),
        "one delivery for each of {left:?}"
    );
    for (sequence, delivery) in deliveries {
        let over = matches!(
            delivery.status,
            DeliveryStatus::Accepted | DeliveryStatus::Unknown
        );
        assert!(over, "{sequence}: {delivery:?}");
    }
}

/// Messages that need no answer of an agent after this turn: a fence kept
/// their answer in, or a person had the conversation meanwhile.
fn settled_in(story: &Story, run: &RunRecord, transcript: &[Message]) -> BTreeSet<u64> {
    let closed = run.closed.expect("every turn is over");
    let handed_over = transcript
        .iter()
        .any(|it| it.author == AuthorKind::System && run.started <= it.time && it.time <= closed);
    if handed_over {
        return story.given.clone();
    }
    let kept_in = |(reason, _): &&(SuppressReason, _)| {
        matches!(
            reason,
            SuppressReason::HumanOwns | SuppressReason::ConversationPaused
        )
    };
    let kept_in = story.suppressed.iter().filter(kept_in);
    kept_in.flat_map(|(_, listed)| listed.clone()).collect()
}

/// Messages that waited when a person wrote after them. `returned` says when
/// the last turn ended that was given a message.
fn taken_by_people(transcript: &[Message], returned: &BTreeMap<u64, Time>) -> Vec<u64> {
    let humans = transcript
        .iter()
        .filter(|it| it.author == AuthorKind::Human);
    let Some(last) = humans.last() else {
        return Vec::new();
    };
    let customers = transcript
        .iter()
        .filter(|it| it.author == AuthorKind::Customer);
    let before = customers
        .map(|it| it.sequence)
        .filter(|it| *it < last.sequence);
    let waited = |it: &u64| returned.get(it).is_none_or(|closed| *closed <= last.time);
    before.filter(waited).collect()
}

/// No turn began before the one before it ended.
fn check_turns(runs: &[RunRecord]) {
    for pair in runs.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let closed = before.closed.expect("only the last may be open");
        let (first, second) = (&before.workflow_id, &after.workflow_id);
        assert!(
            closed <= after.started,
            "{first} and {second} were both open"
        );
        assert_ne!(before.turn, after.turn, "{first} was started twice");
    }
}
