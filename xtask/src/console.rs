//! What a person sees while a job runs: one line that counts seconds on a
//! terminal, a sign of life now and then elsewhere.

use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::{Duration, Instant};

const FRAMES: [&str; 4] = ["-", "\\", "|", "/"];
/// Without a terminal a running job is mentioned this often.
const REMIND_EVERY: Duration = Duration::from_secs(30);

/// The progress line of one job. Written to standard error.
pub struct Progress {
    label: String,
    begin: Instant,
    reminded: Instant,
    frame: usize,
    is_terminal: bool,
}

impl Progress {
    /// Announces a job.
    pub fn start(label: &str) -> Self {
        let now = Instant::now();
        let progress = Self {
            label: label.to_owned(),
            begin: now,
            reminded: now,
            frame: 0,
            is_terminal: stderr().is_terminal(),
        };
        if !progress.is_terminal {
            eprintln!("  ....  {label}");
        }
        progress
    }

    /// Shows that the job is alive; `news` is the last line of its output.
    pub fn tick(&mut self, news: &str) {
        let elapsed = seconds(self.begin.elapsed());
        if self.is_terminal {
            self.frame = (self.frame + 1) % FRAMES.len();
            let news: String = news.chars().filter(|c| !c.is_control()).take(48).collect();
            eprint!(
                "\r\x1b[2K  {}     {:<34} {elapsed:>8}  \x1b[2m{news}\x1b[0m",
                FRAMES[self.frame], self.label
            );
            // A progress line that cannot be written is not worth failing for.
            let _ = stderr().flush();
        } else if self.reminded.elapsed() >= REMIND_EVERY {
            self.reminded = Instant::now();
            eprintln!("  ....  {:<34} {elapsed:>8}", self.label);
        }
    }

    /// Replaces the line with the outcome.
    pub fn finish(self, is_ok: bool, detail: &str) {
        let elapsed = seconds(self.begin.elapsed());
        let (word, colour) = if is_ok { ("ok", 32) } else { ("FAIL", 31) };
        if self.is_terminal {
            eprint!("\r\x1b[2K");
            eprintln!(
                "  \x1b[{colour}m{word:<4}\x1b[0m  {:<34} {elapsed:>8}  {detail}",
                self.label
            );
        } else {
            eprintln!("  {word:<4}  {:<34} {elapsed:>8}  {detail}", self.label);
        }
    }
}

/// A duration for people.
pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
