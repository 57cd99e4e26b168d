//! Ask: wait for the customer's next messages.

use crate::command::body::{At, Body};
use crate::command::fences::fence;
use crate::command::send_message::{Draft, Said};
use crate::event::{RunEvent, Slot, SuppressReason};
use crate::rejection::Refusal;
use crate::state::question_key;
use crate::text::{StepKey, Text};
use crate::transition::Transaction;
use crate::value::{Blob, Failure, FailureKind, Payload};

/// Wait for the customer's next messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Message to send first.
    pub message: Option<Draft>,
    /// What the customer wrote before answers it too.
    pub accepts_earlier: bool,
}

impl Body for Ask {
    const CODE: u8 = 6;

    fn check(&self, at: &At<'_>) -> Result<(), Refusal> {
        at.conversation()?;
        if at.turn().is_some_and(|turn| turn.ask.is_some()) {
            return Err(Refusal::invalid("kind", "another ask is open in this turn"));
        }
        self.message.as_ref().map_or(Ok(()), |it| it.check(at))
    }

    /// The messages that wait answer it once the whole completion is carried out.
    fn carry_out(self, tx: &mut Transaction<'_>, slot: Slot, key: StepKey) {
        let said = match self.message {
            Some(draft) => draft.send(tx, slot, question_key(&key)),
            None => fence(tx, slot).map_or(Said::Sent, Said::KeptIn),
        };
        let count = tx.root.conversation.as_ref().map_or(0, |c| c.message_count);
        let event = match said {
            Said::KeptIn(reason) => RunEvent::CommandFailed {
                key,
                kind: Self::CODE,
                failure: not_asked(reason),
            },
            said => RunEvent::AskOpened {
                key,
                after: if self.accepts_earlier { 0 } else { count },
                is_held: said == Said::Held,
            },
        };
        tx.emit_run(slot, event);
    }
}

/// The failure of an ask whose question never left; its details are JSON, with
/// the reason.
fn not_asked(reason: SuppressReason) -> Failure {
    let name = reason.name();
    let message = format!("the question was not sent: {name}");
    let mut failure = Failure::new(FailureKind::Application, "QUESTION_SUPPRESSED", &message);
    failure.details = Some(Payload {
        data: Blob(format!(r#"{{"reason":"{name}"}}"#).into_bytes().into()),
        content_type: Text::default(),
    });
    failure
}
