//! What a turn policy says about channels, machines that write, and edits.

use std::collections::HashMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use everturn_client::v1;

use crate::cli::arguments::{
    after_cap, by_channel, long_span, proto_duration, turn_cap, undeliverable,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RecordArg {
    /// It is in the transcript.
    Record,
    /// It is as a customer's message.
    Turn,
}

/// What follows a delivery that failed for good; nothing is `nothing`.
type Undeliverable = std::option::Option<v1::channel_policy::OnUndeliverable>;
/// What follows the last turn of a window; nothing is `wait`.
type AfterCap = std::option::Option<v1::turn_cap::Then>;

/// The part of a turn policy that is about the outside.
#[derive(Args, Debug)]
#[command(next_help_heading = "Turn policy")]
pub(super) struct OutsideArgs {
    /// How long a message by a channel is worth sending, such as `sms=2h`; may
    /// be repeated
    #[arg(long, value_name = "CHANNEL=DURATION", value_parser = by_channel(long_span))]
    expires_after: Vec<(String, Duration)>,
    /// What follows a delivery that fails for good, such as `sms=next-channel`;
    /// `person:NAME`, `team:NAME`, `event:TYPE` or `nothing`; may be repeated
    #[arg(long, value_name = "CHANNEL=WHAT", value_parser = by_channel(undeliverable))]
    on_undeliverable: Vec<(String, Undeliverable)>,
    /// How many turns it may have in a while, such as `120/1h`; 0: any number
    #[arg(long, value_name = "COUNT/DURATION", value_parser = turn_cap)]
    turn_cap: Option<v1::TurnCap>,
    /// … and what follows: `wait`, `person:NAME` or `team:NAME` [default: wait]
    #[arg(long, value_name = "WHAT", value_parser = after_cap, requires = "turn_cap")]
    on_turn_cap: Option<AfterCap>,
    /// What a message of a machine does
    #[arg(long, value_name = "WHAT")]
    on_automatic: Option<RecordArg>,
    /// Address of ours: what comes from it is no customer's message; may be
    /// repeated
    #[arg(long, value_name = "ADDRESS")]
    own_address: Vec<String>,
    /// What an edit does to a message that a turn is done with
    #[arg(long, value_name = "WHAT")]
    on_edit: Option<RecordArg>,
}

impl OutsideArgs {
    /// A policy with nothing but this part.
    pub(super) fn policy(&self) -> v1::TurnPolicy {
        v1::TurnPolicy {
            channels: self.channels(),
            turn_cap: self.turn_cap.clone().map(|cap| v1::TurnCap {
                then: self.on_turn_cap.clone().flatten(),
                ..cap
            }),
            on_automatic: match self.on_automatic {
                None => v1::OnAutomatic::Unspecified,
                Some(RecordArg::Record) => v1::OnAutomatic::Record,
                Some(RecordArg::Turn) => v1::OnAutomatic::Turn,
            }
            .into(),
            own_addresses: self.own_address.clone(),
            on_edit: match self.on_edit {
                None => v1::OnEdit::Unspecified,
                Some(RecordArg::Record) => v1::OnEdit::Record,
                Some(RecordArg::Turn) => v1::OnEdit::Turn,
            }
            .into(),
            ..Default::default()
        }
    }

    fn channels(&self) -> HashMap<String, v1::ChannelPolicy> {
        let mut channels: HashMap<String, v1::ChannelPolicy> = HashMap::new();
        for (channel, after) in &self.expires_after {
            let policy = channels.entry(channel.clone()).or_default();
            policy.expires_after = proto_duration(*after);
        }
        for (channel, what) in &self.on_undeliverable {
            let policy = channels.entry(channel.clone()).or_default();
            policy.on_undeliverable.clone_from(what);
        }
        channels
    }
}
