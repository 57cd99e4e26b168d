//! What conversations of a type begin with: kept in a root of its own, and
//! remembered here, since it is asked for with every message.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use everturn_engine::decide;
use everturn_engine::policy::TypeSettings;
use everturn_engine::text::{Namespace, RootKey, TypeName};

use crate::error::Error;
use crate::handle::{Handle, visit};

/// Types that are remembered; beyond that all are forgotten and read again.
const REMEMBERED_TYPES: usize = 10_000;

/// Settings by type; `None`: the type has none of its own.
type ByType = HashMap<(Namespace, TypeName), Option<Arc<TypeSettings>>>;

/// The settings read so far.
#[derive(Debug, Default)]
pub(super) struct SettingsCache {
    by_type: RwLock<ByType>,
}

/// The root that holds the settings of a type. Ids that begin with "~" are not
/// given to anything else.
fn settings_root(namespace: &Namespace, type_name: &TypeName) -> RootKey {
    RootKey {
        namespace: namespace.clone(),
        id: format!("~type:{type_name}").into(),
    }
}

impl Handle {
    /// What conversations of a type begin with: its own settings, those of
    /// the namespace (the empty type) otherwise, or the defaults.
    ///
    /// # Errors
    /// Faults of the store.
    pub async fn type_settings(
        &self,
        namespace: &Namespace,
        type_name: &TypeName,
    ) -> Result<Arc<TypeSettings>, Error> {
        if let Some(own) = self.own_settings(namespace, type_name).await? {
            return Ok(own);
        }
        let general = self.own_settings(namespace, &TypeName::default()).await?;
        Ok(general.unwrap_or_default())
    }

    async fn own_settings(
        &self,
        namespace: &Namespace,
        type_name: &TypeName,
    ) -> Result<Option<Arc<TypeSettings>>, Error> {
        let cache = &self.gate.settings.by_type;
        let id = (namespace.clone(), type_name.clone());
        let known = cache
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let key = settings_root(namespace, type_name);
        let read = visit(&self.shared, key, false, |scope| {
            Ok(scope.hot.root.settings.clone())
        });
        let settings = read.await?.map(|settings| Arc::new(*settings));
        let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= REMEMBERED_TYPES {
            cache.clear();
        }
        // A change that was made meanwhile is newer than what was read.
        Ok(cache.entry(id).or_insert(settings).clone())
    }

    /// Sets what conversations of a type begin with; the empty type means all
    /// that have no settings of their own.
    ///
    /// # Errors
    /// `Busy`, `Draining`.
    pub async fn set_type_settings(
        &self,
        namespace: Namespace,
        type_name: TypeName,
        settings: TypeSettings,
    ) -> Result<(), Error> {
        self.admit()?;
        let key = settings_root(&namespace, &type_name);
        let stored = settings.clone();
        visit(&self.shared, key, true, move |scope| {
            decide::set_type(&mut scope.transaction(), stored);
            Ok(())
        })
        .await?;
        let mut cache = self
            .gate
            .settings
            .by_type
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        cache.insert((namespace, type_name), Some(Arc::new(settings)));
        Ok(())
    }
}
