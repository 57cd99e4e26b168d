//! `everturn healthcheck`: asks `/readyz`, for container probes and scripts.

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// Succeeds if the coordinator at `address` (`host:port` of its HTTP side)
/// says within `timeout` that it is ready.
pub(crate) async fn check(address: &str, timeout: Duration) -> anyhow::Result<()> {
    let (status, _) = tokio::time::timeout(timeout, fetch(address, "/readyz"))
        .await
        .with_context(|| format!("{address} did not answer within {timeout:?}"))?
        .with_context(|| format!("cannot ask {address}"))?;
    anyhow::ensure!(status == 200, "{address} is not ready (HTTP {status})");
    Ok(())
}

/// Fetches `path`: the status and the whole answer, head included.
pub(crate) async fn fetch(address: &str, path: &str) -> anyhow::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream
        .take(ANSWER_BYTES_MAX)
        .read_to_string(&mut answer)
        .await?;
    let status = answer
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .context("the answer is not HTTP")?;
    Ok((status, answer))
}
