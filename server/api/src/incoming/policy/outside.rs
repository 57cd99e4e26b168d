//! What a turn policy says about channels, and about what comes from outside.

use std::collections::BTreeMap;

use everturn_engine::limits;
use everturn_engine::policy::{
    AfterCap, ChannelPolicy, OnAutomatic, OnEdit, OnUndeliverable, TurnCap, TurnPolicy,
};
use everturn_engine::text::Text;
use everturn_engine::value::Span;
use everturn_proto::v1 as pb;

use super::LONGEST_SILENCE;
use crate::checker::{Checker, Path};
use crate::incoming::assignee::assignee;
use crate::incoming::span::bounded;

/// Longest time that a message may be worth sending.
const LONGEST_EXPIRY: Span = Span::from_secs(30 * 86_400);

/// What a request gives of it.
#[derive(Clone, Debug, Default)]
pub(super) struct OutsideChanges {
    channels: BTreeMap<Text, ChannelPolicy>,
    turn_cap: Option<TurnCap>,
    on_automatic: Option<OnAutomatic>,
    own_addresses: Vec<Text>,
    on_edit: Option<OnEdit>,
}

impl OutsideChanges {
    /// Makes the changes.
    pub fn apply(self, policy: &mut TurnPolicy) {
        policy.channels.extend(self.channels);
        while policy.channels.len() > limits::ADDRESSES {
            policy.channels.pop_last();
        }
        if let Some(cap) = self.turn_cap {
            policy.turn_cap = cap;
        }
        policy.on_automatic = self.on_automatic.unwrap_or(policy.on_automatic);
        if !self.own_addresses.is_empty() {
            policy.own_addresses = self.own_addresses;
        }
        policy.on_edit = self.on_edit.unwrap_or(policy.on_edit);
    }
}

/// What a request says about it.
pub(super) fn changes(
    checker: &mut Checker,
    path: Path<'_>,
    value: &pb::TurnPolicy,
) -> OutsideChanges {
    let own = path.then("own_addresses");
    if value.own_addresses.len() > limits::OWN_ADDRESSES {
        let (count, max) = (value.own_addresses.len(), limits::OWN_ADDRESSES);
        checker.violation(own, format!("has {count} entries; at most {max}"));
    }
    let on_automatic = match pb::OnAutomatic::try_from(value.on_automatic) {
        Ok(pb::OnAutomatic::Unspecified) => None,
        Ok(pb::OnAutomatic::Record) => Some(OnAutomatic::Record),
        Ok(pb::OnAutomatic::Turn) => Some(OnAutomatic::Turn),
        Err(_) => {
            checker.violation(path.then("on_automatic"), "is unknown");
            None
        }
    };
    let on_edit = match pb::OnEdit::try_from(value.on_edit) {
        Ok(pb::OnEdit::Unspecified) => None,
        Ok(pb::OnEdit::Record) => Some(OnEdit::Record),
        Ok(pb::OnEdit::Turn) => Some(OnEdit::Turn),
        Err(_) => {
            checker.violation(path.then("on_edit"), "is unknown");
            None
        }
    };
    let addresses = value.own_addresses.iter();
    OutsideChanges {
        channels: channels(checker, path.then("channels"), value),
        turn_cap: turn_cap(checker, path.then("turn_cap"), value.turn_cap.clone()),
        on_automatic,
        own_addresses: addresses
            .map(|it| crate::incoming::outside::text(it))
            .collect(),
        on_edit,
    }
}

fn channels(
    checker: &mut Checker,
    path: Path<'_>,
    value: &pb::TurnPolicy,
) -> BTreeMap<Text, ChannelPolicy> {
    use pb::channel_policy::OnUndeliverable as Wire;
    if value.channels.len() > limits::ADDRESSES {
        let (count, max) = (value.channels.len(), limits::ADDRESSES);
        checker.violation(path, format!("has {count} entries; at most {max}"));
    }
    let mut channels = BTreeMap::new();
    for (channel, value) in &value.channels {
        let path = path.then(channel);
        checker.name(path, channel);
        let (expiry, second) = (path.then("expires_after"), Span::from_secs(1));
        let on_undeliverable = match value.on_undeliverable.clone() {
            None | Some(Wire::NextChannel(false)) => OnUndeliverable::Nothing,
            Some(Wire::NextChannel(true)) => OnUndeliverable::NextChannel,
            Some(Wire::HandOff(to)) => {
                OnUndeliverable::HandOff(assignee(checker, path.then("hand_off"), Some(to)))
            }
            Some(Wire::EventType(name)) => {
                checker.name(path.then("event_type"), &name);
                OnUndeliverable::Event(name.into())
            }
        };
        let policy = ChannelPolicy {
            expires_after: bounded(checker, expiry, value.expires_after, second, LONGEST_EXPIRY),
            on_undeliverable,
        };
        channels.insert(channel.as_str().into(), policy);
    }
    channels
}

fn turn_cap(checker: &mut Checker, path: Path<'_>, value: Option<pb::TurnCap>) -> Option<TurnCap> {
    use pb::turn_cap::Then;
    let value = value?;
    if value.turns > limits::CAPPED_TURNS {
        let limit = limits::CAPPED_TURNS;
        checker.violation(path.then("turns"), format!("is over {limit}"));
    }
    let (window, second) = (path.then("window"), Span::from_secs(1));
    let window = bounded(checker, window, value.window, second, LONGEST_SILENCE);
    Some(TurnCap {
        turns: value.turns,
        window: window.unwrap_or(TurnCap::default().window),
        then: match value.then {
            None => AfterCap::Wait,
            Some(Then::HandOff(to)) => {
                AfterCap::HandOff(assignee(checker, path.then("hand_off"), Some(to)))
            }
        },
    })
}
