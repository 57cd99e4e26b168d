//! The commands of a workflow task. One whose fields are wrong fails by
//! itself: the others are carried out.

use everturn_engine::command::{
    Ask, CancelRun, CancelStep, CloseConversation, Command, CommandKind, CompleteRun, Draft,
    FailRun, HandOffConversation, NoReply, RecordLocal, RecordProblem, Refused, RequestApproval,
    ScheduleActivity, SendSignal, SetState, StartChild, StartTimer,
};
use everturn_engine::limits;
use everturn_engine::value::Outcome;
use everturn_engine::value::{Change, MessageContent};
use everturn_proto::v1 as pb;
use everturn_proto::v1::command::Kind;

use crate::checker::{Checker, Path};
use crate::incoming::{
    activity_options, assignee, content, failure, optional_payload, optional_span, payload,
};

/// All commands of a completion.
pub(crate) fn commands(checker: &mut Checker, values: Vec<pb::Command>) -> Vec<Command> {
    if values.len() > limits::COMMANDS {
        checker.over_limit("commands in one completion", limits::COMMANDS as u64);
        return Vec::new();
    }
    values.into_iter().map(command).collect()
}

/// One command; one that is wrong becomes its own failure.
fn command(value: pb::Command) -> Command {
    let mut checker = Checker::default();
    let kind = match value.kind {
        Some(kind) => read(&mut checker, kind),
        None => {
            checker.violation(Path::field("kind"), "names none");
            CompleteRun::default().into()
        }
    };
    Command {
        key: value.key.into(),
        kind: match checker.failure() {
            None => kind,
            Some(failure) => Refused {
                kind: kind.code(),
                failure,
            }
            .into(),
        },
    }
}

fn read(checker: &mut Checker, kind: Kind) -> CommandKind {
    match kind {
        Kind::ScheduleActivity(value) => {
            checker.name(Path::field("activity_type"), &value.activity_type);
            ScheduleActivity {
                activity_type: value.activity_type.into(),
                input: payload(checker, Path::field("input"), value.input),
                options: Box::new(activity_options(
                    checker,
                    Path::field("options"),
                    value.options,
                )),
            }
            .into()
        }
        Kind::StartTimer(value) => {
            let delay = optional_span(checker, Path::field("delay"), value.delay);
            let delay = delay.unwrap_or_default();
            StartTimer { delay }.into()
        }
        Kind::StartChild(value) => start_child(checker, value).into(),
        Kind::RecordLocal(value) => record_local(checker, value).into(),
        Kind::SendMessage(value) => draft(checker, value).into(),
        Kind::Ask(value) => ask(checker, value).into(),
        Kind::SetState(value) => {
            checker.name(Path::field("name"), &value.name);
            let name = value.name.into();
            let value = optional_payload(checker, Path::field("value"), value.value);
            SetState { name, value }.into()
        }
        Kind::SendSignal(value) => send_signal(checker, value).into(),
        Kind::CancelCommand(value) => {
            checker.name(Path::field("target_key"), &value.target_key);
            let target = value.target_key.into();
            CancelStep { target }.into()
        }
        Kind::RequestApproval(value) => request_approval(checker, value).into(),
        Kind::HandOff(value) => hand_off(checker, value).into(),
        Kind::NoReply(value) => {
            checker.text(Path::field("reason"), &value.reason, limits::REASON_BYTES);
            let reason = value.reason.into();
            NoReply { reason }.into()
        }
        Kind::CloseConversation(value) => {
            checker.text(Path::field("reason"), &value.reason, limits::REASON_BYTES);
            let reason = value.reason.into();
            CloseConversation { reason }.into()
        }
        Kind::RecordProblem(value) => {
            let failure = failure(value.failure);
            RecordProblem { failure }.into()
        }
        Kind::CompleteRun(value) => {
            let result = payload(checker, Path::field("result"), value.result);
            CompleteRun { result }.into()
        }
        Kind::FailRun(value) => {
            let failure = failure(value.failure);
            FailRun { failure }.into()
        }
        Kind::CancelRun(value) => {
            let failure = value.failure.map(|value| failure(Some(value)));
            CancelRun { failure }.into()
        }
    }
}

fn ask(checker: &mut Checker, value: pb::Ask) -> Ask {
    Ask {
        message: value.message.map(|message| draft(checker, message)),
        accepts_earlier: value.accept_earlier,
    }
}

fn send_signal(checker: &mut Checker, value: pb::SendSignal) -> SendSignal {
    checker.name(Path::field("workflow_id"), &value.workflow_id);
    checker.name(Path::field("signal_name"), &value.signal_name);
    SendSignal {
        workflow_id: value.workflow_id.into(),
        name: value.signal_name.into(),
        input: payload(checker, Path::field("input"), value.input),
    }
}

fn hand_off(checker: &mut Checker, value: pb::HandOff) -> HandOffConversation {
    let reason = Path::field("reason");
    checker.text(reason, &value.reason, limits::REASON_BYTES);
    HandOffConversation {
        assignee: assignee(checker, Path::field("assignee"), value.assignee),
        reason: value.reason.into(),
        context: optional_payload(checker, Path::field("context"), value.context),
    }
}

fn request_approval(checker: &mut Checker, value: pb::RequestApproval) -> RequestApproval {
    let title = Path::field("title");
    if value.title.is_empty() {
        checker.violation(title, "is required");
    }
    checker.text(title, &value.title, limits::TITLE_BYTES);
    let expires = Path::field("expires_after");
    RequestApproval {
        title: value.title.into(),
        details: optional_payload(checker, Path::field("details"), value.details),
        arguments: payload(checker, Path::field("arguments"), value.arguments),
        expires_after: optional_span(checker, expires, value.expires_after),
    }
}

fn start_child(checker: &mut Checker, value: pb::StartChild) -> StartChild {
    checker.name(Path::field("workflow_type"), &value.workflow_type);
    checker.optional_name(Path::field("task_queue"), &value.task_queue);
    let timeout = Path::field("execution_timeout");
    StartChild {
        workflow_type: value.workflow_type.into(),
        input: payload(checker, Path::field("input"), value.input),
        task_queue: value.task_queue.into(),
        execution_timeout: optional_span(checker, timeout, value.execution_timeout),
    }
}

fn record_local(checker: &mut Checker, value: pb::RecordLocal) -> RecordLocal {
    use pb::record_local::Outcome as Wire;
    let outcome = match value.outcome {
        Some(Wire::Result(value)) => {
            Outcome::Completed(payload(checker, Path::field("result"), Some(value)))
        }
        Some(Wire::Failure(value)) => Outcome::Failed(failure(Some(value))),
        None => Outcome::Completed(payload(checker, Path::field("result"), None)),
    };
    RecordLocal {
        seen: value.seen_event_id,
        outcome,
    }
}

fn draft(checker: &mut Checker, value: pb::SendMessage) -> Draft {
    use pb::send_message::Change as Wire;
    checker.optional_name(Path::field("channel"), &value.channel);
    checker.optional_name(Path::field("author_name"), &value.author_name);
    let change = value.change.map(|change| match change {
        Wire::EditsSequence(of) => Change::Edit(of),
        Wire::RetractsSequence(of) => Change::Retract(of),
    });
    // What takes a message back says nothing.
    let is_empty = value
        .content
        .as_ref()
        .is_none_or(|it| it.text.is_empty() && it.data.is_none() && it.attachments.is_empty());
    let says_nothing = matches!(change, Some(Change::Retract(_))) && is_empty;
    Draft {
        channel: value.channel.into(),
        author_name: value.author_name.into(),
        content: if says_nothing {
            MessageContent::default()
        } else {
            content(checker, Path::field("content"), value.content)
        },
        change,
    }
}
