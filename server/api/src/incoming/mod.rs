//! From the wire: requests become validated values of the engine.

mod assignee;
mod command;
mod message;
mod opt_out;
mod outside;
mod payload;
mod policy;
mod span;
mod target;
mod task_result;

pub(crate) use assignee::assignee;
pub(crate) use command::commands;
pub(crate) use message::{addresses, content, labels, usage};
pub(crate) use opt_out::{opt_out, opt_outs};
pub(crate) use outside::{
    detail as outside_detail, id as outside_id, outside_content, text as outside_text,
};
pub(crate) use payload::{cut, failure, optional_payload, payload};
pub(crate) use policy::{PolicyChanges, activity_options, policy_changes};
pub(crate) use span::{bounded, optional_span, time, wait};
pub(crate) use target::{
    bytes, contact, key, named_or_of, namespace, reasons, reasons_text, request, root_key, run_ref,
    said, sorted, task_queue,
};
pub(crate) use task_result::{
    Invalid, activity_result, activity_token, output_piece, rejection_of, workflow_task_result,
};
