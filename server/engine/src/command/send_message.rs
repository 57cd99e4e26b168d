//! SendMessage: say something to the customer.

use crate::command::body::{At, Body, bound};
use crate::command::fences::message_fence;
use crate::event::{RunEvent, Slot};
use crate::limits;
use crate::rejection::Refusal;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::{AuthorKind, Message, MessageContent};

/// A message that code wants to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Channel; empty means the reply channel.
    pub channel: Text,
    /// Name of the agent; empty means the conversation type.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
}

impl Body for Draft {
    const CODE: u8 = 5;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        let conversation = at.conversation()?;
        let own = Some(&self.channel).filter(|channel| !channel.as_str().is_empty());
        let channel = own.unwrap_or(&conversation.reply_channel);
        if !conversation.addresses.contains_key(channel) {
            // No adapter delivers it.
            return Ok(());
        }
        let deliveries = conversation.deliveries.values();
        let under_way = deliveries.filter(|d| d.is_under_way()).count();
        bound(under_way, limits::DELIVERIES, "deliveries under way")
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let reason = message_fence(tx, slot);
        let Some(conversation) = &tx.root.conversation else {
            return;
        };
        let channel = or(self.channel, || conversation.reply_channel.clone());
        if let Some(reason) = reason {
            let event = RunEvent::MessageSuppressed {
                key,
                reason,
                content: self.content,
                channel,
            };
            tx.emit_run(slot, event);
            return;
        }
        let message = Message {
            sequence: conversation.message_count + 1,
            author: AuthorKind::Agent,
            author_name: or(self.author_name, || conversation.type_name.as_str().into()),
            channel,
            provider_message_id: Text::default(),
            content: self.content,
            time: tx.context.now,
            turn: conversation.turn_count,
        };
        tx.emit_run(slot, RunEvent::MessageSent { key, message });
    }
}

fn or(text: Text, default: impl FnOnce() -> Text) -> Text {
    if text.as_str().is_empty() {
        default()
    } else {
        text
    }
}
