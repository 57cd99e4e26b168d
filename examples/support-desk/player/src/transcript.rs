//! Follows a conversation: prints each message as it becomes durable and
//! hands the transcript to whoever waits for it.

use std::sync::Arc;
use std::time::Duration;

use everturn_client::v1;
use tokio::sync::watch;
use v1::watch_conversation_response::Update;

use crate::stage::Stage;

/// Pause before a watch that could not be opened is opened again.
const REOPEN: Duration = Duration::from_millis(200);

/// A transcript that grows while a task follows the conversation; the task
/// ends with the last receiver.
pub fn follow(
    stage: Arc<Stage>,
    conversation_id: String,
    name: &'static str,
    position: usize,
) -> watch::Receiver<Vec<v1::Message>> {
    let (sender, receiver) = watch::channel(Vec::new());
    tokio::spawn(async move {
        let mut cursor = 0;
        while !sender.is_closed() {
            let mut watch = stage.client().watch(conversation_id.as_str(), cursor);
            loop {
                let next = tokio::select! {
                    next = watch.next() => next,
                    () = sender.closed() => return,
                };
                match next {
                    Ok(Some(Update::Message(message))) => {
                        cursor = message.sequence;
                        stage.print(position, name, &message);
                        sender.send_modify(|transcript| transcript.push(message));
                    }
                    Ok(Some(Update::OutputDelta(_))) => stage.piece_seen(),
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    // The client has retried already; the demo knows that the
                    // coordinator comes back, and goes on where it was.
                    Err(_) => break,
                }
            }
            tokio::time::sleep(REOPEN).await;
        }
    });
    receiver
}
