//! The engine of Everturn: state machines of runs and conversations, pure.
//!
//! A request is decided against a [`Root`](state::root::Root) by one of the
//! functions in [`decide`]; the outcome is a list of events, already folded
//! into the root, and the effects to carry out once they are durable. There is
//! no clock, no thread and no I/O in here: time and chance come in with
//! [`Context`](transition::Context).

pub mod command;
pub mod decide;
pub mod effect;
pub mod event;
pub mod hash;
pub mod limits;
pub mod policy;
pub mod rejection;
pub mod state;
pub mod text;
pub mod transition;
pub mod value;
pub mod waiting;
