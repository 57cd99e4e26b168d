//! Talks with a server that the test plays.

#[path = "../../../../sdk-clients/rust/tests/scripted/mod.rs"]
mod scripted;

use super::*;
use crate::chat::screen::Look;
use clap::Parser as _;
use scripted::{Call, OpenedWatch, Scripted};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(clap::Parser)]
struct Command {
    #[command(flatten)]
    args: ChatArgs,
}

type Ended = (anyhow::Result<ExitCode>, String);

/// Starts a talk whose input is these lines and then ends.
fn start(server: &Scripted, flags: &str, lines: &[&str]) -> JoinHandle<Ended> {
    let line = format!("chat c-1 --name Jo {flags}");
    let args = Command::parse_from(line.split_whitespace()).args;
    let client = server.client.clone();
    let (sender, receiver) = mpsc::channel(16);
    for line in lines {
        sender.try_send((*line).to_owned()).expect("room");
    }
    tokio::spawn(async move {
        let screen = Screen::new(Look::Plain, "Jo", "chat");
        let mut talk = Talk::new(client, args, screen, Vec::new());
        let ended = talk.run(receiver).await;
        let text = String::from_utf8(std::mem::take(&mut talk.out));
        (ended, text.expect("text"))
    })
}

async fn end_of(talk: JoinHandle<Ended>) -> (ExitCode, String) {
    let ended = tokio::time::timeout(PATIENCE, talk).await;
    let (code, text) = ended.expect("it ends").expect("no panic");
    (code.expect("no error"), text)
}

fn conversation(message_count: u64, waiting_message_count: u32) -> v1::GetConversationResponse {
    v1::GetConversationResponse {
        conversation: Some(v1::Conversation {
            conversation_type: "support".to_owned(),
            message_count,
            waiting_message_count,
            ..Default::default()
        }),
    }
}

async fn send(watch: &OpenedWatch, update: Update) {
    let response = v1::WatchConversationResponse {
        update: Some(update),
    };
    watch.updates.send(Ok(response)).await.expect("open");
}

fn message(sequence: u64, kind: v1::AuthorKind, text: &str) -> Update {
    Update::Message(v1::Message {
        sequence,
        author_kind: kind.into(),
        channel: "chat".to_owned(),
        content: Some(everturn_client::text(text)),
        ..Default::default()
    })
}

type Reply<T> = tokio::sync::oneshot::Sender<Result<T, tonic::Status>>;

/// The next message; until it comes the conversation stands as given.
async fn submitted(
    server: &mut Scripted,
    stands: &v1::GetConversationResponse,
) -> (v1::SubmitMessageRequest, Reply<v1::SubmitMessageResponse>) {
    loop {
        match server.calls.recv().await.expect("a call") {
            Call::SubmitMessage(request, reply) => return (request, reply),
            Call::GetConversation(_, reply) => {
                let _ = reply.send(Ok(stands.clone()));
            }
            Call::SendHumanMessage(..) => panic!("nobody says that"),
        }
    }
}

/// From here on the conversation stands as given.
fn stand(mut server: Scripted, stands: v1::GetConversationResponse) {
    tokio::spawn(async move {
        while let Some(call) = server.calls.recv().await {
            if let Call::GetConversation(_, reply) = call {
                let _ = reply.send(Ok(stands.clone()));
            }
        }
    });
}

#[tokio::test]
async fn a_pipe_opens_the_conversation_and_ends_with_the_answer() {
    let mut server = scripted::start().await;
    let lines = ["where is it?", "/qiut"];
    let talk = start(&server, "--type support", &lines);
    let Some(Call::GetConversation(_, reply)) = server.calls.recv().await else {
        panic!("it looks first");
    };
    let unknown = tonic::Status::not_found("no such conversation");
    reply.send(Err(unknown)).expect("it waits");
    let (request, reply) = submitted(&mut server, &conversation(0, 0)).await;
    assert_eq!(request.conversation_type, "support");
    assert_eq!(request.author_name, "Jo");
    let accepted = v1::SubmitMessageResponse::default();
    reply.send(Ok(accepted)).expect("it waits");
    let watch = server.watches.recv().await.expect("it follows");
    let own = message(1, v1::AuthorKind::Customer, "where is it?");
    send(&watch, own).await;
    stand(server, conversation(2, 0));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!talk.is_finished(), "the answer was not shown yet");
    send(&watch, message(2, v1::AuthorKind::Agent, "On its way.")).await;
    let (code, text) = end_of(talk).await;
    assert_eq!(code, ExitCode::SUCCESS);
    assert_eq!(
        text,
        "-- a new conversation: it opens with what you write\n\
         -- /qiut is no command: /help lists them\n\
         Jo: where is it?\nsupport: On its way.\n"
    );
}

#[tokio::test]
async fn a_restart_is_survived_and_nothing_is_sent_twice() {
    let mut server = scripted::start().await;
    let stands = conversation(1, 1);
    let talk = start(&server, "", &["one"]);
    let mut ids = Vec::new();
    // More often than the client tries by itself.
    for _ in 0..9 {
        let (request, reply) = submitted(&mut server, &stands).await;
        ids.push(request.provider_message_id);
        let gone = tonic::Status::unavailable("restarting");
        reply.send(Err(gone)).expect("it waits");
    }
    let (request, reply) = submitted(&mut server, &stands).await;
    let accepted = v1::SubmitMessageResponse::default();
    reply.send(Ok(accepted)).expect("it waits");
    ids.push(request.provider_message_id);
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let first = server.watches.recv().await.expect("it follows");
    send(&first, message(1, v1::AuthorKind::Customer, "one")).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let broken = Err(tonic::Status::unavailable("restarting"));
    first.updates.send(broken).await.expect("open");
    let second = server.watches.recv().await.expect("it follows again");
    assert_eq!(second.request.after_sequence, 1);
    send(&second, message(2, v1::AuthorKind::Agent, "two")).await;
    stand(server, conversation(2, 0));
    let (code, text) = end_of(talk).await;
    assert_eq!(code, ExitCode::SUCCESS);
    for line in [
        "-- not sent yet, trying on: restarting",
        "-- the connection is lost, trying again",
        "-- connected again",
        "support: two",
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line}: {text}");
    }
}

#[tokio::test]
async fn without_an_answer_the_wait_ends() {
    let mut server = scripted::start().await;
    let stands = conversation(1, 1);
    let talk = start(&server, "--wait 600ms", &["one"]);
    let (_, reply) = submitted(&mut server, &stands).await;
    let accepted = v1::SubmitMessageResponse::default();
    reply.send(Ok(accepted)).expect("it waits");
    stand(server, stands);
    let (code, text) = end_of(talk).await;
    assert_eq!(code, ExitCode::from(5));
    assert!(text.ends_with("-- no answer within 600ms\n"), "{text}");
}

#[tokio::test]
async fn a_new_conversation_needs_a_type() {
    let mut server = scripted::start().await;
    let talk = start(&server, "", &["one"]);
    let Some(Call::GetConversation(_, reply)) = server.calls.recv().await else {
        panic!("it looks first");
    };
    let unknown = tonic::Status::not_found("no such conversation");
    reply.send(Err(unknown)).expect("it waits");
    let (ended, _) = talk.await.expect("no panic");
    let error = ended.expect_err("refused");
    assert!(error.to_string().contains("--type"), "{error}");
}
