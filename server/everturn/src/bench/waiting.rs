//! Scenarios about conversations that wait: `idle` and `wake` for their
//! customers, `restart` over a killed coordinator, `backlog` for a worker.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use everturn_client::{Client, v1};
use rand::RngExt as _;

use super::load::{Load, Recorder, Slot};
use super::scale::Scene;
use super::turns::see_reply;
use super::types::{ASK_TYPE, REPLY_TYPE};
use super::{BenchArgs, SLOTS_PER_CONNECTION, WARM_UP};

/// Longest time until all conversations wait for their customers, or have their
/// replies.
const ALL_TIMEOUT: Duration = Duration::from_secs(3_600);
/// How long after a restart a wake is tried again.
const AGAIN: Duration = Duration::from_millis(5);
/// Longest wait for a reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// `idle`: what conversations cost that wait for their customers.
pub(super) async fn idle(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = asking(args).await?;
    scene.note_rest().await?;
    scene.note_after_restart().await?;
    Ok(scene)
}

/// `wake`: how long the reply to a message takes that wakes one of them.
pub(super) async fn wake(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = asking(args).await?;
    scene.note_rest().await?;
    let seconds = Duration::from_secs(u64::from(args.seconds));
    wake_for(&mut scene, seconds).await?;
    Ok(scene)
}

/// `restart`: from the start of a coordinator whose predecessor was killed to
/// the first reply, and the replies after that.
pub(super) async fn restart(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = asking(args).await?;
    scene.note_rest().await?;
    let mut wake = Wake::new(&scene, 0, 1);
    let begin = Instant::now();
    scene.coordinator.restart().await?;
    loop {
        match wake.once().await {
            Ok(()) => break,
            Err(error) if begin.elapsed() > REPLY_TIMEOUT => return Err(error),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
    let first = begin.elapsed();
    scene
        .report
        .figure("restart", "first_wake_seconds", first.as_secs_f64());
    let seconds = Duration::from_secs(u64::from(args.seconds));
    wake_for(&mut scene, seconds).await?;
    let rest = scene.rest().await?;
    scene.report.bytes("memory", "after_restart", rest.now);
    Ok(scene)
}

/// `backlog`: conversations whose messages wait for a worker, which then comes.
pub(super) async fn backlog(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = Scene::open(args).await?;
    scene.fill(REPLY_TYPE).await?;
    scene.note_rest().await?;
    scene.note_after_restart().await?;
    eprintln!("a worker comes");
    let begin = Instant::now();
    scene.start_worker()?;
    let took = replies(&scene, begin).await?;
    #[expect(clippy::cast_precision_loss, reason = "a count well below 2^52")]
    let per_second = args.count() as f64 / took.as_secs_f64();
    scene.report.rate("drained_turns_per_s", per_second);
    let rest = scene.rest().await?;
    scene.report.bytes("memory", "drain_peak", rest.peak);
    scene.report.bytes("memory", "after_drain", rest.now);
    Ok(scene)
}

/// Conversations that wait for their customers.
async fn asking(args: &BenchArgs) -> anyhow::Result<Scene<'_>> {
    let mut scene = Scene::open(args).await?;
    scene.start_worker()?;
    let begin = Instant::now();
    scene.fill(ASK_TYPE).await?;
    wait_for(
        &scene,
        "everturn_waiting{kind=\"conversation\",reason=\"customer\"}",
    )
    .await?;
    #[expect(clippy::cast_precision_loss, reason = "a count well below 2^52")]
    let per_second = args.count() as f64 / begin.elapsed().as_secs_f64();
    scene.report.rate("asking_per_s", per_second);
    Ok(scene)
}

/// Until every conversation has its reply; how long that took.
async fn replies(scene: &Scene<'_>, begin: Instant) -> anyhow::Result<Duration> {
    wait_for(scene, "everturn_messages_sent_total").await?;
    Ok(begin.elapsed())
}

/// Waits until a figure of the coordinator has reached the number of
/// conversations.
async fn wait_for(scene: &Scene<'_>, metric: &str) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut told = Instant::now();
    loop {
        let value = scene.coordinator.metric(metric).await?.unwrap_or(0);
        if value >= scene.args.count() as u64 {
            return Ok(());
        }
        anyhow::ensure!(begin.elapsed() < ALL_TIMEOUT, "{value} only in time");
        if told.elapsed() > Duration::from_secs(5) {
            eprintln!("{value} of {}", scene.args.count());
            told = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn wake_for(scene: &mut Scene<'_>, seconds: Duration) -> anyhow::Result<()> {
    let slots = scene.args.in_flight() as usize;
    let wakes = (0..slots).map(|slot| Box::new(Wake::new(scene, slot, slots)) as Box<dyn Slot>);
    let begin = Instant::now() + WARM_UP;
    let recorder = Recorder::new(begin, begin + seconds);
    let load = Load::start(wakes.collect(), scene.args.rate, recorder.clone());
    load.follow_until(begin + seconds).await;
    load.finish().await;
    let latencies = recorder.latencies();
    if let (count, Some(first)) = recorder.errors() {
        anyhow::bail!("{count} wakes failed, the first with: {first}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a count well below 2^52")]
    let per_second = latencies.len() as f64 / seconds.as_secs_f64();
    scene.report.rate("wakes_per_s", per_second);
    scene.report.latency("wake_ms", &latencies);
    Ok(())
}

/// Wakes one conversation after the other, each time one of its own at random.
struct Wake {
    client: Client,
    request: v1::SubmitMessageRequest,
    prefix: String,
    /// Its conversations are those whose number leaves this rest.
    slot: usize,
    slots: usize,
    count: usize,
    /// How often each was woken.
    woken: HashMap<usize, u64>,
}

impl Wake {
    fn new(scene: &Scene<'_>, slot: usize, slots: usize) -> Self {
        let clients = &scene.clients;
        Self {
            client: clients[slot / SLOTS_PER_CONNECTION % clients.len()].clone(),
            request: scene.message(slot, ASK_TYPE, ""),
            prefix: scene.names.prefix.clone(),
            slot,
            slots,
            count: scene.args.count(),
            woken: HashMap::new(),
        }
    }

    async fn wake(&mut self) -> anyhow::Result<()> {
        let places = (self.count - self.slot).div_ceil(self.slots);
        let number = self.slot + self.slots * rand::rng().random_range(0..places);
        let woken = self.woken.entry(number).or_default();
        let mut request = self.request.clone();
        request.conversation_id = format!("{}-{number}", self.prefix);
        // Of the process as well: the first wake may be tried again.
        request.provider_message_id = format!("{:x}", rand::random::<u64>());
        // The first message, and for each wake one of the customer and a reply.
        let seen = 1 + 2 * *woken;
        let mut watch = self.client.watch(request.conversation_id.clone(), seen);
        let submit = async {
            self.client.submit_message(request).await?;
            Ok(())
        };
        let reply = async {
            tokio::time::timeout(REPLY_TIMEOUT, see_reply(&mut watch))
                .await
                .context("no reply in time")?
        };
        tokio::try_join!(submit, reply)?;
        *woken += 1;
        Ok(())
    }
}

impl Slot for Wake {
    fn once(&mut self) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + '_>> {
        Box::pin(self.wake())
    }
}
