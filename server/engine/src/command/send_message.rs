//! SendMessage: say something to the customer.

use crate::command::body::{At, Body, bound};
use crate::command::fences::fence;
use crate::decide::proactive::{is_capped, quiet_until};
use crate::event::{DeliveryStatus, RunEvent, Slot, SuppressReason};
use crate::limits;
use crate::policy::OptOut;
use crate::rejection::Refusal;
use crate::state::conversation::Conversation;
use crate::state::deadlines::Deadline;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::{AuthorKind, Change, Message, MessageContent, Time};

/// A message that code wants to send.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Channel; empty means the reply channel.
    pub channel: Text,
    /// Name of the agent; empty means the conversation type.
    pub author_name: Text,
    /// What it says.
    pub content: MessageContent,
    /// The message of ours that it changes, if it does.
    pub change: Option<Change>,
}

impl Body for Draft {
    const CODE: u8 = 5;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        let conversation = at.conversation()?;
        if let Some(change) = self.change {
            check_change(conversation, change)?;
        }
        let own = Some(&self.channel).filter(|channel| !channel.as_str().is_empty());
        let channel = own.unwrap_or_else(|| reply_channel(conversation));
        if conversation.addresses.contains_key(channel) {
            let deliveries = conversation.deliveries.values();
            let under_way = deliveries.filter(|d| d.is_under_way()).count();
            bound(under_way, limits::DELIVERIES, "deliveries under way")?;
        }
        let held = conversation.held.len();
        bound(held, limits::HELD_MESSAGES, "messages held in quiet hours")
    }

    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        self.send(tx, slot, key);
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is in the transcript.
    Sent,
    /// It leaves when the quiet hours are over.
    Held,
    /// A fence or the frequency cap keeps it in.
    KeptIn(SuppressReason),
}

impl Draft {
    /// Sends the message, unless something keeps it in.
    pub(super) fn send(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) -> Said {
        let now = tx.context.now;
        let fenced = fence(tx, slot);
        let Some(conversation) = &tx.root.conversation else {
            return Said::Sent;
        };
        let turn = conversation.turn.as_ref();
        let proactive = turn.is_some_and(|turn| turn.proactive);
        let changed = self
            .change
            .and_then(|it| conversation.deliveries.get(&it.of()));
        let channel = match changed {
            Some(delivery) => delivery.channel.clone(),
            None => or(self.channel, || reply_channel(conversation).clone()),
        };
        let kept_in = fenced.or_else(|| kept_back(conversation, &channel, proactive, now));
        if let Some(reason) = kept_in {
            let event = RunEvent::MessageSuppressed {
                key,
                reason,
                content: self.content,
                channel,
            };
            tx.emit_run(slot, event);
            return Said::KeptIn(reason);
        }
        let message = Message {
            sequence: conversation.message_count + 1,
            author: AuthorKind::Agent,
            author_name: or(self.author_name, || conversation.type_name.as_str().into()),
            channel,
            provider_message_id: Text::default(),
            content: self.content,
            time: now,
            turn: conversation.turn_count,
            address: Text::default(),
            is_automatic: false,
            is_note: false,
            change: self.change,
            origin: None,
        };
        let hours = conversation.policy.quiet_hours.as_ref();
        let (event, said) = match quiet_until(hours, now).filter(|_| proactive) {
            Some(until) => {
                let event = RunEvent::MessageHeld {
                    key,
                    message,
                    until,
                };
                tx.root.deadlines.arm(Deadline::Held, until);
                (event, Said::Held)
            }
            None => (RunEvent::MessageSent { key, message }, Said::Sent),
        };
        tx.emit_run(slot, event);
        said
    }
}

/// Checks that a message of ours can be changed: its provider has it, or is
/// just being given it.
fn check_change(conversation: &Conversation, change: Change) -> Result<(), Refusal> {
    let delivery = conversation.deliveries.get(&change.of());
    let reason = "is not a message that an adapter of this conversation has sent";
    let delivery = delivery.ok_or_else(|| Refusal::invalid("change", reason))?;
    let gone = matches!(
        delivery.status,
        DeliveryStatus::Failed | DeliveryStatus::Unknown
    );
    if gone {
        let reason = "is a message that did not reach the customer";
        return Err(Refusal::invalid("change", reason));
    }
    Ok(())
}

/// By which channel the current turn replies.
fn reply_channel(conversation: &Conversation) -> &Text {
    let turn = conversation.turn.as_ref().map(|turn| &turn.reply_channel);
    let own = turn.filter(|channel| !channel.as_str().is_empty());
    own.unwrap_or(&conversation.reply_channel)
}

/// What keeps a message back, beside the fences.
fn kept_back(
    conversation: &Conversation,
    channel: &Text,
    proactive: bool,
    now: Time,
) -> Option<SuppressReason> {
    match conversation.opt_outs.get(channel) {
        Some(OptOut::All) => return Some(SuppressReason::OptedOut),
        Some(OptOut::Proactive) if proactive => return Some(SuppressReason::OptedOut),
        _ => {}
    }
    let capped = proactive && is_capped(conversation, now);
    capped.then_some(SuppressReason::FrequencyCap)
}

fn or(text: Text, default: impl FnOnce() -> Text) -> Text {
    if text.as_str().is_empty() {
        default()
    } else {
        text
    }
}
