//! Policies, defaults filled in.

use everturn_engine::policy::{
    ActivityOptions, AfterCap, AfterFailure, AfterHandoff, ChannelPolicy, HandoffTimeout,
    OnAutomatic, OnBusy, OnClosed, OnEdit, OnErased, OnHumanMessage, OnTurnFailure,
    OnUndeliverable, TurnCap, TurnPolicy,
};
use everturn_engine::text::Text;
use everturn_engine::value::Assignee;
use everturn_proto::v1 as pb;

use crate::outgoing::{duration, usage};

/// Options of an activity.
pub(crate) fn activity_options(value: &ActivityOptions) -> pb::ActivityOptions {
    let retry = &value.retry;
    pb::ActivityOptions {
        task_queue: value.task_queue.to_string(),
        retry_policy: Some(pb::RetryPolicy {
            initial_interval: Some(duration(retry.initial_interval)),
            backoff_coefficient: Some(retry.backoff_coefficient),
            maximum_interval: Some(duration(retry.maximum_interval)),
            maximum_attempts: Some(retry.maximum_attempts),
            non_retryable_types: retry
                .non_retryable_types
                .iter()
                .map(ToString::to_string)
                .collect(),
        }),
        schedule_to_start_timeout: value.schedule_to_start.map(duration),
        start_to_close_timeout: Some(duration(value.start_to_close)),
        schedule_to_close_timeout: value.schedule_to_close.map(duration),
        heartbeat_timeout: value.heartbeat.map(duration),
        priority: Some(u32::from(value.priority)),
        estimated_usage: value.estimate.as_deref().map(usage),
    }
}

/// The turn policy of a conversation.
pub(crate) fn turn_policy(value: &TurnPolicy) -> pb::TurnPolicy {
    pb::TurnPolicy {
        debounce: Some(pb::Debounce {
            quiet: Some(duration(value.quiet)),
            max_wait: Some(duration(value.max_wait)),
            max_messages: value.max_messages,
        }),
        on_busy: on_busy(value.on_busy).into(),
        interrupt_grace: Some(duration(value.interrupt_grace)),
        on_event: on_busy(value.on_event).into(),
        idle_timeout: value.idle_timeout.map(duration),
        customer_timeout: value.customer_timeout.map(duration),
        staff_timeout: value.staff_timeout.map(duration),
        quiet_hours: value.quiet_hours.as_ref().map(|hours| pb::QuietHours {
            time_zone: hours.time_zone.to_string(),
            start_minute: u32::from(hours.start_minute),
            end_minute: u32::from(hours.end_minute),
        }),
        frequency_cap: value.frequency_cap.map(|cap| pb::FrequencyCap {
            max_messages: cap.max_messages,
            window: Some(duration(cap.window)),
        }),
        budget: value.budget.as_ref().map(|budget| pb::Budget {
            tokens: budget.tokens,
            cost_micros: budget.cost_micros,
            currency: budget.currency.to_string(),
        }),
        no_quiet_hours: false,
        on_turn_failure: Some(on_turn_failure(&value.on_turn_failure)),
        max_interrupts: value.interrupts(),
        max_delay: value.max_delay.map(duration),
        on_closed: match value.on_closed {
            OnClosed::Reopen => pb::OnClosed::Reopen,
            OnClosed::Refuse => pb::OnClosed::Refuse,
        }
        .into(),
        on_erased: match value.on_erased {
            OnErased::Refuse => pb::OnErased::Refuse,
            OnErased::BeginAnew => pb::OnErased::BeginAnew,
        }
        .into(),
        on_human_message: match value.on_human_message {
            OnHumanMessage::TakeOver => pb::OnHumanMessage::TakeOver,
            OnHumanMessage::Keep => pb::OnHumanMessage::Keep,
            OnHumanMessage::Refuse => pb::OnHumanMessage::Refuse,
        }
        .into(),
        handoff_timeout: value.handoff_timeout.as_ref().map(handoff_timeout),
        channels: value
            .channels
            .iter()
            .map(|(channel, it)| (channel.to_string(), channel_policy(channel, it)))
            .collect(),
        turn_cap: Some(turn_cap(&value.turn_cap)),
        on_automatic: match value.on_automatic {
            OnAutomatic::Record => pb::OnAutomatic::Record,
            OnAutomatic::Turn => pb::OnAutomatic::Turn,
        }
        .into(),
        own_addresses: value
            .own_addresses
            .iter()
            .map(ToString::to_string)
            .collect(),
        on_edit: match value.on_edit {
            OnEdit::Record => pb::OnEdit::Record,
            OnEdit::Turn => pb::OnEdit::Turn,
        }
        .into(),
    }
}

fn channel_policy(channel: &Text, value: &ChannelPolicy) -> pb::ChannelPolicy {
    use pb::channel_policy::OnUndeliverable as Wire;
    let expiry = value.expires_after;
    let expiry = expiry.unwrap_or_else(|| ChannelPolicy::expiry_of(channel));
    pb::ChannelPolicy {
        expires_after: Some(duration(expiry)),
        on_undeliverable: match &value.on_undeliverable {
            OnUndeliverable::Nothing => None,
            OnUndeliverable::NextChannel => Some(Wire::NextChannel(true)),
            OnUndeliverable::HandOff(to) => Some(Wire::HandOff(assignee(to))),
            OnUndeliverable::Event(name) => Some(Wire::EventType(name.to_string())),
        },
    }
}

fn turn_cap(value: &TurnCap) -> pb::TurnCap {
    use pb::turn_cap::Then;
    pb::TurnCap {
        turns: value.turns,
        window: Some(duration(value.window)),
        then: match &value.then {
            AfterCap::Wait => None,
            AfterCap::HandOff(to) => Some(Then::HandOff(assignee(to))),
        },
    }
}

fn handoff_timeout(value: &HandoffTimeout) -> pb::HandoffTimeout {
    use pb::handoff_timeout::Then;
    pb::HandoffTimeout {
        after: Some(duration(value.after)),
        then: match &value.then {
            AfterHandoff::HandBack => None,
            AfterHandoff::HandOff(to) => Some(Then::HandOff(assignee(to))),
            AfterHandoff::Event(name) => Some(Then::EventType(name.to_string())),
        },
    }
}

fn on_turn_failure(value: &OnTurnFailure) -> pb::OnTurnFailure {
    use pb::on_turn_failure::Then;
    pb::OnTurnFailure {
        attempts: value.attempts,
        backoff: Some(duration(value.backoff)),
        then: match &value.then {
            AfterFailure::Wait => None,
            AfterFailure::HandOff(to) => Some(Then::HandOff(assignee(to))),
            AfterFailure::Event(name) => Some(Then::EventType(name.to_string())),
        },
    }
}

/// A person or team.
pub(super) fn assignee(value: &Assignee) -> pb::Assignee {
    use pb::assignee::Kind;
    let kind = match value {
        Assignee::Person(name) => Kind::Person(name.to_string()),
        Assignee::Team(name) => Kind::Team(name.to_string()),
    };
    pb::Assignee { kind: Some(kind) }
}

fn on_busy(value: OnBusy) -> pb::OnBusy {
    match value {
        OnBusy::Queue => pb::OnBusy::Queue,
        OnBusy::Interrupt => pb::OnBusy::Interrupt,
        OnBusy::Steer => pb::OnBusy::Steer,
    }
}
