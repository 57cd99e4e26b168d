//! Plays one customer's script.

use std::sync::Arc;
use std::time::{Duration, Instant};

use everturn_client::{Error, text, v1};
use tokio::sync::watch;

use crate::environment::Pace;
use crate::script::{Customer, Reply, Step};
use crate::stage::Stage;
use crate::{staff, transcript};

/// Longest wait for one answer of the shop.
const REPLY_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a channel's provider keeps trying to hand in a message.
const SUBMIT_TIMEOUT: Duration = Duration::from_secs(60);
const SUBMIT_AGAIN: Duration = Duration::from_millis(250);
/// Between the first appearances of two customers.
const STAGGER: Duration = Duration::from_millis(120);

/// A message that the coordinator acknowledged.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Id that the channel's provider gave it.
    pub provider_message_id: String,
    /// What it says.
    pub text: String,
    /// Position in the transcript, as acknowledged.
    pub sequence: u64,
}

/// A customer whose script is over.
#[derive(Debug)]
pub struct Played {
    /// The customer.
    pub customer: Customer,
    /// Order of appearance.
    pub position: usize,
    /// Messages that were acknowledged.
    pub accepted: Vec<Accepted>,
    /// Repeated requests that got another answer than the first.
    pub repeats_differing: u64,
    /// Expectations that did not hold.
    pub unmet: Vec<String>,
    /// How long quiet hours lasted after an event came.
    pub quiet: Option<Duration>,
}

/// Plays a customer to the end of the script, or to the first message that
/// does not come.
pub async fn play(stage: Arc<Stage>, customer: Customer, position: usize, pace: Pace) -> Played {
    let mut player = Player {
        played: Played {
            position,
            accepted: Vec::new(),
            repeats_differing: 0,
            unmet: Vec::new(),
            quiet: None,
            customer: customer.clone(),
        },
        stage,
        pace,
        transcript: None,
        last: None,
        reported: None,
        replies_taken: 0,
    };
    let stagger = u32::try_from(position).unwrap_or(u32::MAX);
    tokio::time::sleep(STAGGER.saturating_mul(stagger)).await;
    for step in &customer.steps {
        if let Err(problem) = player.step(step).await {
            player.played.unmet.push(problem);
            break;
        }
    }
    player.played
}

struct Player {
    stage: Arc<Stage>,
    pace: Pace,
    played: Played,
    transcript: Option<watch::Receiver<Vec<v1::Message>>>,
    last: Option<v1::SubmitMessageRequest>,
    reported: Option<Instant>,
    replies_taken: usize,
}

impl Player {
    async fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Say(texts) => {
                for text in *texts {
                    self.say(self.played.customer.channel, text).await?;
                }
                if texts.len() > 1 {
                    self.stage.burst_accepted();
                }
                Ok(())
            }
            Step::SayBy(channel, text) => self.say(channel, text).await,
            Step::Repeat => self.repeat().await,
            Step::Pause(time) => {
                tokio::time::sleep(*time).await;
                Ok(())
            }
            Step::AwaitKill => {
                let mut kills = self.stage.kills();
                let killed = kills.wait_for(|kills| *kills > 0);
                killed.await.map(|_| ()).map_err(|error| error.to_string())
            }
            Step::AwaitTurn => staff::await_turn(&self.stage, &self.id()).await,
            Step::Event(kind, payload) => {
                staff::report(&self.stage, &self.played.customer, kind, payload).await?;
                self.reported = Some(Instant::now());
                self.follow();
                Ok(())
            }
            Step::Person(text) => staff::write(&self.stage, &self.id(), text).await,
            Step::HandBack => staff::hand_back(&self.stage, &self.id()).await,
            Step::Approve => staff::approve(&self.stage, &self.id()).await,
            Step::Raise(to) => staff::raise_budget(&self.stage, &self.id(), *to).await,
            Step::Wait(time) => staff::watch_wait(&self.stage, &self.id(), *time).await,
            Step::Morning => {
                self.played.quiet = self.reported.map(|reported| reported.elapsed());
                staff::end_quiet_hours(&self.stage, &self.played.customer).await
            }
            Step::Expect(reply) => {
                self.stage.begin_waiting();
                let outcome = self.expect(reply).await;
                self.stage.end_waiting();
                outcome
            }
        }
    }

    async fn say(&mut self, channel: &str, message: &str) -> Result<(), String> {
        let customer = &self.played.customer;
        let number = self.played.accepted.len() + 1;
        let request = v1::SubmitMessageRequest {
            conversation_id: customer.conversation_id(),
            conversation_type: "support".into(),
            channel: channel.into(),
            provider_message_id: format!("{}-{number}", customer.name.to_lowercase()),
            author_name: customer.name.into(),
            customer_address: customer.address(channel),
            content: Some(text(message)),
            turn_policy: Some(v1::TurnPolicy {
                debounce: Some(v1::Debounce {
                    quiet: prost_types::Duration::try_from(self.pace.quiet).ok(),
                    ..Default::default()
                }),
                ..customer.opening.clone()
            }),
            ..Default::default()
        };
        let sequence = self.submit(&request).await?;
        self.played.accepted.push(Accepted {
            provider_message_id: request.provider_message_id.clone(),
            text: message.to_owned(),
            sequence,
        });
        self.last = Some(request);
        self.follow();
        Ok(())
    }

    fn id(&self) -> String {
        self.played.customer.conversation_id()
    }

    /// Follows the conversation from the moment on when there is one.
    fn follow(&mut self) {
        if self.transcript.is_none() {
            self.transcript = Some(transcript::follow(
                Arc::clone(&self.stage),
                self.played.customer.conversation_id(),
                self.played.customer.name,
                self.played.position,
            ));
        }
    }

    async fn repeat(&mut self) -> Result<(), String> {
        let request = self.last.clone().ok_or("nothing was said yet")?;
        let sequence = self.submit(&request).await?;
        let first = self
            .played
            .accepted
            .last()
            .map(|accepted| accepted.sequence);
        if first != Some(sequence) {
            self.played.repeats_differing += 1;
            let problem = format!("a repeated message became {sequence}, first it was {first:?}");
            self.played.unmet.push(problem);
        }
        Ok(())
    }

    /// Hands a message in until it is acknowledged, as a channel's provider
    /// does.
    async fn submit(&self, request: &v1::SubmitMessageRequest) -> Result<u64, String> {
        let begin = Instant::now();
        loop {
            match self.stage.client().submit_message(request.clone()).await {
                Ok(response) => return Ok(response.message_sequence),
                Err(error) if is_final(&error) || begin.elapsed() > SUBMIT_TIMEOUT => {
                    return Err(format!("a message was not accepted: {error}"));
                }
                Err(_) => tokio::time::sleep(SUBMIT_AGAIN).await,
            }
        }
    }

    async fn expect(&mut self, reply: &Reply) -> Result<(), String> {
        let transcript = self.transcript.as_mut().ok_or("nothing was said yet")?;
        let nth = self.replies_taken;
        let agents = |message: &&v1::Message| message.author_kind() == v1::AuthorKind::Agent;
        let has_come = |all: &Vec<v1::Message>| all.iter().filter(agents).count() > nth;
        let arrived = tokio::time::timeout(REPLY_TIMEOUT, transcript.wait_for(has_come)).await;
        let message = match arrived {
            Ok(Ok(all)) => all.iter().filter(agents).nth(nth).cloned(),
            Ok(Err(_)) => return Err("the transcript ended".to_owned()),
            Err(_) => None,
        };
        let Some(message) = message else {
            let seconds = REPLY_TIMEOUT.as_secs();
            return Err(format!(
                "answer {} did not come within {seconds} s",
                nth + 1
            ));
        };
        self.replies_taken += 1;
        self.stage.reply_taken();
        let text = message
            .content
            .map(|content| content.text)
            .unwrap_or_default();
        let objections = reply.objections(&message.channel, &text);
        self.played.unmet.extend(objections);
        Ok(())
    }
}

/// Whether a request is wrong in itself: trying again would not help.
fn is_final(error: &Error) -> bool {
    matches!(
        error.reason(),
        Some("FIELD_INVALID" | "TYPE_MISMATCH" | "CONVERSATION_CLOSED" | "LIMIT_EXCEEDED")
    )
}
