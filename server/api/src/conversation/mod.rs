//! ConversationService: one call, one file.

mod add_note;
mod close_conversation;
mod decide_approval;
mod edit_message;
mod erase_conversation;
mod get_conversation;
mod get_conversation_type;
mod hand_back_conversation;
mod hand_off_conversation;
mod import_conversation;
mod link_address;
mod list_approvals;
mod list_conversations;
mod list_messages;
mod merge_conversations;
mod pause_conversation;
mod report_delivery;
mod resend_message;
mod resume_conversation;
mod retract_message;
mod send_human_message;
mod set_conversation_type;
mod submit_event;
mod submit_message;
mod submit_typing;
mod update_conversation;
mod watch_conversation;

use everturn_engine::decide::Opening;
use everturn_engine::text::{Namespace, RootKey, Text};
use everturn_proto::v1 as pb;
use everturn_proto::v1::conversation_service_server::ConversationService;
use everturn_runtime::Handle;
use tonic::{Request, Response, Status};

use crate::incoming::PolicyChanges;
use crate::{error, incoming};

/// The service.
#[derive(Clone, Debug)]
pub(crate) struct Conversations {
    pub handle: Handle,
}

macro_rules! service {
    ($($call:ident($request:ident) -> $response:ident;)*) => {
        #[tonic::async_trait]
        impl ConversationService for Conversations {
            type WatchConversationStream = watch_conversation::Updates;

            async fn watch_conversation(
                &self,
                request: Request<pb::WatchConversationRequest>,
            ) -> Result<Response<Self::WatchConversationStream>, Status> {
                watch_conversation::call(&self.handle, request.into_inner()).await
            }

            $(async fn $call(
                &self,
                request: Request<pb::$request>,
            ) -> Result<Response<pb::$response>, Status> {
                $call::call(&self.handle, request.into_inner()).await
            })*
        }
    };
}

service! {
    submit_message(SubmitMessageRequest) -> SubmitMessageResponse;
    get_conversation(GetConversationRequest) -> GetConversationResponse;
    list_conversations(ListConversationsRequest) -> ListConversationsResponse;
    list_messages(ListMessagesRequest) -> ListMessagesResponse;
    close_conversation(CloseConversationRequest) -> CloseConversationResponse;
    submit_event(SubmitEventRequest) -> SubmitEventResponse;
    update_conversation(UpdateConversationRequest) -> UpdateConversationResponse;
    pause_conversation(PauseConversationRequest) -> PauseConversationResponse;
    resume_conversation(ResumeConversationRequest) -> ResumeConversationResponse;
    hand_off_conversation(HandOffConversationRequest) -> HandOffConversationResponse;
    hand_back_conversation(HandBackConversationRequest) -> HandBackConversationResponse;
    send_human_message(SendHumanMessageRequest) -> SendHumanMessageResponse;
    list_approvals(ListApprovalsRequest) -> ListApprovalsResponse;
    decide_approval(DecideApprovalRequest) -> DecideApprovalResponse;
    report_delivery(ReportDeliveryRequest) -> ReportDeliveryResponse;
    resend_message(ResendMessageRequest) -> ResendMessageResponse;
    edit_message(EditMessageRequest) -> EditMessageResponse;
    retract_message(RetractMessageRequest) -> RetractMessageResponse;
    add_note(AddNoteRequest) -> AddNoteResponse;
    submit_typing(SubmitTypingRequest) -> SubmitTypingResponse;
    link_address(LinkAddressRequest) -> LinkAddressResponse;
    merge_conversations(MergeConversationsRequest) -> MergeConversationsResponse;
    import_conversation(ImportConversationRequest) -> ImportConversationResponse;
    erase_conversation(EraseConversationRequest) -> EraseConversationResponse;
    set_conversation_type(SetConversationTypeRequest) -> SetConversationTypeResponse;
    get_conversation_type(GetConversationTypeRequest) -> GetConversationTypeResponse;
}

/// What a conversation opens with: what its type says, with the changes of the
/// request. Not asked for when the request cannot open one.
async fn settle_opening(
    handle: &Handle,
    namespace: &Namespace,
    opening: &mut Opening,
    changes: PolicyChanges,
) -> Result<(), Status> {
    if !opening.type_name.as_str().is_empty() {
        let settings = handle.type_settings(namespace, &opening.type_name).await;
        let settings = settings.map_err(|error| error::refused(&error))?;
        opening.policy.clone_from(&settings.policy);
        opening.retention = settings.retention;
    }
    changes.apply(&mut opening.policy);
    Ok(())
}

/// The conversation that a request names, or the one that the address in it has.
async fn named_or_of(
    handle: &Handle,
    namespace: Namespace,
    conversation_id: String,
    channel: &Text,
    address: &Text,
) -> Result<RootKey, Status> {
    if !conversation_id.is_empty() {
        return Ok(incoming::key(&namespace, conversation_id.into()));
    }
    let found = handle.conversation_of(&namespace, channel, address).await;
    found.map_err(|error| error::refused(&error))
}
