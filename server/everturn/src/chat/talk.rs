//! The talk itself: lines out, updates in, until one side ends.

use std::collections::VecDeque;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use everturn_client::{Client, Code, Error, v1};
use futures::future::{BoxFuture, FutureExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use v1::watch_conversation_response::Update;

use super::ChatArgs;
use super::follow::{Follow, Seen};
use super::input::{Line, read};
use super::screen::Screen;

/// Messages that wait to be sent before no more lines are read.
const UNSENT_MAX: usize = 64;
/// Pause before a message is sent again that could not be.
const RESEND_DELAY: Duration = Duration::from_millis(500);
/// How often it is looked whether the last message was answered.
const ANSWER_INTERVAL: Duration = Duration::from_millis(200);

type Sending = BoxFuture<'static, (v1::SubmitMessageRequest, Result<(), Error>)>;

/// Why the talk goes no further.
enum End {
    /// The user or the other side ended it, or everything was answered.
    Done,
    /// No answer came in time.
    Unanswered,
}

/// One conversation in one terminal.
pub(crate) struct Talk<W> {
    client: Client,
    args: ChatArgs,
    screen: Screen,
    out: W,
    /// Beginning of the ids of messages that were typed here.
    own_ids: String,
    typed: u64,
    unsent: VecDeque<v1::SubmitMessageRequest>,
    sending: Option<Sending>,
    is_away: bool,
    follow: Option<Follow>,
    seen: u64,
    input_ended: Option<Instant>,
}

impl<W: Write> Talk<W> {
    pub(crate) fn new(client: Client, args: ChatArgs, screen: Screen, out: W) -> Self {
        Self {
            client,
            args,
            screen,
            out,
            own_ids: format!("chat-{:016x}-", rand::random::<u64>()),
            typed: 0,
            unsent: VecDeque::new(),
            sending: None,
            is_away: false,
            follow: None,
            seen: 0,
            input_ended: None,
        }
    }

    /// Talks until one side ends.
    ///
    /// # Errors
    /// When the conversation cannot be followed, or, without a terminal, a
    /// message is refused.
    pub(crate) async fn run(
        &mut self,
        mut lines: mpsc::Receiver<String>,
    ) -> anyhow::Result<ExitCode> {
        self.begin().await?;
        let mut tick = tokio::time::interval(ANSWER_INTERVAL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.send_next();
            let reads = self.input_ended.is_none() && self.unsent.len() < UNSENT_MAX;
            let end = tokio::select! {
                line = lines.recv(), if reads => self.line(line)?,
                (request, sent) = sent(&mut self.sending) => self.sent(request, sent)?,
                seen = Follow::next(&mut self.follow) => self.seen(seen).await?,
                _ = tick.tick(), if self.input_ended.is_some() => self.is_over().await,
                signal = tokio::signal::ctrl_c() => {
                    signal?;
                    Some(End::Done)
                }
            };
            match end {
                Some(End::Done) => {
                    self.leave()?;
                    return Ok(ExitCode::SUCCESS);
                }
                Some(End::Unanswered) => {
                    let text = format!("no answer within {:?}", self.args.wait);
                    let note = self.screen.note(&text);
                    self.show(&note)?;
                    return Ok(ExitCode::from(5));
                }
                None => {}
            }
        }
    }

    /// Shows what is there already; a conversation that is not opens with the
    /// first message.
    async fn begin(&mut self) -> anyhow::Result<()> {
        match self.client.conversation(&self.args.conversation_id).await {
            Ok(conversation) => {
                let text = self.screen.stands(&conversation);
                self.show(&text)?;
                self.follow();
            }
            Err(error) if error.code() == Code::NotFound => {
                if self.args.conversation_type.is_empty() {
                    let context = "a new conversation needs --type";
                    return Err(anyhow::Error::from(error).context(context));
                }
                self.screen.name_agent(&self.args.conversation_type);
                let note = self
                    .screen
                    .note("a new conversation: it opens with what you write");
                self.show(&note)?;
                let ready = self.screen.ready();
                self.show(&ready)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn follow(&mut self) {
        self.follow = Some(Follow::start(&self.client, &self.args.conversation_id));
    }

    fn line(&mut self, line: Option<String>) -> anyhow::Result<Option<End>> {
        let Some(line) = line else {
            self.input_ended = Some(Instant::now());
            return Ok(None);
        };
        let text = match read(&line) {
            Line::Quit => return Ok(Some(End::Done)),
            Line::Empty => self.screen.ready(),
            Line::Help => self.screen.help(),
            Line::Unknown(line) => {
                let text = format!("{line} is no command: /help lists them");
                self.screen.note(&text)
            }
            Line::Say(text) => {
                self.typed += 1;
                self.unsent.push_back(v1::SubmitMessageRequest {
                    conversation_id: self.args.conversation_id.clone(),
                    conversation_type: self.args.conversation_type.clone(),
                    channel: self.args.channel.clone(),
                    provider_message_id: format!("{}{}", self.own_ids, self.typed),
                    author_name: self.args.name.clone(),
                    content: Some(everturn_client::text(text)),
                    task_queue: self.args.task_queue.clone(),
                    ..Default::default()
                });
                self.screen.ready()
            }
        };
        self.show(&text)?;
        Ok(None)
    }

    /// One message is on its way at a time: they arrive in order.
    fn send_next(&mut self) {
        if self.sending.is_none()
            && let Some(request) = self.unsent.pop_front()
        {
            self.sending = Some(self.send(request, Duration::ZERO));
        }
    }

    fn send(&self, request: v1::SubmitMessageRequest, delay: Duration) -> Sending {
        let client = self.client.clone();
        async move {
            tokio::time::sleep(delay).await;
            let sent = client.submit_message(request.clone()).await;
            (request, sent.map(|_| ()))
        }
        .boxed()
    }

    /// A message was accepted, refused, or has to be sent again: its id makes
    /// sure that it counts once.
    fn sent(
        &mut self,
        request: v1::SubmitMessageRequest,
        sent: Result<(), Error>,
    ) -> anyhow::Result<Option<End>> {
        match sent {
            Ok(()) => {
                self.is_away = false;
                self.sending = None;
                if self.follow.is_none() {
                    self.follow();
                }
            }
            Err(error) if is_passing(&error) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    let text = format!("not sent yet, trying on: {}", error.message());
                    let note = self.screen.note(&text);
                    self.show(&note)?;
                }
                self.sending = Some(self.send(request, RESEND_DELAY));
            }
            Err(error) if self.screen.is_terminal() => {
                self.sending = None;
                let note = self.screen.note(&format!("refused: {error}"));
                self.show(&note)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(None)
    }

    async fn seen(&mut self, seen: Option<Result<Seen, Error>>) -> anyhow::Result<Option<End>> {
        let Some(seen) = seen else {
            return Ok(Some(End::Done));
        };
        let text = match seen? {
            Seen::Update(update) => {
                let mut is_own = false;
                if let Update::Message(message) = &update {
                    self.seen = message.sequence;
                    is_own = message.provider_message_id.starts_with(&self.own_ids);
                }
                let mut text = self.screen.update(&update, is_own);
                if matches!(update, Update::CaughtUp(_)) {
                    let asked = self.client.conversation(&self.args.conversation_id);
                    if let Ok(conversation) = asked.await {
                        text.push_str(&self.screen.stands(&conversation));
                    }
                }
                text
            }
            Seen::Lost => self.screen.note("the connection is lost, trying again"),
            Seen::Found => self.screen.note("connected again"),
        };
        self.show(&text)?;
        Ok(None)
    }

    /// Whether everything was said and answered, or the wait is over.
    async fn is_over(&mut self) -> Option<End> {
        if self.screen.is_terminal() && self.sending.is_none() {
            return Some(End::Done);
        }
        let is_late = self
            .input_ended
            .is_some_and(|ended| ended.elapsed() >= self.args.wait);
        let asked = self.client.conversation(&self.args.conversation_id);
        let nothing_typed = self.typed == 0 && self.sending.is_none();
        if self.sending.is_none()
            && let Ok(Ok(it)) = tokio::time::timeout(Duration::from_secs(1), asked).await
            && (nothing_typed || is_answered(&it))
            && self.seen >= it.message_count
        {
            return Some(End::Done);
        }
        is_late.then_some(End::Unanswered)
    }

    fn show(&mut self, text: &str) -> std::io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Leaves the terminal with an empty line for the shell.
    fn leave(&mut self) -> std::io::Result<()> {
        if self.screen.is_terminal() {
            self.show("\n")?;
        }
        Ok(())
    }
}

/// Whether nothing waits for the agents.
fn is_answered(it: &v1::Conversation) -> bool {
    let is_running = it.turn.as_ref().is_some_and(|turn| {
        matches!(
            turn.status(),
            v1::TurnStatus::Running | v1::TurnStatus::Interrupted
        )
    });
    !is_running && it.waiting_message_count == 0
}

/// Whether the same message may be taken later.
fn is_passing(error: &Error) -> bool {
    error.is_retryable() || matches!(error.code(), Code::DeadlineExceeded | Code::Cancelled)
}

/// The message that is on its way, once it was answered.
async fn sent(sending: &mut Option<Sending>) -> (v1::SubmitMessageRequest, Result<(), Error>) {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
#[path = "talk_tests.rs"]
mod tests;
