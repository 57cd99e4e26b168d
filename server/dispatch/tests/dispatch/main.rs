//! Behaviour of the dispatcher, one file per subject, and random operations
//! against a model.

mod acks;
mod bounds;
mod credits;
mod departures;
mod fixture;
mod model;
mod names;
mod order;
mod random;
mod returns;
mod sticky;
