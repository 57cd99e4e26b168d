//! Judges the play by what is durable: transcripts and journals.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use everturn_client::v1;
use v1::history_event::Kind;

use crate::books::Books;
use crate::evidence::{self, Occurred, Record};
use crate::journals::{Journal, journals, transcript, words};
use crate::play::Played;
use crate::stage::Stage;

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
    /// What happened beside the messages.
    pub occurred: Occurred,
    /// Expectations that did not hold, with the customer's name.
    pub unmet: Vec<String>,
    /// How long customers waited for the first answer of a turn.
    pub turn_ms: Vec<f64>,
}

/// Reads everything and judges it.
pub async fn audit(stage: &Stage, books: &Books, played: &[Played]) -> Result<Audit> {
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
    let journals = journals(stage, audit.turns).await?;
    let mut sent = HashSet::new();
    for journal in &journals {
        audit.journal(journal, &mut sent);
    }
    audit.interrupted(played, &journals);
    audit.agree(&transcripts, &sent);
    let record = Record {
        stage,
        books,
        journals: &journals,
        transcripts: &transcripts,
    };
    let (occurred, missing) = evidence::check(&record, played).await?;
    audit.occurred = occurred;
    audit.unmet.extend(missing);
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
    fn journal(&mut self, journal: &Journal, sent: &mut Sent) {
        let conversation = journal.root();
        let mut keys = HashSet::new();
        for event in &journal.events {
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

    /// Turns that did not complete must be those that newer messages
    /// interrupted; nothing else may end otherwise.
    fn interrupted(&mut self, played: &[Played], journals: &[Journal]) {
        let mut found: HashMap<&str, u64> = HashMap::new();
        for journal in journals {
            let is_completed = journal.run.status() == v1::RunStatus::Completed;
            if !is_completed && journal.run.parent_workflow_id.is_empty() {
                *found.entry(journal.root()).or_default() += 1;
            }
        }
        for act in played {
            let id = act.customer.conversation_id();
            let count = found.remove(id.as_str()).unwrap_or_default();
            if count != act.customer.interrupted {
                let (name, expected) = (act.customer.name, act.customer.interrupted);
                self.unmet.push(format!(
                    "{name}: {count} turns did not complete instead of {expected}"
                ));
            }
        }
        let others = found.into_keys().map(|id| format!("{id} did not complete"));
        self.unmet.extend(others);
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
                opening: v1::TurnPolicy::default(),
                evidence: Vec::new(),
            },
            position: 0,
            accepted: vec![Accepted {
                provider_message_id: "p-1".into(),
                text: "hello".into(),
                sequence: 1,
            }],
            repeats_differing: 0,
            unmet: Vec::new(),
            quiet: None,
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
        let journal = Journal {
            run: v1::WorkflowRun {
                workflow_id: "demo-ada/1".into(),
                status: v1::RunStatus::Failed.into(),
                ..Default::default()
            },
            events: vec![sent(1, "reply", 2), sent(2, "reply", 3)],
        };
        let mut audit = Audit::default();
        let mut seen = HashSet::new();
        audit.journal(&journal, &mut seen);
        assert_eq!(audit.duplicates, 1);
        let answers = vec![message(2, v1::AuthorKind::Agent, "hi", 1)];
        audit.agree(&HashMap::from([("demo-ada".to_owned(), answers)]), &seen);
        assert_eq!(audit.unmet.len(), 1);
        audit.interrupted(&[act()], &[journal]);
        assert_eq!(audit.unmet.len(), 2);
    }
}
