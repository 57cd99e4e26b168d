//! The commands of a workflow task.

use everturn_engine::command::{Command, CommandKind, Draft};
use everturn_engine::limits;
use everturn_engine::value::Outcome;
use everturn_proto::v1 as pb;
use everturn_proto::v1::command::Kind;

use crate::checker::{Checker, Path};
use crate::incoming::{
    activity_options, assignee, content, failure, optional_payload, optional_span, payload,
};

/// All commands of a completion.
pub(crate) fn commands(
    checker: &mut Checker,
    path: Path<'_>,
    values: Vec<pb::Command>,
) -> Vec<Command> {
    if values.len() > limits::COMMANDS {
        checker.over_limit("commands in one completion", limits::COMMANDS as u64);
        return Vec::new();
    }
    let mut commands = Vec::with_capacity(values.len());
    for (index, value) in values.into_iter().enumerate() {
        let path = path.at(index);
        let key = value.key.into();
        match value.kind {
            Some(kind) => commands.push(Command {
                key,
                kind: command(checker, path, kind),
            }),
            None => checker.violation(path, "names no kind"),
        }
    }
    commands
}

fn command(checker: &mut Checker, path: Path<'_>, kind: Kind) -> CommandKind {
    match kind {
        Kind::ScheduleActivity(value) => {
            checker.name(path.then("activity_type"), &value.activity_type);
            CommandKind::ScheduleActivity {
                activity_type: value.activity_type.into(),
                input: payload(checker, path.then("input"), value.input),
                options: Box::new(activity_options(
                    checker,
                    path.then("options"),
                    value.options,
                )),
            }
        }
        Kind::StartTimer(value) => CommandKind::StartTimer {
            delay: optional_span(checker, path.then("delay"), value.delay).unwrap_or_default(),
        },
        Kind::StartChild(value) => start_child(checker, path, value),
        Kind::RecordLocal(value) => record_local(checker, path, value),
        Kind::SendMessage(value) => CommandKind::SendMessage(draft(checker, path, value)),
        Kind::Ask(value) => CommandKind::Ask {
            message: value
                .message
                .map(|message| draft(checker, path.then("message"), message)),
        },
        Kind::SetState(value) => {
            checker.name(path.then("name"), &value.name);
            CommandKind::SetState {
                name: value.name.into(),
                value: optional_payload(checker, path.then("value"), value.value),
            }
        }
        Kind::SendSignal(value) => {
            checker.name(path.then("workflow_id"), &value.workflow_id);
            checker.name(path.then("signal_name"), &value.signal_name);
            CommandKind::SendSignal {
                workflow_id: value.workflow_id.into(),
                name: value.signal_name.into(),
                input: payload(checker, path.then("input"), value.input),
            }
        }
        Kind::CancelCommand(value) => {
            checker.name(path.then("target_key"), &value.target_key);
            CommandKind::Cancel {
                target: value.target_key.into(),
            }
        }
        Kind::RequestApproval(value) => request_approval(checker, path, value),
        Kind::HandOff(value) => {
            checker.text(path.then("reason"), &value.reason, limits::REASON_BYTES);
            CommandKind::HandOff {
                assignee: assignee(checker, path.then("assignee"), value.assignee),
                reason: value.reason.into(),
                context: optional_payload(checker, path.then("context"), value.context),
            }
        }
        Kind::CompleteRun(value) => CommandKind::Complete {
            result: payload(checker, path.then("result"), value.result),
        },
        Kind::FailRun(value) => CommandKind::Fail {
            failure: failure(checker, path.then("failure"), value.failure),
        },
        Kind::CancelRun(value) => CommandKind::CancelRun {
            failure: value
                .failure
                .map(|value| failure(checker, path.then("failure"), Some(value))),
        },
    }
}

fn request_approval(
    checker: &mut Checker,
    path: Path<'_>,
    value: pb::RequestApproval,
) -> CommandKind {
    let title = path.then("title");
    if value.title.is_empty() {
        checker.violation(title, "is required");
    }
    checker.text(title, &value.title, limits::TITLE_BYTES);
    let expires = path.then("expires_after");
    CommandKind::RequestApproval {
        title: value.title.into(),
        details: optional_payload(checker, path.then("details"), value.details),
        arguments: payload(checker, path.then("arguments"), value.arguments),
        expires_after: optional_span(checker, expires, value.expires_after),
    }
}

fn start_child(checker: &mut Checker, path: Path<'_>, value: pb::StartChild) -> CommandKind {
    checker.name(path.then("workflow_type"), &value.workflow_type);
    checker.optional_name(path.then("task_queue"), &value.task_queue);
    let timeout = path.then("execution_timeout");
    CommandKind::StartChild {
        workflow_type: value.workflow_type.into(),
        input: payload(checker, path.then("input"), value.input),
        task_queue: value.task_queue.into(),
        execution_timeout: optional_span(checker, timeout, value.execution_timeout),
    }
}

fn record_local(checker: &mut Checker, path: Path<'_>, value: pb::RecordLocal) -> CommandKind {
    use pb::record_local::Outcome as Wire;
    let outcome = match value.outcome {
        Some(Wire::Result(value)) => {
            Outcome::Completed(payload(checker, path.then("result"), Some(value)))
        }
        Some(Wire::Failure(value)) => {
            Outcome::Failed(failure(checker, path.then("failure"), Some(value)))
        }
        None => Outcome::Completed(payload(checker, path, None)),
    };
    CommandKind::RecordLocal {
        seen: value.seen_event_id,
        outcome,
    }
}

fn draft(checker: &mut Checker, path: Path<'_>, value: pb::SendMessage) -> Draft {
    checker.optional_name(path.then("channel"), &value.channel);
    checker.optional_name(path.then("author_name"), &value.author_name);
    Draft {
        channel: value.channel.into(),
        author_name: value.author_name.into(),
        content: content(checker, path.then("content"), value.content),
    }
}
