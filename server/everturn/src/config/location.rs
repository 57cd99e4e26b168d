//! Where a store is: a file, or a database of PostgreSQL.

use std::fmt;
use std::path::PathBuf;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A SQLite file.
    File(PathBuf),
    /// A URL of PostgreSQL; it may hold a password.
    Postgres(String),
}

impl Location {
    /// Reads a path, with or without `sqlite:`, or a URL.
    ///
    /// # Errors
    /// When it is neither; the text is not repeated, as it may hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path == ":memory:" || path.contains("://") {
            return Err(
                "must be the path of a file, such as ./everturn.db, or a URL of PostgreSQL, such \
                 as postgres://everturn@localhost/everturn",
            );
        }
        Ok(Self::File(PathBuf::from(path)))
    }
}

/// Without what stands before the host and in the parameters: passwords may.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => {
                let url = url.split(['?', '#']).next().unwrap_or_default();
                let rest = url.split_once("://").map_or("", |(_, rest)| rest);
                // A password may hold any of the signs.
                let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
                write!(f, "postgres://{rest}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://ada:secret@db:5432/everturn?sslmode=require",
            "postgresql://ada:se@cret@db:5432/everturn?password=secret",
            "postgres://db:5432/everturn?user=ada&password=secret",
        ] {
            let location = Location::parse(url).expect("it is a URL");
            assert_eq!(location.to_string(), "postgres://db:5432/everturn");
        }
    }

    #[test]
    fn files_and_urls_are_told_apart() {
        let file = |path: &str| Ok(Location::File(path.into()));
        assert_eq!(Location::parse("sqlite://a.db"), file("a.db"));
        assert_eq!(Location::parse("./a.db"), file("./a.db"));
        for wrong in ["", ":memory:", "sqlite::memory:", "mysql://db/everturn"] {
            assert!(Location::parse(wrong).is_err(), "{wrong}");
        }
    }
}
