//! ImportConversation: a transcript from elsewhere.

use everturn_engine::decide::{ImportConversation, Opening};
use everturn_engine::limits;
use everturn_engine::policy::TurnPolicy;
use everturn_engine::text::Text;
use everturn_engine::value::{AuthorKind, Message, Time};
use everturn_proto::v1 as pb;
use everturn_runtime::Handle;
use tonic::{Response, Status};

use crate::checker::{Checker, Path};
use crate::conversation::settle_opening;
use crate::{error, incoming};

pub(super) async fn call(
    handle: &Handle,
    request: pb::ImportConversationRequest,
) -> Result<Response<pb::ImportConversationResponse>, Status> {
    let mut checker = Checker::default();
    let key = incoming::root_key(
        &mut checker,
        request.namespace,
        "conversation_id",
        request.conversation_id,
    );
    checker.name(Path::field("conversation_type"), &request.conversation_type);
    checker.optional_name(Path::field("reply_channel"), &request.reply_channel);
    let policy = Path::field("turn_policy");
    let changes = incoming::policy_changes(&mut checker, policy, request.turn_policy);
    let addresses = Path::field("addresses");
    let mut import = ImportConversation {
        opening: Opening {
            type_name: request.conversation_type.into(),
            task_queue: incoming::task_queue(&mut checker, request.task_queue),
            policy: TurnPolicy::default(),
            labels: incoming::labels(&mut checker, Path::field("labels"), request.labels),
            retention: None,
        },
        addresses: incoming::addresses(&mut checker, addresses, request.addresses),
        reply_channel: request.reply_channel.into(),
        messages: messages(&mut checker, request.messages, handle.now()),
        after: request.after_sequence,
    };
    checker.finish()?;
    settle_opening(handle, &key.namespace, &mut import.opening, changes).await?;
    let imported = handle.import_conversation(key, import).await;
    let message_count = imported.map_err(|error| error::refused(&error))?;
    Ok(Response::new(pb::ImportConversationResponse {
        message_count,
    }))
}

/// One part may be the whole: beyond that the size of a request is its bound.
fn messages(checker: &mut Checker, values: Vec<pb::ImportedMessage>, now: Time) -> Vec<Message> {
    let path = Path::field("messages");
    let most = usize::try_from(limits::IMPORTED_MESSAGES).unwrap_or(usize::MAX);
    if values.len() > most {
        let count = values.len();
        checker.violation(path, format!("has {count} entries; at most {most}"));
    }
    let values = values.into_iter().enumerate().take(most);
    values
        .map(|(index, value)| message(checker, path.at(index), value, now))
        .collect()
}

fn message(
    checker: &mut Checker,
    path: Path<'_>,
    value: pb::ImportedMessage,
    now: Time,
) -> Message {
    let author = match value.author_kind() {
        pb::AuthorKind::Customer => AuthorKind::Customer,
        pb::AuthorKind::Agent => AuthorKind::Agent,
        pb::AuthorKind::Human => AuthorKind::Human,
        pb::AuthorKind::System => AuthorKind::System,
        pb::AuthorKind::Unspecified => {
            checker.violation(path.then("author_kind"), "is required");
            AuthorKind::System
        }
    };
    if author != AuthorKind::System || !value.channel.is_empty() {
        checker.name(path.then("channel"), &value.channel);
    }
    let create_time = path.then("create_time");
    let time = incoming::time(checker, create_time, value.create_time);
    if time.is_none() {
        checker.violation(create_time, "is required");
    }
    let time = time.unwrap_or(now);
    if time > now {
        checker.violation(create_time, "is in the future");
    }
    Message {
        sequence: 0,
        author,
        author_name: incoming::outside_text(&value.author_name),
        channel: value.channel.into(),
        provider_message_id: incoming::outside_id(&value.provider_message_id),
        content: incoming::outside_content(checker, path.then("content"), value.content),
        time,
        turn: 0,
        address: if author == AuthorKind::Customer {
            incoming::outside_text(&value.customer_address)
        } else {
            Text::default()
        },
        is_automatic: false,
        is_note: value.is_note,
        change: None,
        origin: None,
    }
}
