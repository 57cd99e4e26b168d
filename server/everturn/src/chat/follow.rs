//! Following the conversation, in a task of its own: what is slow elsewhere
//! never disturbs a reconnect.

use everturn_client::{Client, Error};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use everturn_client::v1::watch_conversation_response::Update;

/// Updates that wait to be shown.
const UPDATES_MAX: usize = 256;

/// What was seen of the conversation.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are updates")]
pub(crate) enum Seen {
    /// Something happened in it.
    Update(Update),
    /// The connection was lost.
    Lost,
    /// A lost connection was made again.
    Found,
}

/// A conversation that is being followed; ends when dropped.
pub(crate) struct Follow {
    seen: mpsc::Receiver<Result<Seen, Error>>,
    task: JoinHandle<()>,
}

impl Follow {
    pub(crate) fn start(client: &Client, conversation_id: &str) -> Self {
        let (sender, seen) = mpsc::channel(UPDATES_MAX);
        let task = tokio::spawn(follow(client.clone(), conversation_id.to_owned(), sender));
        Self { seen, task }
    }

    /// What was seen next; `None` once the conversation is closed. Pending
    /// for ever while there is nothing to follow.
    pub(crate) async fn next(follow: &mut Option<Self>) -> Option<Result<Seen, Error>> {
        match follow {
            Some(follow) => follow.seen.recv().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Follow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(
    client: Client,
    conversation_id: String,
    sender: mpsc::Sender<Result<Seen, Error>>,
) {
    let mut watch = client.watch(conversation_id, 0);
    let mut connected = watch.connected();
    let mut was_connected = false;
    loop {
        let seen = tokio::select! {
            update = watch.next() => match update {
                Ok(Some(update)) => Ok(Seen::Update(update)),
                Ok(None) => return,
                Err(error) => Err(error),
            },
            Ok(()) = connected.changed() => {
                let is_connected = *connected.borrow_and_update();
                // The first connection is no news.
                if !std::mem::replace(&mut was_connected, true) {
                    continue;
                }
                Ok(if is_connected { Seen::Found } else { Seen::Lost })
            }
        };
        let is_last = seen.is_err();
        if sender.send(seen).await.is_err() || is_last {
            return;
        }
    }
}
