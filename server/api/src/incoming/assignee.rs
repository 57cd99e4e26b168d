//! Who a conversation is handed to.

use everturn_engine::text::Text;
use everturn_engine::value::Assignee;
use everturn_proto::v1 as pb;

use crate::checker::{Checker, Path};

/// A person or team.
pub(crate) fn assignee(
    checker: &mut Checker,
    path: Path<'_>,
    value: Option<pb::Assignee>,
) -> Assignee {
    use pb::assignee::Kind;
    match value.and_then(|value| value.kind) {
        Some(Kind::Person(name)) => {
            checker.name(path.then("person"), &name);
            Assignee::Person(name.into())
        }
        Some(Kind::Team(name)) => {
            checker.name(path.then("team"), &name);
            Assignee::Team(name.into())
        }
        None => {
            checker.violation(path, "names neither a person nor a team");
            Assignee::Team(Text::default())
        }
    }
}
