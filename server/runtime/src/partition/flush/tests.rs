//! What a chunk covers of a root.

use everturn_engine::decide::{self, Opening, RunRef, StartWorkflow, SubmitMessage};
use everturn_engine::event::Transition;
use everturn_engine::policy::TurnPolicy;
use everturn_engine::rejection::Rejection;
use everturn_engine::transition::{Context, Output, Transaction};
use everturn_engine::value::{MessageContent, Payload, Span, Time};

use super::*;

/// A root in memory that requests change.
struct Changing {
    hot: Hot,
    context: Context,
    /// Events that were recorded.
    recorded: usize,
}

impl Changing {
    fn new() -> Self {
        let key = RootKey {
            namespace: "default".into(),
            id: "r".into(),
        };
        Self {
            hot: Hot::new(Root::new(key)),
            context: Context {
                now: Time(1),
                next_epoch: 1,
                seed: 7,
                task_timeout: Span::from_secs(10),
            },
            recorded: 0,
        }
    }

    fn must<T>(&mut self, act: impl FnOnce(&mut Transaction<'_>) -> Result<T, Rejection>) {
        let mut output = Output::default();
        let root = &mut self.hot.root;
        let mut tx = Transaction::new(root, &mut self.context, &mut output);
        assert!(act(&mut tx).is_ok(), "accepted");
        self.recorded += self.hot.record(Transition {
            root: self.hot.root.key.clone(),
            time: self.context.now,
            events: output.events,
        });
    }

    fn start(&mut self) {
        let request = StartWorkflow {
            type_name: "order".into(),
            task_queue: "default".into(),
            input: Payload::default(),
            execution_timeout: None,
            labels: Default::default(),
            request: 0.into(),
        };
        self.must(|tx| decide::start_workflow(tx, request));
    }

    fn terminate(&mut self) {
        let target = RunRef {
            workflow_id: "r".into(),
            run_id: None,
        };
        self.must(|tx| decide::terminate_workflow(tx, &target, &"".into()));
    }

    fn submit(&mut self) {
        let message = SubmitMessage {
            opening: Opening {
                type_name: "chat".into(),
                task_queue: "default".into(),
                policy: TurnPolicy::default(),
                labels: Default::default(),
                retention: None,
            },
            channel: "chat".into(),
            provider_message_id: Default::default(),
            author_name: Default::default(),
            content: MessageContent {
                text: "hello".into(),
                data: None,
                attributes: Default::default(),
                attachments: Vec::new(),
            },
            customer_address: Default::default(),
            is_automatic: false,
            opt_out: None,
        };
        self.must(|tx| decide::submit_message(tx, message));
    }

    /// Writes it to the view: events that were covered, runs to forget.
    fn write(&mut self) -> (usize, Vec<Slot>) {
        let key = self.hot.root.key.clone();
        let (mark, _) = write_rows(
            &key,
            &mut self.hot,
            &Counts::default(),
            &mut Flush::default(),
        );
        for (slot, through) in mark.journals {
            let journal = self.hot.journals.get_mut(&slot);
            journal.expect("it has one").mark_flushed(through);
        }
        (mark.events, mark.closed)
    }
}

#[test]
fn every_event_that_the_view_lagged_behind_is_covered_once() {
    let mut root = Changing::new();
    root.submit();
    root.submit();
    assert_eq!(root.recorded, 4, "opened, two messages, one turn");
    assert_eq!(root.write().0, 4);
    assert_eq!(root.write().0, 0);
    root.submit();
    assert_eq!(root.write().0, 1);
}

#[test]
fn a_run_that_another_one_followed_is_forgotten() {
    let mut root = Changing::new();
    root.start();
    root.terminate();
    assert_eq!(root.write().1, [1], "kept, since it is the latest");
    root.hot.root.forget_closed(1);
    assert!(root.hot.root.runs.contains_key(&1));
    root.start();
    assert_eq!(root.write().1, [1]);
    root.hot.root.forget_closed(1);
    let kept: Vec<Slot> = root.hot.root.runs.keys().copied().collect();
    assert_eq!(kept, [2]);
}
