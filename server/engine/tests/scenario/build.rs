//! Short ways to write values, commands and requests.

use std::collections::BTreeMap;

use everturn_engine::command::{
    Ask, CancelStep, CloseConversation, Command, CommandKind, CompleteRun, Draft, FailRun,
    HandOffConversation, NoReply, RequestApproval, ScheduleActivity, SetState, StartChild,
    StartTimer,
};
use everturn_engine::decide::{self, RunRef, StartWorkflow, Taker};
use everturn_engine::event::DeliveryStatus;
use everturn_engine::policy::ActivityOptions;
use everturn_engine::text::Text;
use everturn_engine::value::{
    Assignee, Blob, Failure, FailureKind, InboundEvent, Message, MessageContent, Payload, Span,
    Usage,
};

pub fn texts<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<String> {
    let texts = messages.into_iter().map(|m| m.content.text.to_string());
    texts.collect()
}

pub fn types<'a>(events: impl IntoIterator<Item = &'a InboundEvent>) -> Vec<String> {
    let types = events.into_iter().map(|e| e.event_type.to_string());
    types.collect()
}

/// A worker that cannot reconcile deliveries.
pub fn taker(identity: &Text) -> Taker<'_> {
    Taker {
        identity,
        reconciles: false,
    }
}

pub fn person(name: &str) -> Assignee {
    Assignee::Person(name.into())
}

pub fn team(name: &str) -> Assignee {
    Assignee::Team(name.into())
}

pub fn hand_off(assignee: Assignee) -> decide::HandOff {
    decide::HandOff {
        assignee,
        reason: "".into(),
        context: None,
    }
}

pub fn tokens(input: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        output_tokens: output,
        ..Usage::default()
    }
}

pub fn start_request(request: u64) -> StartWorkflow {
    StartWorkflow {
        type_name: "order".into(),
        task_queue: "default".into(),
        input: payload("{}"),
        execution_timeout: None,
        labels: BTreeMap::new(),
        request: request.into(),
    }
}

pub fn target(id: &str) -> RunRef {
    RunRef {
        workflow_id: id.into(),
        run_id: None,
    }
}

pub fn payload(text: &str) -> Payload {
    Payload {
        data: Blob(text.to_owned().into_bytes().into()),
        content_type: "".into(),
    }
}

pub fn content(text: &str) -> MessageContent {
    MessageContent {
        text: text.into(),
        data: None,
        attributes: BTreeMap::new(),
        attachments: Vec::new(),
    }
}

/// A receipt of a provider.
pub fn receipt(target: decide::DeliveryRef, status: DeliveryStatus) -> decide::ReportDelivery {
    decide::ReportDelivery {
        target,
        channel: "".into(),
        status: Some(status),
        detail: "".into(),
    }
}

pub fn command(key: &str, kind: CommandKind) -> Command {
    Command {
        key: key.into(),
        kind,
    }
}

pub fn activity(key: &str) -> Command {
    activity_with(key, ActivityOptions::on("agents".into()))
}

/// An activity of a type.
pub fn activity_of(activity_type: &str, key: &str) -> Command {
    let schedule = ScheduleActivity {
        activity_type: activity_type.into(),
        input: payload("1"),
        options: Box::new(ActivityOptions::on("agents".into())),
    };
    command(key, CommandKind::ScheduleActivity(schedule))
}

pub fn activity_with(key: &str, options: ActivityOptions) -> Command {
    command(
        key,
        CommandKind::ScheduleActivity(ScheduleActivity {
            activity_type: key.into(),
            input: payload("1"),
            options: Box::new(options),
        }),
    )
}

pub fn reply(key: &str, text: &str) -> Command {
    let draft = Draft {
        channel: "".into(),
        author_name: "".into(),
        content: content(text),
        change: None,
    };
    command(key, CommandKind::SendMessage(draft))
}

pub fn ask(key: &str) -> Command {
    ask_with(key, None, false)
}

/// Asks with words.
pub fn question(key: &str, text: &str) -> Command {
    ask_with(key, Some(text), false)
}

pub fn ask_with(key: &str, text: Option<&str>, accepts_earlier: bool) -> Command {
    let message = text.map(|text| Draft {
        channel: "".into(),
        author_name: "".into(),
        content: content(text),
        change: None,
    });
    let ask = Ask {
        message,
        accepts_earlier,
    };
    command(key, CommandKind::Ask(ask))
}

/// The code ends the conversation.
pub fn close_conversation(key: &str) -> Command {
    let close = CloseConversation {
        reason: "done".into(),
    };
    command(key, CommandKind::CloseConversation(close))
}

pub fn timer(key: &str, seconds: i64) -> Command {
    let delay = Span::from_secs(seconds);
    command(key, CommandKind::StartTimer(StartTimer { delay }))
}

pub fn child(key: &str) -> Command {
    command(
        key,
        CommandKind::StartChild(StartChild {
            workflow_type: "agent".into(),
            input: payload("1"),
            task_queue: "".into(),
            execution_timeout: None,
        }),
    )
}

pub fn set_state(key: &str, value: &str) -> Command {
    set_entry(key, "n", Some(value))
}

pub fn set_entry(key: &str, name: &str, value: Option<&str>) -> Command {
    let set = SetState {
        name: name.into(),
        value: value.map(payload),
    };
    command(key, CommandKind::SetState(set))
}

pub fn take_over(key: &str, assignee: Assignee) -> Command {
    command(
        key,
        CommandKind::HandOff(HandOffConversation {
            assignee,
            reason: "too hard".into(),
            context: None,
        }),
    )
}

pub fn approval(key: &str, arguments: &str, expires_after: Option<Span>) -> Command {
    command(
        key,
        CommandKind::RequestApproval(RequestApproval {
            title: "Refund?".into(),
            details: None,
            arguments: payload(arguments),
            expires_after,
        }),
    )
}

pub fn cancel(target: &str) -> Command {
    command(
        "",
        CommandKind::Cancel(CancelStep {
            target: target.into(),
        }),
    )
}

pub fn complete() -> Command {
    command(
        "",
        CommandKind::Complete(CompleteRun {
            result: payload("null"),
        }),
    )
}

pub fn fail() -> Command {
    let failure = Failure::new(FailureKind::Application, "ModelError", "the model said no");
    command("", CommandKind::Fail(FailRun { failure }))
}

pub fn no_reply(key: &str) -> Command {
    let reason = "it says thank you".into();
    command(key, CommandKind::NoReply(NoReply { reason }))
}
