//! The writing side of a session: everything that waits for the worker goes
//! out in as few messages as fit.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use everturn_proto::v1 as pb;
use everturn_runtime::{Session, WorkItem};
use futures::Stream;
use tokio::sync::mpsc;
use tokio_util::sync::DropGuard;
use tonic::Status;

use crate::{error, outgoing, task_token};

/// The answers of a Work stream.
pub(crate) type Answers = Pin<Box<dyn Stream<Item = Result<pb::WorkResponse, Status>> + Send>>;

/// What the reading side has for the worker.
pub(super) enum Control {
    /// Answers a ping.
    Pong(u64),
    /// A result that was not even handed on.
    Reject(pb::ResultRejection),
    /// An attempt that is over.
    Cancel(pb::ActivityCancel),
    /// The worker ended its side, or has to go.
    End(Option<Status>),
}

/// What an item takes beside its payloads, in bytes.
const FRAME_BYTES: usize = 512;

/// The stream of answers, beginning with the welcome.
pub(super) fn answers(
    session: Arc<Session>,
    welcome: pb::Welcome,
    controls: mpsc::Receiver<Control>,
    over: DropGuard,
    message_bytes: usize,
) -> Answers {
    let writer = Writer {
        session,
        welcome: Some(welcome),
        controls,
        items: VecDeque::new(),
        // Room for the frame of the last item that went in.
        batch_bytes: message_bytes / 4,
        ended: false,
        _over: over,
    };
    Box::pin(futures::stream::unfold(writer, |mut writer| async move {
        let next = writer.next().await?;
        Some((next, writer))
    }))
}

struct Writer {
    session: Arc<Session>,
    welcome: Option<pb::Welcome>,
    controls: mpsc::Receiver<Control>,
    items: VecDeque<WorkItem>,
    batch_bytes: usize,
    ended: bool,
    _over: DropGuard,
}

impl Writer {
    async fn next(&mut self) -> Option<Result<pb::WorkResponse, Status>> {
        if let Some(welcome) = self.welcome.take() {
            return Some(Ok(pb::WorkResponse {
                welcome: Some(welcome),
                ..pb::WorkResponse::default()
            }));
        }
        if self.items.is_empty() {
            if self.ended {
                return None;
            }
            tokio::select! {
                biased;
                control = self.controls.recv() => return self.control(control),
                items = self.session.next() => self.items.extend(items?),
            }
        }
        Some(Ok(self.batch()))
    }

    fn control(&mut self, control: Option<Control>) -> Option<Result<pb::WorkResponse, Status>> {
        let mut response = pb::WorkResponse::default();
        match control {
            Some(Control::Pong(number)) => response.pong = number,
            Some(Control::Reject(rejection)) => response.rejections.push(rejection),
            Some(Control::Cancel(cancel)) => response.cancels.push(cancel),
            Some(Control::End(Some(status))) => {
                self.ended = true;
                return Some(Err(status));
            }
            Some(Control::End(None)) | None => return None,
        }
        Some(Ok(response))
    }

    /// As many items as fit into one message, at least one.
    fn batch(&mut self) -> pb::WorkResponse {
        let mut response = pb::WorkResponse::default();
        let mut bytes = 0;
        while bytes < self.batch_bytes
            && let Some(item) = self.items.pop_front()
        {
            bytes += add(&mut response, item);
            if let Some(next) = self.items.front()
                && bytes + size(next) > self.batch_bytes
            {
                break;
            }
        }
        response
    }
}

/// Roughly what an item adds to a message.
fn size(item: &WorkItem) -> usize {
    let payload = match item {
        WorkItem::Activity(task) => {
            let activity = &task.start.activity;
            let details = activity.heartbeat_details.as_ref();
            activity.input.size_bytes() + details.map_or(0, |details| details.size_bytes())
        }
        WorkItem::Workflow(task) => task.entries.iter().map(|entry| entry.size_bytes()).sum(),
        WorkItem::Rejected { unread, .. } => unread.iter().map(|entry| entry.size_bytes()).sum(),
        WorkItem::Accepted(_) | WorkItem::Evict(_) | WorkItem::Draining => return 16,
        WorkItem::Cancel { .. } | WorkItem::Typing(_) => 0,
    };
    FRAME_BYTES + payload
}

/// Adds an item to a message; returns roughly what it adds.
fn add(response: &mut pb::WorkResponse, item: WorkItem) -> usize {
    let bytes = size(&item);
    match item {
        WorkItem::Activity(task) => response.activity_tasks.push(outgoing::activity_task(&task)),
        WorkItem::Workflow(task) => response.workflow_tasks.push(outgoing::workflow_task(&task)),
        WorkItem::Accepted(result_id) => response.accepted_result_ids.push(result_id),
        WorkItem::Rejected {
            result_id,
            error,
            unread,
        } => {
            let (reason, message) = error::reason_of(&error);
            response.rejections.push(pb::ResultRejection {
                result_id,
                reason: error::reason_name(reason).to_owned(),
                message,
                unread_events: outgoing::entries(&unread),
            });
        }
        WorkItem::Cancel {
            root,
            token,
            fenced,
        } => response.cancels.push(pb::ActivityCancel {
            task_token: task_token::activity(&root, token),
            fenced,
        }),
        WorkItem::Typing(notice) => response.typing.push(outgoing::typing_notice(&notice)),
        WorkItem::Evict(run_id) => response.evicted_run_ids.push(outgoing::run_id(run_id)),
        WorkItem::Draining => response.draining = true,
    }
    bytes
}
