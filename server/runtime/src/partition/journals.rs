//! Journals for tasks of roots that were not in memory: their beginnings are
//! read from the view together, outside of the loop.

use std::collections::HashMap;
use std::sync::Arc;

use crate::assignments::Assigned;
use crate::error::Error;
use crate::journal::{Entry, TurnInput, decode_chunk, with_input};
use crate::partition::work::is_news;
use crate::partition::{Input, Partition, Shared};
use crate::read::JournalRead;
use crate::session::SessionCore;
use crate::task::{WorkItem, WorkflowTask};
use crate::task_ref::TaskRef;

/// Bytes that are read together; the journals that do not fit are read one by
/// one.
const READ_BYTES: usize = 8 * 1024 * 1024;

/// A workflow task whose older events are in the view only.
pub(super) struct JournalWanted {
    session: Arc<SessionCore>,
    task: TaskRef,
    item: WorkflowTask,
    /// What the run was given, if it is a turn.
    input: Option<TurnInput>,
    /// The entries that are in memory, and the id of the first of them.
    newer: Vec<Arc<Entry>>,
    first_in_memory: u64,
}

/// The first chunk of each journal, by run.
type Beginnings = HashMap<[u8; 16], Vec<Arc<Entry>>>;

impl Partition {
    /// Has the older part of a journal read before the task is handed over.
    pub(super) fn want_journal(&mut self, one: &Assigned, item: WorkflowTask) {
        let Some(hot) = self.roots.get(&one.task.root) else {
            return;
        };
        let slot = item.token.slot;
        let Some(journal) = hot.journals.get(&slot) else {
            return;
        };
        self.journals_wanted.push(JournalWanted {
            session: Arc::clone(&one.session),
            task: one.task.clone(),
            input: TurnInput::of(&hot.root, slot),
            newer: journal.entries_after(0).cloned().collect(),
            first_in_memory: journal.first_id(),
            item,
        });
    }

    /// Reads those that were asked for in this round.
    pub(super) fn read_journals(&mut self) {
        if self.journals_wanted.is_empty() {
            return;
        }
        let wanted = std::mem::take(&mut self.journals_wanted);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let mut beginnings = match beginnings(&shared, &wanted).await {
                Ok(beginnings) => beginnings,
                Err(error) => {
                    // Each is read for itself, and says what is wrong.
                    tracing::debug!(%error, "journals were not read together");
                    Beginnings::new()
                }
            };
            for one in wanted {
                let run_id = one.item.run_id.0.to_be_bytes();
                let beginning = beginnings.remove(&run_id).unwrap_or_default();
                one.hand_over(&shared, beginning).await;
            }
        });
    }
}

/// Of those who have nothing of it.
async fn beginnings(shared: &Shared, wanted: &[JournalWanted]) -> Result<Beginnings, Error> {
    let from_nothing = wanted.iter().filter(|one| one.item.previous == 0);
    let run_ids = from_nothing.map(|one| one.item.run_id.0.to_be_bytes());
    let run_ids: Vec<_> = run_ids.collect();
    if run_ids.len() < 2 {
        // It would only be read twice.
        return Ok(Beginnings::new());
    }
    let chunks = shared.store.load_beginnings(run_ids, READ_BYTES).await?;
    let read = |chunk: everturn_store::HistoryChunk| {
        let entries = decode_chunk(&chunk.payload).map_err(|error| Error::internal(&error))?;
        Ok((chunk.run_id, entries))
    };
    chunks.into_iter().map(read).collect()
}

impl JournalWanted {
    async fn hand_over(self, shared: &Arc<Shared>, beginning: Vec<Arc<Entry>>) {
        let Self {
            session,
            task,
            item,
            input,
            newer,
            first_in_memory,
        } = self;
        let previous = item.previous;
        let read = JournalRead {
            run_id: item.run_id,
            after: previous,
            beginning,
            first_in_memory,
            newer,
            max_events: usize::MAX,
        };
        match read.run(shared).await {
            Ok((mut entries, more)) => {
                let page_bytes = shared.options.page_bytes;
                let is_whole = with_input(&mut entries, page_bytes, || {
                    Some(session.values.leave_out(&task.root, input?))
                });
                let entries = match previous {
                    0 => entries,
                    _ => entries.into_iter().filter(is_news).collect(),
                };
                let item = WorkflowTask {
                    entries,
                    complete: !more && is_whole,
                    ..item
                };
                shared.hand_over(&session, WorkItem::Workflow(Box::new(item)), &task);
            }
            Err(error) => {
                tracing::warn!(%error, "journal could not be read, task is offered again");
                shared.send(task.partition as usize, Input::Undelivered(vec![task]));
            }
        }
    }
}
