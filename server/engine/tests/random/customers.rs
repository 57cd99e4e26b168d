//! What customers do beside writing, and what becomes of their conversations.

use everturn_engine::decide::{self, Absorb, AddNote, ChangeMessage, Moving};
use everturn_engine::rejection::Rejection;
use everturn_engine::value::{AuthorKind, Change, Message, Span};

use crate::random::play::{World, place};
use crate::random::steps::Step;
use crate::scenario::content;

impl World {
    /// Edits, typing, notes and merges.
    pub fn play_customer(&mut self, step: Step) -> Result<(), Rejection> {
        match step {
            Step::Change { id, text } => {
                let (channel, address) = place(id);
                let request = ChangeMessage {
                    channel: channel.into(),
                    address: address.into(),
                    provider_message_id: id.to_string().as_str().into(),
                    content: text.map(|text| content(&text.to_string())),
                };
                self.s
                    .step(|tx| decide::change_message(tx, request).map(|_| ()))
            }
            Step::Type(is_typing) => self.s.step(|tx| decide::submit_typing(tx, true, is_typing)),
            Step::Note(id) => {
                let note = AddNote {
                    author_name: "Bea".into(),
                    content: content("careful"),
                    request: u64::from(id).into(),
                };
                self.s.step(|tx| decide::add_note(tx, note).map(|_| ()))
            }
            Step::Absorb(count) => self.take_in(count),
            _ => self.merge_away(),
        }
    }

    /// Another conversation becomes part of this one, in two parts, the first
    /// of which comes twice. Its last message changes its first one.
    fn take_in(&mut self, count: u8) -> Result<(), Rejection> {
        self.serial += 1;
        let from = format!("other-{}", self.serial);
        let now = self.s.context.now;
        let message = |at: u64| Message {
            sequence: at,
            author: AuthorKind::Customer,
            author_name: "Ada".into(),
            channel: "chat".into(),
            provider_message_id: format!("{from}-{at}").as_str().into(),
            content: content("elsewhere"),
            time: now + Span::from_secs(at.cast_signed() - 10),
            turn: 0,
            address: "".into(),
            is_automatic: false,
            is_note: false,
            change: (at == 5).then_some(match self.serial % 2 {
                0 => Change::Edit(1),
                _ => Change::Retract(2),
            }),
            origin: None,
        };
        let messages: Vec<Message> = (1..=u64::from(count)).map(message).collect();
        // What was taken back there does not wait any more.
        let waiting = messages.iter().map(|m| m.sequence);
        let waiting = waiting.filter(|at| at % 2 == 1 && *at != 5);
        let moving = Moving {
            into: "c1".into(),
            waiting: waiting.collect(),
            events: Default::default(),
            addresses: Default::default(),
            opt_outs: Default::default(),
            labels: Default::default(),
        };
        self.s
            .step(|tx| decide::expect_merge(tx, &from.as_str().into()))?;
        let (first, rest) = messages.split_at(messages.len() / 2);
        for (part, is_last) in [(first, false), (first, false), (rest, true), (rest, true)] {
            let part = Absorb {
                from: from.as_str().into(),
                moving: moving.clone(),
                messages: part.to_vec(),
                is_last,
            };
            self.note_offers();
            self.s.must(|tx| decide::absorb(tx, part));
        }
        Ok(())
    }

    fn merge_away(&mut self) -> Result<(), Rejection> {
        let conversation = self.s.root.conversation.as_ref();
        if conversation.is_some_and(|it| it.merged.is_some()) {
            return self.s.step(|tx| {
                decide::end_merge(tx);
                Ok(())
            });
        }
        self.s.step(|tx| decide::begin_merge(tx, "other".into()))
    }
}
