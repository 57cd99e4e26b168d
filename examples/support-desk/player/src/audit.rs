//! Judges the play by what is durable: transcripts and journals.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use everturn_client::v1;
use v1::history_event::Kind;

use crate::play::Played;
use crate::stage::Stage;

/// Lists may lag behind by the flush interval.
const LIST_TIMEOUT: Duration = Duration::from_secs(15);
const LIST_EVERY: Duration = Duration::from_millis(200);

/// What transcripts and journals say.
#[derive(Debug, Default)]
pub struct Audit {
    /// Turns that were started.
    pub turns: u64,
    /// Activities that ended.
    pub activities: u64,
    /// Attempts beyond the first ones.
    pub retries: u64,
    /// Acknowledged messages that are not in the transcript.
    pub lost: u64,
    /// Messages that are there twice, of customers or of the shop.
    pub duplicates: u64,
    /// Messages that left by an adapter.
    pub delivered: u64,
    /// Expectations that did not hold, with the customer's name.
    pub unmet: Vec<String>,
    /// How long customers waited for the first answer of a turn.
    pub turn_ms: Vec<f64>,
}

/// Reads everything and judges it.
pub async fn audit(stage: &Stage, played: &[Played]) -> Result<Audit> {
    let mut audit = Audit::default();
    let mut transcripts = HashMap::new();
    for act in played {
        let id = act.customer.conversation_id();
        let conversation = stage.client().conversation(id.as_str()).await?;
        audit.turns += conversation.turn_count;
        if conversation.turn_count != act.customer.turns {
            audit.unmet.push(format!(
                "{}: {} turns instead of {}",
                act.customer.name, conversation.turn_count, act.customer.turns
            ));
        }
        let messages = transcript(stage, &id).await?;
        audit.transcript(act, &messages);
        transcripts.insert(id, messages);
    }
    for act in played {
        audit.duplicates += act.repeats_differing;
        let name = act.customer.name;
        audit
            .unmet
            .extend(act.unmet.iter().map(|problem| format!("{name}: {problem}")));
    }
    let runs = runs(stage, audit.turns).await?;
    let mut sent = HashSet::new();
    let mut interrupted: HashMap<String, u64> = HashMap::new();
    for run in &runs {
        let events = journal(stage, run).await?;
        audit.journal(run, &events, &mut sent);
        let is_interrupted = run.status() != v1::RunStatus::Completed;
        if is_interrupted && run.parent_workflow_id.is_empty() {
            let conversation = run.workflow_id.split('/').next().unwrap_or_default();
            *interrupted.entry(conversation.to_owned()).or_default() += 1;
        }
    }
    for act in played {
        let found = interrupted.remove(&act.customer.conversation_id());
        if found.unwrap_or_default() != act.customer.interrupted {
            audit.unmet.push(format!(
                "{}: {} turns did not complete instead of {}",
                act.customer.name,
                found.unwrap_or_default(),
                act.customer.interrupted
            ));
        }
    }
    audit.agree(&transcripts, &sent);
    Ok(audit)
}

/// (conversation id, position) of a message that a journal says was sent.
type Sent = HashSet<(String, u64)>;

impl Audit {
    /// Compares a transcript with what was acknowledged.
    fn transcript(&mut self, act: &Played, messages: &[v1::Message]) {
        let name = act.customer.name;
        for accepted in &act.accepted {
            let same = |message: &&v1::Message| {
                message.provider_message_id == accepted.provider_message_id
            };
            let found: Vec<_> = messages.iter().filter(same).collect();
            let is_whole = found.first().is_some_and(|message| {
                message.sequence == accepted.sequence && words(message) == accepted.text
            });
            self.lost += u64::from(!is_whole);
            self.duplicates += (found.len() as u64).saturating_sub(1);
        }
        let mut said = HashSet::new();
        let agents = messages
            .iter()
            .filter(|message| message.author_kind() == v1::AuthorKind::Agent);
        let mut count = 0;
        for message in agents {
            count += 1;
            if !said.insert((message.turn, words(message))) {
                self.duplicates += 1;
            }
        }
        if count != act.customer.replies() {
            let expected = act.customer.replies();
            self.unmet
                .push(format!("{name}: {count} answers instead of {expected}"));
        }
        if messages
            .iter()
            .zip(1..)
            .any(|(message, position)| message.sequence != position)
        {
            self.unmet.push(format!("{name}: the transcript has gaps"));
        }
        self.turn_ms.extend(turn_times(messages));
    }

    /// Counts what a journal holds; each key may have sent one message.
    fn journal(&mut self, run: &v1::WorkflowRun, events: &[v1::HistoryEvent], sent: &mut Sent) {
        let conversation = run.workflow_id.split('/').next().unwrap_or_default();
        let mut keys = HashSet::new();
        for event in events {
            match &event.kind {
                Some(Kind::ActivityCompleted(done)) => {
                    self.activities += 1;
                    self.retries += u64::from(done.attempt.saturating_sub(1));
                }
                Some(Kind::ActivityFailed(failed)) => {
                    self.activities += 1;
                    self.retries += u64::from(failed.attempt.saturating_sub(1));
                }
                Some(Kind::MessageSent(message)) => {
                    let is_new_key = keys.insert(message.key.clone());
                    let is_new = sent.insert((conversation.to_owned(), message.message_sequence));
                    self.duplicates += u64::from(!is_new_key || !is_new);
                }
                _ => {}
            }
        }
    }

    /// Transcripts and journals must tell the same story.
    fn agree(&mut self, transcripts: &HashMap<String, Vec<v1::Message>>, sent: &Sent) {
        for (id, messages) in transcripts {
            let said: HashSet<u64> = messages
                .iter()
                .filter(|message| message.author_kind() == v1::AuthorKind::Agent)
                .map(|message| message.sequence)
                .collect();
            let journaled: HashSet<u64> = sent
                .iter()
                .filter(|(conversation, _)| conversation == id)
                .map(|(_, sequence)| *sequence)
                .collect();
            if said != journaled {
                self.unmet.push(format!(
                    "{id}: the transcript has answers at {said:?}, the journals at {journaled:?}"
                ));
            }
        }
    }
}

/// What a message says.
pub fn words(message: &v1::Message) -> &str {
    message
        .content
        .as_ref()
        .map_or("", |content| content.text.as_str())
}

/// From the customer's last message to the first answer behind it, for every
/// such pair. Reminders follow no message and are not counted.
fn turn_times(messages: &[v1::Message]) -> Vec<f64> {
    let mut times = Vec::new();
    let mut asked = None;
    for message in messages {
        let Some(time) = &message.create_time else {
            continue;
        };
        let ms = time.seconds as f64 * 1_000.0 + f64::from(time.nanos) / 1e6;
        match message.author_kind() {
            v1::AuthorKind::Customer => asked = Some(ms),
            v1::AuthorKind::Agent | v1::AuthorKind::Human => {
                times.extend(asked.take().map(|asked| ms - asked))
            }
            _ => {}
        }
    }
    times
}

/// A whole transcript.
pub async fn transcript(stage: &Stage, id: &str) -> Result<Vec<v1::Message>> {
    let mut request = v1::ListMessagesRequest {
        conversation_id: id.to_owned(),
        ..Default::default()
    };
    let mut messages = Vec::new();
    loop {
        let page = stage.client().list_messages(request.clone()).await?;
        messages.extend(page.messages);
        if page.next_page_token.is_empty() {
            return Ok(messages);
        }
        request.page_token = page.next_page_token;
    }
}

/// All runs, once the list has caught up: as many turns as were started, and
/// none of them open.
async fn runs(stage: &Stage, turns: u64) -> Result<Vec<v1::WorkflowRun>> {
    let begin = Instant::now();
    loop {
        let runs = list_runs(stage).await?;
        let is_turn = |run: &&v1::WorkflowRun| {
            run.parent_workflow_id.is_empty() && run.workflow_type == "support"
        };
        let listed = runs.iter().filter(is_turn).count() as u64;
        let open = runs
            .iter()
            .filter(|run| run.status() == v1::RunStatus::Running)
            .count();
        if listed >= turns && open == 0 {
            return Ok(runs);
        }
        if begin.elapsed() > LIST_TIMEOUT {
            bail!("{listed} of {turns} turns are listed and {open} runs are still open");
        }
        tokio::time::sleep(LIST_EVERY).await;
    }
}

async fn list_runs(stage: &Stage) -> Result<Vec<v1::WorkflowRun>> {
    let mut request = v1::ListWorkflowsRequest {
        page_size: 1_000,
        ..Default::default()
    };
    let mut runs = Vec::new();
    loop {
        let page = stage.client().list_workflows(request.clone()).await?;
        runs.extend(page.runs);
        if page.next_page_token.is_empty() {
            return Ok(runs);
        }
        request.page_token = page.next_page_token;
    }
}

async fn journal(stage: &Stage, run: &v1::WorkflowRun) -> Result<Vec<v1::HistoryEvent>> {
    let mut request = v1::GetHistoryRequest {
        workflow_id: run.workflow_id.clone(),
        run_id: run.run_id.clone(),
        ..Default::default()
    };
    let mut events = Vec::new();
    loop {
        let page = stage
            .client()
            .history(request.clone())
            .await
            .with_context(|| format!("cannot read the journal of {}", run.workflow_id))?;
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return Ok(events);
        }
        request.page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::Accepted;
    use crate::script::{Customer, Reply, Step};

    fn message(sequence: u64, kind: v1::AuthorKind, text: &str, seconds: i64) -> v1::Message {
        v1::Message {
            sequence,
            author_kind: kind.into(),
            provider_message_id: if kind == v1::AuthorKind::Customer {
                format!("p-{sequence}")
            } else {
                String::new()
            },
            content: Some(everturn_client::text(text)),
            create_time: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            turn: 1,
            ..Default::default()
        }
    }

    fn act() -> Played {
        Played {
            customer: Customer {
                name: "Ada",
                channel: "chat",
                steps: vec![Step::Expect(Reply::default())],
                turns: 1,
                interrupted: 0,
            },
            position: 0,
            accepted: vec![Accepted {
                provider_message_id: "p-1".into(),
                text: "hello".into(),
                sequence: 1,
            }],
            repeats_differing: 0,
            unmet: Vec::new(),
        }
    }

    #[test]
    fn a_good_transcript_has_nothing_lost_and_nothing_twice() {
        let messages = [
            message(1, v1::AuthorKind::Customer, "hello", 10),
            message(2, v1::AuthorKind::Agent, "hi", 12),
        ];
        let mut audit = Audit::default();
        audit.transcript(&act(), &messages);
        assert_eq!((audit.lost, audit.duplicates, audit.unmet.len()), (0, 0, 0));
        assert_eq!(audit.turn_ms, [2_000.0]);
    }

    #[test]
    fn missing_messages_and_second_answers_are_counted() {
        let messages = [
            message(1, v1::AuthorKind::Agent, "hi", 12),
            message(2, v1::AuthorKind::Agent, "hi", 13),
        ];
        let mut audit = Audit::default();
        audit.transcript(&act(), &messages);
        assert_eq!((audit.lost, audit.duplicates, audit.unmet.len()), (1, 1, 1));
    }

    #[test]
    fn a_key_that_sent_twice_and_an_unjournaled_answer_are_found() {
        let sent = |id, key: &str, sequence| v1::HistoryEvent {
            id,
            kind: Some(Kind::MessageSent(v1::MessageSent {
                key: key.into(),
                message_sequence: sequence,
                channel: "chat".into(),
            })),
            ..Default::default()
        };
        let run = v1::WorkflowRun {
            workflow_id: "demo-ada/1".into(),
            status: v1::RunStatus::Completed.into(),
            ..Default::default()
        };
        let mut audit = Audit::default();
        let mut seen = HashSet::new();
        audit.journal(&run, &[sent(1, "reply", 2), sent(2, "reply", 3)], &mut seen);
        assert_eq!(audit.duplicates, 1);
        let answers = vec![message(2, v1::AuthorKind::Agent, "hi", 1)];
        audit.agree(&HashMap::from([("demo-ada".to_owned(), answers)]), &seen);
        assert_eq!(audit.unmet.len(), 1);
    }
}
