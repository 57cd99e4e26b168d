//! Scenario `stream`: a turn whose activity streams chunks that carry the time
//! they were written at, and watchers that compare it with theirs. The turn's
//! code is always the built-in one; `--worker` runs the activity.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use everturn_client::{Client, ConnectOptions, Watch, v1};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use v1::watch_conversation_response::Update;

use super::report::{Cpu, Report};
use super::{BenchArgs, Names, SLOTS_PER_CONNECTION, WARM_UP, WorkerKind};

/// Type of the conversation.
pub(crate) const CONVERSATION_TYPE: &str = "bench-stream";
/// Chunks per second, unless it is said.
pub(crate) const RATE: f64 = 100.0;
/// Size of a chunk: about a line of tokens.
const CHUNK_BYTES: u32 = 64;
/// How long the watchers may take to be there, and to see the end.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest latency that is told apart, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;

/// Input of the activity `stream`, the same in every language.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Chunks {
    /// Number of chunks.
    pub count: u32,
    /// Pause before each.
    pub interval_ms: f64,
    /// Size of one, at least; filled up with spaces.
    pub size_bytes: u32,
}

/// What the customer's message asks the turn for.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    /// Queue of the worker that streams.
    pub task_queue: String,
    /// What it streams; nothing in the turn that opens the conversation.
    pub chunks: Option<Chunks>,
}

/// One line of a chunk.
#[derive(Deserialize, Serialize)]
pub(crate) struct Line {
    /// Number of the chunk, from 1.
    pub number: u32,
    /// When it was written, in nanoseconds since 1970.
    pub sent_ns: u64,
}

/// Nanoseconds since 1970, as every language can tell them.
pub(crate) fn now_ns() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |it| u64::try_from(it.as_nanos()).unwrap_or(u64::MAX))
}

/// The queue that the chosen worker serves.
fn activity_queue(worker: WorkerKind, names: &Names) -> String {
    match worker {
        WorkerKind::Rust | WorkerKind::Typescript => names.queue.clone(),
        WorkerKind::Python => format!("{}-python", names.queue),
    }
}

/// The queue of the turns: SDK workers know nothing of this conversation.
pub(crate) fn code_queue(worker: WorkerKind, names: &Names) -> String {
    match worker {
        WorkerKind::Rust => names.queue.clone(),
        WorkerKind::Typescript | WorkerKind::Python => format!("{}-code", names.queue),
    }
}

/// What all watchers saw of the chunks that were written in the window.
struct Seen {
    begin_ns: u64,
    end_ns: u64,
    latencies: Histogram<u64>,
    skipped: u64,
}

impl Seen {
    /// Takes what arrived at a time: one or more lines.
    fn take(&mut self, data: &[u8], now_ns: u64) {
        for line in data.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Line>(line) else {
                continue;
            };
            if (self.begin_ns..self.end_ns).contains(&line.sent_ns) {
                let us = now_ns.saturating_sub(line.sent_ns) / 1_000;
                self.latencies.saturating_record(us.max(1));
            }
        }
    }
}

/// Opens the conversation, lets the watchers come, streams and measures.
pub(crate) async fn measure(
    args: &BenchArgs,
    options: &ConnectOptions,
    names: &Names,
    mut cpu: Cpu,
) -> anyhow::Result<Report> {
    let rate = args.rate.unwrap_or(RATE);
    let seconds = Duration::from_secs(u64::from(args.seconds));
    let client = Client::new(options.clone())?;
    let conversation_id = format!("{}-stream", names.prefix);
    let submit = |chunks| {
        let request = order(args, names, &conversation_id, chunks);
        let client = client.clone();
        async move {
            client
                .submit_message(request?)
                .await
                .map_err(anyhow::Error::from)
        }
    };
    submit(None).await?;
    let watchers = args.watchers() as usize;
    eprintln!("opening {watchers} watches");
    let watches = open(options, &conversation_id, watchers).await?;
    let window = WARM_UP.as_secs_f64() + seconds.as_secs_f64() + 0.5;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates"
    )]
    let count = (rate * window).ceil() as u32;
    let begin = tokio::time::Instant::now() + WARM_UP;
    let begin_ns = now_ns() + u64::try_from(WARM_UP.as_nanos()).unwrap_or(u64::MAX);
    let seen = Arc::new(Mutex::new(Seen {
        begin_ns,
        end_ns: begin_ns + u64::try_from(seconds.as_nanos()).unwrap_or(u64::MAX),
        latencies: Histogram::new_with_bounds(1, LATENCY_MAX_US, 3)?,
        skipped: 0,
    }));
    let mut following = JoinSet::new();
    for watch in watches {
        following.spawn(follow(watch, Arc::clone(&seen)));
    }
    submit(Some(Chunks {
        count,
        interval_ms: 1_000.0 / rate,
        size_bytes: CHUNK_BYTES,
    }))
    .await?;
    tokio::time::sleep_until(begin).await;
    cpu.begin();
    let mut used = None;
    let end = begin + seconds;
    let all = async {
        loop {
            tokio::select! {
                ended = following.join_next() => match ended {
                    Some(ended) => ended??,
                    None => return anyhow::Ok(()),
                },
                () = tokio::time::sleep_until(end), if used.is_none() => used = Some(cpu.end()),
            }
        }
    };
    tokio::time::timeout_at(end + TIMEOUT, all)
        .await
        .context("the watchers did not see the end in time")??;
    let used = used.context("the stream ended before its time")?;
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.skipped > 0 {
        eprintln!("{} changes were left out for slow watchers", seen.skipped);
    }
    Report::stream(args, rate, seen.latencies.clone(), used)
}

fn order(
    args: &BenchArgs,
    names: &Names,
    conversation_id: &str,
    chunks: Option<Chunks>,
) -> anyhow::Result<v1::SubmitMessageRequest> {
    let order = Order {
        task_queue: activity_queue(args.worker, names),
        chunks,
    };
    let content = v1::MessageContent {
        text: "stream".to_owned(),
        data: Some(everturn_client::json(&order)?),
        ..Default::default()
    };
    Ok(v1::SubmitMessageRequest {
        conversation_id: conversation_id.to_owned(),
        conversation_type: CONVERSATION_TYPE.to_owned(),
        channel: "chat".to_owned(),
        content: Some(content),
        task_queue: code_queue(args.worker, names),
        ..Default::default()
    })
}

/// Opens the watches; each has seen the reply of the first turn.
async fn open(
    options: &ConnectOptions,
    conversation_id: &str,
    count: usize,
) -> anyhow::Result<Vec<Watch>> {
    let clients = (0..count.div_ceil(SLOTS_PER_CONNECTION))
        .map(|_| Client::new(options.clone()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut opening = JoinSet::new();
    for number in 0..count {
        let mut watch = clients[number / SLOTS_PER_CONNECTION].watch(conversation_id, 0);
        opening.spawn(async move {
            see_reply(&mut watch, |_| {}).await?;
            anyhow::Ok(watch)
        });
    }
    let all = async {
        let mut watches = Vec::with_capacity(count);
        while let Some(opened) = opening.join_next().await {
            watches.push(opened??);
        }
        Ok(watches)
    };
    tokio::time::timeout(TIMEOUT, all)
        .await
        .context("the watches did not open in time")?
}

/// Records what a watcher sees, until the turn has replied.
async fn follow(mut watch: Watch, seen: Arc<Mutex<Seen>>) -> anyhow::Result<()> {
    let take = |update: &Update| {
        let now = now_ns();
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        match update {
            Update::OutputDelta(delta) => seen.take(&delta.data, now),
            Update::Lagged(lagged) => seen.skipped += lagged.skipped_count,
            _ => {}
        }
    };
    see_reply(&mut watch, take).await
}

async fn see_reply(watch: &mut Watch, mut take: impl FnMut(&Update)) -> anyhow::Result<()> {
    loop {
        let update = watch.next().await?.context("the conversation was closed")?;
        take(&update);
        if let Update::Message(message) = update
            && message.author_kind() == v1::AuthorKind::Agent
        {
            let text = message.content.unwrap_or_default().text;
            anyhow::ensure!(text == "done", "the worker does not stream: {text}");
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_window_count_also_when_they_come_together() {
        let mut seen = Seen {
            begin_ns: 1_000_000,
            end_ns: 9_000_000,
            latencies: Histogram::new(3).expect("valid"),
            skipped: 0,
        };
        let line = |number, sent_ns| {
            let line = serde_json::to_string(&Line { number, sent_ns });
            format!("{}   \n", line.expect("JSON"))
        };
        let piece = [line(1, 500_000), line(2, 2_000_000), line(3, 3_000_000)].concat();
        seen.take(piece.as_bytes(), 4_000_000);
        seen.take(b"not a line\n", 4_000_000);
        assert_eq!(seen.latencies.len(), 2);
        assert_eq!((seen.latencies.min(), seen.latencies.max()), (1_000, 2_000));
    }
}
