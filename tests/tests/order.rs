//! Order: the transcript is what was acknowledged, in that order, however many
//! submit at once and whatever happens to the workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use everturn_client::{Client, v1};
use everturn_tests::coordinator::Coordinator;
use everturn_tests::load_process::LoadProcess;
use everturn_tests::{SOON, calls, check, eventually, load, seed};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::JoinSet;

const SUBMITTERS: usize = 64;
const CONVERSATIONS: usize = 3;
const MESSAGES: usize = 12;

/// A submitter's message: conversation, provider id, acknowledged position,
/// and when the request left and its answer came.
type Submitted = (usize, String, u64, Instant, Instant);

async fn submit(
    client: Client,
    submitter: usize,
    again: Arc<Vec<bool>>,
    mut random: StdRng,
) -> Vec<Submitted> {
    let mut submitted = Vec::new();
    for number in 0..MESSAGES {
        let conversation = (submitter + number) % CONVERSATIONS;
        let id = format!("c-{conversation}");
        let name = format!("s{submitter}-{number}");
        let request = v1::SubmitMessageRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            ..calls::message(&id, load::CONVERSATION_TYPE, &name, "hello")
        };
        let begin = Instant::now();
        let first = client.submit_message(request.clone()).await;
        let first = first.expect("accepted");
        submitted.push((
            conversation,
            name,
            first.message_sequence,
            begin,
            Instant::now(),
        ));
        if again[number] {
            let second = client.submit_message(request).await.expect("accepted");
            assert_eq!(second, first, "a duplicate gets the first answer");
        }
        let pause = random.random_range(0..300);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    submitted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_64_submitters_is_the_order_that_was_acknowledged() {
    let mut random = seed::random("order");
    let options = ["--orphan-grace", "300ms", "--workflow-task-timeout", "1s"];
    let coordinator = Coordinator::start(&options).await;
    load::lift_turn_cap(&coordinator.client()).await;
    let address = coordinator.address();
    let program = env!("CARGO_BIN_EXE_load_worker");
    let spawn = |number: usize| LoadProcess::start(program, &address, &format!("load-{number}"));
    let mut workers = vec![spawn(0), spawn(1)];
    let again: Arc<Vec<bool>> = Arc::new((0..MESSAGES).map(|_| random.random_bool(0.3)).collect());
    let mut submitters = JoinSet::new();
    for submitter in 0..SUBMITTERS {
        let own = StdRng::seed_from_u64(random.random());
        let again = Arc::clone(&again);
        submitters.spawn(submit(coordinator.client(), submitter, again, own));
    }
    for number in 2..8 {
        let pause = random.random_range(50..400);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        workers.remove(random.random_range(0..2)).kill().await;
        workers.push(spawn(number));
    }
    let mut all: Vec<Submitted> = submitters.join_all().await.into_iter().flatten().collect();
    let client = coordinator.client();
    for conversation in 0..CONVERSATIONS {
        let id = format!("c-{conversation}");
        eventually(SOON * 2, &format!("{id} is answered"), async || {
            let it = client.conversation(&id).await.expect("it exists");
            (it.turn.is_none() && it.waiting_message_count == 0).then_some(())
        })
        .await;
        let transcript = calls::transcript(&client, &id).await;
        let ours = all.iter().filter(|it| it.0 == conversation);
        let acknowledged: Vec<_> = ours.map(|it| (it.1.clone(), it.2)).collect();
        check::load_transcript(&id, &transcript, &acknowledged);
    }
    // What was answered before another was even sent comes before it.
    all.sort_by_key(|it| (it.0, it.2));
    for pair in all.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let reversed = before.0 == after.0 && after.4 < before.3;
        assert!(!reversed, "{} and {} changed places", before.1, after.1);
    }
    assert_eq!(all.len(), SUBMITTERS * MESSAGES);
}

#[tokio::test]
async fn a_burst_is_one_turn_with_all_of_its_messages_in_order() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let worker = load::worker(coordinator.client(), "load").expect("a worker");
    tokio::spawn(worker.run(std::future::pending()));
    let debounce = v1::Debounce {
        quiet: Some(calls::millis(1_500)),
        ..Default::default()
    };
    for number in 1..=5 {
        let request = v1::SubmitMessageRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            turn_policy: Some(v1::TurnPolicy {
                debounce: Some(debounce),
                ..Default::default()
            }),
            ..calls::message("c", load::CONVERSATION_TYPE, &format!("m-{number}"), "hi")
        };
        client.submit_message(request).await.expect("accepted");
    }
    let reply = eventually(SOON, "the burst is answered", async || {
        calls::transcript(&client, "c").await.get(5).cloned()
    })
    .await;
    let text = reply.content.unwrap_or_default().text;
    assert_eq!((text.as_str(), reply.turn), ("[1,2,3,4,5]", 1));
    let conversation = client.conversation("c").await.expect("it exists");
    assert_eq!(conversation.turn_count, 1);
}
