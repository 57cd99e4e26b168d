//! Keys of roots, between the engine and the store.

use std::sync::Arc;

use everturn_engine::text::RootKey;

/// The key of a root in the store's terms.
pub(crate) fn store_key(key: &RootKey) -> everturn_store::RootKey {
    everturn_store::RootKey {
        namespace: key.namespace.shared(),
        root_id: key.id.shared(),
    }
}

/// The key of a root in the engine's terms.
pub(crate) fn engine_key(key: &everturn_store::RootKey) -> RootKey {
    RootKey {
        namespace: Arc::clone(&key.namespace).into(),
        id: Arc::clone(&key.root_id).into(),
    }
}
