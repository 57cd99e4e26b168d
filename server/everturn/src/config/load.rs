//! Reads the settings' file and puts the layers on top of each other.

use std::path::{Path, PathBuf};

use super::ConfigError;
use super::layer::Layer;
use super::settings::Settings;

/// File that is read when it exists and no other is named.
const DEFAULT_FILE: &str = "everturn.toml";

/// Reads the file, puts `flags` (with the environment) on top of it and
/// checks the result.
///
/// `named` must exist; without it `./everturn.toml` is read if it does.
pub(crate) fn load(flags: Layer, named: Option<&Path>) -> Result<Settings, ConfigError> {
    let path = named.map_or_else(|| PathBuf::from(DEFAULT_FILE), Path::to_path_buf);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => None,
        Err(error) => return Err(ConfigError(format!("{}: {error}", path.display()))),
    };
    let file = match text {
        Some(text) => Some((parse(&text, &path)?, path)),
        None => None,
    };
    Settings::resolve(flags, file)
}

fn parse(text: &str, path: &Path) -> Result<Layer, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or(text);
            before.matches('\n').count() + 1
        });
        let place = line.map_or(String::new(), |line| format!(":{line}"));
        ConfigError(format!("{}{place}: {}", path.display(), error.message()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Settings, ConfigError> {
        with_flags(Layer::default(), text)
    }

    fn with_flags(flags: Layer, text: &str) -> Result<Settings, ConfigError> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("test.toml");
        std::fs::write(&path, text).expect("a file");
        load(flags, Some(&path))
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = Layer {
            partitions: Some(7),
            ..Layer::default()
        };
        let settings =
            with_flags(flags, "partitions = 2\nflush_interval = \"50ms\"\n").expect("valid");
        assert_eq!(settings.partitions, 7);
        assert_eq!(settings.flush_interval.as_millis(), 50);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:7400");
    }

    #[test]
    fn every_setting_says_where_it_comes_from() {
        let flags = Layer {
            partitions: Some(7),
            ..Layer::default()
        };
        let settings = with_flags(flags, "log = \"debug\"\n").expect("valid");
        let origin = |name: &str| {
            let entry = settings.entries.iter().find(|it| it.name == name);
            entry.expect("a setting").origin.clone()
        };
        assert_eq!(origin("partitions"), "flag or environment");
        assert!(origin("log").ends_with("test.toml"));
        assert_eq!(origin("store"), "default");
    }

    #[test]
    fn an_unknown_key_is_refused_with_file_line_and_key() {
        let error = file("log = \"info\"\npartitoins = 4\n").expect_err("refused");
        assert!(error.0.contains("test.toml:2"), "{error}");
        assert!(error.0.contains("partitoins"), "{error}");
    }

    #[test]
    fn values_out_of_bounds_are_refused_all_at_once() {
        let error = file("partitions = 257\nflush_interval = \"2h\"\nlisten = \"nowhere\"\n")
            .expect_err("refused");
        for name in ["partitions", "flush_interval", "listen"] {
            assert!(error.0.contains(name), "{error}");
        }
    }

    #[test]
    fn a_named_file_must_exist() {
        let error = load(Layer::default(), Some(Path::new("/no/such.toml"))).expect_err("refused");
        assert!(error.0.contains("/no/such.toml"));
    }
}
