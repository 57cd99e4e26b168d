//! Random histories: the steps, the world they are played in, and the model
//! that it is compared with.

pub mod check;
pub mod customers;
pub mod model;
pub mod people;
pub mod play;
pub mod steps;
