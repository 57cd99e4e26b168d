//! The routes to serve: the three services, health per service, reflection.

use everturn_proto::v1::conversation_service_server::ConversationServiceServer;
use everturn_proto::v1::task_queue_service_server::TaskQueueServiceServer;
use everturn_proto::v1::worker_service_server::WorkerServiceServer;
use everturn_proto::v1::workflow_service_server::WorkflowServiceServer;
use everturn_runtime::Handle;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::server::NamedService as _;
use tonic::service::RoutesBuilder;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::conversation::Conversations;
use crate::options::Options;
use crate::task_queue::TaskQueues;
use crate::transport_errors::TranslateLayer;
use crate::worker::Workers;
use crate::workflow::Workflows;

/// Bytes that may be under way on one stream and on one connection before the
/// receiver has to read.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Streams of one connection that its client may have reset before they were
/// taken up. After a stall, all calls whose deadline has passed are reset at
/// once: with h2's own bound of 20 that ends the connection, and every stream on
/// it.
const RESET_STREAMS: usize = 4_096;

/// Version of this server, as workers are told.
#[must_use]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The gRPC services on a runtime.
#[derive(Debug)]
pub struct Services {
    handle: Handle,
    options: Options,
}

impl Services {
    /// Services on a runtime.
    #[must_use]
    pub fn new(handle: Handle, options: Options) -> Self {
        Self { handle, options }
    }

    /// Serves until `stop` resolves and all calls have ended. `draining`
    /// resolves earlier: from then on health says NOT_SERVING.
    ///
    /// # Errors
    /// When the transport fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        draining: impl Future<Output = ()> + Send + 'static,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), tonic::transport::Error> {
        let bytes = self.options.message_bytes;
        let conversations = ConversationServiceServer::new(Conversations {
            handle: self.handle.clone(),
        });
        let workflows = WorkflowServiceServer::new(Workflows {
            handle: self.handle.clone(),
        });
        let task_queues = TaskQueueServiceServer::new(TaskQueues {
            handle: self.handle.clone(),
        });
        let problem = self.handle.problem();
        let workers = WorkerServiceServer::new(Workers {
            handle: self.handle,
            options: self.options.clone(),
        });
        let (health, health_service) = tonic_health::server::health_reporter();
        report_health(health, draining, problem).await;
        let mut routes = RoutesBuilder::default();
        routes
            .add_service(
                conversations
                    .max_decoding_message_size(bytes)
                    .max_encoding_message_size(bytes),
            )
            .add_service(
                workflows
                    .max_decoding_message_size(bytes)
                    .max_encoding_message_size(bytes),
            )
            .add_service(
                task_queues
                    .max_decoding_message_size(bytes)
                    .max_encoding_message_size(bytes),
            )
            .add_service(
                workers
                    .max_decoding_message_size(bytes)
                    .max_encoding_message_size(bytes),
            )
            .add_service(health_service);
        if self.options.reflection {
            add_reflection(&mut routes);
        }
        Server::builder()
            .http2_keepalive_interval(Some(self.options.keepalive_interval))
            .http2_keepalive_timeout(Some(self.options.keepalive_timeout))
            .http2_max_pending_accept_reset_streams(Some(RESET_STREAMS))
            .http2_max_local_error_reset_streams(Some(RESET_STREAMS))
            .max_concurrent_streams(Some(self.options.streams_per_connection))
            .initial_stream_window_size(Some(STREAM_WINDOW_BYTES))
            .initial_connection_window_size(Some(CONNECTION_WINDOW_BYTES))
            .layer(TranslateLayer {
                message_bytes: bytes,
            })
            .add_routes(routes.routes())
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener).with_nodelay(Some(true)),
                stop,
            )
            .await
    }
}

/// Every service is healthy while nothing keeps this node from serving, until it
/// drains.
async fn report_health(
    health: HealthReporter,
    draining: impl Future<Output = ()> + Send + 'static,
    mut problem: watch::Receiver<Option<&'static str>>,
) {
    let is_serving = problem.borrow_and_update().is_none();
    set_health(&health, is_serving).await;
    tokio::spawn(async move {
        tokio::pin!(draining);
        loop {
            let changed = tokio::select! {
                () = &mut draining => break,
                changed = problem.changed() => changed,
            };
            if changed.is_err() {
                draining.await;
                break;
            }
            let is_serving = problem.borrow_and_update().is_none();
            set_health(&health, is_serving).await;
        }
        set_health(&health, false).await;
    });
}

async fn set_health(health: &HealthReporter, is_serving: bool) {
    let status = if is_serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    for name in [
        "",
        ConversationServiceServer::<Conversations>::NAME,
        TaskQueueServiceServer::<TaskQueues>::NAME,
        WorkerServiceServer::<Workers>::NAME,
        WorkflowServiceServer::<Workflows>::NAME,
    ] {
        health.set_service_status(name, status).await;
    }
}

/// Describes the services, and the details of errors, to tools: in both
/// versions of the protocol.
fn add_reflection(routes: &mut RoutesBuilder) {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(everturn_proto::FILE_DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_file_descriptor_set(error_details())
    };
    match (builder().build_v1(), builder().build_v1alpha()) {
        (Ok(v1), Ok(v1alpha)) => {
            routes.add_service(v1).add_service(v1alpha);
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "reflection is off: the descriptors cannot be read");
        }
    }
}

/// The files of `google.rpc`, under the names that everybody imports them by.
fn error_details() -> FileDescriptorSet {
    let mut files =
        FileDescriptorSet::decode(tonic_types::pb::FILE_DESCRIPTOR_SET).unwrap_or_default();
    for file in &mut files.file {
        if file.package() == "google.rpc" {
            file.name = Some(format!("google/rpc/{}", file.name()));
        }
    }
    files
}
