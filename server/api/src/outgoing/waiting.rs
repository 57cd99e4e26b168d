//! Why something waits, with words for people.

use everturn_engine::value::{Span, Time};
use everturn_engine::waiting::{Wait, WaitReason};
use everturn_proto::v1 as pb;

use crate::outgoing::timestamp;

/// Why something waits, as of now.
pub(crate) fn wait(value: &Wait, now: Time) -> pb::Wait {
    pb::Wait {
        reason: reason(value.reason).into(),
        since_time: Some(timestamp(value.since)),
        until_time: value.until.map(timestamp),
        text: text(value, now),
        ends_with: ends_with(value),
        key: value.key.to_string(),
        task_queue: value.queue.to_string(),
        type_name: value.type_name.to_string(),
        worker_identity: if value.reason == WaitReason::Person {
            String::new()
        } else {
            value.worker.to_string()
        },
        attempt: value.attempt,
        approval_id: value.approval_id.to_string(),
    }
}

/// A reason.
pub(crate) fn reason(value: WaitReason) -> pb::WaitReason {
    match value {
        WaitReason::NoWorker => pb::WaitReason::NoWorker,
        WaitReason::NotRegistered => pb::WaitReason::NotRegistered,
        WaitReason::Queued => pb::WaitReason::Queued,
        WaitReason::Worker => pb::WaitReason::Worker,
        WaitReason::BackingOff => pb::WaitReason::BackingOff,
        WaitReason::Paused => pb::WaitReason::Paused,
        WaitReason::Customer => pb::WaitReason::Customer,
        WaitReason::TaskFailed => pb::WaitReason::TaskFailed,
        WaitReason::TaskSetApart => pb::WaitReason::TaskSetApart,
        WaitReason::Budget => pb::WaitReason::Budget,
        WaitReason::Approval => pb::WaitReason::Approval,
        WaitReason::Person => pb::WaitReason::Person,
        WaitReason::Timer => pb::WaitReason::Timer,
        WaitReason::Signal => pb::WaitReason::Signal,
        WaitReason::Child => pb::WaitReason::Child,
        WaitReason::SignalDelivery => pb::WaitReason::SignalDelivery,
        WaitReason::Burst => pb::WaitReason::Burst,
        WaitReason::QuietHours => pb::WaitReason::QuietHours,
        WaitReason::Unanswered => pb::WaitReason::Unanswered,
        WaitReason::TurnCap => pb::WaitReason::TurnCap,
        WaitReason::EarlierDelivery => pb::WaitReason::EarlierDelivery,
    }
}

/// One line for people.
fn text(wait: &Wait, now: Time) -> String {
    let queue = &wait.queue;
    let kind = if wait.is_workflow_task {
        "workflow type"
    } else {
        "activity"
    };
    match wait.reason {
        WaitReason::NoWorker => {
            format!("no worker polls queue {queue} since {}", clock(wait.since))
        }
        WaitReason::NotRegistered => {
            let name = &wait.type_name;
            format!("no {kind} {name} among the workers of queue {queue}")
        }
        WaitReason::Queued => {
            let waited = ago(wait.since, now);
            format!("in queue {queue} for {waited}, its workers are busy")
        }
        WaitReason::Worker => with_worker(wait, now),
        WaitReason::BackingOff => {
            format!("backing off{}{}", after(wait), next("attempt", wait, now))
        }
        WaitReason::Paused => format!("paused{}", because(wait)),
        WaitReason::Customer => format!("waits for the customer's answer to {}", wait.key),
        WaitReason::TaskFailed => format!(
            "workflow task failed {} time{}{}{}",
            wait.attempt,
            if wait.attempt == 1 { "" } else { "s" },
            because(wait),
            next("try", wait, now)
        ),
        WaitReason::TaskSetApart => format!(
            "workflow task is set apart: it took down {} workers in a row{}",
            wait.attempt,
            next("try", wait, now)
        ),
        WaitReason::Budget if wait.approval_id.as_str().is_empty() => "budget used up".to_owned(),
        WaitReason::Budget => format!("budget used up, approval {} pending", wait.approval_id),
        WaitReason::Approval => format!("approval {} pending", wait.approval_id),
        WaitReason::Person => format!("{} has the conversation{}", wait.worker, because(wait)),
        WaitReason::Timer => format!("sleeps{}", next("wake", wait, now)),
        WaitReason::Signal => "waits for a signal, message or event".to_owned(),
        WaitReason::Child => format!("waits for child {}", wait.key),
        WaitReason::SignalDelivery => {
            format!("signal {} is on its way to {}", wait.key, wait.detail)
        }
        WaitReason::Burst => format!("collects messages{}", next("turn", wait, now)),
        WaitReason::QuietHours => format!("held back by quiet hours{}", next("turn", wait, now)),
        WaitReason::Unanswered => {
            let since = clock(wait.since);
            format!("the customer has no answer since {since}{}", because(wait))
        }
        WaitReason::TurnCap => {
            format!("held back{}{}", after(wait), next("turn", wait, now))
        }
        WaitReason::EarlierDelivery => {
            "an earlier delivery by this channel is under way".to_owned()
        }
    }
}

fn with_worker(wait: &Wait, now: Time) -> String {
    let mut text = format!("worker {} has it", wait.worker);
    if wait.attempt > 0 {
        text.push_str(&format!(", attempt {}", wait.attempt));
    }
    match wait.heard {
        Some(heard) => text.push_str(&format!(", last heartbeat {} ago", ago(heard, now))),
        None => text.push_str(&format!(", for {}", ago(wait.since, now))),
    }
    text
}

/// What would end it, in one line for people.
fn ends_with(wait: &Wait) -> String {
    let queue = &wait.queue;
    match wait.reason {
        WaitReason::NoWorker => format!("a worker that serves queue {queue}"),
        WaitReason::NotRegistered => {
            format!("a worker of queue {queue} that has {}", wait.type_name)
        }
        WaitReason::Queued => format!("a free slot of a worker of queue {queue}"),
        WaitReason::Worker => "its result, or its timeout".to_owned(),
        WaitReason::BackingOff => "the next attempt".to_owned(),
        WaitReason::Paused => "resume".to_owned(),
        WaitReason::Customer => "the customer's next message".to_owned(),
        WaitReason::Unanswered => "a reply: by the next turn or a person".to_owned(),
        WaitReason::TaskFailed => "a worker whose code does not fail".to_owned(),
        WaitReason::TaskSetApart => "a worker that survives it".to_owned(),
        WaitReason::Budget => "a decision that raises the budget".to_owned(),
        WaitReason::Approval => "a decision".to_owned(),
        WaitReason::Person => "hand-back".to_owned(),
        WaitReason::Timer | WaitReason::Burst | WaitReason::QuietHours | WaitReason::TurnCap => {
            "the passing of time".to_owned()
        }
        WaitReason::EarlierDelivery => "the end of the earlier delivery".to_owned(),
        WaitReason::Signal => "a signal, message or event".to_owned(),
        WaitReason::Child => format!("the end of child {}", wait.key),
        WaitReason::SignalDelivery => format!("the answer of {}", wait.detail),
    }
}

fn because(wait: &Wait) -> String {
    match wait.detail.as_str() {
        "" => String::new(),
        detail => format!(": {detail}"),
    }
}

fn after(wait: &Wait) -> String {
    match wait.detail.as_str() {
        "" => String::new(),
        detail => format!(" after {detail}"),
    }
}

fn next(what: &str, wait: &Wait, now: Time) -> String {
    match wait.until {
        Some(until) if until > now => format!(", next {what} in {}", span(until.since(now))),
        Some(_) => format!(", next {what} now"),
        None => String::new(),
    }
}

fn ago(since: Time, now: Time) -> String {
    span(Span(now.since(since).0.max(0)))
}

/// A duration in its largest fitting unit: "4 s", "31 min", "2 h", "3 d".
fn span(value: Span) -> String {
    let seconds = value.0 / 1_000_000;
    match seconds {
        ..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The time of day in UTC, as on a clock; `since_time` has the date.
fn clock(time: Time) -> String {
    let minutes = time.0.div_euclid(60_000_000).rem_euclid(1_440);
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(reason: WaitReason) -> Wait {
        let mut wait = Wait::new(reason, Time(43_380_000_000));
        wait.queue = "agents".into();
        wait
    }

    #[test]
    fn reasons_read_like_an_answer_to_why() {
        let now = Time(43_400_000_000);
        let none = of(WaitReason::NoWorker);
        assert_eq!(
            text(&none, now),
            "no worker polls queue agents since 12:03 UTC"
        );
        let mut worker = of(WaitReason::Worker);
        worker.worker = "py-7".into();
        worker.attempt = 3;
        worker.heard = Some(Time(43_396_000_000));
        let expected = "worker py-7 has it, attempt 3, last heartbeat 4 s ago";
        assert_eq!(text(&worker, now), expected);
        let mut backing = of(WaitReason::BackingOff);
        backing.detail = "ConnectError".into();
        backing.until = Some(Time(43_431_000_000));
        let expected = "backing off after ConnectError, next attempt in 31 s";
        assert_eq!(text(&backing, now), expected);
        let mut failed = of(WaitReason::TaskFailed);
        failed.attempt = 5;
        failed.detail = "TypeError: x".into();
        assert_eq!(
            text(&failed, now),
            "workflow task failed 5 times: TypeError: x"
        );
        let mut paused = of(WaitReason::Paused);
        paused.detail = "fraud check".into();
        assert_eq!(text(&paused, now), "paused: fraud check");
        let mut missing = of(WaitReason::NotRegistered);
        missing.type_name = "refundd".into();
        let expected = "no activity refundd among the workers of queue agents";
        assert_eq!(text(&missing, now), expected);
    }

    #[test]
    fn every_reason_is_said_and_has_an_end() {
        for reason in everturn_engine::waiting::REASONS {
            let wait = wait(&of(reason), Time(43_400_000_000));
            assert!(!wait.text.is_empty() && !wait.ends_with.is_empty());
            assert_eq!(wait.reason, i32::from(reason.code()));
        }
    }
}
