//! A server that a test plays by hand, behind real gRPC on a real port: each
//! `Work` stream, each watch and some of the unary calls are handed to the
//! test; the others are not implemented.

#![allow(dead_code, reason = "each test program plays another part of it")]

use std::future::Future;
use std::pin::Pin;

use everturn_client::v1;
use everturn_client::{Client, ConnectOptions};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::Stream;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};
use v1::conversation_service_server::{ConversationService, ConversationServiceServer};
use v1::worker_service_server::{WorkerService, WorkerServiceServer};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The server's side of one `Work` stream.
pub struct WorkStream {
    pub requests: Streaming<v1::WorkRequest>,
    pub responses: mpsc::Sender<Result<v1::WorkResponse, Status>>,
}

impl WorkStream {
    /// The next request; ends the test if the stream ended.
    pub async fn request(&mut self) -> v1::WorkRequest {
        self.requests
            .message()
            .await
            .expect("an open stream")
            .expect("a request")
    }

    pub async fn send(&self, response: v1::WorkResponse) {
        self.responses
            .send(Ok(response))
            .await
            .expect("an open stream");
    }

    /// Takes the greeting and answers it.
    pub async fn welcome(&mut self, aborted_task_indexes: Vec<u32>) -> v1::Hello {
        let hello = self.request().await.hello.expect("the greeting first");
        let welcome = v1::Welcome {
            stream_id: 1,
            aborted_task_indexes,
            ..Default::default()
        };
        self.send(v1::WorkResponse {
            welcome: Some(welcome),
            ..Default::default()
        })
        .await;
        hello
    }
}

/// One watch that was opened.
pub struct OpenedWatch {
    pub request: v1::WatchConversationRequest,
    pub updates: mpsc::Sender<Result<v1::WatchConversationResponse, Status>>,
}

type Reply<T> = oneshot::Sender<Result<T, Status>>;

/// A unary call that waits for the test's answer.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "few are made")]
pub enum Call {
    SubmitMessage(v1::SubmitMessageRequest, Reply<v1::SubmitMessageResponse>),
    GetConversation(
        v1::GetConversationRequest,
        Reply<v1::GetConversationResponse>,
    ),
    SendHumanMessage(
        v1::SendHumanMessageRequest,
        Reply<v1::SendHumanMessageResponse>,
    ),
}

struct Service {
    streams: mpsc::Sender<WorkStream>,
    watches: mpsc::Sender<OpenedWatch>,
    calls: mpsc::Sender<Call>,
}

impl Service {
    async fn ask<Req, Res>(
        &self,
        request: Request<Req>,
        call: impl FnOnce(Req, Reply<Res>) -> Call,
    ) -> Result<Response<Res>, Status> {
        let (reply, answer) = oneshot::channel();
        let over = || Status::unavailable("the test is over");
        let sent = self.calls.send(call(request.into_inner(), reply)).await;
        sent.map_err(|_| over())?;
        answer.await.map_err(|_| over())?.map(Response::new)
    }
}

/// A running server.
pub struct Scripted {
    pub client: Client,
    pub streams: mpsc::Receiver<WorkStream>,
    pub watches: mpsc::Receiver<OpenedWatch>,
    pub calls: mpsc::Receiver<Call>,
}

/// Starts a server on a free port.
pub async fn start() -> Scripted {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let (streams_sender, streams) = mpsc::channel(16);
    let (watches_sender, watches) = mpsc::channel(16);
    let (calls_sender, calls) = mpsc::channel(16);
    let service = || Service {
        streams: streams_sender.clone(),
        watches: watches_sender.clone(),
        calls: calls_sender.clone(),
    };
    let router = tonic::transport::Server::builder()
        .add_service(WorkerServiceServer::new(service()))
        .add_service(ConversationServiceServer::new(service()));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    let options = ConnectOptions {
        address,
        ..ConnectOptions::default()
    };
    Scripted {
        client: Client::new(options).expect("a valid address"),
        streams,
        watches,
        calls,
    }
}

// What `async_trait` makes of an `async fn`: it does not look into macros.
macro_rules! methods {
    ($($name:ident($request:ident) -> $response:ident $(as $call:ident)?;)*) => {
        $(fn $name<'life0, 'async_trait>(
            &'life0 self,
            request: Request<v1::$request>,
        ) -> Pin<Box<
            dyn Future<Output = Result<Response<v1::$response>, Status>> + Send + 'async_trait,
        >>
        where
            'life0: 'async_trait,
            Self: 'async_trait,
        {
            Box::pin(async move {
                $(return self.ask(request, Call::$call).await;)?
                #[allow(unreachable_code)]
                {
                    drop(request);
                    Err(Status::unimplemented("not scripted"))
                }
            })
        })*
    };
}

#[tonic::async_trait]
impl WorkerService for Service {
    type WorkStream = Answers<v1::WorkResponse>;

    async fn work(
        &self,
        request: Request<Streaming<v1::WorkRequest>>,
    ) -> Result<Response<Self::WorkStream>, Status> {
        let (responses, answers) = mpsc::channel(16);
        let stream = WorkStream {
            requests: request.into_inner(),
            responses,
        };
        let sent = self.streams.send(stream).await;
        sent.map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    methods! {
        poll_activity_tasks(PollActivityTasksRequest) -> PollActivityTasksResponse;
        complete_activity_tasks(CompleteActivityTasksRequest) -> CompleteActivityTasksResponse;
        fail_activity_task(FailActivityTaskRequest) -> FailActivityTaskResponse;
        heartbeat_activity_task(HeartbeatActivityTaskRequest) -> HeartbeatActivityTaskResponse;
        send_activity_output(SendActivityOutputRequest) -> SendActivityOutputResponse;
        poll_workflow_task(PollWorkflowTaskRequest) -> PollWorkflowTaskResponse;
        complete_workflow_task(CompleteWorkflowTaskRequest) -> CompleteWorkflowTaskResponse;
    }
}

#[tonic::async_trait]
impl ConversationService for Service {
    type WatchConversationStream = Answers<v1::WatchConversationResponse>;

    async fn watch_conversation(
        &self,
        request: Request<v1::WatchConversationRequest>,
    ) -> Result<Response<Self::WatchConversationStream>, Status> {
        let request = request.into_inner();
        if request.conversation_id == "nobody" {
            return Err(Status::not_found("no such conversation"));
        }
        let (updates, answers) = mpsc::channel(16);
        let sent = self.watches.send(OpenedWatch { request, updates }).await;
        sent.map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    methods! {
        submit_message(SubmitMessageRequest) -> SubmitMessageResponse as SubmitMessage;
        get_conversation(GetConversationRequest) -> GetConversationResponse as GetConversation;
        list_conversations(ListConversationsRequest) -> ListConversationsResponse;
        list_messages(ListMessagesRequest) -> ListMessagesResponse;
        close_conversation(CloseConversationRequest) -> CloseConversationResponse;
        submit_event(SubmitEventRequest) -> SubmitEventResponse;
        update_conversation(UpdateConversationRequest) -> UpdateConversationResponse;
        pause_conversation(PauseConversationRequest) -> PauseConversationResponse;
        resume_conversation(ResumeConversationRequest) -> ResumeConversationResponse;
        hand_off_conversation(HandOffConversationRequest) -> HandOffConversationResponse;
        hand_back_conversation(HandBackConversationRequest) -> HandBackConversationResponse;
        send_human_message(SendHumanMessageRequest) -> SendHumanMessageResponse
            as SendHumanMessage;
        list_approvals(ListApprovalsRequest) -> ListApprovalsResponse;
        decide_approval(DecideApprovalRequest) -> DecideApprovalResponse;
        report_delivery(ReportDeliveryRequest) -> ReportDeliveryResponse;
        resend_message(ResendMessageRequest) -> ResendMessageResponse;
        edit_message(EditMessageRequest) -> EditMessageResponse;
        retract_message(RetractMessageRequest) -> RetractMessageResponse;
        add_note(AddNoteRequest) -> AddNoteResponse;
        submit_typing(SubmitTypingRequest) -> SubmitTypingResponse;
        link_address(LinkAddressRequest) -> LinkAddressResponse;
        merge_conversations(MergeConversationsRequest) -> MergeConversationsResponse;
        import_conversation(ImportConversationRequest) -> ImportConversationResponse;
        erase_conversation(EraseConversationRequest) -> EraseConversationResponse;
        set_conversation_type(SetConversationTypeRequest) -> SetConversationTypeResponse;
        get_conversation_type(GetConversationTypeRequest) -> GetConversationTypeResponse;
    }
}
