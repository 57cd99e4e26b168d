//! A load worker as a process: `load_worker ADDRESS IDENTITY`.

use std::time::Duration;

use everturn_client::{Client, ConnectOptions};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(identity)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: load_worker ADDRESS IDENTITY");
    };
    let client = Client::new(ConnectOptions {
        address,
        connect_timeout: Duration::from_secs(2),
        ..ConnectOptions::default()
    })?;
    let worker = everturn_tests::load::worker(client, &identity)?;
    worker.run(std::future::pending()).await?;
    Ok(())
}
