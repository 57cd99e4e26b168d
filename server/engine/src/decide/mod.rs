//! Deciders: one request, one file. Each checks everything first and then
//! emits, so that a rejection leaves no trace.

mod activity_result;
mod add_note;
mod attempt;
mod begin_activity;
pub(crate) mod cancel_workflow;
mod change_message;
pub(crate) mod close_conversation;
pub(crate) mod closing;
mod complete_task;
mod contact;
mod deadlines;
pub(crate) mod decide_approval;
mod deliveries;
mod erase_conversation;
mod hand_back;
pub(crate) mod hand_off;
mod handoff_timeout;
mod held;
mod import_conversation;
mod mailbox;
mod merge;
pub(crate) mod ownership;
mod pause_conversation;
mod pause_workflow;
pub(crate) mod proactive;
mod report_delivery;
mod resend_message;
mod resume;
mod send_human_message;
mod set_type;
mod signal_workflow;
mod start_workflow;
mod submit_event;
mod submit_message;
mod submit_typing;
mod task;
mod terminate_workflow;
pub(crate) mod turn_failure;
mod undeliverable;
mod update_conversation;

pub use activity_result::{
    Beat, check_activity, check_attempt, complete_activity, fail_activity, heartbeat_activity,
    lose_activity,
};
pub use add_note::{AddNote, add_note};
pub use attempt::{ActivityStart, ActivityToken, DeliveryTask, InReplyTo};
pub use begin_activity::{Taker, begin_activity};
pub use cancel_workflow::cancel_workflow;
pub use change_message::{ChangeMessage, Changed, change_message};
pub use close_conversation::{CloseConversation, close_conversation};
pub use complete_task::{Completion, complete_task};
pub use contact::{Assign, assign_contact, link_address};
pub use deadlines::meet_deadlines;
pub use decide_approval::{DecideApproval, approval_root, decide_approval};
pub use deliveries::{accept_delivery, refuse_delivery, return_delivery};
pub use erase_conversation::erase_conversation;
pub use hand_back::{HandBack, hand_back};
pub use hand_off::hand_off;
pub use import_conversation::{ImportConversation, import_conversation};
pub use merge::{
    Absorb, Moving, absorb, begin_merge, cancel_merge, end_merge, expect_merge, moving,
};
pub use ownership::HandOff;
pub use pause_conversation::{pause_conversation, resume_conversation};
pub use pause_workflow::{pause_workflow, resume_workflow};
pub use proactive::is_time_zone;
pub use report_delivery::{DeliveryRef, ReportDelivery, report_delivery};
pub use resend_message::{ResendMessage, resend_message};
pub use resume::{Tasks, resume};
pub use send_human_message::{HumanMessageSent, SendHumanMessage, send_human_message};
pub use set_type::set_type;
pub use signal_workflow::{SignalWorkflow, settle_signal, signal_workflow};
pub use start_workflow::{StartWorkflow, start_workflow};
pub use submit_event::{SubmitEvent, submit_event};
pub use submit_message::{Accepted, Opening, SubmitMessage, known_message, submit_message};
pub use submit_typing::submit_typing;
pub use task::{TaskStart, TaskToken, begin_task, fail_task, lose_task, reoffer_task};
pub use terminate_workflow::terminate_workflow;
pub use update_conversation::{UpdateConversation, update_conversation};

use crate::event::{RunId, Slot};
use crate::limits;
use crate::rejection::Rejection;
use crate::state::conversation::Conversation;
use crate::state::root::Root;
use crate::state::run::Run;
use crate::text::WorkflowId;

/// Which run a request means: the latest with this workflow id, or a very
/// run.
#[derive(Clone, Debug)]
pub struct RunRef {
    /// Workflow id.
    pub workflow_id: WorkflowId,
    /// Run id, if that very run is meant.
    pub run_id: Option<RunId>,
}

/// Finds an open run.
pub(crate) fn open_run<'a>(root: &'a Root, target: &RunRef) -> Result<&'a Run, Rejection> {
    let run = root
        .runs
        .values()
        .rev()
        .find(|run| {
            run.workflow_id == target.workflow_id && target.run_id.is_none_or(|id| id == run.run_id)
        })
        .ok_or(Rejection::RunNotFound)?;
    if run.status.is_open() {
        Ok(run)
    } else {
        Err(Rejection::RunClosed)
    }
}

/// Checks that the journal of a run takes one more event from outside.
pub(crate) fn check_room(run: &Run) -> Result<(), Rejection> {
    if run.has_room() {
        return Ok(());
    }
    Err(Rejection::LimitExceeded {
        subject: "events in the journal of a run",
        limit: limits::JOURNAL_EVENTS,
    })
}

/// The open run in a slot.
pub(crate) fn open_slot(root: &Root, slot: Slot) -> Result<&Run, Rejection> {
    root.runs
        .get(&slot)
        .filter(|run| run.status.is_open())
        .ok_or(Rejection::Fenced)
}

/// Why a conversation that is over takes nothing.
pub(crate) fn closed(conversation: &Conversation) -> Rejection {
    match &conversation.merged {
        Some(merged) => Rejection::ConversationMerged(merged.into.to_string()),
        None => Rejection::ConversationClosed,
    }
}

/// The conversation, if it is there and open.
pub(crate) fn open_conversation(root: &Root) -> Result<&Conversation, Rejection> {
    if root.tombstone.is_some() {
        return Err(Rejection::ConversationErased);
    }
    let conversation = root.conversation.as_ref();
    let conversation = conversation.ok_or(Rejection::ConversationNotFound)?;
    if conversation.is_open() {
        Ok(conversation)
    } else {
        Err(closed(conversation))
    }
}
