//! The values of large states that a worker keeps, those used last: each is
//! sent to it once.

use everturn_proto::v1;
use hashlink::LinkedHashMap;

/// What a value counts besides its bytes: as the coordinator reckons, so that
/// both know about the same.
const VALUE_OVERHEAD: usize = 256;

/// Values by conversation and version.
pub(crate) struct StateValues {
    /// Those used last at the end.
    values: LinkedHashMap<(String, u64), v1::Payload>,
    bytes: usize,
    max_bytes: usize,
}

impl StateValues {
    pub(crate) fn new(max_bytes: usize) -> Self {
        Self {
            values: LinkedHashMap::new(),
            bytes: 0,
            max_bytes,
        }
    }

    /// Puts the values that were left out into what the turn of a task is given,
    /// and keeps the others; false if one is not here.
    pub(crate) fn complete(&mut self, events: &mut [v1::HistoryEvent]) -> bool {
        let first = events.first_mut().and_then(|event| event.kind.as_mut());
        let Some(v1::history_event::Kind::RunStarted(started)) = first else {
            return true;
        };
        let Some(turn) = &mut started.turn else {
            return true;
        };
        let mut given = Vec::new();
        for (name, version) in &turn.state_versions {
            let key = (turn.conversation_id.clone(), *version);
            if let Some(value) = turn.state.get(name) {
                given.push((key, value.clone()));
            } else if let Some(value) = self.values.to_back(&key) {
                turn.state.insert(name.clone(), value.clone());
            } else {
                return false;
            }
        }
        // After those that are here: none of them is pushed out before it was
        // used.
        for (key, value) in given {
            self.keep(key, value);
        }
        true
    }

    fn keep(&mut self, key: (String, u64), mut value: v1::Payload) {
        // A copy: what was read is a part of all that came with it.
        value.data = bytes::Bytes::copy_from_slice(&value.data);
        self.bytes += size(&value);
        if let Some(before) = self.values.insert(key, value) {
            self.bytes -= size(&before);
        }
        while self.bytes > self.max_bytes
            && let Some((_, oldest)) = self.values.pop_front()
        {
            self.bytes -= size(&oldest);
        }
    }
}

fn size(value: &v1::Payload) -> usize {
    value.data.len() + value.content_type.len() + VALUE_OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(state: &[(&str, &str)], versions: &[(&str, u64)]) -> Vec<v1::HistoryEvent> {
        let value = |text: &str| v1::Payload {
            data: text.to_owned().into(),
            ..Default::default()
        };
        let state = state
            .iter()
            .map(|(name, text)| ((*name).to_owned(), value(text)));
        let versions = versions.iter();
        let turn = v1::TurnInput {
            conversation_id: "jo".to_owned(),
            state: state.collect(),
            state_versions: versions
                .map(|(name, version)| ((*name).to_owned(), *version))
                .collect(),
            ..Default::default()
        };
        vec![v1::HistoryEvent {
            kind: Some(v1::history_event::Kind::RunStarted(v1::RunStarted {
                turn: Some(turn),
                ..Default::default()
            })),
            ..Default::default()
        }]
    }

    fn text(events: &[v1::HistoryEvent], name: &str) -> Option<String> {
        let Some(v1::history_event::Kind::RunStarted(started)) = &events[0].kind else {
            return None;
        };
        let value = started.turn.as_ref()?.state.get(name)?;
        String::from_utf8(value.data.to_vec()).ok()
    }

    #[test]
    fn values_are_put_into_turns_that_left_them_out_and_the_oldest_are_let_go_of() {
        let mut values = StateValues::new(2 * 300);
        let mut first = turn(&[("a", "one"), ("b", "two")], &[("a", 1), ("b", 2)]);
        assert!(values.complete(&mut first));
        let mut next = turn(&[("b", "three")], &[("a", 1), ("b", 3)]);
        assert!(values.complete(&mut next));
        assert_eq!(text(&next, "a").as_deref(), Some("one"));
        assert_eq!(text(&next, "b").as_deref(), Some("three"));
        // There is room for two.
        assert!(!values.complete(&mut turn(&[], &[("b", 2)])));
        assert!(values.complete(&mut turn(&[], &[("a", 1), ("b", 3)])));
    }
}
