//! What customers do not want.

use std::collections::{BTreeMap, HashMap};

use everturn_engine::limits;
use everturn_engine::policy::OptOut;
use everturn_engine::text::Text;
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};

/// What a request says about it; `None`: nothing.
pub(crate) fn opt_out(checker: &mut Checker, path: Path<'_>, value: i32) -> Option<Option<OptOut>> {
    match pb::OptOut::try_from(value) {
        Ok(pb::OptOut::Unspecified) => None,
        Ok(pb::OptOut::None) => Some(None),
        Ok(pb::OptOut::Proactive) => Some(Some(OptOut::Proactive)),
        Ok(pb::OptOut::All) => Some(Some(OptOut::All)),
        Err(_) => {
            checker.violation(path, "is unknown");
            None
        }
    }
}

/// The same by channel.
pub(crate) fn opt_outs(
    checker: &mut Checker,
    path: Path<'_>,
    values: &HashMap<String, i32>,
) -> BTreeMap<Text, Option<OptOut>> {
    if values.len() > limits::ADDRESSES {
        let text = format!(
            "has {} entries; at most {}",
            values.len(),
            limits::ADDRESSES
        );
        checker.violation(path, text);
    }
    let mut changes = BTreeMap::new();
    for (channel, value) in values {
        checker.name(path.then(channel), channel);
        if let Some(change) = opt_out(checker, path.then(channel), *value) {
            changes.insert(channel.as_str().into(), change);
        }
    }
    changes
}
