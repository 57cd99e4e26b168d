//! The load worker that is built in: the code of the scenarios as raw event
//! handlers, activities that hand their input back or stream.

use std::time::Duration;

use everturn_client::worker::{ActivityContext, RunCode, Worker, WorkerOptions};
use everturn_client::{Client, Error, v1};
use v1::command::Kind as CommandKind;
use v1::history_event::Kind as EventKind;

use super::pipeline::{STEPS_PER_WORKFLOW, WORKFLOW_TYPE};
use super::stream::{self, Chunks, Line, Order, now_ns};
use super::turns::CONVERSATION_TYPE;
use super::types::{ASK_TYPE, FANOUT_TYPE, HISTORY_TYPE, REPLY_TYPE};

/// Tasks that the worker takes at a time, per piece of work in flight.
const SLOTS_PER_FLIGHT: u32 = 4;
/// Entries of the state that a turn is asked to write.
const STATE_ENTRIES: u32 = 4;

/// A worker for all scenarios.
pub(crate) fn build(client: Client, task_queue: String, in_flight: u32) -> Result<Worker, Error> {
    let slots = (in_flight * SLOTS_PER_FLIGHT).clamp(64, 10_000);
    let options = WorkerOptions {
        task_queue,
        activity_slots: slots,
        workflow_slots: slots,
        cached_runs_max: 100_000,
        ..WorkerOptions::default()
    };
    let mut builder = Worker::builder(client, options);
    for name in ["support", "sales", "manager", "step"] {
        builder = builder.activity(name, |task: v1::ActivityTask| {
            std::future::ready(Ok(task.input.unwrap_or_default()))
        });
    }
    builder
        .activity_with_context("stream", write_chunks)
        .workflow(stream::CONVERSATION_TYPE, |_| stream_code())
        .workflow(CONVERSATION_TYPE, |_| turn_code())
        .workflow(WORKFLOW_TYPE, |_| pipeline_code())
        .workflow(ASK_TYPE, |_| ask_code())
        .workflow(REPLY_TYPE, |_| reply_code())
        .workflow(FANOUT_TYPE, |_| fanout_code())
        .workflow(HISTORY_TYPE, |_| history_code())
        .build()
}

/// Writes chunks at their times, each a line with the time it was written at.
async fn write_chunks(context: ActivityContext) -> Result<v1::Payload, v1::Failure> {
    let invalid = |error: serde_json::Error| everturn_client::failure("Input", error.to_string());
    let input = context.task().input.clone().unwrap_or_default();
    let chunks: Chunks = everturn_client::json_value(&input).map_err(invalid)?;
    let begin = tokio::time::Instant::now();
    let interval = Duration::from_secs_f64(chunks.interval_ms.max(0.0) / 1_000.0);
    let width = (chunks.size_bytes as usize).saturating_sub(1);
    for number in 1..=chunks.count {
        tokio::time::sleep_until(begin + interval * number).await;
        let sent_ns = now_ns();
        let line = serde_json::to_string(&Line { number, sent_ns }).map_err(invalid)?;
        context.stream(format!("{line:<width$}\n")).await;
    }
    everturn_client::json(&chunks.count).map_err(invalid)
}

fn command(key: &str, kind: CommandKind) -> v1::Command {
    v1::Command {
        key: key.to_owned(),
        kind: Some(kind),
    }
}

fn activity(key: &str, activity_type: &str, input: Option<v1::Payload>) -> v1::Command {
    let schedule = v1::ScheduleActivity {
        activity_type: activity_type.to_owned(),
        input,
        options: None,
    };
    command(key, CommandKind::ScheduleActivity(schedule))
}

fn complete(result: Option<v1::Payload>) -> v1::Command {
    command("", CommandKind::CompleteRun(v1::CompleteRun { result }))
}

/// What both codes do about events that end a run early.
fn early_end(kind: &EventKind) -> Option<v1::Command> {
    match kind {
        EventKind::ActivityFailed(it) => {
            let failure = it.failure.clone();
            Some(command("", CommandKind::FailRun(v1::FailRun { failure })))
        }
        EventKind::CancelRequested(_) | EventKind::TurnInterrupted(_) => {
            let cancel = v1::CancelRun { failure: None };
            Some(command("", CommandKind::CancelRun(cancel)))
        }
        _ => None,
    }
}

/// Support and Sales in parallel, then Manager, then the reply.
fn turn_code() -> RunCode {
    let mut waiting = 2;
    Box::new(move |events| {
        let mut commands = Vec::with_capacity(2);
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                EventKind::RunStarted(it) => {
                    let input = question(it);
                    commands.extend(state(it));
                    commands.push(activity("support", "support", input.clone()));
                    commands.push(activity("sales", "sales", input));
                }
                EventKind::ActivityCompleted(it) if it.key == "manager" => {
                    commands.push(reply(it.result.as_ref()));
                    commands.push(complete(None));
                }
                EventKind::ActivityCompleted(it) => {
                    waiting -= 1;
                    if waiting == 0 {
                        commands.push(activity("manager", "manager", it.result.clone()));
                    }
                }
                other => commands.extend(early_end(other)),
            }
        }
        Ok(commands)
    })
}

/// Writes the state that the first message asks for.
fn state(started: &v1::RunStarted) -> Vec<v1::Command> {
    let content = started.turn.as_ref().and_then(|it| it.messages.last());
    let data = content.and_then(|it| it.content.as_ref()?.data.as_ref());
    let bytes: u32 = data
        .and_then(|data| everturn_client::json_value(data).ok())
        .unwrap_or(0);
    let write = |entry: u32| {
        let value = "s".repeat((bytes / STATE_ENTRIES) as usize);
        let set = v1::SetState {
            name: format!("entry-{entry}"),
            value: everturn_client::json(&value).ok(),
        };
        command(&format!("state-{entry}"), CommandKind::SetState(set))
    };
    let entries = if bytes > 0 { STATE_ENTRIES } else { 0 };
    (0..entries).map(write).collect()
}

/// The last message of a turn, as JSON.
fn question(started: &v1::RunStarted) -> Option<v1::Payload> {
    let message = started.turn.as_ref()?.messages.last()?;
    everturn_client::json(&message.content.as_ref()?.text).ok()
}

fn reply(answer: Option<&v1::Payload>) -> v1::Command {
    let text: String = answer
        .and_then(|payload| everturn_client::json_value(payload).ok())
        .unwrap_or_default();
    let send = v1::SendMessage {
        author_name: "manager".to_owned(),
        content: Some(everturn_client::text(text)),
        ..Default::default()
    };
    command("reply", CommandKind::SendMessage(send))
}

/// One activity that streams, then the reply: "done", or why not.
fn stream_code() -> RunCode {
    Box::new(move |events| {
        let mut commands = Vec::new();
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            let text = match kind {
                EventKind::RunStarted(it) => match ordered(it) {
                    Some(command) => {
                        commands.push(command);
                        continue;
                    }
                    None => "done".to_owned(),
                },
                EventKind::ActivityCompleted(_) => "done".to_owned(),
                EventKind::ActivityFailed(it) => it.failure.clone().unwrap_or_default().message,
                other => {
                    commands.extend(early_end(other));
                    continue;
                }
            };
            commands.push(reply(everturn_client::json(&text).ok().as_ref()));
            commands.push(complete(None));
        }
        Ok(commands)
    })
}

/// The activity that a customer's message orders, if it orders one.
fn ordered(started: &v1::RunStarted) -> Option<v1::Command> {
    let message = started.turn.as_ref()?.messages.last()?;
    let data = message.content.as_ref()?.data.as_ref()?;
    let order: Order = everturn_client::json_value(data).ok()?;
    let chunks = order.chunks?;
    let length = f64::from(chunks.count) * chunks.interval_ms / 1_000.0;
    let timeout = Duration::from_secs_f64(length * 2.0 + 60.0);
    let schedule = v1::ScheduleActivity {
        activity_type: "stream".to_owned(),
        input: everturn_client::json(&chunks).ok(),
        options: Some(v1::ActivityOptions {
            task_queue: order.task_queue,
            retry_policy: Some(v1::RetryPolicy {
                maximum_attempts: Some(1),
                ..Default::default()
            }),
            start_to_close_timeout: prost_types::Duration::try_from(timeout).ok(),
            ..Default::default()
        }),
    };
    Some(command("stream", CommandKind::ScheduleActivity(schedule)))
}

/// Waits for the customer, replies to what they say, and waits again; a timer is
/// set all the while.
fn ask_code() -> RunCode {
    let mut asked = 0;
    Box::new(move |events| {
        let mut commands = Vec::with_capacity(2);
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                EventKind::RunStarted(_) => {
                    let delay = Some(prost_types::Duration {
                        seconds: 7 * 86_400,
                        nanos: 0,
                    });
                    let timer = v1::StartTimer { delay };
                    commands.push(command("reminder", CommandKind::StartTimer(timer)));
                }
                EventKind::AskAnswered(_) => {
                    let mut reply = reply(everturn_client::json("yes").ok().as_ref());
                    reply.key = format!("reply-{asked}");
                    commands.push(reply);
                }
                other => {
                    commands.extend(early_end(other));
                    continue;
                }
            }
            asked += 1;
            commands.push(command(
                &format!("ask-{asked}"),
                CommandKind::Ask(v1::Ask::default()),
            ));
        }
        Ok(commands)
    })
}

/// Replies at once.
fn reply_code() -> RunCode {
    Box::new(|events| {
        let mut commands = Vec::with_capacity(2);
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            if let EventKind::RunStarted(it) = kind {
                commands.push(reply(question(it).as_ref()));
                commands.push(complete(None));
            } else {
                commands.extend(early_end(kind));
            }
        }
        Ok(commands)
    })
}

/// The number of activities that a run is started with.
fn steps_of(started: &v1::RunStarted) -> u32 {
    let input = started.input.as_ref();
    let steps = input.and_then(|input| everturn_client::json_value(input).ok());
    steps.unwrap_or(0)
}

/// Activities all at once.
fn fanout_code() -> RunCode {
    let mut open = 0;
    Box::new(move |events| {
        let mut commands = Vec::new();
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                EventKind::RunStarted(it) => {
                    open = steps_of(it);
                    let steps = 1..=open;
                    commands
                        .extend(steps.map(|step| activity(&format!("step-{step}"), "step", None)));
                }
                EventKind::ActivityCompleted(_) => {
                    open -= 1;
                    if open == 0 {
                        commands.push(complete(None));
                    }
                }
                other => commands.extend(early_end(other)),
            }
        }
        Ok(commands)
    })
}

/// Activities in a row.
fn history_code() -> RunCode {
    let (mut steps, mut step) = (0, 0);
    Box::new(move |events| {
        let mut commands = Vec::with_capacity(1);
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            match kind {
                EventKind::RunStarted(it) => steps = steps_of(it),
                EventKind::ActivityCompleted(_) => {}
                other => {
                    commands.extend(early_end(other));
                    continue;
                }
            }
            step += 1;
            commands.push(if step <= steps {
                activity(&format!("step-{step}"), "step", None)
            } else {
                complete(None)
            });
        }
        Ok(commands)
    })
}

/// Ten activities in a row, each with the result of the one before.
fn pipeline_code() -> RunCode {
    let mut step = 0;
    Box::new(move |events| {
        let mut commands = Vec::with_capacity(1);
        for kind in events.iter().filter_map(|event| event.kind.as_ref()) {
            let input = match kind {
                EventKind::RunStarted(it) => it.input.clone(),
                EventKind::ActivityCompleted(it) => it.result.clone(),
                other => {
                    commands.extend(early_end(other));
                    continue;
                }
            };
            step += 1;
            commands.push(if step <= STEPS_PER_WORKFLOW {
                activity(&format!("step-{step}"), "step", input)
            } else {
                complete(input)
            });
        }
        Ok(commands)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind) -> v1::HistoryEvent {
        v1::HistoryEvent {
            kind: Some(kind),
            ..Default::default()
        }
    }

    fn completed(key: &str) -> v1::HistoryEvent {
        event(EventKind::ActivityCompleted(v1::ActivityCompleted {
            key: key.to_owned(),
            result: Some(everturn_client::json("hi").expect("text is JSON")),
            attempt: 1,
            usage: None,
        }))
    }

    fn keys(commands: &[v1::Command]) -> Vec<&str> {
        commands
            .iter()
            .map(|command| command.key.as_str())
            .collect()
    }

    #[test]
    fn a_turn_asks_two_agents_then_the_third_and_replies() {
        let mut code = turn_code();
        let started = event(EventKind::RunStarted(v1::RunStarted::default()));
        assert_eq!(keys(&code(&[started]).expect("runs")), ["support", "sales"]);
        assert!(code(&[completed("sales")]).expect("runs").is_empty());
        let next = code(&[completed("support")]).expect("runs");
        assert_eq!(keys(&next), ["manager"]);
        let last = code(&[completed("manager")]).expect("runs");
        assert_eq!(keys(&last), ["reply", ""]);
        assert!(matches!(last[1].kind, Some(CommandKind::CompleteRun(_))));
    }

    #[test]
    fn a_pipeline_ends_after_its_tenth_step() {
        let mut code = pipeline_code();
        let started = event(EventKind::RunStarted(v1::RunStarted::default()));
        let mut commands = code(&[started]).expect("runs");
        for step in 1..=STEPS_PER_WORKFLOW {
            assert_eq!(keys(&commands), [format!("step-{step}")]);
            commands = code(&[completed("step")]).expect("runs");
        }
        assert!(matches!(
            commands[0].kind,
            Some(CommandKind::CompleteRun(_))
        ));
    }

    #[test]
    fn a_stream_runs_what_the_message_orders_and_says_that_it_is_done() {
        let started = |chunks| {
            let order = Order {
                task_queue: "q".to_owned(),
                chunks,
            };
            let content = v1::MessageContent {
                data: everturn_client::json(&order).ok(),
                ..Default::default()
            };
            let message = v1::Message {
                content: Some(content),
                ..Default::default()
            };
            event(EventKind::RunStarted(v1::RunStarted {
                turn: Some(v1::TurnInput {
                    messages: vec![message],
                    ..Default::default()
                }),
                ..Default::default()
            }))
        };
        let opening = stream_code()(&[started(None)]).expect("runs");
        assert_eq!(keys(&opening), ["reply", ""]);
        let chunks = Chunks {
            count: 10,
            interval_ms: 5.0,
            size_bytes: 64,
        };
        let mut code = stream_code();
        let first = code(&[started(Some(chunks))]).expect("runs");
        assert_eq!(keys(&first), ["stream"]);
        let last = code(&[completed("stream")]).expect("runs");
        assert_eq!(keys(&last), ["reply", ""]);
    }
}
