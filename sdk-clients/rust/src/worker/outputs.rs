//! Partial outputs of attempts: what waits to be sent, and what was sent and
//! may be lost with its stream. Pieces that were sent go out again on the next
//! stream; the server drops those it has. Bounds hold by dropping the oldest
//! pieces: the server tells watchers where an output goes on.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use everturn_proto::v1;

/// Largest piece that the server takes.
const PIECE_BYTES_MAX: usize = 64 << 10;
/// Output that is kept of one attempt: what the server keeps too.
const ATTEMPT_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
struct Output {
    /// Position of the first piece that is kept.
    first: u64,
    pieces: VecDeque<Bytes>,
    /// How many of `pieces`, from the front, are on their way.
    sent: usize,
    bytes: usize,
    is_over: bool,
}

impl Output {
    fn drop_oldest(&mut self) {
        if let Some(piece) = self.pieces.pop_front() {
            self.bytes -= piece.len();
            self.first += 1;
            self.sent = self.sent.saturating_sub(1);
        }
    }

    fn is_waiting(&self) -> bool {
        self.sent < self.pieces.len()
    }
}

/// The outputs of one worker, by task token.
#[derive(Default)]
pub(crate) struct Outputs {
    by_token: HashMap<Bytes, Output>,
    /// Tokens with something to send, in the order in which they began to
    /// wait; may name outputs that are gone.
    waiting: VecDeque<Bytes>,
}

impl Outputs {
    /// Takes a part of an attempt's output.
    pub(crate) fn add(&mut self, token: &Bytes, mut data: Bytes) {
        let output = self
            .by_token
            .entry(token.clone())
            .or_insert_with(|| Output {
                first: 1,
                ..Output::default()
            });
        if !output.is_waiting() {
            self.waiting.push_back(token.clone());
        }
        while !data.is_empty() {
            let piece = data.split_to(piece_len(&data));
            output.bytes += piece.len();
            output.pieces.push_back(piece);
        }
        while output.bytes > ATTEMPT_BYTES_MAX {
            output.drop_oldest();
        }
    }

    /// Whether output of an attempt has not left yet.
    pub(crate) fn is_waiting(&self, token: &[u8]) -> bool {
        self.by_token.get(token).is_some_and(Output::is_waiting)
    }

    /// Whether anything has not left yet.
    pub(crate) fn any_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The attempt is over: what waits is sent, nothing is kept.
    pub(crate) fn end(&mut self, token: &[u8]) {
        if let Some(output) = self.by_token.get_mut(token) {
            output.is_over = true;
            if !output.is_waiting() {
                self.by_token.remove(token);
            }
        }
    }

    /// Nobody wants the output of this attempt.
    pub(crate) fn discard(&mut self, token: &[u8]) {
        self.by_token.remove(token);
        self.waiting.retain(|waiting| waiting != token);
    }

    /// A new stream begins: everything that is kept goes out on it.
    pub(crate) fn restart(&mut self) {
        self.by_token.retain(|_, output| !output.is_over);
        for output in self.by_token.values_mut() {
            output.sent = 0;
        }
        let mut tokens: Vec<Bytes> = self.by_token.keys().cloned().collect();
        tokens.sort_unstable();
        self.waiting = tokens.into();
    }

    /// The pieces for the next batch, up to its size.
    pub(crate) fn take(&mut self, bytes: &mut usize, bytes_max: usize) -> Vec<v1::ActivityOutput> {
        let mut taken = Vec::new();
        while *bytes < bytes_max
            && let Some(token) = self.waiting.front()
        {
            let next = self.by_token.get_mut(token).and_then(|output| {
                let piece = output.pieces.get(output.sent).cloned()?;
                output.sent += 1;
                Some((output.first + output.sent as u64 - 1, piece))
            });
            let Some((sequence, data)) = next else {
                self.skip_front();
                continue;
            };
            *bytes += data.len() + token.len() + 16;
            taken.push(v1::ActivityOutput {
                task_token: token.clone(),
                sequence,
                data,
            });
        }
        while let Some(token) = self.waiting.front()
            && !self.is_waiting(token)
        {
            self.skip_front();
        }
        taken
    }

    /// The first that waited has nothing left to send.
    fn skip_front(&mut self) {
        if let Some(token) = self.waiting.pop_front()
            && self.by_token.get(&token).is_some_and(|it| it.is_over)
        {
            self.by_token.remove(&token);
        }
    }
}

/// Length of the next piece: all of it, or a cut between characters of UTF-8.
fn piece_len(data: &[u8]) -> usize {
    if data.len() <= PIECE_BYTES_MAX {
        return data.len();
    }
    let is_inside = |at: usize| data[at] & 0xC0 == 0x80;
    let cut = (PIECE_BYTES_MAX - 3..=PIECE_BYTES_MAX)
        .rev()
        .find(|at| !is_inside(*at));
    cut.unwrap_or(PIECE_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(outputs: &mut Outputs, bytes_max: usize) -> Vec<(u64, usize)> {
        let pieces = outputs.take(&mut 0, bytes_max);
        pieces
            .iter()
            .map(|it| (it.sequence, it.data.len()))
            .collect()
    }

    #[test]
    fn pieces_are_numbered_and_go_out_again_on_a_new_stream() {
        let (mut outputs, token) = (Outputs::default(), Bytes::from("t"));
        outputs.add(&token, Bytes::from("ab"));
        outputs.add(&token, Bytes::from("c"));
        assert!(outputs.is_waiting(b"t"));
        assert_eq!(taken(&mut outputs, 1_000), [(1, 2), (2, 1)]);
        assert!(!outputs.any_waiting());
        outputs.restart();
        outputs.add(&token, Bytes::from("d"));
        assert_eq!(taken(&mut outputs, 1_000), [(1, 2), (2, 1), (3, 1)]);
        outputs.end(b"t");
        outputs.restart();
        assert!(!outputs.any_waiting());
    }

    #[test]
    fn an_attempt_that_is_over_still_says_what_waits() {
        let (mut outputs, token) = (Outputs::default(), Bytes::from("t"));
        outputs.add(&token, Bytes::from("ab"));
        outputs.end(b"t");
        assert_eq!(taken(&mut outputs, 1_000), [(1, 2)]);
        assert!(outputs.by_token.is_empty() && !outputs.any_waiting());
        outputs.add(&token, Bytes::from("ab"));
        outputs.discard(b"t");
        assert!(!outputs.any_waiting());
    }

    #[test]
    fn the_oldest_output_makes_room() {
        let (mut outputs, token) = (Outputs::default(), Bytes::from("t"));
        outputs.add(&token, Bytes::from(vec![b'x'; 3 << 20]));
        let pieces = taken(&mut outputs, usize::MAX);
        assert_eq!(pieces.len(), 16);
        assert_eq!(pieces.first(), Some(&(33, PIECE_BYTES_MAX)));
        assert_eq!(pieces.last(), Some(&(48, PIECE_BYTES_MAX)));
    }

    #[test]
    fn a_cut_falls_between_characters() {
        let text = "ü".repeat(PIECE_BYTES_MAX);
        let shifted = format!("a{text}");
        assert_eq!(piece_len(text.as_bytes()), PIECE_BYTES_MAX);
        assert_eq!(piece_len(shifted.as_bytes()), PIECE_BYTES_MAX - 1);
        assert_eq!(piece_len(&[0x80; PIECE_BYTES_MAX + 1]), PIECE_BYTES_MAX);
    }
}
