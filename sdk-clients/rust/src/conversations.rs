//! Conversation calls, one method per RPC. Requests are the API's own
//! messages; an empty namespace means the client's.

use everturn_proto::v1;

use crate::calls::calls;
use crate::client::Client;
use crate::{Error, Watch};

calls! { conversations;
    /// Adds a customer's message to a conversation, opening it if there is none.
    submit_message = submit_message(SubmitMessageRequest) -> SubmitMessageResponse
        refused "`TYPE_MISMATCH`, `CONVERSATION_CLOSED`, `CONVERSATION_ERASED`, `MESSAGE_ID_REUSED`, `LIMIT_EXCEEDED`",
        once by provider_message_id;
    /// Adds an event to a conversation, opening it if there is none.
    submit_event = submit_event(SubmitEventRequest) -> SubmitEventResponse
        refused "`TYPE_MISMATCH`, `CONVERSATION_CLOSED`, `CONVERSATION_ERASED`, `LIMIT_EXCEEDED`",
        once by event_id;
    /// Lists one page of conversations, last created first.
    list_conversations = list_conversations(ListConversationsRequest) -> ListConversationsResponse
        refused "`PAGE_TOKEN_INVALID`";
    /// Lists one page of a conversation's transcript, oldest first.
    list_messages = list_messages(ListMessagesRequest) -> ListMessagesResponse
        refused "`PAGE_TOKEN_INVALID`, `CONVERSATION_NOT_FOUND`";
    /// Changes labels, addresses, reply channel and turn policy of a conversation.
    update_conversation = update_conversation(UpdateConversationRequest) -> UpdateConversationResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`";
    /// Pauses a conversation: no task of it is dispatched, what arrives is kept.
    pause_conversation = pause_conversation(PauseConversationRequest) -> PauseConversationResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`";
    /// Resumes a paused conversation where it stood.
    resume_conversation = resume_conversation(ResumeConversationRequest) -> ResumeConversationResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`";
    /// Hands a conversation to a person or a team; agents are silent meanwhile.
    hand_off = hand_off_conversation(HandOffConversationRequest) -> HandOffConversationResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`";
    /// Hands a conversation back to the agents.
    hand_back = hand_back_conversation(HandBackConversationRequest) -> HandBackConversationResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `NOT_HANDED_OFF`, `HANDOFF_CHANGED`",
        once by request_id;
    /// Sends a person's message to the customer, or notes one that they wrote
    /// elsewhere; a conversation that agents own becomes theirs.
    send_human_message = send_human_message(SendHumanMessageRequest) -> SendHumanMessageResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `NOT_HANDED_OFF`, `WRONG_ASSIGNEE`",
        once by request_id;
    /// Lists one page of approvals, last requested first.
    list_approvals = list_approvals(ListApprovalsRequest) -> ListApprovalsResponse
        refused "`PAGE_TOKEN_INVALID`";
    /// Decides an approval, once.
    decide_approval = decide_approval(DecideApprovalRequest) -> DecideApprovalResponse
        refused "`APPROVAL_NOT_FOUND`, `APPROVAL_DECIDED`, `APPROVAL_EXPIRED`, `APPROVAL_CHANGED`",
        once by request_id;
    /// Reports what a provider said about a delivered message.
    report_delivery = report_delivery(ReportDeliveryRequest) -> ReportDeliveryResponse
        refused "`CONVERSATION_NOT_FOUND`, `DELIVERY_NOT_FOUND`";
    /// Delivers again a message that did not reach the customer, once.
    resend_message = resend_message(ResendMessageRequest) -> ResendMessageResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `DELIVERY_NOT_FOUND`, `NOT_RESENDABLE`",
        once by request_id;
    /// Notes that the customer changed a message of theirs.
    edit_message = edit_message(EditMessageRequest) -> EditMessageResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `MESSAGE_NOT_FOUND`, `LIMIT_EXCEEDED`";
    /// Notes that the customer took back a message of theirs.
    retract_message = retract_message(RetractMessageRequest) -> RetractMessageResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `MESSAGE_NOT_FOUND`";
    /// Adds a note that only staff and agents see.
    add_note = add_note(AddNoteRequest) -> AddNoteResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `LIMIT_EXCEEDED`",
        once by request_id;
    /// Says that somebody is typing, or has stopped; not kept.
    submit_typing = submit_typing(SubmitTypingRequest) -> SubmitTypingResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `CONVERSATION_MERGED`";
    /// Says that an address is the customer's of this conversation.
    link_address = link_address(LinkAddressRequest) -> LinkAddressResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_CLOSED`, `CONVERSATION_MERGED`, `LIMIT_EXCEEDED`";
    /// Makes a conversation part of another one.
    merge_conversations = merge_conversations(MergeConversationsRequest) -> MergeConversationsResponse
        refused "`CONVERSATION_NOT_FOUND`, `CONVERSATION_MERGED`, `CONVERSATION_ERASED`, `LIMIT_EXCEEDED`";
    /// Adds a part of a transcript from elsewhere; no turn starts.
    import_conversation = import_conversation(ImportConversationRequest) -> ImportConversationResponse
        refused "`CONVERSATION_EXISTS`, `CONVERSATION_NOT_FOUND`, `CONVERSATION_ERASED`, `TYPE_MISMATCH`, `LIMIT_EXCEEDED`";
    /// Closes a conversation, unless a message waits that the caller has not seen.
    close_conversation = close_conversation(CloseConversationRequest) -> CloseConversationResponse
        refused "`CONVERSATION_NOT_FOUND`, `MESSAGES_WAIT`";
    /// Removes the content of a conversation for good; a tombstone stays.
    erase_conversation = erase_conversation(EraseConversationRequest) -> EraseConversationResponse
        refused "`CONVERSATION_NOT_FOUND`";
    /// Sets what conversations of a type begin with, and how long they are kept.
    set_conversation_type = set_conversation_type(SetConversationTypeRequest) -> SetConversationTypeResponse
        refused "`LIMIT_EXCEEDED`";
    /// Reads what conversations of a type begin with.
    conversation_type = get_conversation_type(GetConversationTypeRequest) -> GetConversationTypeResponse
        refused "`DRAINING`";
    /// Reads one conversation, as the answer of the API.
    get_conversation = get_conversation(GetConversationRequest) -> GetConversationResponse
        refused "`CONVERSATION_NOT_FOUND`";
}

impl Client {
    /// Reads one conversation.
    ///
    /// # Errors
    /// `FIELD_INVALID`, `CONVERSATION_NOT_FOUND`.
    pub async fn conversation(
        &self,
        conversation_id: impl Into<String>,
    ) -> Result<v1::Conversation, Error> {
        let request = v1::GetConversationRequest {
            conversation_id: conversation_id.into(),
            ..Default::default()
        };
        let answer = self.get_conversation(request).await?;
        Ok(answer.conversation.unwrap_or_default())
    }

    /// Follows a conversation from behind message `after_sequence`; 0 begins
    /// with the whole transcript. Nothing is sent before the first `next`.
    #[must_use]
    pub fn watch(&self, conversation_id: impl Into<String>, after_sequence: u64) -> Watch {
        let request = v1::WatchConversationRequest {
            namespace: self.options().namespace.clone(),
            conversation_id: conversation_id.into(),
            after_sequence,
            output_cursors: Vec::new(),
            without_outputs: false,
            include_notes: false,
        };
        Watch::new(self.conversations(), self.options().retry.clone(), request)
    }
}
