//! Adapters that can show customers that somebody types.

use std::sync::{Arc, PoisonError, RwLock};

use everturn_dispatch::{QueueKey, TaskKind};

use crate::session::SessionCore;
use crate::task::WorkItem;
use crate::typing::TypingNotice;

/// Sessions of adapters that can show it.
#[derive(Debug, Default)]
pub(crate) struct TypingAdapters {
    sessions: RwLock<Vec<Arc<SessionCore>>>,
}

impl TypingAdapters {
    pub fn connect(&self, session: &Arc<SessionCore>) {
        if session.shows_typing() {
            self.change(|sessions| sessions.push(Arc::clone(session)));
        }
    }

    pub fn disconnect(&self, session: &SessionCore) {
        if session.shows_typing() {
            self.change(|sessions| sessions.retain(|it| it.id != session.id));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.sessions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// Tells one of the adapters of the channel, if there is any.
    pub fn tell(&self, notice: TypingNotice) {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let queue = QueueKey {
            namespace: notice.conversation.namespace.shared(),
            name: format!("deliver.{}", notice.typing.channel).into(),
            kind: TaskKind::Activity,
        };
        if let Some(session) = sessions.iter().find(|it| it.shows_typing_of(&queue)) {
            session.push(WorkItem::Typing(Box::new(notice)));
        }
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<SessionCore>>)) {
        let sessions = self.sessions.write();
        change(&mut sessions.unwrap_or_else(PoisonError::into_inner));
    }
}
