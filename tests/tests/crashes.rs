//! The coordinator and the workers are killed with SIGKILL, again and again,
//! under load. Nothing that was acknowledged is lost, nothing is said twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use everturn_client::{Client, v1};
use everturn_tests::check::{self, Acknowledged};
use everturn_tests::coordinator::Coordinator;
use everturn_tests::load_process::LoadProcess;
use everturn_tests::{calls, eventually, load, seed};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

const CONVERSATIONS: usize = 24;
const STARTERS: usize = 4;
const WORKERS: usize = 3;
const KILLS: usize = 22;
const SETTLE_DEADLINE: Duration = Duration::from_secs(90);

/// Short patience and a small memory: what a crash leaves behind is taken up
/// soon, and roots are written, evicted and loaded all the time.
const OPTIONS: [&str; 12] = [
    "--flush-interval",
    "100ms",
    "--evict-after",
    "200ms",
    "--orphan-grace",
    "500ms",
    "--ack-timeout",
    "1s",
    "--workflow-task-timeout",
    "2s",
    "--log",
    "warn",
];

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_when_processes_are_killed_under_load() {
    let mut random = seed::random("crashes");
    let mut coordinator = Coordinator::start(&OPTIONS).await;
    load::lift_turn_cap(&coordinator.client()).await;
    let program = env!("CARGO_BIN_EXE_load_worker");
    let spawn = |number: usize, address: &str| {
        LoadProcess::start(program, address, &format!("load-{number}"))
    };
    let address = coordinator.address();
    let mut workers: Vec<LoadProcess> = (0..WORKERS).map(|it| spawn(it, &address)).collect();

    let stop = Arc::new(AtomicBool::new(false));
    let mut submitters = JoinSet::new();
    for number in 0..CONVERSATIONS {
        let own = StdRng::seed_from_u64(random.random());
        let id = format!("customer-{number}");
        submitters.spawn(submit(coordinator.client(), id, own, Arc::clone(&stop)));
    }
    let mut starters = JoinSet::new();
    for starter in 0..STARTERS {
        starters.spawn(start(coordinator.client(), starter, Arc::clone(&stop)));
    }
    for kill in 0..KILLS {
        let pause = random.random_range(50..500);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let victim = random.random_range(0..WORKERS);
        workers.remove(victim).kill().await;
        workers.push(spawn(WORKERS + kill, &address));
        let pause = random.random_range(0..400);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        coordinator.kill().await;
        coordinator.restart().await;
    }
    stop.store(true, Ordering::Relaxed);

    let client = coordinator.client();
    let submitted = submitters.join_all().await;
    let workflows: usize = starters.join_all().await.into_iter().sum();
    let mut transcripts = Vec::new();
    let mut messages = 0;
    for (id, mut acknowledged) in submitted {
        settle(&client, &id, &mut acknowledged).await;
        let transcript = calls::transcript(&client, &id).await;
        check::load_transcript(&id, &transcript, &acknowledged);
        messages += transcript.len();
        transcripts.push((id, transcript));
    }
    check_runs(&client).await;

    coordinator.terminate().await;
    coordinator.restart().await;
    for (id, before) in transcripts {
        let after = calls::transcript(&client, &id).await;
        assert_eq!(before, after, "{id}: the transcript after a clean restart");
    }
    println!("crashes: {messages} messages, {workflows} workflows, {KILLS} kills of each");
    assert!(
        workflows > 0 && messages > CONVERSATIONS * 2,
        "there was load"
    );
    assert!(
        !coordinator.log().contains("panicked"),
        "no panic was logged"
    );
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
