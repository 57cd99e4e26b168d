//! The watch over real gRPC streams that break, and calls that are retried.

mod scripted;

use std::collections::HashMap;

use everturn_client::{Code, v1};
use scripted::{Call, OpenedWatch};
use tonic_types::StatusExt as _;
use v1::watch_conversation_response::Update;

async fn send(watch: &OpenedWatch, update: Update) {
    let response = v1::WatchConversationResponse {
        update: Some(update),
    };
    watch.updates.send(Ok(response)).await.expect("open");
}

fn message(sequence: u64) -> Update {
    Update::Message(v1::Message {
        sequence,
        ..Default::default()
    })
}

fn cursor(attempt: u32, sequence: u64) -> v1::OutputCursor {
    v1::OutputCursor {
        workflow_id: "c-1/turn-1".to_owned(),
        key: "draft".to_owned(),
        attempt,
        sequence,
    }
}

fn delta(attempt: u32, sequence: u64, data: &'static str) -> Update {
    Update::OutputDelta(v1::OutputDelta {
        cursor: Some(cursor(attempt, sequence)),
        data: data.into(),
    })
}

async fn breaks(watch: OpenedWatch) {
    let broken = Err(tonic::Status::unavailable("restarting"));
    watch.updates.send(broken).await.expect("open");
}

async fn close(watch: &OpenedWatch) {
    send(watch, Update::Closed(v1::ConversationClosed::default())).await;
}

/// Reads to the end: messages by number, outputs as they change a text.
fn read(mut watch: everturn_client::Watch) -> tokio::task::JoinHandle<(Vec<u64>, String)> {
    tokio::spawn(async move {
        let (mut messages, mut text) = (Vec::new(), String::new());
        while let Some(update) = watch.next().await.expect("no error") {
            match update {
                Update::Message(message) => messages.push(message.sequence),
                Update::OutputDelta(delta) => {
                    text.push_str(&String::from_utf8_lossy(&delta.data));
                }
                Update::OutputReset(_) => text.push('|'),
                _ => {}
            }
        }
        (messages, text)
    })
}

#[tokio::test]
async fn a_watch_goes_on_behind_the_last_message_it_has_seen() {
    let mut server = scripted::start().await;
    let watch = server.client.watch("c-1", 0);
    let mut connected = watch.connected();
    let reader = read(watch);
    let first = server.watches.recv().await.expect("a watch");
    assert_eq!(first.request.after_sequence, 0);
    send(&first, message(1)).await;
    send(&first, message(2)).await;
    connected.wait_for(|it| *it).await.expect("a watch");
    breaks(first).await;
    connected.wait_for(|it| !*it).await.expect("a watch");
    let second = server.watches.recv().await.expect("the watch again");
    assert_eq!(second.request.after_sequence, 2);
    send(&second, message(2)).await;
    send(&second, message(3)).await;
    close(&second).await;
    assert_eq!(reader.await.expect("no panic").0, [1, 2, 3]);
}

#[tokio::test]
async fn an_output_goes_on_behind_the_last_piece_and_repeats_nothing() {
    let mut server = scripted::start().await;
    let reader = read(server.client.watch("c-1", 0));
    let first = server.watches.recv().await.expect("a watch");
    assert!(first.request.output_cursors.is_empty());
    send(&first, delta(1, 1, "Hel")).await;
    send(&first, delta(1, 2, "lo")).await;
    breaks(first).await;
    let second = server.watches.recv().await.expect("the watch again");
    assert_eq!(second.request.output_cursors, [cursor(1, 2)]);
    // A worker says everything again to a coordinator that was restarted.
    send(&second, delta(1, 1, "Hel")).await;
    send(&second, delta(1, 2, "lo")).await;
    send(&second, delta(1, 3, ", Jo")).await;
    let begin = Some(cursor(2, 0));
    send(
        &second,
        Update::OutputReset(v1::OutputReset { cursor: begin }),
    )
    .await;
    send(&second, delta(2, 1, "Hi")).await;
    breaks(second).await;
    let third = server.watches.recv().await.expect("the watch again");
    assert_eq!(third.request.output_cursors, [cursor(2, 1)]);
    let end = Some(cursor(2, 1));
    send(&third, Update::OutputEnded(v1::OutputEnded { cursor: end })).await;
    breaks(third).await;
    let fourth = server.watches.recv().await.expect("the watch again");
    assert!(fourth.request.output_cursors.is_empty(), "it has ended");
    close(&fourth).await;
    assert_eq!(reader.await.expect("no panic").1, "Hello, Jo|Hi");
}

#[tokio::test]
async fn an_output_that_the_coordinator_has_less_of_begins_anew() {
    let mut server = scripted::start().await;
    let reader = read(server.client.watch("c-1", 0));
    let first = server.watches.recv().await.expect("a watch");
    send(&first, delta(1, 1, "Hel")).await;
    send(&first, delta(1, 2, "lo")).await;
    breaks(first).await;
    let second = server.watches.recv().await.expect("the watch again");
    let mut details = tonic_types::ErrorDetails::new();
    details.set_error_info("CURSOR_INVALID", "everturn", HashMap::new());
    let refused = tonic::Status::with_error_details(
        tonic::Code::InvalidArgument,
        "beyond the output",
        details,
    );
    second.updates.send(Err(refused)).await.expect("open");
    let third = server.watches.recv().await.expect("the watch again");
    assert!(third.request.output_cursors.is_empty());
    send(&third, delta(1, 1, "Hel")).await;
    close(&third).await;
    assert_eq!(reader.await.expect("no panic").1, "Hello|Hel");
}

#[tokio::test]
async fn a_watch_of_an_unknown_conversation_fails_at_once() {
    let server = scripted::start().await;
    let error = server.client.watch("nobody", 0).next().await;
    assert_eq!(error.expect_err("refused").code(), Code::NotFound);
}

#[tokio::test]
async fn a_call_that_is_repeated_is_the_same_call() {
    let mut server = scripted::start().await;
    let client = server.client.clone();
    let sending = tokio::spawn(async move {
        let request = v1::SendHumanMessageRequest {
            conversation_id: "c-1".to_owned(),
            ..Default::default()
        };
        client.send_human_message(request).await
    });
    let mut ids = Vec::new();
    for _ in 0..2 {
        let Some(Call::SendHumanMessage(request, reply)) = server.calls.recv().await else {
            panic!("another call");
        };
        assert_eq!(request.namespace, "default");
        ids.push(request.request_id);
        let answer = match ids.len() {
            1 => Err(tonic::Status::unavailable("restarting")),
            _ => Ok(v1::SendHumanMessageResponse {
                message_sequence: 4,
                ..Default::default()
            }),
        };
        reply.send(answer).expect("the call waits");
    }
    let sent = sending.await.expect("no panic").expect("accepted");
    assert_eq!(sent.message_sequence, 4);
    assert!(!ids[0].is_empty() && ids[0] == ids[1], "{ids:?}");
}
