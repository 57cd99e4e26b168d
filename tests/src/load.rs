//! The load: what its worker runs, as raw event handlers, and what must come
//! out of it. Activities are slow and fail now and then, by a hash of what
//! they are, so that every run of the same step behaves the same.

#![expect(
    clippy::result_large_err,
    reason = "a worker's handlers return the API's own failures"
)]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use everturn_client::worker::{RunCode, Worker, WorkerOptions};
use everturn_client::{Client, Error, v1};
use v1::command::Kind as CommandKind;
use v1::history_event::Kind as EventKind;

use crate::calls::command;

/// Type of the load's conversations. A message that begins with "ask" is
/// answered with a question first; one with "child" or "timer" takes that too.
pub const CONVERSATION_TYPE: &str = "load-chat";
/// Type of the load's workflows.
pub const WORKFLOW_TYPE: &str = "load-order";
/// Its task queue.
pub const TASK_QUEUE: &str = "load";
/// What a turn asks.
pub const QUESTION: &str = "which order?";
const CHILD_TYPE: &str = "load-child";

/// Lets conversations of the load have any number of turns: one is written to
/// without a pause for as long as it takes.
///
/// # Panics
/// When the coordinator refuses it.
pub async fn lift_turn_cap(client: &Client) {
    let settings = v1::ConversationType {
        conversation_type: CONVERSATION_TYPE.to_owned(),
        turn_policy: Some(v1::TurnPolicy {
            turn_cap: Some(v1::TurnCap::default()),
            ..Default::default()
        }),
        retention: None,
    };
    let request = v1::SetConversationTypeRequest {
        settings: Some(settings),
        ..Default::default()
    };
    client.set_conversation_type(request).await.expect("set");
}

/// What a workflow of the load returns for an input.
#[must_use]
pub fn expected_result(input: u64) -> u64 {
    3 * input + 7
}

/// A worker for the whole load.
///
/// # Errors
/// Never: its options are within bounds.
pub fn worker(client: Client, identity: &str) -> Result<Worker, Error> {
    let options = WorkerOptions {
        task_queue: TASK_QUEUE.to_owned(),
        identity: identity.to_owned(),
        ..WorkerOptions::default()
    };
    Worker::builder(client, options)
        .activity("step", step)
        .activity("draft", draft)
        .workflow(CONVERSATION_TYPE, |_| turn_code())
        .workflow(WORKFLOW_TYPE, |_| order_code())
        .workflow(CHILD_TYPE, |_| child_code())
        .build()
}

/// Takes its time, and fails one first attempt in three.
async fn hold_up(task: &v1::ActivityTask) -> Result<(), v1::Failure> {
    let mut hasher = DefaultHasher::new();
    (&task.workflow_id, &task.key).hash(&mut hasher);
    let hash = hasher.finish();
    tokio::time::sleep(Duration::from_millis(hash % 16)).await;
    if task.attempt == 1 && hash.is_multiple_of(3) {
        return Err(everturn_client::failure("Flaky", "the first attempt fails"));
    }
    Ok(())
}

async fn step(task: v1::ActivityTask) -> Result<v1::Payload, v1::Failure> {
    hold_up(&task).await?;
    Ok(number(read_number(task.input.as_ref()) + 1))
}

async fn draft(task: v1::ActivityTask) -> Result<v1::Payload, v1::Failure> {
    hold_up(&task).await?;
    Ok(task.input.unwrap_or_default())
}

fn number(value: u64) -> v1::Payload {
    everturn_client::json(&value).expect("numbers are JSON")
}

fn read_number(payload: Option<&v1::Payload>) -> u64 {
    payload
        .and_then(|payload| everturn_client::json_value(payload).ok())
        .expect("the load's payloads are numbers")
}

fn activity(key: &str, name: &str, input: v1::Payload) -> v1::Command {
    let retry_policy = v1::RetryPolicy {
        initial_interval: Some(crate::calls::millis(20)),
        backoff_coefficient: Some(1.0),
        ..Default::default()
    };
    let schedule = v1::ScheduleActivity {
        activity_type: name.to_owned(),
        input: Some(input),
        options: Some(v1::ActivityOptions {
            retry_policy: Some(retry_policy),
            ..Default::default()
        }),
    };
    command(key, CommandKind::ScheduleActivity(schedule))
}

fn child(input: u64) -> v1::Command {
    let start = v1::StartChild {
        workflow_type: CHILD_TYPE.to_owned(),
        input: Some(number(input)),
        ..Default::default()
    };
    command("child", CommandKind::StartChild(start))
}

fn timer() -> v1::Command {
    let delay = Some(crate::calls::millis(30));
    command("timer", CommandKind::StartTimer(v1::StartTimer { delay }))
}

fn complete(result: Option<v1::Payload>) -> v1::Command {
    command("", CommandKind::CompleteRun(v1::CompleteRun { result }))
}

/// Events that no code of the load expects end it.
fn unexpected(kind: &EventKind) -> Option<v1::Command> {
    let failure = match kind {
        EventKind::ActivityFailed(it) => it.failure.clone(),
        EventKind::CancelRequested(_) | EventKind::TurnInterrupted(_) => None,
        _ => return None,
    };
    Some(command("", CommandKind::FailRun(v1::FailRun { failure })))
}

/// Lists the messages it was given in its reply.
#[derive(Default)]
struct TurnCode {
    given: Vec<u64>,
    with_child: bool,
    with_timer: bool,
    waits: u32,
}

fn turn_code() -> RunCode {
    let mut code = TurnCode::default();
    Box::new(move |events| {
        let kinds = events.iter().filter_map(|event| event.kind.as_ref());
        Ok(kinds.flat_map(|kind| code.take(kind)).collect())
    })
}

impl TurnCode {
    fn take(&mut self, kind: &EventKind) -> Vec<v1::Command> {
        match kind {
            EventKind::RunStarted(it) => {
                let turn = it.turn.as_ref().expect("a turn's run");
                let says = |word| {
                    let text = |m: &v1::Message| m.content.clone().unwrap_or_default().text;
                    turn.messages.iter().any(|m| text(m).starts_with(word))
                };
                (self.with_child, self.with_timer) = (says("child"), says("timer"));
                self.given.extend(turn.messages.iter().map(|m| m.sequence));
                if says("ask") {
                    vec![ask()]
                } else {
                    self.begin()
                }
            }
            EventKind::AskAnswered(it) => {
                self.given.extend(it.messages.iter().map(|m| m.sequence));
                self.begin()
            }
            EventKind::ActivityCompleted(_)
            | EventKind::ChildClosed(_)
            | EventKind::TimerFired(_) => {
                self.waits -= 1;
                if self.waits == 0 {
                    vec![reply(&self.given), complete(None)]
                } else {
                    Vec::new()
                }
            }
            other => unexpected(other).into_iter().collect(),
        }
    }

    fn begin(&mut self) -> Vec<v1::Command> {
        let input = everturn_client::json(&self.given).expect("numbers are JSON");
        let mut commands = vec![activity("draft", "draft", input)];
        if self.with_child {
            commands.push(child(1));
        }
        if self.with_timer {
            commands.push(timer());
        }
        self.waits = u32::try_from(commands.len()).unwrap_or(0);
        commands
    }
}

fn send(text: String) -> v1::SendMessage {
    v1::SendMessage {
        content: Some(everturn_client::text(text)),
        ..Default::default()
    }
}

fn ask() -> v1::Command {
    let message = Some(send(QUESTION.to_owned()));
    command(
        "ask",
        CommandKind::Ask(v1::Ask {
            message,
            accept_earlier: false,
        }),
    )
}

fn reply(given: &[u64]) -> v1::Command {
    let text = serde_json::to_string(given).expect("numbers are JSON");
    command("reply", CommandKind::SendMessage(send(text)))
}

/// Two steps, a child and a timer at once, then a step with their sum.
fn order_code() -> RunCode {
    let (mut waits, mut sum) = (4, 0);
    Box::new(move |events| {
        let mut commands = Vec::new();
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                EventKind::RunStarted(it) => {
                    let input = read_number(it.input.as_ref());
                    commands.push(activity("a", "step", number(input)));
                    commands.push(activity("b", "step", number(input + 1)));
                    commands.push(child(input + 2));
                    commands.push(timer());
                    continue;
                }
                EventKind::ActivityCompleted(it) if it.key == "sum" => {
                    commands.push(complete(it.result.clone()));
                    continue;
                }
                EventKind::ActivityCompleted(it) => sum += read_number(it.result.as_ref()),
                EventKind::ChildClosed(it) => sum += read_number(it.result.as_ref()),
                EventKind::TimerFired(_) => {}
                other => {
                    commands.extend(unexpected(other));
                    continue;
                }
            }
            waits -= 1;
            if waits == 0 {
                commands.push(activity("sum", "step", number(sum)));
            }
        }
        Ok(commands)
    })
}

fn child_code() -> RunCode {
    Box::new(|events| {
        let kinds = events.iter().filter_map(|event| event.kind.as_ref());
        let commands = kinds.filter_map(|kind| match kind {
            EventKind::RunStarted(it) => {
                let input = it.input.clone().unwrap_or_default();
                Some(activity("step", "step", input))
            }
            EventKind::ActivityCompleted(it) => Some(complete(it.result.clone())),
            other => unexpected(other),
        });
        Ok(commands.collect())
    })
}
