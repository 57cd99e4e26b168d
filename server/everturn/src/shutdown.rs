//! Stop signals: the first SIGTERM or SIGINT drains, the second ends the
//! process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code after a second signal, as shells report an interrupted program.
const EXIT_INTERRUPTED: i32 = 130;

/// A token that the first stop signal cancels.
///
/// # Errors
/// When signal handlers cannot be installed.
pub(crate) fn on_signal() -> std::io::Result<CancellationToken> {
    let terminate = signal(SignalKind::terminate())?;
    let interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    tokio::spawn(watch(terminate, interrupt, token.clone()));
    Ok(token)
}

async fn watch(mut terminate: Signal, mut interrupt: Signal, token: CancellationToken) {
    loop {
        let name = tokio::select! {
            Some(()) = terminate.recv() => "SIGTERM",
            Some(()) = interrupt.recv() => "SIGINT",
            else => return,
        };
        if token.is_cancelled() {
            tracing::warn!(signal = name, "second stop signal, leaving at once");
            std::process::exit(EXIT_INTERRUPTED);
        }
        tracing::info!(signal = name, "stop signal received");
        token.cancel();
    }
}
