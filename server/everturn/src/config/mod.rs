//! Settings of the coordinator: flags, then `EVERTURN_*`, then a TOML file,
//! then defaults; validated as a whole before anything starts.

mod duration;
mod layer;
mod load;
mod location;
mod log_format;
mod settings;
mod size;

pub(crate) use duration::{Span, parse_span};
pub(crate) use layer::Layer;
pub(crate) use load::load;
pub(crate) use location::Location;
pub(crate) use log_format::LogFormat;
pub(crate) use settings::Settings;
pub(crate) use size::Size;

/// Settings that cannot be used; the program ends with exit code 2.
#[derive(Debug)]
pub(crate) struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}
