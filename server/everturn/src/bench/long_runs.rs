//! Scenarios about one run: `fanout`, many activities at once, and `history`,
//! many one after the other.

use std::time::{Duration, Instant};

use everturn_client::{Client, v1};

use super::BenchArgs;
use super::load::histogram;
use super::scale::Scene;
use super::types::{FANOUT_TYPE, HISTORY_TYPE};

/// Activities of a fan-out.
const FANOUT: usize = 1_000;
/// Lengths of the runs of `history`.
const LENGTHS: [usize; 4] = [10, 100, 1_000, 10_000];
/// Longest wait for a run.
const RESULT_TIMEOUT: Duration = Duration::from_secs(600);

/// `fanout`: runs with a thousand activities each, as many as fit into the time,
/// one after the other or at a rate.
pub(super) async fn fanout(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = Scene::open(args).await?;
    scene.start_worker()?;
    run(&scene, FANOUT_TYPE, 10, 0).await?;
    let mut latencies = histogram();
    let begin = Instant::now();
    let seconds = Duration::from_secs(u64::from(args.seconds));
    for number in 1_u32.. {
        let due = match args.rate {
            Some(rate) => begin + Duration::from_secs_f64(f64::from(number - 1) / rate),
            None => Instant::now(),
        };
        if due.duration_since(begin) >= seconds {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        run(&scene, FANOUT_TYPE, FANOUT, number).await?;
        let us = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
        latencies.saturating_record(us.max(1));
    }
    let took = begin.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "well below 2^52")]
    let steps = latencies.len() as f64 * FANOUT as f64;
    scene.report.rate("steps_per_s", steps / took);
    scene.report.latency("run_ms", &latencies);
    Ok(scene)
}

/// `history`: steps per second of one run, by its length.
pub(super) async fn history(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = Scene::open(args).await?;
    scene.start_worker()?;
    run(&scene, HISTORY_TYPE, 10, 0).await?;
    for length in LENGTHS {
        let begin = Instant::now();
        // Of the short ones several, so that there is something to measure.
        let runs = (1_000 / length).max(1);
        for number in 1..=u32::try_from(runs).unwrap_or(1) {
            let due = args
                .rate
                .map(|rate| begin + Duration::from_secs_f64(f64::from(number - 1) / rate));
            if let Some(due) = due {
                tokio::time::sleep_until(due.into()).await;
            }
            run(&scene, HISTORY_TYPE, length, number).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "well below 2^52")]
        let steps = (runs * length) as f64;
        let per_second = steps / begin.elapsed().as_secs_f64();
        let name = format!("of_{length}");
        scene.report.figure("steps_per_s", &name, per_second);
    }
    Ok(scene)
}

/// Runs one workflow with so many activities.
async fn run(scene: &Scene<'_>, type_name: &str, steps: usize, number: u32) -> anyhow::Result<()> {
    let client: &Client = &scene.clients[0];
    let workflow_id = format!("{}-{type_name}-{steps}-{number}", scene.names.prefix);
    let start = v1::StartWorkflowRequest {
        workflow_id: workflow_id.clone(),
        workflow_type: type_name.to_owned(),
        task_queue: scene.names.queue.clone(),
        input: Some(everturn_client::json(&steps)?),
        ..Default::default()
    };
    let run_id = client.start_workflow(start).await?.run_id;
    let wait = v1::WaitResultRequest {
        workflow_id,
        run_id,
        ..Default::default()
    };
    let result = client.wait_result(wait, RESULT_TIMEOUT).await?;
    anyhow::ensure!(
        result.status() == v1::RunStatus::Completed,
        "a run ended as {}: {}",
        result.status().as_str_name(),
        result.failure.unwrap_or_default().message,
    );
    Ok(())
}
