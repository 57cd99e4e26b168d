//! Opening: the server's version and settings, the tables, the partitions.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgPool};

use crate::Result;
use crate::error::Error;
use crate::postgres::PostgresOptions;

/// Partitions of a new database unless told otherwise.
const DEFAULT_PARTITIONS: u32 = 16;
/// Most partitions of a database.
const MAX_PARTITIONS: u32 = 1_024;
/// The oldest server, as it numbers its versions.
const OLDEST_SERVER: i64 = 15_00_00;
/// Names the lock under which tables are brought up to date, one node at a time:
/// "everturn" as a number.
const MIGRATION_LOCK: i64 = 0x6576_6572_7475_726e;
/// How often a connection is tried at the start, and how far apart.
const CONNECT_ATTEMPTS: (u32, Duration) = (20, Duration::from_millis(250));
/// Connections for heartbeats, and for letting go of partitions.
const PULSE_CONNECTIONS: u32 = 2;
/// Statements that a connection keeps prepared.
const PREPARED_STATEMENTS: usize = 256;

/// An open database.
pub(super) struct Opened {
    pub partitions: u32,
    pub connect: PgConnectOptions,
    pub readers: PgPool,
    /// For heartbeats, which must not wait for readers.
    pub pulse: PgPool,
}

/// Connects and brings the tables up to date.
pub(super) async fn open(options: &PostgresOptions) -> Result<Opened> {
    let connect = connect_options(options)?;
    let mut connection = first_connection(&connect).await?;
    check_server(&mut connection).await?;
    let partitions = prepare(&mut connection, options.partitions).await?;
    connection.close().await?;
    let pool = |most: u32, timeout| {
        PgPoolOptions::new()
            .max_connections(most.max(1))
            .acquire_timeout(timeout)
            .connect_lazy_with(connect.clone())
    };
    Ok(Opened {
        partitions,
        readers: pool(options.readers, options.timeout),
        pulse: pool(PULSE_CONNECTIONS, options.lease / 2),
        connect,
    })
}

/// The settings of connections, the password among them.
pub(super) fn connect_options(options: &PostgresOptions) -> Result<PgConnectOptions> {
    let connect = PgConnectOptions::from_str(&options.url).map_err(|_| {
        // What is wrong is not told: the URL may hold a password.
        Error::Unusable("the URL of the database cannot be read".into())
    })?;
    let connect = connect
        .application_name("everturn")
        .statement_cache_capacity(PREPARED_STATEMENTS);
    let Some(file) = &options.password_file else {
        return Ok(connect);
    };
    let text = std::fs::read_to_string(file)
        .map_err(|error| Error::Unusable(format!("{} cannot be read: {error}", file.display())))?;
    Ok(connect.password(text.lines().next().unwrap_or_default()))
}

/// A server that is just starting is waited for.
async fn first_connection(connect: &PgConnectOptions) -> Result<PgConnection> {
    let mut attempt = 1;
    loop {
        match connect.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) => {
                if is_missing(&error) {
                    create(connect).await?;
                    continue;
                }
                let error = Error::from(error);
                if !error.is_retryable() || attempt >= CONNECT_ATTEMPTS.0 {
                    return Err(Error::Unusable(format!(
                        "the database cannot be reached: {error}"
                    )));
                }
                attempt += 1;
                tokio::time::sleep(CONNECT_ATTEMPTS.1).await;
            }
        }
    }
}

/// Whether there is no such database.
fn is_missing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.as_deref() == Some("3D000")
}

/// Creates the database, if this role may.
async fn create(connect: &PgConnectOptions) -> Result<()> {
    let name = connect.get_database().unwrap_or_default().to_owned();
    let unusable = |error: sqlx::Error| {
        Error::Unusable(format!(
            "there is no database {name}, and it cannot be created: {error}"
        ))
    };
    let mut connection = connect
        .clone()
        .database("postgres")
        .connect()
        .await
        .map_err(unusable)?;
    let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
    let created = sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(&mut connection)
        .await;
    connection.close().await?;
    match created {
        Ok(_) => tracing::info!(database = name, "created the database"),
        // Another node was faster: it is there, or was just being made.
        Err(error)
            if error.as_database_error().is_some_and(|error| {
                matches!(error.code().as_deref(), Some("42P04" | "23505"))
            }) => {}
        Err(error) => return Err(unusable(error)),
    }
    Ok(())
}

/// Its version, and settings under which what was acknowledged could be lost.
async fn check_server(connection: &mut PgConnection) -> Result<()> {
    let (version, recovering, commit, sync): (i64, bool, String, String) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::bigint, pg_is_in_recovery(),
         current_setting('synchronous_commit'), current_setting('fsync')",
    )
    .fetch_one(connection)
    .await?;
    if version < OLDEST_SERVER {
        let major = version / 10_000;
        return Err(Error::Unusable(format!(
            "PostgreSQL {major} is too old: version 15 or later is needed"
        )));
    }
    if recovering {
        return Err(Error::Unusable(
            "the database is a standby: name the primary".into(),
        ));
    }
    if commit == "off" {
        return Err(Error::Unusable(
            "synchronous_commit is off: what was acknowledged would be lost in a crash of the \
             server; turn it on for this role or database"
                .into(),
        ));
    }
    if sync == "off" {
        tracing::warn!("fsync is off: a crash of the database's machine may damage it");
    }
    Ok(())
}

/// Tables and partitions, under a lock that ends with its transaction, which is
/// what proxies that pool transactions can do.
async fn prepare(connection: &mut PgConnection, wanted: Option<u32>) -> Result<u32> {
    let mut tx = connection.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(MIGRATION_LOCK)
        .execute(&mut *tx)
        .await?;
    check_identity(&mut tx).await?;
    let mut migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.set_locking(false);
    let migrated = migrations.run_direct(None, &mut *tx, false).await;
    migrated.map_err(unmigrated)?;
    let partitions = settle_partitions(&mut tx, wanted).await?;
    tx.commit().await?;
    Ok(partitions)
}

fn unmigrated(error: MigrateError) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        MigrateError::VersionMissing(version) => Error::Unusable(format!(
            "the database was written by a later version (migration {version}): use that one"
        )),
        other => Error::Unusable(format!("migration failed: {other}")),
    }
}

/// Nobody else's tables are mixed with ours.
async fn check_identity(connection: &mut PgConnection) -> Result<()> {
    let (ours, others): (bool, i64) = sqlx::query_as(
        "SELECT coalesce(bool_or(tablename = 'leases'), false)
                AND coalesce(bool_or(tablename = '_sqlx_migrations'), false), count(*)
         FROM pg_tables WHERE schemaname = current_schema()",
    )
    .fetch_one(connection)
    .await?;
    if ours || others == 0 {
        return Ok(());
    }
    Err(Error::Unusable(format!(
        "the schema holds {others} tables of another application: give Everturn a database, or a \
         schema (ALTER ROLE … SET search_path), of its own"
    )))
}

/// Creates the partitions of a new database; checks those of an old one.
async fn settle_partitions(connection: &mut PgConnection, wanted: Option<u32>) -> Result<u32> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM leases")
        .fetch_one(&mut *connection)
        .await?;
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if count > 0 {
        return match wanted {
            Some(wanted) if wanted != count => Err(Error::Unusable(format!(
                "the database was created with {count} partitions, not {wanted}; this cannot be changed"
            ))),
            _ => Ok(count),
        };
    }
    let count = wanted.unwrap_or(DEFAULT_PARTITIONS);
    if count == 0 || count > MAX_PARTITIONS {
        let text = format!("the number of partitions is from 1 to {MAX_PARTITIONS}, not {count}");
        return Err(Error::Unusable(text));
    }
    for statement in [
        "INSERT INTO leases (partition, owner_epoch) SELECT n, 0 FROM generate_series(0, $1 - 1) n",
        "INSERT INTO log_ends (partition, last_sequence)
         SELECT n, 0 FROM generate_series(0, $1 - 1) n",
    ] {
        sqlx::query(statement)
            .bind(i64::from(count))
            .execute(&mut *connection)
            .await?;
    }
    Ok(count)
}
