//! ListConversations: from the view, last opened first.

use everturn_proto::v1 as pb;
use everturn_runtime::{Handle, ListQuery};
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::{error, incoming, outgoing, page_token};

/// Stored numbers of the statuses.
const OPEN: u8 = 1;
const CLOSED: u8 = 2;
const ERASED: u8 = 3;

pub(super) async fn call(
    handle: &Handle,
    request: pb::ListConversationsRequest,
) -> Result<Response<pb::ListConversationsResponse>, Status> {
    let mut checker = Checker::default();
    let scope = page_token::scope(&[
        "ListConversations",
        &request.namespace,
        &request.conversation_type,
        &request.status.to_string(),
        &incoming::reasons_text(&request.wait_reasons),
        &format!("{:?}", request.unanswered_before_time),
    ]);
    let namespace = incoming::namespace(&mut checker, request.namespace);
    checker.optional_name(Path::field("conversation_type"), &request.conversation_type);
    let limit = checker.page_size(request.page_size, 100, 1_000);
    let status = match pb::ConversationStatus::try_from(request.status) {
        Ok(pb::ConversationStatus::Unspecified) => None,
        Ok(pb::ConversationStatus::Open) => Some(OPEN),
        Ok(pb::ConversationStatus::Closed) => Some(CLOSED),
        Ok(pb::ConversationStatus::Erased) => Some(ERASED),
        Err(_) => {
            checker.violation(Path::field("status"), "is unknown");
            None
        }
    };
    let reasons = incoming::reasons(&mut checker, &request.wait_reasons);
    let before = Path::field("unanswered_before_time");
    let unanswered_before = incoming::time(&mut checker, before, request.unanswered_before_time);
    checker.finish()?;
    let type_name = Some(request.conversation_type).filter(|name| !name.is_empty());
    let query = ListQuery {
        type_name: type_name.map(Into::into),
        status,
        reasons,
        unanswered_before,
        after: page_token::read(scope, &request.page_token)?,
        ..ListQuery::of(namespace, limit)
    };
    let page = handle.list_conversations(query).await;
    let page = page.map_err(|error| error::refused(&error))?;
    let next = page.next.map(|cursor| page_token::write(scope, &cursor));
    let (conversations, next) = outgoing::cut(
        page.conversations
            .iter()
            .map(|it| outgoing::conversation(it, handle.now())),
        next,
        |index| {
            let record = &page.conversations[index];
            let cursor = everturn_runtime::Cursor {
                time: record.created.0,
                id: record.key.id.as_str().as_bytes().to_vec(),
            };
            page_token::write(scope, &cursor)
        },
    );
    Ok(Response::new(pb::ListConversationsResponse {
        conversations,
        next_page_token: next.unwrap_or_default(),
    }))
}
