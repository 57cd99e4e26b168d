//! What must hold of transcripts and journals, whatever happened.

use std::collections::{HashMap, HashSet};

use everturn_client::v1;
use v1::history_event::Kind;

use crate::calls;
use crate::coordinator::Coordinator;
use crate::load::QUESTION;

/// A message as its submitter knows it: provider message id and the position
/// that was acknowledged.
pub type Acknowledged = (String, u64);

/// Checks a transcript of the load against what was acknowledged: every
/// acknowledged message is where it was said to be and nowhere else, and each
/// is answered by exactly one reply of exactly one turn.
///
/// # Panics
/// When something does not hold.
pub fn load_transcript(id: &str, messages: &[v1::Message], acknowledged: &[Acknowledged]) {
    positions(id, messages);
    let mut inbound: HashMap<&str, u64> = HashMap::new();
    let mut answered: HashSet<u64> = HashSet::new();
    let mut turns: HashSet<u64> = HashSet::new();
    for message in messages {
        let text = message.content.clone().unwrap_or_default().text;
        match message.author_kind() {
            v1::AuthorKind::Customer => {
                let twice = inbound.insert(&message.provider_message_id, message.sequence);
                let name = &message.provider_message_id;
                assert_eq!(twice, None, "{id}: {name} is there twice");
            }
            v1::AuthorKind::Agent if text == QUESTION => {}
            v1::AuthorKind::Agent => {
                let first = turns.insert(message.turn);
                assert!(first, "{id}: turn {} replied twice", message.turn);
                let given: Vec<u64> = serde_json::from_str(&text).expect("a reply of the load");
                for sequence in given {
                    assert!(sequence < message.sequence, "{id}: answered before it came");
                    let first = answered.insert(sequence);
                    assert!(first, "{id}: message {sequence} was answered twice");
                }
            }
            other => panic!("{id}: unexpected author {other:?}"),
        }
    }
    for (name, sequence) in acknowledged {
        let found = inbound.get(name.as_str());
        assert_eq!(found, Some(sequence), "{id}: acknowledged message {name}");
    }
    let all: HashSet<u64> = inbound.values().copied().collect();
    assert_eq!(answered, all, "{id}: every message is answered once");
}

/// Checks that positions are dense and that time does not go back.
///
/// # Panics
/// When they are not.
pub fn positions(id: &str, messages: &[v1::Message]) {
    let mut last_time = (0, 0);
    for (message, sequence) in messages.iter().zip(1..) {
        assert_eq!(message.sequence, sequence, "{id}: positions are dense");
        let time = message.create_time.expect("every message has a time");
        let time = (time.seconds, time.nanos);
        assert!(last_time <= time, "{id}: time went back at {sequence}");
        last_time = time;
    }
}

/// Checks a journal: ids are dense, time does not go back, keys are unique,
/// every step ends at most once and after it began, and nothing follows the
/// close.
///
/// # Panics
/// When something does not hold.
pub fn journal(id: &str, events: &[v1::HistoryEvent]) {
    let first = events.first().and_then(|event| event.kind.as_ref());
    assert!(
        matches!(first, Some(Kind::RunStarted(_))),
        "{id}: {first:?}"
    );
    let mut begun: HashSet<&str> = HashSet::new();
    let mut ended: HashSet<&str> = HashSet::new();
    let mut closed = false;
    let mut last_time = (0, 0);
    for (event, event_id) in events.iter().zip(1..) {
        assert_eq!(event.id, event_id, "{id}: ids are dense");
        assert!(!closed, "{id}: event {event_id} follows the close");
        let time = event.time.expect("every event has a time");
        assert!(
            last_time <= (time.seconds, time.nanos),
            "{id}: time went back"
        );
        last_time = (time.seconds, time.nanos);
        let kind = event.kind.as_ref().expect("every event has a kind");
        if let Some(key) = begins(kind) {
            assert!(begun.insert(key), "{id}: key {key} is used twice");
        }
        if let Some(key) = ends(kind) {
            assert!(begun.contains(key), "{id}: {key} ended before it began");
            assert!(ended.insert(key), "{id}: {key} ended twice");
        }
        if let Kind::ActivityAttemptFailed(it) = kind {
            let over = ended.contains(it.key.as_str());
            assert!(!over, "{id}: an attempt of {} failed after its end", it.key);
        }
        closed = matches!(kind, Kind::RunClosed(_));
    }
}

/// The key that an event records.
fn begins(kind: &Kind) -> Option<&str> {
    Some(match kind {
        Kind::ActivityScheduled(it) => &it.key,
        Kind::TimerStarted(it) => &it.key,
        Kind::ChildStarted(it) => &it.key,
        Kind::LocalRecorded(it) => &it.key,
        Kind::MessageSent(it) => &it.key,
        Kind::MessageSuppressed(it) => &it.key,
        Kind::AskOpened(it) => &it.key,
        Kind::StateSet(it) => &it.key,
        Kind::SignalScheduled(it) => &it.key,
        Kind::ApprovalRequested(it) => &it.key,
        Kind::HandedOff(it) => &it.key,
        _ => return None,
    })
}

/// The key of the step that an event ends.
fn ends(kind: &Kind) -> Option<&str> {
    Some(match kind {
        Kind::ActivityCompleted(it) => &it.key,
        Kind::ActivityFailed(it) => &it.key,
        Kind::TimerFired(it) => &it.key,
        Kind::ChildClosed(it) => &it.key,
        Kind::AskAnswered(it) => &it.key,
        Kind::SignalDelivered(it) => &it.key,
        Kind::ApprovalDecided(it) => &it.key,
        Kind::HandedBack(it) => &it.key,
        _ => return None,
    })
}

/// Checks that a coordinator wrote nothing at all.
///
/// # Panics
/// When it did.
pub async fn nothing_was_written(coordinator: &Coordinator) {
    assert_eq!(
        coordinator.metric("everturn_log_transitions_total").await,
        0.0
    );
    let client = coordinator.client();
    let listed = client.list_conversations(v1::ListConversationsRequest::default());
    assert_eq!(listed.await.expect("listed").conversations, []);
    assert_eq!(calls::all_runs(&client).await, []);
}
