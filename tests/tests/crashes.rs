//! The coordinator and the workers are killed with SIGKILL, again and again,
//! under load. Nothing that was acknowledged is lost, nothing is said twice.

use std::time::Duration;

use everturn_tests::coordinator::Coordinator;
use everturn_tests::load_process::LoadProcess;
use everturn_tests::services::Services;
use everturn_tests::{load, seed};
use rand::RngExt as _;

const WORKERS: usize = 3;
const KILLS: usize = 22;

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

    let services = Services::begin(|| coordinator.client(), &mut random);
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

    let summary = services.finish(&coordinator.client()).await;
    summary.survives_a_clean_restart(&mut coordinator).await;
    let (messages, workflows) = (summary.messages(), summary.workflows);
    println!("crashes: {messages} messages, {workflows} workflows, {KILLS} kills of each");
}
