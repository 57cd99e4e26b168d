//! Calls about customers: which conversation an address has, what turns out to
//! be one customer, what was said elsewhere.

use std::collections::BTreeMap;

use everturn_engine::decide::{self, Accepted, Assign, ImportConversation, SubmitMessage};
use everturn_engine::policy::TurnPolicy;
use everturn_engine::rejection::Rejection;
use everturn_engine::state::root::Root;
use everturn_engine::text::{Namespace, RootKey, Text};

use crate::errand::{MergeErrand, assign_contact, contact_key};
use crate::error::Error;
use crate::handle::{Handle, visit};

/// Conversations that are tried for a message before its sender has to try
/// again: each was closed or merged between two looks at it.
const ROUNDS: usize = 8;

/// What a message says about the address that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing new.
    Known,
    /// It is the conversation's from here on.
    New,
    /// It is, unless it is another one's: the message has come before.
    Again,
}

impl Link {
    /// What a message that is about to be submitted says.
    pub fn of(root: &Root, request: &SubmitMessage) -> Self {
        let conversation = root.conversation.as_ref();
        let policy = conversation.map_or(&request.opening.policy, |it| &it.policy);
        let (channel, address) = (&request.channel, &request.customer_address);
        if address.as_str().is_empty() || policy.is_own(address) {
            Self::Known
        } else if matches!(decide::known_message(root, request), Ok(Some(_))) {
            Self::Again
        } else if conversation.is_some_and(|it| it.addresses.get(channel) == Some(address)) {
            Self::Known
        } else {
            Self::New
        }
    }
}

/// Addresses of a root's conversation.
pub(super) fn addresses(root: &Root) -> BTreeMap<Text, Text> {
    let conversation = root.conversation.as_ref();
    conversation.map_or_else(BTreeMap::new, |it| it.addresses.clone())
}

impl Handle {
    /// Adds a message to the conversation that its address has. One that takes
    /// no messages any more is replaced by a new one. The answer says which
    /// conversation has the message.
    ///
    /// # Errors
    /// A rejection of `decide::submit_message`, `Busy`, `Draining`.
    pub async fn submit_message_from(
        &self,
        namespace: Namespace,
        request: SubmitMessage,
    ) -> Result<(Text, Accepted), Error> {
        self.admit()?;
        if request.opening.type_name.as_str().is_empty() {
            // It cannot open one: what it is refused for leaves no contact.
            let (channel, address) = (&request.channel, &request.customer_address);
            let known = self.conversation_of(&namespace, channel, address).await;
            known.map_err(|error| match error {
                Error::Rejected(Rejection::ConversationNotFound) => Rejection::TypeRequired.into(),
                error => error,
            })?;
        }
        let mut assign = Assign::Find;
        for _ in 0..ROUNDS {
            let (channel, address) = (&request.channel, &request.customer_address);
            let contact = assign_contact(&self.shared, &namespace, channel, address, assign);
            let contact = contact.await?;
            let key = |id: &Text| RootKey {
                namespace: namespace.clone(),
                id: id.as_str().into(),
            };
            // One that came before a conversation ended is not the first of
            // the next one.
            let known = self.known_message(key(&contact.previous), &request);
            if let Some(accepted) = known.await? {
                return Ok((contact.previous, accepted));
            }
            let id = contact.conversation;
            let submitted = self.submit_unlinked(key(&id), request.clone()).await;
            let with = match submitted {
                Ok((accepted, _)) => return Ok((id, accepted)),
                Err(Error::Rejected(Rejection::ConversationMerged(into))) => Some(into.into()),
                // What a machine writes opens none in place of one that ended.
                Err(Error::Rejected(
                    Rejection::ConversationClosed
                    | Rejection::ClosedTooLongAgo { .. }
                    | Rejection::ConversationErased,
                )) if !request.is_automatic => None,
                Err(error) => return Err(error),
            };
            assign = Assign::Replace { of: id, with };
        }
        Err(Error::Busy(
            "the conversation of the address ended again and again",
        ))
    }

    async fn known_message(
        &self,
        key: RootKey,
        request: &SubmitMessage,
    ) -> Result<Option<Accepted>, Error> {
        if key.id.as_str().is_empty() || request.provider_message_id.as_str().is_empty() {
            return Ok(None);
        }
        let request = request.clone();
        visit(&self.shared, key, false, move |scope| {
            Ok(decide::known_message(&scope.hot.root, &request)?)
        })
        .await
    }

    /// The conversation that an address has.
    ///
    /// # Errors
    /// `ConversationNotFound`.
    pub async fn conversation_of(
        &self,
        namespace: &Namespace,
        channel: &Text,
        address: &Text,
    ) -> Result<RootKey, Error> {
        let key = contact_key(namespace, channel, address);
        let contact = visit(&self.shared, key, false, |scope| {
            Ok(scope.hot.root.contact.clone())
        });
        let contact = contact.await?.ok_or(Rejection::ConversationNotFound)?;
        Ok(RootKey {
            namespace: namespace.clone(),
            id: contact.conversation.as_str().into(),
        })
    }

    /// What comes from these addresses goes to this conversation from here on;
    /// unless they have another one, when `only_if_free`.
    ///
    /// # Errors
    /// Faults of the store.
    pub(super) async fn link(
        &self,
        key: &RootKey,
        addresses: impl IntoIterator<Item = (Text, Text)>,
        only_if_free: bool,
    ) -> Result<(), Error> {
        for (channel, address) in addresses {
            let id: Text = key.id.as_str().into();
            let assign = if only_if_free {
                Assign::Claim(id)
            } else {
                Assign::Point(id)
            };
            assign_contact(&self.shared, &key.namespace, &channel, &address, assign).await?;
        }
        Ok(())
    }

    /// The same for addresses that came with a request: those that are news go
    /// to this conversation, the others if they have none.
    pub(super) async fn link_given(
        &self,
        key: &RootKey,
        given: BTreeMap<Text, Text>,
        before: &BTreeMap<Text, Text>,
    ) -> Result<(), Error> {
        for (channel, address) in given {
            let is_known = before.get(&channel) == Some(&address);
            if !address.as_str().is_empty() {
                self.link(key, [(channel, address)], is_known).await?;
            }
        }
        Ok(())
    }

    /// What comes from an address goes to this conversation from here on. The
    /// answer is the conversation that it had before, if that is another one.
    ///
    /// # Errors
    /// A rejection of `decide::link_address`.
    pub async fn link_address(
        &self,
        key: RootKey,
        channel: Text,
        address: Text,
    ) -> Result<Text, Error> {
        let before = self
            .conversation_of(&key.namespace, &channel, &address)
            .await;
        let (to, at) = (channel.clone(), address.clone());
        visit(&self.shared, key.clone(), false, move |scope| {
            Ok(decide::link_address(&mut scope.transaction(), to, at)?)
        })
        .await?;
        self.link(&key, [(channel, address)], false).await?;
        Ok(match before {
            Ok(before) if before.id != key.id => before.id.as_str().into(),
            _ => Text::default(),
        })
    }

    /// Makes a conversation part of another one; done once everything is
    /// there.
    ///
    /// # Errors
    /// A rejection of `decide::expect_merge` or `decide::begin_merge`, `Busy`,
    /// `Draining`: then it is to be tried again, or carries on by itself.
    pub async fn merge_conversations(&self, source: RootKey, target: RootKey) -> Result<(), Error> {
        self.admit()?;
        let from: Text = source.id.as_str().into();
        let into: Text = target.id.as_str().into();
        let expected = from.clone();
        visit(&self.shared, target.clone(), true, move |scope| {
            Ok(decide::expect_merge(&mut scope.transaction(), &expected)?)
        })
        .await?;
        let begun = visit(&self.shared, source.clone(), true, move |scope| {
            Ok(decide::begin_merge(&mut scope.transaction(), into)?)
        });
        if let Err(error) = begun.await {
            if matches!(error, Error::Rejected(_)) {
                visit(&self.shared, target, false, move |scope| {
                    decide::cancel_merge(&mut scope.transaction(), &from);
                    Ok(())
                })
                .await?;
            }
            return Err(error);
        }
        MergeErrand { source }.run(&self.shared).await
    }

    /// Adds a part of a transcript from elsewhere; the answer is the number of
    /// messages that were imported.
    ///
    /// # Errors
    /// A rejection of `decide::import_conversation`, `Busy`, `Draining`.
    pub async fn import_conversation(
        &self,
        key: RootKey,
        request: ImportConversation,
    ) -> Result<u64, Error> {
        self.admit()?;
        let addresses = request.addresses.clone();
        let policy: TurnPolicy = request.opening.policy.clone();
        let count = visit(&self.shared, key.clone(), true, move |scope| {
            Ok(decide::import_conversation(
                &mut scope.transaction(),
                request,
            )?)
        })
        .await?;
        let customers = addresses.into_iter();
        let customers = customers.filter(|(_, address)| !policy.is_own(address));
        self.link(&key, customers, false).await?;
        Ok(count)
    }
}
