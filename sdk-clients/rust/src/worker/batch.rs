//! Sizes of outgoing batches, so that no message outgrows the transport.

use everturn_proto::v1;

/// A batch ends once it holds this much, unless its first result alone is
/// larger. Well below the 4 MiB that the server reads.
pub(crate) const BATCH_BYTES_MAX: usize = 1 << 20;
/// A batch ends with this many results of each kind.
pub(crate) const BATCH_RESULTS_MAX: usize = 1_024;

fn payload_bytes(payload: Option<&v1::Payload>) -> usize {
    payload.map_or(0, |payload| payload.data.len() + payload.content_type.len())
}

fn failure_bytes(failure: &v1::Failure) -> usize {
    failure.message.len()
        + failure.stack_trace.len()
        + payload_bytes(failure.details.as_ref())
        + failure.cause.as_deref().map_or(0, failure_bytes)
        + failure.more_causes.iter().map(failure_bytes).sum::<usize>()
}

/// About how large an activity's result is on the wire.
pub(crate) fn activity_bytes(result: &v1::ActivityResult) -> usize {
    use v1::activity_result::Outcome;
    let outcome = match &result.outcome {
        Some(Outcome::Result(payload)) => payload_bytes(Some(payload)),
        Some(Outcome::Failure(failure)) => failure_bytes(failure),
        None => 0,
    };
    64 + result.task_token.len() + outcome
}

/// About how large a workflow task's result is on the wire.
pub(crate) fn workflow_bytes(result: &v1::WorkflowTaskResult) -> usize {
    let commands: usize = result.commands.iter().map(command_bytes).sum();
    64 + result.task_token.len() + commands + result.failure.as_ref().map_or(0, failure_bytes)
}

fn content_bytes(content: Option<&v1::MessageContent>) -> usize {
    content.map_or(0, |content| {
        let attributes: usize = content
            .attributes
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        content.text.len() + payload_bytes(content.data.as_ref()) + attributes
    })
}

fn command_bytes(command: &v1::Command) -> usize {
    use v1::command::Kind;
    let body = match &command.kind {
        Some(Kind::ScheduleActivity(it)) => payload_bytes(it.input.as_ref()),
        Some(Kind::StartChild(it)) => payload_bytes(it.input.as_ref()),
        Some(Kind::RecordLocal(it)) => match &it.outcome {
            Some(v1::record_local::Outcome::Result(payload)) => payload_bytes(Some(payload)),
            Some(v1::record_local::Outcome::Failure(failure)) => failure_bytes(failure),
            None => 0,
        },
        Some(Kind::SendMessage(it)) => content_bytes(it.content.as_ref()),
        Some(Kind::Ask(it)) => content_bytes(
            it.message
                .as_ref()
                .and_then(|message| message.content.as_ref()),
        ),
        Some(Kind::SetState(it)) => payload_bytes(it.value.as_ref()),
        Some(Kind::SendSignal(it)) => payload_bytes(it.input.as_ref()),
        Some(Kind::CompleteRun(it)) => payload_bytes(it.result.as_ref()),
        Some(Kind::FailRun(it)) => it.failure.as_ref().map_or(0, failure_bytes),
        Some(Kind::CancelRun(it)) => it.failure.as_ref().map_or(0, failure_bytes),
        Some(Kind::RequestApproval(it)) => {
            it.title.len()
                + payload_bytes(it.details.as_ref())
                + payload_bytes(it.arguments.as_ref())
        }
        Some(Kind::RecordProblem(it)) => it.failure.as_ref().map_or(0, failure_bytes),
        Some(Kind::HandOff(it)) => it.reason.len() + payload_bytes(it.context.as_ref()),
        Some(Kind::NoReply(it)) => it.reason.len(),
        Some(Kind::CloseConversation(it)) => it.reason.len(),
        Some(Kind::StartTimer(_) | Kind::CancelCommand(_)) | None => 0,
    };
    // Names, options and framing; ids are at most 256 bytes each.
    256 + command.key.len() + body
}
