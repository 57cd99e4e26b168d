//! What a customer does and what must come of it.

use std::time::Duration;

use everturn_client::v1;

/// A customer: who they are, and their script.
#[derive(Clone, Debug)]
pub struct Customer {
    /// First name; the conversation is `demo-<name>`.
    pub name: &'static str,
    /// Channel of their messages, unless a step says otherwise.
    pub channel: &'static str,
    /// What they do, in order.
    pub steps: Vec<Step>,
    /// Number of turns that their messages and events must make.
    pub turns: u64,
    /// How many of them newer messages interrupt.
    pub interrupted: u64,
    /// What their conversation has instead of its type's policy when it opens.
    pub opening: v1::TurnPolicy,
    /// What must have happened beside the messages.
    pub evidence: Vec<Evidence>,
}

/// Something that journals and books must show.
#[derive(Clone, Debug)]
pub enum Evidence {
    /// The order with this number was canceled.
    Canceled(&'static str),
    /// The cancellation of the order with this number was undone.
    Undone(&'static str),
    /// Agents that write first waited for the end of quiet hours.
    Held,
    /// The budget was used up, and a person raised it.
    Raised {
        /// From so many millionths of a pound.
        from: u64,
        /// To so many.
        to: u64,
    },
}

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Step {
    /// Writes messages, without waiting in between.
    Say(&'static [&'static str]),
    /// Writes one message by another channel.
    SayBy(&'static str, &'static str),
    /// The provider delivers the last message once more: the answer must be
    /// the same, and nothing may come of it.
    Repeat,
    /// Does nothing for a while.
    Pause(Duration),
    /// Waits until the coordinator was killed for the first time.
    AwaitKill,
    /// Waits for the next message of the shop's agents.
    Expect(Reply),
    /// Waits until a turn is at work, so that the next message interrupts it.
    AwaitTurn,
    /// Something happens that the shop's software reports: type and payload.
    Event(&'static str, &'static str),
    /// A person of the shop reads along from here on and writes this, once
    /// the agents have handed over.
    Person(&'static str),
    /// The person hands back to the agents.
    HandBack,
    /// A person approves what the conversation waits for.
    Approve,
    /// A person raises the budget that the conversation has used up, to so
    /// many millionths of a pound.
    Raise(u64),
    /// What was reported waits, for this long, because of quiet hours.
    Wait(Duration),
    /// Quiet hours are over.
    Morning,
}

/// What the next message of the shop must be like.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// Texts that it must hold, in any case of letters.
    pub with: &'static [&'static str],
    /// Texts that it must not hold.
    pub without: &'static [&'static str],
    /// Channel it must come by; `None` means any.
    pub channel: Option<&'static str>,
}

impl Reply {
    /// What is wrong with a message; empty if it is as expected.
    pub fn objections(&self, channel: &str, text: &str) -> Vec<String> {
        let lower = text.to_lowercase();
        let mut found = Vec::new();
        for part in self.with {
            if !lower.contains(&part.to_lowercase()) {
                found.push(format!("{text:?} does not say {part:?}"));
            }
        }
        for part in self.without {
            if lower.contains(&part.to_lowercase()) {
                found.push(format!("{text:?} should not say {part:?}"));
            }
        }
        if let Some(wanted) = self.channel
            && wanted != channel
        {
            found.push(format!("came by {channel}, not by {wanted}"));
        }
        found
    }
}

impl Customer {
    /// Id of their conversation.
    pub fn conversation_id(&self) -> String {
        format!("demo-{}", self.name.to_lowercase())
    }

    /// Their address on a channel that has an adapter; empty on others.
    pub fn address(&self, channel: &str) -> String {
        let name = self.name.to_lowercase();
        match channel {
            "email" => format!("{name}@example.com"),
            // Numbers that are reserved for films and plays.
            "sms" => format!("+44770090{:04}", name.bytes().map(u32::from).sum::<u32>()),
            _ => String::new(),
        }
    }

    /// Number of messages that the shop must send.
    pub fn replies(&self) -> usize {
        let expected = |step: &&Step| matches!(step, Step::Expect(_));
        self.steps.iter().filter(expected).count()
    }
}

#[cfg(test)]
mod tests {
    use super::Reply;

    #[test]
    fn objections_name_what_is_missing_unwanted_and_misdirected() {
        let reply = Reply {
            with: &["NT-1", "Late"],
            without: &["goes well"],
            channel: Some("sms"),
        };
        assert!(reply.objections("sms", "nt-1 is late").is_empty());
        assert_eq!(
            reply.objections("email", "NT-2. Goes well with it").len(),
            4
        );
    }
}
