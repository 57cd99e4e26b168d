//! What all tasks of the demo share: the client, the clock, how far the play
//! has come, and the terminal.

use std::io::{IsTerminal as _, stdout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use everturn_client::{Client, v1};
use tokio::sync::watch;

/// Colours of customers' names on a terminal.
const COLOURS: [u8; 12] = [36, 33, 35, 32, 34, 31, 96, 93, 95, 92, 94, 91];

/// Shared by all tasks of the demo.
pub struct Stage {
    client: Client,
    begin: Instant,
    is_terminal: bool,
    waiting: AtomicUsize,
    replies: AtomicUsize,
    bursts: AtomicUsize,
    pieces: AtomicUsize,
    kills: watch::Sender<u32>,
}

impl Stage {
    /// A stage on which nothing has happened.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            begin: Instant::now(),
            is_terminal: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            waiting: AtomicUsize::new(0),
            replies: AtomicUsize::new(0),
            bursts: AtomicUsize::new(0),
            pieces: AtomicUsize::new(0),
            kills: watch::Sender::new(0),
        }
    }

    /// The client of the coordinator.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A customer waits for an answer from here on.
    pub fn begin_waiting(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// The answer came, or will not come any more.
    pub fn end_waiting(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Number of customers who wait for an answer.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Number of answers that customers have taken.
    pub fn replies(&self) -> usize {
        self.replies.load(Ordering::Relaxed)
    }

    /// A customer took an answer.
    pub fn reply_taken(&self) {
        self.replies.fetch_add(1, Ordering::Relaxed);
    }

    /// A burst of several messages was accepted.
    pub fn burst_accepted(&self) {
        self.bursts.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of bursts that were accepted.
    pub fn bursts(&self) -> usize {
        self.bursts.load(Ordering::Relaxed)
    }

    /// A piece of an answer was seen while it was written.
    pub fn piece_seen(&self) {
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }

    /// Number of pieces that were seen.
    pub fn pieces(&self) -> usize {
        self.pieces.load(Ordering::Relaxed)
    }

    /// The coordinator was killed.
    pub fn killed(&self) {
        self.kills.send_modify(|kills| *kills += 1);
    }

    /// Number of kills, to wait on.
    pub fn kills(&self) -> watch::Receiver<u32> {
        self.kills.subscribe()
    }

    /// Prints what happened behind the scenes.
    pub fn announce(&self, text: &str) {
        let time = self.begin.elapsed().as_secs_f64();
        if self.is_terminal {
            println!("\x1b[1m{time:>6.1}  -- {text}\x1b[0m");
        } else {
            println!("{time:>6.1}  -- {text}");
        }
    }

    /// Prints one message of a transcript, on one line.
    pub fn print(&self, position: usize, name: &str, message: &v1::Message) {
        let time = self.begin.elapsed().as_secs_f64();
        let text = message
            .content
            .as_ref()
            .map_or("", |content| content.text.as_str());
        let text = text
            .split('\n')
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" / ");
        let kind = message.author_kind();
        let is_agent = kind == v1::AuthorKind::Agent || kind == v1::AuthorKind::Human;
        let (arrow, text) = match kind {
            v1::AuthorKind::Customer => ("->", text),
            v1::AuthorKind::System => ("--", text),
            _ => ("<-", format!("{}: {text}", message.author_name)),
        };
        let channel = &message.channel;
        if self.is_terminal {
            let colour = COLOURS[position % COLOURS.len()];
            let weight = if is_agent { 1 } else { 22 };
            println!(
                "{time:>6.1}  \x1b[{colour}m{name:<7}\x1b[0m {channel:<5} {arrow} \
                 \x1b[{weight}m{text}\x1b[0m"
            );
        } else {
            println!("{time:>6.1}  {name:<7} {channel:<5} {arrow} {text}");
        }
    }
}
