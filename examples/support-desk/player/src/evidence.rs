//! Judges what must have happened beside the messages: cancellations that were
//! carried out or undone, quiet hours that were kept, budgets that were raised.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use everturn_client::v1;
use v1::history_event::Kind;

use crate::books::{Books, Statement};
use crate::journals::Journal;
use crate::play::Played;
use crate::script::Evidence;
use crate::staff;
use crate::stage::Stage;

/// Steps of a cancellation that is carried out.
const CARRIED_OUT: [&str; 4] = [
    "hold_parcel",
    "take_back_points",
    "return_payment",
    "close_order",
];
/// Steps of one that the payment provider declines: two, and their
/// compensations.
const UNDONE: [&str; 4] = [
    "hold_parcel",
    "take_back_points",
    "give_back_points",
    "release_parcel",
];

/// How often each thing happened, as far as it left what it must.
#[derive(Debug, Default)]
pub struct Occurred {
    /// Orders that were canceled.
    pub canceled: u64,
    /// Cancellations that were undone.
    pub undone: u64,
    /// Events that waited for the end of quiet hours.
    pub held: u64,
    /// Budgets that were reached and raised.
    pub raised: u64,
}

/// What is durable.
pub struct Record<'a> {
    /// Asks the coordinator.
    pub stage: &'a Stage,
    /// Asks the back office.
    pub books: &'a Books,
    /// The journals of all runs.
    pub journals: &'a [Journal],
    /// The transcripts, by conversation.
    pub transcripts: &'a HashMap<String, Vec<v1::Message>>,
}

/// Looks for the evidence of every customer's script: what happened, and what
/// is missing, with the customer's name.
pub async fn check(record: &Record<'_>, played: &[Played]) -> Result<(Occurred, Vec<String>)> {
    let (mut occurred, mut missing) = (Occurred::default(), Vec::new());
    for act in played {
        for evidence in &act.customer.evidence {
            let problems = match evidence {
                Evidence::Canceled(number) => record.canceled(number).await?,
                Evidence::Undone(number) => record.undone(number).await?,
                Evidence::Held => record.held(act),
                Evidence::Raised { from, to } => record.raised(act, *from, *to).await?,
            };
            if problems.is_empty() {
                *occurred.count(evidence) += 1;
            }
            let name = act.customer.name;
            missing.extend(problems.into_iter().map(|it| format!("{name}: {it}")));
        }
    }
    Ok((occurred, missing))
}

impl Occurred {
    fn count(&mut self, evidence: &Evidence) -> &mut u64 {
        match evidence {
            Evidence::Canceled(_) => &mut self.canceled,
            Evidence::Undone(_) => &mut self.undone,
            Evidence::Held => &mut self.held,
            Evidence::Raised { .. } => &mut self.raised,
        }
    }
}

impl Record<'_> {
    /// The order is canceled, and all of it stands.
    async fn canceled(&self, number: &str) -> Result<Vec<String>> {
        let statement = self.books.statement(number).await?;
        let is_as_it_must_be = statement.status == "canceled"
            && statement.standing == ["hold", "points", "payment"]
            && statement.undone.is_empty();
        Ok(self.judge(number, &CARRIED_OUT, is_as_it_must_be, &statement))
    }

    /// The order is as it was: what was done is undone, and no money moved.
    async fn undone(&self, number: &str) -> Result<Vec<String>> {
        let statement = self.books.statement(number).await?;
        let is_as_it_must_be = statement.status == "packed"
            && statement.standing.is_empty()
            && statement
                .undone
                .starts_with(&["hold".to_owned(), "points".to_owned()]);
        Ok(self.judge(number, &UNDONE, is_as_it_must_be, &statement))
    }

    fn judge(&self, number: &str, steps: &[&str], is_ok: bool, found: &Statement) -> Vec<String> {
        let mut problems = Vec::new();
        let id = format!("cancel-{number}");
        let journals = self.journals.iter().filter(|journal| journal.root() == id);
        let taken: Vec<Vec<&str>> = journals.map(completed).collect();
        // A start whose answer was lost in a kill may be repeated: the second
        // run finds what the first one did, and the books show that.
        if !taken.iter().any(|taken| taken == steps) {
            problems.push(format!(
                "{id} took the steps {taken:?} instead of {steps:?}"
            ));
        }
        if !is_ok {
            problems.push(format!("the books have {number} as {found:?}"));
        }
        problems
    }

    /// The event waited for as long as the quiet hours lasted.
    fn held(&self, act: &Played) -> Vec<String> {
        let id = act.customer.conversation_id();
        let of_conversation = self.journals.iter().filter(|journal| journal.root() == id);
        let waits: Vec<Duration> = of_conversation.filter_map(wait_of_event).collect();
        match (act.quiet, waits.as_slice()) {
            (Some(quiet), [wait]) if *wait >= quiet => Vec::new(),
            (quiet, waits) => vec![format!("the event waited {waits:?}, quiet hours {quiet:?}")],
        }
    }

    /// The budget was reached, one person raised it, and only then the answer
    /// came.
    async fn raised(&self, act: &Played, from: u64, to: u64) -> Result<Vec<String>> {
        let id = act.customer.conversation_id();
        let conversation = self.stage.client().conversation(id.as_str()).await?;
        let approvals = staff::approvals(self.stage, &id).await?;
        let mut problems = Vec::new();
        let used = conversation.usage.unwrap_or_default();
        if used.cost_micros < from || used.currency != "GBP" || conversation.budget_reached {
            problems.push(format!("used {used:?}, of {from} first and {to} then"));
        }
        let [approval] = approvals.as_slice() else {
            problems.push(format!("{} approvals instead of one", approvals.len()));
            return Ok(problems);
        };
        if approval.outcome() != v1::ApprovalOutcome::ApprovedWithChanges
            || approval.workflow_id != id
        {
            problems.push(format!("the approval ended otherwise: {approval:?}"));
        }
        let budget = conversation.turn_policy.and_then(|policy| policy.budget);
        if budget.is_none_or(|budget| budget.cost_micros != to) {
            problems.push(format!("the budget is not {to}"));
        }
        let messages = self.transcripts.get(&id).into_iter().flatten();
        let mut answers = messages.filter(|it| it.author_kind() == v1::AuthorKind::Agent);
        let decided = approval.end_time.map(key);
        if answers.any(|answer| answer.create_time.map(key) <= decided) {
            problems.push("an answer came before the budget was raised".to_owned());
        }
        Ok(problems)
    }
}

/// Keys of the activities that returned a result, in order.
fn completed(journal: &Journal) -> Vec<&str> {
    let mut keys = Vec::new();
    for event in &journal.events {
        if let Some(Kind::ActivityCompleted(done)) = &event.kind {
            keys.push(done.key.as_str());
        }
    }
    keys
}

/// How long the first event of a turn waited for the turn.
fn wait_of_event(journal: &Journal) -> Option<Duration> {
    let first = journal.events.first()?;
    let Some(Kind::RunStarted(started)) = &first.kind else {
        return None;
    };
    let event = started.turn.as_ref()?.events.first()?;
    let (begin, end) = (key(event.create_time?), key(first.time?));
    let nanos = u64::try_from(end.checked_sub(begin)?).ok()?;
    Some(Duration::from_nanos(nanos))
}

/// A time as one number: nanoseconds since 1970.
fn key(time: prost_types::Timestamp) -> i128 {
    i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(kinds: Vec<(i64, Kind)>) -> Journal {
        let events = kinds.into_iter().zip(1..).map(|((seconds, kind), id)| {
            let time = Some(prost_types::Timestamp { seconds, nanos: 0 });
            let kind = Some(kind);
            v1::HistoryEvent { id, time, kind }
        });
        Journal {
            run: v1::WorkflowRun::default(),
            events: events.collect(),
        }
    }

    #[test]
    fn steps_are_those_that_gave_a_result_in_order() {
        let done = |key: &str| {
            Kind::ActivityCompleted(v1::ActivityCompleted {
                key: key.into(),
                ..Default::default()
            })
        };
        let failed = Kind::ActivityFailed(v1::ActivityFailed::default());
        let journal = journal(vec![
            (1, done("hold_parcel")),
            (2, failed),
            (3, done("release_parcel")),
        ]);
        assert_eq!(completed(&journal), ["hold_parcel", "release_parcel"]);
    }

    #[test]
    fn the_wait_of_an_event_ends_with_its_turn() {
        let event = v1::ConversationEvent {
            create_time: Some(prost_types::Timestamp {
                seconds: 10,
                nanos: 0,
            }),
            ..Default::default()
        };
        let turn = v1::TurnInput {
            events: vec![event],
            ..Default::default()
        };
        let started = Kind::RunStarted(v1::RunStarted {
            turn: Some(turn),
            ..Default::default()
        });
        let found = wait_of_event(&journal(vec![(13, started)]));
        assert_eq!(found, Some(Duration::from_secs(3)));
        assert_eq!(wait_of_event(&journal(Vec::new())), None);
    }
}
