//! Short immutable strings that are cheap to clone, and the newtypes over
//! them that keep one kind of id from being taken for another.

use std::fmt;
use std::sync::Arc;

use minicbor::{Decode, Decoder, Encode, Encoder};

macro_rules! text_types {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Option<Arc<str>>);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_deref().unwrap_or_default()
            }

            /// A shared handle on the text.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                self.0.clone().unwrap_or_default()
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                // Most fields of most messages are empty: no allocation, and
                // no count that threads share.
                Self((!text.is_empty()).then(|| text.into()))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                text.as_str().into()
            }
        }

        impl From<Arc<str>> for $name {
            fn from(text: Arc<str>) -> Self {
                Self((!text.is_empty()).then_some(text))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_str().fmt(f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.as_str().fmt(f)
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.str(self.as_str())?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Ok(d.str()?.into())
            }
        }
    )*};
}

text_types! {
    /// Any other short text: a channel, an author's name, a label.
    Text;
    /// A tenant's name space of ids.
    Namespace;
    /// Id of a root: a conversation or a top-level workflow.
    RootId;
    /// Id of a run's workflow: the root's id, or the parent's id, "/" and a key.
    WorkflowId;
    /// Key of a step within its run.
    StepKey;
    /// Name of a workflow, conversation or activity type.
    TypeName;
    /// Name of a task queue.
    QueueName;
}

impl WorkflowId {
    /// The root that this id belongs to: everything before the first "/".
    #[must_use]
    pub fn root_id(&self) -> RootId {
        let text = self.as_str();
        text.split_once('/').map_or(text, |(root, _)| root).into()
    }

    /// The id of a child of this workflow.
    #[must_use]
    pub fn child(&self, key: &str) -> Self {
        format!("{self}/{key}").into()
    }
}

impl RootId {
    /// The workflow id of the root's own run.
    #[must_use]
    pub fn workflow_id(&self) -> WorkflowId {
        self.shared().into()
    }
}

/// The namespace and id of a root: the unit that is loaded, changed and
/// evicted as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct RootKey {
    /// The namespace.
    #[n(0)]
    pub namespace: Namespace,
    /// The root's id, unique in the namespace.
    #[n(1)]
    pub id: RootId,
}
