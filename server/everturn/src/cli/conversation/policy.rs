//! Turn policies as flags.

mod outside;

use std::time::Duration;

use clap::{Args, ValueEnum};
use everturn_client::v1;
use outside::OutsideArgs;

use crate::cli::arguments::{
    after_failure, after_handoff, amount, frequency_cap, long_span, proto_duration, quiet_hours,
};
use crate::config::parse_span;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnBusyArg {
    /// It waits for the next turn.
    Queue,
    /// The running turn is interrupted.
    Interrupt,
    /// It is delivered into the running turn.
    Steer,
}

impl From<OnBusyArg> for v1::OnBusy {
    fn from(arg: OnBusyArg) -> Self {
        match arg {
            OnBusyArg::Queue => Self::Queue,
            OnBusyArg::Interrupt => Self::Interrupt,
            OnBusyArg::Steer => Self::Steer,
        }
    }
}

/// How messages and events become turns.
#[derive(Args, Debug)]
#[command(next_help_heading = "Turn policy")]
pub(super) struct PolicyArgs {
    /// What a message does to a turn that is running
    #[arg(long, value_name = "WHAT")]
    on_busy: Option<OnBusyArg>,
    /// What an event does to a turn that is running
    #[arg(long, value_name = "WHAT")]
    on_event: Option<OnBusyArg>,
    /// Start a turn when no message came for this long; 0s: at once
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    debounce: Option<Duration>,
    /// … and at the latest this long after the first [default: 10 times that]
    #[arg(long, value_name = "DURATION", value_parser = parse_span, requires = "debounce")]
    debounce_max_wait: Option<Duration>,
    /// … and at once when this many wait
    #[arg(long, value_name = "COUNT", requires = "debounce")]
    debounce_max_messages: Option<u32>,
    /// How long an interrupted turn may clean up
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    interrupt_grace: Option<Duration>,
    /// Start a turn when nobody wrote for this long; 0s removes it
    #[arg(long, value_name = "DURATION", value_parser = long_span)]
    idle_timeout: Option<Duration>,
    /// Start a turn when the customer has not answered for this long
    #[arg(long, value_name = "DURATION", value_parser = long_span)]
    customer_timeout: Option<Duration>,
    /// Start a turn when the customer has waited this long
    #[arg(long, value_name = "DURATION", value_parser = long_span)]
    staff_timeout: Option<Duration>,
    /// Hours in which agents do not write first, such as
    /// `22:00-07:00 Europe/Berlin` (UTC without a zone)
    #[arg(long, value_name = "HOURS", value_parser = quiet_hours)]
    quiet_hours: Option<v1::QuietHours>,
    /// Agents may write first at any hour: removes the quiet hours
    #[arg(long, conflicts_with = "quiet_hours")]
    no_quiet_hours: bool,
    /// How often agents may write first, such as `2/7d`; 0 removes it
    #[arg(long, value_name = "COUNT/DURATION", value_parser = frequency_cap)]
    frequency_cap: Option<v1::FrequencyCap>,
    /// Tokens it may use, in and out together; no bound if only the cost is
    /// given
    #[arg(long, value_name = "COUNT")]
    budget_tokens: Option<u64>,
    /// What it may cost, such as `2.50EUR`; 0 removes it, no bound if only the
    /// tokens are given
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    budget_cost: Option<(u64, String)>,
    /// Attempts at what a turn was given, if the first one fails
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=100))]
    turn_attempts: Option<u32>,
    /// … the second one after this long, each further one after twice as long
    #[arg(long, value_name = "DURATION", value_parser = parse_span, requires = "turn_attempts")]
    turn_backoff: Option<Duration>,
    /// What follows the last of them: `wait`, `person:NAME`, `team:NAME` or
    /// `event:TYPE`
    #[arg(long, value_name = "WHAT", value_parser = after_failure)]
    on_turn_failure: Option<AfterFailure>,
    /// How often the turns of one episode are interrupted at most
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max_interrupts: Option<u32>,
    /// … and no longer than this after it began; 0s removes it
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    max_delay: Option<Duration>,
    /// What a customer's message does once it is closed
    #[arg(long, value_name = "WHAT")]
    on_closed: Option<OnClosedArg>,
    /// What a message does once it is erased
    #[arg(long, value_name = "WHAT")]
    on_erased: Option<OnErasedArg>,
    /// What a person's message does while agents own it
    #[arg(long, value_name = "WHAT")]
    on_human_message: Option<OnHumanMessageArg>,
    /// How long a handover waits for a person to write; 0s removes it
    #[arg(long, value_name = "DURATION", value_parser = long_span)]
    handoff_timeout: Option<Duration>,
    /// … and what follows it: `hand-back`, `person:NAME`, `team:NAME` or
    /// `event:TYPE` [default: hand-back]
    #[arg(long, value_name = "WHAT", value_parser = after_handoff, requires = "handoff_timeout")]
    on_handoff_timeout: Option<AfterHandoff>,
    #[command(flatten)]
    outside: OutsideArgs,
}

/// What follows a handover that nobody took up; nothing is `hand-back`.
type AfterHandoff = std::option::Option<v1::handoff_timeout::Then>;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnClosedArg {
    /// It is open again, for 30 days after it was closed.
    Reopen,
    /// The message is refused.
    Refuse,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnErasedArg {
    /// The message is refused.
    Refuse,
    /// A new conversation begins under the id.
    BeginAnew,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OnHumanMessageArg {
    /// The person owns the conversation from here on.
    TakeOver,
    /// The agents keep it.
    Keep,
    /// The message is refused.
    Refuse,
}

/// What follows a turn that failed for good; nothing is `wait`.
type AfterFailure = std::option::Option<v1::on_turn_failure::Then>;

impl PolicyArgs {
    /// The policy, if any flag was given.
    pub(super) fn policy(&self) -> Option<v1::TurnPolicy> {
        let busy =
            |arg: Option<OnBusyArg>| arg.map_or(v1::OnBusy::Unspecified, v1::OnBusy::from).into();
        let policy = v1::TurnPolicy {
            debounce: self.debounce.map(|quiet| v1::Debounce {
                quiet: proto_duration(quiet),
                max_wait: self.debounce_max_wait.and_then(proto_duration),
                max_messages: self.debounce_max_messages.unwrap_or(0),
            }),
            on_busy: busy(self.on_busy),
            interrupt_grace: self.interrupt_grace.and_then(proto_duration),
            on_event: busy(self.on_event),
            idle_timeout: self.idle_timeout.and_then(proto_duration),
            customer_timeout: self.customer_timeout.and_then(proto_duration),
            staff_timeout: self.staff_timeout.and_then(proto_duration),
            quiet_hours: self.quiet_hours.clone(),
            no_quiet_hours: self.no_quiet_hours,
            frequency_cap: self.frequency_cap,
            budget: self.budget(),
            on_turn_failure: self.on_turn_failure(),
            max_interrupts: self.max_interrupts.unwrap_or(0),
            max_delay: self.max_delay.and_then(proto_duration),
            on_closed: self
                .on_closed
                .map_or(v1::OnClosed::Unspecified, |it| match it {
                    OnClosedArg::Reopen => v1::OnClosed::Reopen,
                    OnClosedArg::Refuse => v1::OnClosed::Refuse,
                })
                .into(),
            on_erased: self
                .on_erased
                .map_or(v1::OnErased::Unspecified, |it| match it {
                    OnErasedArg::Refuse => v1::OnErased::Refuse,
                    OnErasedArg::BeginAnew => v1::OnErased::BeginAnew,
                })
                .into(),
            on_human_message: self
                .on_human_message
                .map_or(v1::OnHumanMessage::Unspecified, |it| match it {
                    OnHumanMessageArg::TakeOver => v1::OnHumanMessage::TakeOver,
                    OnHumanMessageArg::Keep => v1::OnHumanMessage::Keep,
                    OnHumanMessageArg::Refuse => v1::OnHumanMessage::Refuse,
                })
                .into(),
            handoff_timeout: self.handoff_timeout.map(|after| v1::HandoffTimeout {
                after: proto_duration(after),
                then: self.on_handoff_timeout.clone().flatten(),
            }),
            ..self.outside.policy()
        };
        (policy != v1::TurnPolicy::default()).then_some(policy)
    }

    fn on_turn_failure(&self) -> Option<v1::OnTurnFailure> {
        if self.turn_attempts.is_none() && self.on_turn_failure.is_none() {
            return None;
        }
        Some(v1::OnTurnFailure {
            attempts: self.turn_attempts.unwrap_or(1),
            backoff: self.turn_backoff.and_then(proto_duration),
            then: self.on_turn_failure.clone().flatten(),
        })
    }

    fn budget(&self) -> Option<v1::Budget> {
        if self.budget_tokens.is_none() && self.budget_cost.is_none() {
            return None;
        }
        let (cost_micros, currency) = self.budget_cost.clone().unwrap_or_default();
        Some(v1::Budget {
            tokens: self.budget_tokens.unwrap_or(0),
            cost_micros,
            currency,
        })
    }
}
