//! What a turn was given that is over: its messages, read from the transcript.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use everturn_engine::rejection::Rejection;
use everturn_engine::text::{Namespace, RootKey};
use everturn_engine::value::{Change, Message};

use crate::error::Error;
use crate::journal::{Entry, TurnInput, TurnRef};
use crate::partition::Shared;
use crate::read::read_transcript;

/// Messages that are read together.
const READ_MESSAGES: usize = 1_000;

/// What the turn was given whose journal begins with an entry, if that says
/// where to find it. Without the values of its state, which are gone.
pub(crate) async fn given(
    shared: &Arc<Shared>,
    namespace: &Namespace,
    first: Option<&Arc<Entry>>,
) -> Result<Option<TurnInput>, Error> {
    let first = first.filter(|entry| entry.id == 1);
    let Some(turn) = first.and_then(|entry| entry.turn_ref.as_deref()) else {
        return Ok(None);
    };
    let key = RootKey {
        namespace: namespace.clone(),
        id: turn.input.conversation_id.clone(),
    };
    let found = match messages(shared, &key, turn).await {
        Ok(found) => found,
        // It was erased after the journal was read.
        Err(Error::Rejected(Rejection::ConversationNotFound)) => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    let pick = |positions: &[u64]| {
        let messages = positions.iter().filter_map(|at| found.get(at));
        messages.cloned().collect()
    };
    let mut input = turn.input.clone();
    input.context.messages = pick(&turn.messages);
    input.context.recent = pick(&turn.recent);
    Ok(Some(input))
}

/// The messages as they were when the turn started.
async fn messages(
    shared: &Arc<Shared>,
    key: &RootKey,
    turn: &TurnRef,
) -> Result<BTreeMap<u64, Message>, Error> {
    let wanted: BTreeSet<u64> = turn.messages.iter().chain(&turn.recent).copied().collect();
    let mut found: BTreeMap<u64, Message> = BTreeMap::new();
    let Some(first) = wanted.first() else {
        return Ok(found);
    };
    let mut after = first.saturating_sub(1);
    while after < turn.through {
        let page = read_transcript(shared, key, after, READ_MESSAGES).await?;
        for message in page.messages {
            after = message.sequence;
            if after > turn.through {
                break;
            }
            if let Some(Change::Edit(of)) = message.change
                && let Some(original) = found.get_mut(&of)
            {
                original.content = message.content.clone();
            }
            if wanted.contains(&message.sequence) {
                found.insert(message.sequence, message);
            }
        }
        if !page.more {
            break;
        }
    }
    Ok(found)
}
