//! Customers, not only conversations: an address keeps its one conversation,
//! and a merge loses nothing, while the coordinator is killed; bad calls are
//! refused for what they are.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use everturn_client::{Client, v1};
use everturn_tests::coordinator::Coordinator;
use everturn_tests::refusal::{fields_refused, limit_refused, refused};
use everturn_tests::{calls, eventually, seed};
use rand::RngExt as _;
use tokio::task::JoinSet;
use tonic::Code;

const ADDRESSES: usize = 40;
const MESSAGES: usize = 30;
const MERGES: usize = 20;
const KILLS: usize = 8;
const DEADLINE: Duration = Duration::from_secs(60);
/// A small memory: roots are written, evicted and loaded all the time.
const OPTIONS: [&str; 6] = [
    "--flush-interval",
    "100ms",
    "--evict-after",
    "200ms",
    "--log",
    "warn",
];

fn from(address: &str, number: usize) -> v1::SubmitMessageRequest {
    v1::SubmitMessageRequest {
        conversation_id: String::new(),
        channel: String::new(),
        from: Some(v1::Contact {
            channel: "sms".to_owned(),
            address: address.to_owned(),
        }),
        ..calls::message("", "t", &format!("m-{number}"), &number.to_string())
    }
}

/// Sends the messages of an address, each of them twice and at once; which
/// conversations had them.
async fn write(client: Client, address: String) -> (String, BTreeSet<String>) {
    let mut conversations = BTreeSet::new();
    for number in 0..MESSAGES {
        let request = from(&address, number);
        let submit = || client.submit_message(request.clone());
        let name = format!("{address}/{number}");
        let (one, other) = tokio::join!(
            calls::answered(&name, submit),
            calls::answered(&name, submit)
        );
        assert_eq!(one.message_sequence, other.message_sequence, "{name}");
        conversations.extend([one.conversation_id, other.conversation_id]);
    }
    (address, conversations)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_one_conversation_while_the_coordinator_is_killed() {
    let mut random = seed::random("contacts");
    let mut coordinator = Coordinator::start(&OPTIONS).await;
    let client = coordinator.client();
    let mut writers = JoinSet::new();
    for number in 0..ADDRESSES {
        writers.spawn(write(client.clone(), format!("+{number}")));
    }
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..250))).await;
        coordinator.kill().await;
        coordinator.restart().await;
    }
    while let Some(written) = writers.join_next().await {
        let (address, conversations) = written.expect("no writer fails");
        assert_eq!(conversations.len(), 1, "{address}: {conversations:?}");
        let id = conversations.first().expect("there is one");
        let said = calls::transcript(&client, id).await;
        let texts: Vec<String> = said
            .iter()
            .map(|it| it.content.clone().unwrap_or_default().text)
            .collect();
        let expected: Vec<String> = (0..MESSAGES).map(|it| it.to_string()).collect();
        assert_eq!(texts, expected, "{address}");
    }
}

/// Opens a conversation with this many messages.
async fn open(client: &Client, id: &str, count: usize) {
    for number in 0..count {
        let text = format!("{id} {number}");
        let request = calls::message(id, "t", &text, &text);
        let submit = || client.submit_message(request.clone());
        calls::answered(&text, submit).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merges_lose_nothing_while_the_coordinator_is_killed() {
    let mut random = seed::random("merges");
    let mut coordinator = Coordinator::start(&OPTIONS).await;
    let client = coordinator.client();
    for number in 0..MERGES {
        open(&client, &format!("from-{number}"), 3).await;
        open(&client, &format!("into-{number}"), 2).await;
    }
    let mut merges = JoinSet::new();
    for number in 0..MERGES {
        let client = client.clone();
        merges.spawn(async move {
            let request = v1::MergeConversationsRequest {
                conversation_id: format!("from-{number}"),
                into_conversation_id: format!("into-{number}"),
                ..Default::default()
            };
            let merge = || client.merge_conversations(request.clone());
            calls::answered("a merge", merge).await;
        });
    }
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(random.random_range(0..40))).await;
        coordinator.kill().await;
        coordinator.restart().await;
    }
    while let Some(merged) = merges.join_next().await {
        merged.expect("no merge fails");
    }
    for number in 0..MERGES {
        let id = format!("into-{number}");
        let what = format!("{id} has everything");
        let said = eventually(DEADLINE, &what, async || {
            let said = calls::transcript(&client, &id).await;
            (said.len() >= 5).then_some(said)
        })
        .await;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for message in &said {
            *counts
                .entry(message.content.clone().unwrap_or_default().text)
                .or_default() += 1;
        }
        assert_eq!(counts.len(), 5, "{id}: {counts:?}");
        assert!(counts.values().all(|count| *count == 1), "{id}: {counts:?}");
        let conversation = client.conversation(&id).await.expect("it exists");
        // Nobody has answered; one turn runs with what was there first.
        assert!(conversation.unanswered_since_time.is_some(), "{id}");
    }
}

#[tokio::test]
async fn calls_about_customers_are_refused_for_what_they_are() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let mut service = coordinator.conversations();
    open(&client, "c", 1).await;
    let both = v1::SubmitMessageRequest {
        conversation_id: "c".to_owned(),
        ..from("+1", 1)
    };
    fields_refused(service.submit_message(both).await, &["conversation_id"]);
    let empty = v1::SubmitMessageRequest {
        from: Some(v1::Contact::default()),
        ..from("+1", 1)
    };
    let fields = ["from.channel", "from.address"];
    fields_refused(service.submit_message(empty).await, &fields);
    let untyped = v1::SubmitMessageRequest {
        conversation_type: String::new(),
        ..from("+1", 1)
    };
    fields_refused(
        service.submit_message(untyped).await,
        &["conversation_type"],
    );
    let merge = |from: &str, into: &str| v1::MergeConversationsRequest {
        conversation_id: from.to_owned(),
        into_conversation_id: into.to_owned(),
        ..Default::default()
    };
    let field = ["into_conversation_id"];
    fields_refused(service.merge_conversations(merge("c", "c")).await, &field);
    for (from, into) in [("c", "nobody"), ("nobody", "c")] {
        let answer = service.merge_conversations(merge(from, into)).await;
        refused(answer, Code::NotFound, "CONVERSATION_NOT_FOUND");
    }
    let link = v1::LinkAddressRequest {
        conversation_id: "nobody".to_owned(),
        contact: from("+1", 1).from,
        ..Default::default()
    };
    let answer = service.link_address(link).await;
    refused(answer, Code::NotFound, "CONVERSATION_NOT_FOUND");
    let typing = v1::SubmitTypingRequest {
        author_kind: v1::AuthorKind::System.into(),
        ..Default::default()
    };
    let fields = ["author_kind", "conversation_id"];
    fields_refused(service.submit_typing(typing).await, &fields);
    // Nothing of it has left a trace.
    assert_eq!(calls::transcript(&client, "c").await.len(), 1);
    assert!(
        client
            .conversation("c")
            .await
            .expect("it exists")
            .merged_into_conversation_id
            .is_empty()
    );
}

fn import(count: usize, after_sequence: u64) -> v1::ImportConversationRequest {
    let message = v1::ImportedMessage {
        author_kind: v1::AuthorKind::Customer.into(),
        channel: "chat".to_owned(),
        content: Some(everturn_client::text("old")),
        create_time: Some(prost_types::Timestamp::default()),
        ..Default::default()
    };
    v1::ImportConversationRequest {
        conversation_id: "imported".to_owned(),
        conversation_type: "t".to_owned(),
        messages: vec![message; count],
        after_sequence,
        ..Default::default()
    }
}

#[tokio::test]
async fn an_import_is_taken_in_parts_and_up_to_its_bound() {
    let coordinator = Coordinator::start(&[]).await;
    let mut service = coordinator.conversations();
    let refused_import = service.import_conversation(import(10_001, 0)).await;
    fields_refused(refused_import, &["messages"]);
    let nothing = v1::ImportConversationRequest {
        messages: vec![v1::ImportedMessage::default()],
        ..import(0, 0)
    };
    let fields = [
        "messages[0].author_kind",
        "messages[0].content",
        "messages[0].create_time",
    ];
    fields_refused(service.import_conversation(nothing).await, &fields);
    let late = service.import_conversation(import(1, 5)).await;
    refused(late, Code::NotFound, "CONVERSATION_NOT_FOUND");

    for after_sequence in (0..10_000).step_by(500) {
        for _ in 0..2 {
            let part = service
                .import_conversation(import(500, after_sequence))
                .await;
            let count = part.expect("taken").into_inner().message_count;
            assert_eq!(count, after_sequence + 500);
        }
    }
    for after_sequence in [10_000, u64::MAX] {
        limit_refused(service.import_conversation(import(1, after_sequence)).await);
    }
    let gap = service.import_conversation(import(1, 9_999)).await;
    assert_eq!(gap.expect("it is there").into_inner().message_count, 10_000);
    let client = coordinator.client();
    let conversation = client.conversation("imported").await.expect("it exists");
    assert_eq!(conversation.message_count, 10_000);
    assert_eq!(conversation.turn_count, 0);
    let at_once = v1::ImportConversationRequest {
        conversation_id: "at-once".to_owned(),
        ..import(10_000, 0)
    };
    let whole = service.import_conversation(at_once).await;
    assert_eq!(whole.expect("taken").into_inner().message_count, 10_000);
    assert_eq!(calls::transcript(&client, "at-once").await.len(), 10_000);

    open(&client, "written", 1).await;
    let written = v1::ImportConversationRequest {
        conversation_id: "written".to_owned(),
        ..import(2, 0)
    };
    let exists = service.import_conversation(written).await;
    let details = refused(exists, Code::AlreadyExists, "CONVERSATION_EXISTS");
    let metadata = details.error_info().map(|info| info.metadata.clone());
    assert_eq!(metadata.unwrap_or_default()["message_count"], "1");
}
