//! Services under faults: they submit, start and wait while processes are killed
//! around them, and know what was acknowledged; afterwards all of it is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use everturn_client::{Client, v1};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

use crate::check::{self, Acknowledged};
use crate::coordinator::Coordinator;
use crate::{calls, eventually, load};

/// Conversations that are written to.
pub const CONVERSATIONS: usize = 24;
const STARTERS: usize = 4;
/// How long everything that was begun may take to end.
pub const SETTLE_DEADLINE: Duration = Duration::from_secs(90);

/// Services that run.
#[derive(Debug)]
pub struct Services {
    stop: Arc<AtomicBool>,
    submitters: JoinSet<(String, Vec<Acknowledged>)>,
    starters: JoinSet<usize>,
}

/// What there was in the end.
#[derive(Debug)]
pub struct Summary {
    /// Workflows that were started, and completed.
    pub workflows: usize,
    /// The transcript of each conversation.
    pub transcripts: Vec<(String, Vec<v1::Message>)>,
}

impl Summary {
    /// Checks that a coordinator which was stopped and started has the same.
    ///
    /// # Panics
    /// When it has not, or when it ever panicked.
    pub async fn survives_a_clean_restart(&self, coordinator: &mut Coordinator) {
        coordinator.terminate().await;
        coordinator.restart().await;
        let client = coordinator.client();
        for (id, before) in &self.transcripts {
            let after = calls::transcript(&client, id).await;
            assert_eq!(*before, after, "{id}: the transcript after a clean restart");
        }
        assert!(
            !coordinator.log().contains("panicked"),
            "no panic was logged"
        );
    }

    /// Messages of all transcripts.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.transcripts.iter().map(|(_, it)| it.len()).sum()
    }
}

impl Services {
    /// Begins; each service has a client of its own.
    pub fn begin(client: impl Fn() -> Client, random: &mut StdRng) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut submitters = JoinSet::new();
        for number in 0..CONVERSATIONS {
            let own = StdRng::seed_from_u64(random.random());
            let id = format!("customer-{number}");
            submitters.spawn(submit(client(), id, own, Arc::clone(&stop)));
        }
        let mut starters = JoinSet::new();
        for starter in 0..STARTERS {
            starters.spawn(start(client(), starter, Arc::clone(&stop)));
        }
        Self {
            stop,
            submitters,
            starters,
        }
    }

    /// Ends, waits until everything is quiet and checks it.
    ///
    /// # Panics
    /// When something was lost, or said twice.
    pub async fn finish(self, client: &Client) -> Summary {
        self.stop.store(true, Ordering::Relaxed);
        let submitted = self.submitters.join_all().await;
        let workflows = self.starters.join_all().await.into_iter().sum();
        let mut transcripts = Vec::new();
        for (id, mut acknowledged) in submitted {
            settle(client, &id, &mut acknowledged).await;
            let transcript = calls::transcript(client, &id).await;
            check::load_transcript(&id, &transcript, &acknowledged);
            transcripts.push((id, transcript));
        }
        check_runs(client).await;
        let summary = Summary {
            workflows,
            transcripts,
        };
        assert!(
            summary.workflows > 0 && summary.messages() > CONVERSATIONS * 2,
            "there was load"
        );
        summary
    }
}

/// Submits to one conversation, one message after the other, until told to
/// stop; sends some of them twice.
async fn submit(
    client: Client,
    id: String,
    mut random: StdRng,
    stop: Arc<AtomicBool>,
) -> (String, Vec<Acknowledged>) {
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) && number > 0 {
            break;
        }
        let name = format!("m-{number}");
        let kind = *["", "", "ask ", "child ", "timer "]
            .choose(&mut random)
            .expect("there are some");
        let text = format!("{kind}{number}");
        let request = calls::message(&id, load::CONVERSATION_TYPE, &name, &text);
        let request = v1::SubmitMessageRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            ..request
        };
        let submit = || client.submit_message(request.clone());
        let sequence = calls::answered(&name, submit).await.message_sequence;
        let last = acknowledged.last().map_or(0, |(_, sequence)| *sequence);
        assert!(last < sequence, "{id}: the order of acknowledgements");
        if random.random_bool(0.1) {
            let again = calls::answered(&name, submit).await;
            assert_eq!(again.message_sequence, sequence, "{id}: a duplicate");
        }
        acknowledged.push((name, sequence));
        let pause = random.random_range(5..60);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    (id, acknowledged)
}

/// Starts workflows, one after the other, and checks their results.
async fn start(client: Client, starter: usize, stop: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let input = u64::try_from(count).expect("a small number");
        let workflow_id = format!("order-{starter}-{count}");
        let request = v1::StartWorkflowRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            input: Some(everturn_client::json(&input).expect("JSON")),
            request_id: workflow_id.clone(),
            ..calls::start(&workflow_id, load::WORKFLOW_TYPE)
        };
        let starting = || client.start_workflow(request.clone());
        let started = calls::answered(&workflow_id, starting).await;
        let wait = v1::WaitResultRequest {
            workflow_id: workflow_id.clone(),
            run_id: started.run_id,
            ..Default::default()
        };
        let waiting = || client.wait_result(wait.clone(), SETTLE_DEADLINE);
        let ended = calls::answered(&workflow_id, waiting).await;
        assert_eq!(ended.status(), v1::RunStatus::Completed, "{workflow_id}");
        let result: u64 =
            everturn_client::json_value(&ended.result.expect("a result")).expect("a number");
        assert_eq!(result, load::expected_result(input), "{workflow_id}");
        count += 1;
    }
    count
}

/// Answers what is still asked until the conversation is quiet.
async fn settle(client: &Client, id: &str, acknowledged: &mut Vec<Acknowledged>) {
    let extra = std::cell::Cell::new(0);
    let answers = std::cell::RefCell::new(Vec::new());
    eventually(
        SETTLE_DEADLINE,
        &format!("{id} becomes quiet"),
        async || {
            let conversation = client.conversation(id).await.expect("it exists");
            match &conversation.turn {
                Some(turn) if turn.status() == v1::TurnStatus::Asking => {
                    let name = format!("answer-{}", extra.replace(extra.get() + 1));
                    let request = calls::message(id, "", &name, "order 7");
                    let answer = client.submit_message(request).await.expect("accepted");
                    answers.borrow_mut().push((name, answer.message_sequence));
                    None
                }
                Some(_) => None,
                None => (conversation.waiting_message_count == 0).then_some(()),
            }
        },
    )
    .await;
    acknowledged.extend(answers.into_inner());
}

/// Checks the journals of all runs; reads them again after they left memory.
async fn check_runs(client: &Client) {
    let runs = eventually(
        SETTLE_DEADLINE,
        "all runs are closed in lists",
        async || {
            let runs = calls::all_runs(client).await;
            let open = v1::RunStatus::Running;
            runs.iter().all(|run| run.status() != open).then_some(runs)
        },
    )
    .await;
    for run in runs {
        let id = &run.workflow_id;
        assert_eq!(run.status(), v1::RunStatus::Completed, "{id}");
        let events = calls::journal(client, id, &run.run_id).await;
        let count = u64::try_from(events.len()).expect("a small number");
        assert_eq!(count, run.event_count, "{id}: listed events");
        check::journal(id, &events);
    }
}
