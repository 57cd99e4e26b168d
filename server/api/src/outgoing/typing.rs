//! Who types, for watchers and for adapters.

use everturn_proto::v1 as pb;
use everturn_runtime::{Typing, TypingNotice};

use crate::outgoing::message::author_kind;

/// For watchers.
pub(crate) fn typing(value: &Typing) -> pb::Typing {
    pb::Typing {
        author_kind: author_kind(value.author).into(),
        author_name: value.author_name.to_string(),
        channel: value.channel.to_string(),
        is_typing: value.is_typing,
    }
}

/// For the adapter of the channel.
pub(crate) fn typing_notice(value: &TypingNotice) -> pb::TypingNotice {
    let typing = &value.typing;
    pb::TypingNotice {
        conversation_id: value.conversation.id.to_string(),
        channel: typing.channel.to_string(),
        address: value.address.to_string(),
        author_kind: author_kind(typing.author).into(),
        author_name: typing.author_name.to_string(),
        is_typing: typing.is_typing,
    }
}
