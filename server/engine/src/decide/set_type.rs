//! SetConversationType: what conversations of a type begin with. Kept in a
//! root of its own.

use crate::event::Event;
use crate::policy::TypeSettings;
use crate::transition::Transaction;

/// Sets the settings. Idempotent.
pub fn set_type(tx: &mut Transaction<'_>, settings: TypeSettings) {
    if tx.root.settings.as_deref() != Some(&settings) {
        tx.emit(Event::SettingsChanged(Box::new(settings)));
    }
}
