//! The routes to serve: the three services, health per service, reflection.

use everturn_proto::v1::conversation_service_server::ConversationServiceServer;
use everturn_proto::v1::task_queue_service_server::TaskQueueServiceServer;
use everturn_proto::v1::worker_service_server::WorkerServiceServer;
use everturn_proto::v1::workflow_service_server::WorkflowServiceServer;
use everturn_runtime::Handle;
use tokio::net::TcpListener;
use tonic::service::RoutesBuilder;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
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
        let workers = WorkerServiceServer::new(Workers {
            handle: self.handle,
            options: self.options.clone(),
        });
        let (health, health_service) = tonic_health::server::health_reporter();
        report_health(health, draining).await;
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

/// Every service is healthy until the server drains.
async fn report_health(
    health: HealthReporter,
    draining: impl Future<Output = ()> + Send + 'static,
) {
    health
        .set_serving::<ConversationServiceServer<Conversations>>()
        .await;
    health
        .set_serving::<WorkflowServiceServer<Workflows>>()
        .await;
    health.set_serving::<WorkerServiceServer<Workers>>().await;
    tokio::spawn(async move {
        draining.await;
        let status = tonic_health::ServingStatus::NotServing;
        health.set_service_status("", status).await;
        health
            .set_not_serving::<ConversationServiceServer<Conversations>>()
            .await;
        health
            .set_not_serving::<WorkflowServiceServer<Workflows>>()
            .await;
        health
            .set_not_serving::<WorkerServiceServer<Workers>>()
            .await;
    });
}

/// Describes the services to tools, in both versions of the protocol.
fn add_reflection(routes: &mut RoutesBuilder) {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(everturn_proto::FILE_DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
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
