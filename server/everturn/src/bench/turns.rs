//! Scenario `turns`: one conversation per slot, each with an open watch. A
//! turn begins with SubmitMessage and ends when the watch shows the reply.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use everturn_client::{Client, Watch, v1};
use futures::stream::{FuturesUnordered, TryStreamExt as _};
use v1::watch_conversation_response::Update;

use super::Names;
use super::load::Slot;

/// Type of the conversations.
pub(crate) const CONVERSATION_TYPE: &str = "bench-turns";
/// Activities of a turn.
pub(crate) const STEPS_PER_TURN: u32 = 3;
/// Length of a customer's message.
const TEXT_BYTES: usize = 200;
/// What it is made of.
const WORDS: [&str; 64] = [
    "the",
    "order",
    "I",
    "parcel",
    "is",
    "not",
    "here",
    "yet",
    "please",
    "and",
    "refund",
    "my",
    "shoes",
    "blue",
    "size",
    "forty",
    "arrived",
    "broken",
    "yesterday",
    "when",
    "will",
    "it",
    "be",
    "delivered",
    "to",
    "address",
    "changed",
    "street",
    "number",
    "thanks",
    "hello",
    "can",
    "you",
    "cancel",
    "second",
    "item",
    "because",
    "ordered",
    "twice",
    "by",
    "mistake",
    "invoice",
    "missing",
    "email",
    "tracking",
    "says",
    "delayed",
    "since",
    "Monday",
    "what",
    "about",
    "gift",
    "card",
    "code",
    "does",
    "work",
    "at",
    "checkout",
    "larger",
    "one",
    "instead",
    "possible",
    "exchange",
    "shop",
];
/// Longest wait for a reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(30);

struct Conversation {
    client: Client,
    watch: Watch,
    request: v1::SubmitMessageRequest,
    submitted: u64,
}

/// Opens the conversations: a first turn in each, then the watch stays open.
pub(crate) async fn open(
    count: usize,
    client_of: impl Fn(usize) -> Client,
    names: &Names,
) -> anyhow::Result<Vec<Box<dyn Slot>>> {
    eprintln!("opening {count} conversations");
    let opening: FuturesUnordered<_> = (0..count)
        .map(|slot| Conversation::open(client_of(slot), slot, names))
        .collect();
    opening
        .map_ok(|conversation| Box::new(conversation) as Box<dyn Slot>)
        .try_collect()
        .await
}

/// What a customer writes: other words each time, as stores pack what repeats.
fn written() -> String {
    let mut text = String::with_capacity(TEXT_BYTES + 16);
    while text.len() < TEXT_BYTES {
        let word = WORDS[rand::random_range(0..WORDS.len())];
        text.push_str(word);
        text.push(' ');
    }
    text.truncate(TEXT_BYTES);
    text
}

impl Conversation {
    async fn open(client: Client, slot: usize, names: &Names) -> anyhow::Result<Self> {
        let conversation_id = format!("{}-{slot}", names.prefix);
        let request = v1::SubmitMessageRequest {
            conversation_id: conversation_id.clone(),
            conversation_type: CONVERSATION_TYPE.to_owned(),
            channel: "chat".to_owned(),
            task_queue: names.queue.clone(),
            ..Default::default()
        };
        let mut conversation = Self {
            watch: client.watch(conversation_id, 0),
            client,
            request,
            submitted: 0,
        };
        // The first message opens the conversation: with as many turns as the
        // bench can make.
        let mut opening = conversation.next_request();
        // Its code writes a state of this size, and no turn changes it.
        if names.state_bytes > 0
            && let Some(content) = &mut opening.content
        {
            content.data = everturn_client::json(&names.state_bytes).ok();
        }
        opening.turn_policy = Some(v1::TurnPolicy {
            turn_cap: Some(v1::TurnCap::default()),
            ..Default::default()
        });
        conversation.client.submit_message(opening).await?;
        conversation.reply().await?;
        Ok(conversation)
    }

    fn next_request(&mut self) -> v1::SubmitMessageRequest {
        self.submitted += 1;
        let mut request = self.request.clone();
        request.provider_message_id = self.submitted.to_string();
        request.content = Some(everturn_client::text(written()));
        request
    }

    async fn reply(&mut self) -> anyhow::Result<()> {
        tokio::time::timeout(REPLY_TIMEOUT, see_reply(&mut self.watch))
            .await
            .context("no reply in time")?
    }

    async fn turn(&mut self) -> anyhow::Result<()> {
        let request = self.next_request();
        let submit = async {
            self.client.submit_message(request).await?;
            Ok(())
        };
        let reply = async {
            tokio::time::timeout(REPLY_TIMEOUT, see_reply(&mut self.watch))
                .await
                .context("no reply in time")?
        };
        tokio::try_join!(submit, reply)?;
        Ok(())
    }
}

/// Reads on until the agent has spoken. One message is under way at a time,
/// so the next reply is the one to it.
pub(super) async fn see_reply(watch: &mut Watch) -> anyhow::Result<()> {
    loop {
        match watch.next().await? {
            Some(Update::Message(message)) if message.author_kind() == v1::AuthorKind::Agent => {
                return Ok(());
            }
            Some(_) => {}
            None => anyhow::bail!("the conversation was closed"),
        }
    }
}

impl Slot for Conversation {
    fn once(&mut self) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + '_>> {
        Box::pin(self.turn())
    }
}
