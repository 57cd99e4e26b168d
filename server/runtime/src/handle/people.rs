//! Calls of people: handover, their messages, approvals; and of providers,
//! about deliveries.

use std::sync::Arc;

use everturn_engine::decide::{
    self, AddNote, DecideApproval, HandBack, HandOff, HumanMessageSent, ReportDelivery,
    ResendMessage, SendHumanMessage, approval_root,
};
use everturn_engine::event::DeliveryStatus;
use everturn_engine::text::{Namespace, RootId, RootKey};
use everturn_store::{Cursor, Filter};

use crate::error::Error;
use crate::handle::{Handle, visit};
use crate::read::ApprovalPage;

impl Handle {
    /// Gives a conversation to a person or team; the answer is the number of
    /// the handover.
    ///
    /// # Errors
    /// A rejection of `decide::hand_off`.
    pub async fn hand_off(&self, key: RootKey, request: HandOff) -> Result<u64, Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::hand_off(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Gives a conversation back to the agents.
    ///
    /// # Errors
    /// A rejection of `decide::hand_back`.
    pub async fn hand_back(&self, key: RootKey, request: HandBack) -> Result<(), Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::hand_back(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Sends a person's message; the answer says where it is.
    ///
    /// # Errors
    /// A rejection of `decide::send_human_message`.
    pub async fn send_human_message(
        &self,
        key: RootKey,
        request: SendHumanMessage,
    ) -> Result<HumanMessageSent, Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::send_human_message(
                &mut scope.transaction(),
                request,
            )?)
        })
        .await
    }

    /// Decides an approval.
    ///
    /// # Errors
    /// A rejection of `decide::decide_approval`.
    pub async fn decide_approval(
        &self,
        namespace: Namespace,
        request: DecideApproval,
    ) -> Result<(), Error> {
        let key = RootKey {
            namespace,
            id: approval_root(&request.approval_id).root_id(),
        };
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::decide_approval(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Lists approvals, last requested first.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn list_approvals(
        &self,
        namespace: Namespace,
        root_id: Option<RootId>,
        status: Option<u8>,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<ApprovalPage, Error> {
        let root_id: Option<Arc<str>> = root_id.map(|id| id.shared());
        let store = &self.shared.store;
        let filter = Filter {
            status,
            after,
            ..Filter::of(namespace.shared(), limit)
        };
        let listed = store.list_approvals(root_id, filter);
        let (rows, next) = listed.await?;
        let read = |row: &everturn_store::ApprovalRow| minicbor::decode(&row.detail);
        let approvals = rows.iter().map(read).collect::<Result<_, _>>();
        Ok(ApprovalPage {
            approvals: approvals.map_err(|error| Error::internal(&error))?,
            next,
        })
    }

    /// Notes what a provider said about a delivery.
    ///
    /// # Errors
    /// `ConversationNotFound`, `DeliveryNotFound`.
    pub async fn report_delivery(
        &self,
        key: RootKey,
        request: ReportDelivery,
    ) -> Result<DeliveryStatus, Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::report_delivery(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Sends a message again whose delivery has failed.
    ///
    /// # Errors
    /// A rejection of `decide::resend_message`.
    pub async fn resend_message(&self, key: RootKey, request: ResendMessage) -> Result<(), Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::resend_message(&mut scope.transaction(), request)?)
        })
        .await
    }

    /// Adds a note; the answer is its position.
    ///
    /// # Errors
    /// A rejection of `decide::add_note`.
    pub async fn add_note(&self, key: RootKey, request: AddNote) -> Result<u64, Error> {
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::add_note(&mut scope.transaction(), request)?)
        })
        .await
    }
}
