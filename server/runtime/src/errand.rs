//! Errands between roots: they are repeated until they are settled.

use std::sync::Arc;
use std::time::Duration;

use everturn_engine::decide::{self, Absorb, Assign, Moving, RunRef, SignalWorkflow};
use everturn_engine::event::{RunId, Slot};
use everturn_engine::hash::stable_hash;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::contact::Contact;
use everturn_engine::text::{Namespace, RootKey, Text, WorkflowId};
use everturn_engine::value::{Failure, FailureKind, Payload};

use crate::error::Error;
use crate::handle::visit;
use crate::partition::Shared;
use crate::read::read_transcript;

/// A signal on its way from one root to another. It is repeated until it is
/// settled; the receiver knows it by its request hash.
pub(crate) struct SignalErrand {
    pub sender: RootKey,
    pub slot: Slot,
    pub signal: u64,
    pub run_id: RunId,
    pub workflow_id: WorkflowId,
    pub name: Text,
    pub input: Payload,
}

/// Bounds of the delay between two attempts to deliver a signal.
const ERRAND_DELAY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

impl SignalErrand {
    /// Delivers the signal and reports to the sender.
    pub async fn run(self, shared: Arc<Shared>) {
        let hash = stable_hash(&[
            b"signal",
            &self.run_id.0.to_be_bytes(),
            &self.signal.to_be_bytes(),
        ]);
        let key = RootKey {
            namespace: self.sender.namespace.clone(),
            id: self.workflow_id.root_id(),
        };
        let request = SignalWorkflow {
            target: RunRef {
                workflow_id: self.workflow_id.clone(),
                run_id: None,
            },
            name: self.name.clone(),
            input: self.input.clone(),
            request: hash.into(),
        };
        let mut delay = ERRAND_DELAY.0;
        let failure = loop {
            let request = request.clone();
            let delivered = visit(&shared, key.clone(), false, move |scope| {
                Ok(decide::signal_workflow(&mut scope.transaction(), request)?)
            });
            match delivered.await {
                Ok(()) => break None,
                Err(Error::Rejected(rejection)) => break Some(refusal(&rejection)),
                Err(Error::Draining) => return,
                Err(_) => {
                    tokio::time::sleep(delay).await;
                    delay = (delay * 2).min(ERRAND_DELAY.1);
                }
            }
        };
        let (slot, signal) = (self.slot, self.signal);
        let settled = visit(&shared, self.sender, false, move |scope| {
            decide::settle_signal(&mut scope.transaction(), slot, signal, failure);
            Ok(())
        });
        // If it fails the sender is reloaded and sends the signal again; the
        // receiver knows it by then.
        let _ = settled.await;
    }
}

fn refusal(rejection: &Rejection) -> Failure {
    let type_name = match rejection {
        Rejection::RunClosed => "RUN_CLOSED",
        Rejection::LimitExceeded { .. } => "LIMIT_EXCEEDED",
        _ => "RUN_NOT_FOUND",
    };
    Failure::new(FailureKind::Application, type_name, &rejection.to_string())
}

/// Messages that a merge brings at once.
const MERGE_PAGE: usize = 256;

/// A merged conversation brings what it holds to the other one. What is there
/// already is left out, so that it may be carried on, also twice at a time.
pub(crate) struct MergeErrand {
    pub source: RootKey,
}

impl MergeErrand {
    /// Brings everything.
    ///
    /// # Errors
    /// `Busy`, `Draining` and faults of the store: the conversation tries it
    /// again by itself.
    pub async fn run(self, shared: &Arc<Shared>) -> Result<(), Error> {
        let source = self.source;
        let read = visit(shared, source.clone(), false, |scope| {
            Ok(decide::moving(&scope.transaction()))
        });
        let Some(moving) = read.await? else {
            return Ok(());
        };
        let target = RootKey {
            namespace: source.namespace.clone(),
            id: moving.into.as_str().into(),
        };
        match bring(shared, &source, &target, &moving).await {
            // Nobody is there to have it any more.
            Ok(())
            | Err(Error::Rejected(
                Rejection::ConversationErased | Rejection::ConversationNotFound,
            )) => {}
            Err(error) => return Err(error),
        }
        for (channel, address) in &moving.addresses {
            let assign = Assign::Point(moving.into.clone());
            assign_contact(shared, &source.namespace, channel, address, assign).await?;
        }
        visit(shared, source, false, |scope| {
            decide::end_merge(&mut scope.transaction());
            Ok(())
        })
        .await
    }
}

/// Brings the transcript, page by page, and with the last page everything else.
async fn bring(
    shared: &Arc<Shared>,
    source: &RootKey,
    target: &RootKey,
    moving: &Moving,
) -> Result<(), Error> {
    let mut after = 0;
    loop {
        let page = read_transcript(shared, source, after, MERGE_PAGE).await?;
        after = page.messages.last().map_or(after, |last| last.sequence);
        let is_last = !page.more;
        let part = Absorb {
            from: source.id.as_str().into(),
            moving: moving.clone(),
            messages: page.messages,
            is_last,
        };
        visit(shared, target.clone(), false, move |scope| {
            Ok(decide::absorb(&mut scope.transaction(), part)?)
        })
        .await?;
        if is_last {
            return Ok(());
        }
    }
}

/// Looks up the conversation of an address, or gives it one.
pub(crate) async fn assign_contact(
    shared: &Arc<Shared>,
    namespace: &Namespace,
    channel: &Text,
    address: &Text,
    assign: Assign,
) -> Result<Contact, Error> {
    let key = contact_key(namespace, channel, address);
    visit(shared, key, false, move |scope| {
        Ok(decide::assign_contact(&mut scope.transaction(), assign))
    })
    .await
}

/// The root that holds the contact of an address.
pub(crate) fn contact_key(namespace: &Namespace, channel: &Text, address: &Text) -> RootKey {
    RootKey {
        namespace: namespace.clone(),
        id: Contact::root_id(channel, address).as_str().into(),
    }
}
