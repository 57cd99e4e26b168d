//! `everturn serve`: the composition root. Binds early, starts the
//! coordinator behind the listeners, waits for a stop signal, drains under a
//! deadline. The only file that names the runtime and the API; `stores` names the
//! stores.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use everturn_api::Services;
use everturn_runtime::Runtime;
use everturn_store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::http::{self, Readiness};
use crate::metrics::{self, RuntimeCollector, SharedRegistry};
use crate::shutdown;
use crate::stores;

/// Runs the coordinator until it is told to stop.
///
/// # Errors
/// When an address or the store cannot be used, or when the coordinator
/// stops without being told to.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<ExitCode> {
    let stop = shutdown::on_signal().context("cannot handle signals")?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        settings = settings.summary(),
        "starting"
    );
    let grpc = bind("listen", settings.listen).await?;
    let web = bind("http_listen", settings.http_listen).await?;
    tracing::info!(grpc = %grpc.local_addr()?, http = %web.local_addr()?, "listening");

    let readiness = Readiness::default();
    let registry = metrics::registry();
    let http_stop = CancellationToken::new();
    let http = tokio::spawn(http::serve(
        web,
        readiness.clone(),
        SharedRegistry::clone(&registry),
        http_stop.clone(),
    ));

    let code = serve_until_stopped(&settings, grpc, &registry, &readiness, stop).await;
    readiness.set(false);
    http_stop.cancel();
    // Not longer: a request that never ends would keep the process.
    match tokio::time::timeout(HTTP_GRACE, http).await {
        Ok(Err(error)) => tracing::error!(%error, "the health and metrics server failed"),
        Ok(Ok(Err(error))) => tracing::error!(%error, "health and metrics cannot be served"),
        Ok(Ok(Ok(()))) | Err(_) => {}
    }
    code
}

async fn bind(setting: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address} ({setting})"))
}

async fn serve_until_stopped(
    settings: &Settings,
    grpc: TcpListener,
    registry: &SharedRegistry,
    readiness: &Readiness,
    stop: CancellationToken,
) -> anyhow::Result<ExitCode> {
    let coordinator = Coordinator::start(settings, registry).await?;
    let handle = coordinator.runtime.handle();
    readiness.follow(handle.problem());
    readiness.set(true);
    tracing::info!("ready");
    let serving = coordinator.serve(grpc, stop.clone());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => {
            ended?;
            anyhow::ensure!(stop.is_cancelled(), "the coordinator stopped by itself");
            return Ok(ExitCode::SUCCESS);
        }
        () = stop.cancelled() => {}
        () = handle.replaced() => anyhow::bail!("another process runs as this node"),
    }
    readiness.set(false);
    let deadline = settings.shutdown_deadline;
    tracing::info!(deadline_seconds = deadline.as_secs_f64(), "draining");
    match tokio::time::timeout(deadline, serving).await {
        Ok(ended) => {
            ended?;
            tracing::info!("drained");
        }
        // Everything acknowledged is durable: leaving now loses nothing.
        Err(_) => tracing::warn!("drain deadline passed, leaving"),
    }
    Ok(ExitCode::SUCCESS)
}

/// How long open requests for health and metrics may take at the end.
const HTTP_GRACE: Duration = Duration::from_millis(500);
/// How long workers may report what they have when the coordinator drains,
/// before their streams are ended. They keep what is not confirmed.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// The coordinator: store, runtime and gRPC services.
struct Coordinator {
    store: Arc<dyn Store>,
    runtime: Runtime,
    shutdown_deadline: Duration,
}

impl Coordinator {
    /// Opens the store, recovers what it holds and registers the runtime's
    /// counters in `registry`.
    async fn start(settings: &Settings, registry: &SharedRegistry) -> anyhow::Result<Self> {
        let begin = Instant::now();
        let store = stores::open(settings).await?;
        let path = &settings.store;
        let runtime = Runtime::start(Arc::clone(&store), runtime_options(settings)).await;
        let runtime = runtime.with_context(|| format!("cannot recover {path}"))?;
        let counters = RuntimeCollector::new(runtime.handle());
        registry
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .register_collector(Box::new(counters));
        tracing::info!(
            store = %path,
            partitions = store.partition_count(),
            elapsed_ms = begin.elapsed().as_secs_f64() * 1_000.0,
            "recovered"
        );
        Ok(Self {
            store,
            runtime,
            shutdown_deadline: settings.shutdown_deadline,
        })
    }

    /// Serves gRPC on `listener`. When `stop` is canceled new work is refused,
    /// open streams are told and ended, and what was accepted is made durable;
    /// then this returns.
    async fn serve(self, listener: TcpListener, stop: CancellationToken) -> anyhow::Result<()> {
        let handle = self.runtime.handle();
        let services = Services::new(handle.clone(), everturn_api::Options::default());
        let stopped = CancellationToken::new();
        let serving = services.serve(
            listener,
            stop.clone().cancelled_owned(),
            stopped.clone().cancelled_owned(),
        );
        let stopping = async {
            stop.cancelled().await;
            let deadline = tokio::time::Instant::now() + self.shutdown_deadline;
            handle.start_draining();
            let grace = DRAIN_GRACE.min(self.shutdown_deadline / 2);
            handle.workers_gone(grace).await;
            if !self.runtime.stop(deadline).await {
                tracing::warn!("not everything was written to the view, the log has it");
            }
            stopped.cancel();
        };
        let (served, ()) = tokio::join!(serving, stopping);
        served.context("the gRPC server failed")?;
        self.store.close().await.context("cannot close the store")
    }
}

fn runtime_options(settings: &Settings) -> everturn_runtime::Options {
    everturn_runtime::Options {
        heartbeat_interval: settings.node_heartbeat,
        flush_interval: settings.flush_interval,
        evict_after: settings.evict_after,
        workflow_task_timeout: settings.workflow_task_timeout,
        ack_timeout: settings.ack_timeout,
        orphan_grace: settings.orphan_grace,
        ping_interval: settings.ping_interval,
        memory_limit: settings.memory_limit,
        memory: everturn_runtime::MemoryReader::from_fn(crate::memory::used),
        backlog_tasks: settings.max_backlog_tasks as usize,
        sessions: settings.max_workers as usize,
        watchers: settings.max_watchers as usize,
        ..everturn_runtime::Options::default()
    }
}
