//! Bytes that were not made by us, or not for this: messages that cannot be
//! read, page tokens, task tokens, repeated starts.

use bytes::Bytes;
use everturn_client::v1;
use everturn_tests::check::nothing_was_written;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::raw_worker::{RawWorker, hello};
use everturn_tests::refusal::{fields_refused, refused};
use everturn_tests::{calls, seed};
use rand::RngExt as _;
use tonic::Code;
use tonic_prost::ProstCodec;

#[tokio::test]
async fn bytes_that_are_no_message_are_refused() {
    let mut random = seed::random("bytes_that_are_no_message");
    let coordinator = Coordinator::start(&[]).await;
    let path = "/everturn.v1.ConversationService/SubmitMessage";
    let path: tonic::codegen::http::uri::PathAndQuery = path.parse().expect("a path");
    let mut grpc = tonic::client::Grpc::new(coordinator.channel());
    let mut raw = async |bytes: Vec<u8>| {
        grpc.ready().await.expect("connected");
        let codec = RawCodec;
        let answer = grpc.unary(tonic::Request::new(Bytes::from(bytes)), path.clone(), codec);
        answer.await.map(drop)
    };
    // Field 2 (the id) is text: a byte that UTF-8 never holds, and a cut
    // character.
    for text in [&[0xff_u8][..], &[b'a', 0xe2, 0x82]] {
        let mut bytes = vec![0x12, u8::try_from(text.len()).expect("short")];
        bytes.extend_from_slice(text);
        fields_refused(raw(bytes).await, &["request"]);
    }
    // A length that runs past the end, and a field of the wrong type.
    fields_refused(raw(vec![0x12, 0xff, 0x01]).await, &["request"]);
    fields_refused(raw(vec![0x10, 0x01]).await, &["request"]);
    for _ in 0..200 {
        let length = random.random_range(1..200);
        let bytes: Vec<u8> = (0..length).map(|_| random.random()).collect();
        refused(raw(bytes).await, Code::InvalidArgument, "FIELD_INVALID");
    }
    nothing_was_written(&coordinator).await;
}

/// Hands bytes on as they are.
#[derive(Clone, Copy, Debug, Default)]
struct RawCodec;

impl tonic::codec::Codec for RawCodec {
    type Encode = Bytes;
    type Decode = v1::SubmitMessageResponse;
    type Encoder = RawEncoder;
    type Decoder = <ProstCodec<(), v1::SubmitMessageResponse> as tonic::codec::Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        RawEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<(), _>::default().decoder()
    }
}

#[derive(Debug)]
struct RawEncoder;

impl tonic::codec::Encoder for RawEncoder {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(
        &mut self,
        item: Bytes,
        into: &mut tonic::codec::EncodeBuf<'_>,
    ) -> Result<(), Self::Error> {
        bytes::BufMut::put(into, item);
        Ok(())
    }
}

#[tokio::test]
async fn page_tokens_are_good_for_their_own_request_only() {
    let mut random = seed::random("page_tokens");
    let coordinator = Coordinator::start(&["--flush-interval", "50ms"]).await;
    let client = coordinator.client();
    for number in 0..3 {
        for id in ["a", "b"] {
            let request = calls::message(id, "t", &format!("m-{number}"), "hi");
            client.submit_message(request).await.expect("accepted");
        }
    }
    let mut service = coordinator.conversations();
    let mut list = async |conversation_id: &str, page_token: &str| {
        let request = v1::ListMessagesRequest {
            conversation_id: conversation_id.to_owned(),
            page_size: 1,
            page_token: page_token.to_owned(),
            ..Default::default()
        };
        let page = service.list_messages(request).await;
        page.map(tonic::Response::into_inner)
    };
    let token = list("a", "").await.expect("a page").next_page_token;
    let page = list("a", &token).await.expect("the next page");
    assert_eq!(page.messages[0].sequence, 2);
    let reason = "PAGE_TOKEN_INVALID";
    refused(list("b", &token).await, Code::InvalidArgument, reason);
    let long = "A".repeat(100_000);
    for wrong in ["x", "not base64!", "AAAA", &long, &format!("{token}A")] {
        refused(list("a", wrong).await, Code::InvalidArgument, reason);
    }
    for _ in 0..50 {
        let mut changed = token.clone().into_bytes();
        let at = random.random_range(0..changed.len());
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        refused(list("a", &changed).await, Code::InvalidArgument, reason);
    }
    let runs = v1::ListWorkflowsRequest {
        page_token: token.clone(),
        ..Default::default()
    };
    let listed = coordinator.workflows().list_workflows(runs).await;
    refused(listed, Code::InvalidArgument, reason);
    let over = v1::ListMessagesRequest {
        conversation_id: "a".to_owned(),
        page_size: 1_001,
        ..Default::default()
    };
    let listed = coordinator.conversations().list_messages(over).await;
    fields_refused(listed, &["page_size"]);
}

#[tokio::test]
async fn a_running_id_is_not_started_again_but_a_repeated_request_is_the_same() {
    let coordinator = Coordinator::start(&[]).await;
    let mut workflows = coordinator.workflows();
    let first = v1::StartWorkflowRequest {
        request_id: "r-1".to_owned(),
        ..calls::start("order", "t")
    };
    let run_id = workflows.start_workflow(first.clone()).await;
    let run_id = run_id.expect("started").into_inner().run_id;
    let again = workflows.start_workflow(first.clone()).await;
    assert_eq!(again.expect("the same").into_inner().run_id, run_id);
    for request_id in ["", "r-2"] {
        let other = v1::StartWorkflowRequest {
            request_id: request_id.to_owned(),
            ..first.clone()
        };
        let answer = workflows.start_workflow(other).await;
        let details = refused(answer, Code::AlreadyExists, "RUN_ALREADY_STARTED");
        let metadata = &details.error_info().expect("checked").metadata;
        assert_eq!(metadata.get("run_id"), Some(&run_id));
    }
    let message = calls::message("order", "t", "m", "hi");
    let answer = coordinator.conversations().submit_message(message).await;
    refused(answer, Code::FailedPrecondition, "TYPE_MISMATCH");
    let events = calls::journal(&coordinator.client(), "order", "").await;
    assert_eq!(events.len(), 1, "nothing was added: {events:?}");
}

/// A workflow task that is over, a first attempt that failed, and the second
/// one, which the worker has.
async fn two_attempts(
    coordinator: &Coordinator,
) -> (
    RawWorker,
    v1::WorkflowTask,
    v1::ActivityTask,
    v1::ActivityTask,
) {
    let client = coordinator.client();
    client
        .start_workflow(calls::start("order", "t"))
        .await
        .expect("started");
    let kinds = [v1::TaskKind::Workflow, v1::TaskKind::Activity];
    let worker = RawWorker::connect(coordinator.workers(), hello("raw", &kinds), (1, 1)).await;
    let mut worker = worker.expect("connected");
    let task = worker.workflow().await;
    let schedule = v1::ScheduleActivity {
        activity_type: "a".to_owned(),
        options: Some(v1::ActivityOptions {
            retry_policy: Some(v1::RetryPolicy {
                initial_interval: Some(calls::millis(1)),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let kind = v1::command::Kind::ScheduleActivity(schedule);
    let commands = vec![calls::command("a", kind)];
    assert_eq!(worker.advance(&task, commands.clone()).await, None);
    let stale = worker.advance(&task, commands).await;
    assert_eq!(stale.as_deref(), Some("FENCED"), "the task is over");
    let first = worker.activity().await;
    let failure = Err(everturn_client::failure("E", "again"));
    assert_eq!(worker.report(first.task_token.clone(), failure).await, None);
    let second = worker.activity().await;
    assert_eq!((second.attempt, &second.key), (2, &first.key));
    (worker, task, first, second)
}

#[tokio::test]
async fn a_task_token_is_good_for_its_own_attempt_only() {
    let coordinator = Coordinator::start(&[]).await;
    let (mut worker, task, first, second) = two_attempts(&coordinator).await;
    let client = coordinator.client();
    let before = calls::journal(&client, "order", "").await;

    let mut changed = second.task_token.to_vec();
    changed[7] ^= 1;
    let cut = second.task_token.slice(..second.task_token.len() - 1);
    let wrong = [
        Bytes::from(changed),
        cut,
        Bytes::from_static(b"nonsense"),
        Bytes::new(),
        task.task_token,
    ];
    let mut workers = coordinator.workers();
    for token in wrong {
        let reason = "TASK_TOKEN_INVALID";
        let said = worker
            .report(token.clone(), Ok(v1::Payload::default()))
            .await;
        assert_eq!(said.as_deref(), Some(reason));
        let beat = v1::HeartbeatActivityTaskRequest {
            task_token: token.clone(),
            details: None,
        };
        refused(
            workers.heartbeat_activity_task(beat).await,
            Code::InvalidArgument,
            reason,
        );
        let fail = v1::FailActivityTaskRequest {
            task_token: token,
            failure: None,
        };
        refused(
            workers.fail_activity_task(fail).await,
            Code::InvalidArgument,
            reason,
        );
    }
    let token = first.task_token;
    let said = worker
        .report(token.clone(), Ok(v1::Payload::default()))
        .await;
    assert_eq!(said.as_deref(), Some("FENCED"));
    let beat = v1::HeartbeatActivityTaskRequest {
        task_token: token.clone(),
        details: None,
    };
    refused(
        workers.heartbeat_activity_task(beat).await,
        Code::FailedPrecondition,
        "FENCED",
    );
    let fail = v1::FailActivityTaskRequest {
        task_token: token,
        failure: None,
    };
    refused(
        workers.fail_activity_task(fail).await,
        Code::FailedPrecondition,
        "FENCED",
    );
    assert_eq!(calls::journal(&client, "order", "").await, before);
    let said = worker
        .report(second.task_token, Ok(v1::Payload::default()))
        .await;
    assert_eq!(said, None, "the attempt itself is not disturbed");
}
