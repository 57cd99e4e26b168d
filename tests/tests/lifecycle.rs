//! Start and stop: what clients, workers and operators see of it.

use std::time::Duration;

use everturn_client::v1;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::raw_worker::{RawWorker, hello};
use everturn_tests::{SOON, calls, eventually, load};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1 as reflection;

const SERVICES: [&str; 4] = [
    "everturn.v1.ConversationService",
    "everturn.v1.WorkflowService",
    "everturn.v1.WorkerService",
    "everturn.v1.TaskQueueService",
];

/// Starts a workflow with one activity; gives the worker that runs it.
async fn running_activity(coordinator: &Coordinator) -> (RawWorker, v1::ActivityTask) {
    let client = coordinator.client();
    let request = calls::start("order", "t");
    client.start_workflow(request).await.expect("started");
    let kinds = [v1::TaskKind::Workflow, v1::TaskKind::Activity];
    let worker = RawWorker::connect(coordinator.workers(), hello("raw", &kinds), (1, 1)).await;
    let mut worker = worker.expect("connected");
    let task = worker.workflow().await;
    let schedule = v1::ScheduleActivity {
        activity_type: "a".to_owned(),
        ..Default::default()
    };
    let kind = v1::command::Kind::ScheduleActivity(schedule);
    let commands = vec![calls::command("a", kind)];
    assert_eq!(worker.advance(&task, commands).await, None);
    let activity = worker.activity().await;
    (worker, activity)
}

/// Waits until the worker is told that the coordinator shuts down, and for the
/// end of the stream.
async fn is_told(worker: &mut RawWorker) {
    let mut told = false;
    while let Ok(Some(response)) = worker.receive(true).await {
        told |= response.draining;
    }
    assert!(told, "the worker is told before its stream ends");
}

#[tokio::test]
async fn a_stop_signal_drains_and_what_runs_survives_the_restart() {
    let mut coordinator = Coordinator::start(&["--orphan-grace", "60s"]).await;
    let (mut worker, activity) = running_activity(&coordinator).await;
    coordinator.signal("TERM").await;
    is_told(&mut worker).await;
    let code = coordinator.wait_for_exit(Duration::from_secs(30)).await;
    assert_eq!(code, Some(0));
    assert!(
        coordinator.log().contains("drained"),
        "it says that it drained"
    );
    coordinator.restart().await;

    let kinds = [v1::TaskKind::Workflow, v1::TaskKind::Activity];
    let fresh = RawWorker::connect(coordinator.workers(), hello("other", &kinds), (0, 1)).await;
    let _fresh = fresh.expect("connected");
    let mut greeting = hello("raw", &kinds);
    greeting.running_task_tokens = vec![activity.task_token.clone()];
    let worker = RawWorker::connect(coordinator.workers(), greeting, (1, 0)).await;
    let mut worker = worker.expect("connected");
    assert_eq!(
        worker.welcome.aborted_task_indexes, [0_u32; 0],
        "it may go on"
    );
    let said = worker
        .report(activity.task_token, Ok(v1::Payload::default()))
        .await;
    assert_eq!(said, None, "its result is taken");
    let task = worker.workflow().await;
    assert_eq!(task.previous_event_id, 0, "the whole journal comes");
    let complete = v1::command::Kind::CompleteRun(v1::CompleteRun::default());
    let commands = vec![calls::command("", complete)];
    assert_eq!(worker.advance(&task, commands).await, None);
    let events = calls::journal(&coordinator.client(), "order", "").await;
    let completed = events.iter().find_map(|event| match &event.kind {
        Some(v1::history_event::Kind::ActivityCompleted(it)) => Some(it.attempt),
        _ => None,
    });
    assert_eq!(completed, Some(1), "the first attempt was not repeated");
}

#[tokio::test]
async fn while_it_drains_it_is_not_ready_and_refuses_new_work() {
    let coordinator = Coordinator::start(&["--shutdown-deadline", "20s"]).await;
    let (mut worker, _) = running_activity(&coordinator).await;
    let mut conversations = coordinator.conversations();
    let request = calls::message("c", "t", "m", "hi");
    conversations
        .submit_message(request)
        .await
        .expect("accepted");
    coordinator.signal("TERM").await;
    let mut refused = None;
    while let Some(code) = coordinator.ready_code().await {
        if code == 503 {
            let request = calls::message("c", "t", "m-2", "hi");
            refused = conversations.submit_message(request).await.err();
            break;
        }
    }
    let status = refused.expect("it says 503 before it is gone, and takes nothing");
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    is_told(&mut worker).await;
}

#[tokio::test]
async fn half_a_request_for_metrics_does_not_hold_up_the_stop() {
    let mut coordinator = Coordinator::start(&["--shutdown-deadline", "3s"]).await;
    let stalled = coordinator.half_a_web_request().await;
    coordinator.signal("TERM").await;
    let code = coordinator.wait_for_exit(Duration::from_secs(20)).await;
    assert_eq!(code, Some(0));
    drop(stalled);
}

#[tokio::test]
async fn workers_of_the_sdk_come_back_by_themselves() {
    let mut coordinator = Coordinator::start(&[]).await;
    let worker = load::worker(coordinator.client(), "load").expect("a worker");
    tokio::spawn(worker.run(std::future::pending()));
    for round in 0..3_u64 {
        let workflow_id = format!("order-{round}");
        let request = v1::StartWorkflowRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            input: Some(everturn_client::json(&round).expect("JSON")),
            ..calls::start(&workflow_id, load::WORKFLOW_TYPE)
        };
        let client = coordinator.client();
        client.start_workflow(request).await.expect("started");
        coordinator.terminate().await;
        coordinator.restart().await;
        let wait = v1::WaitResultRequest {
            workflow_id,
            ..Default::default()
        };
        let waiting = || client.wait_result(wait.clone(), SOON * 2);
        let ended = calls::answered("a result", waiting).await;
        assert_eq!(ended.status(), v1::RunStatus::Completed);
    }
}

#[tokio::test]
async fn a_second_coordinator_on_the_same_store_says_why_it_does_not_start() {
    let coordinator = Coordinator::start(&[]).await;
    let output = coordinator.run_second().await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("everturn.db"), "it names the file: {said}");
    let why = ["another", "in use", "already", "locked"];
    assert!(
        why.iter().any(|word| said.contains(word)),
        "it says why: {said}"
    );
    assert!(!said.contains("panicked"), "{said}");
    let request = calls::message("c", "t", "m", "hi");
    let accepted = coordinator.client().submit_message(request).await;
    accepted.expect("the first one goes on");
}

#[tokio::test]
async fn health_and_reflection_answer_for_every_service() {
    let coordinator = Coordinator::start(&[]).await;
    let mut health = HealthClient::new(coordinator.channel());
    for service in SERVICES.into_iter().chain([""]) {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.expect("health answers");
        let status = answer.into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service}");
    }
    let request = HealthCheckRequest {
        service: "nothing".to_owned(),
    };
    let answer = health.check(request).await;
    let code = answer.expect_err("there is no such service").code();
    assert_eq!(code, tonic::Code::NotFound);

    use reflection::server_reflection_client::ServerReflectionClient;
    use reflection::server_reflection_request::MessageRequest;
    use reflection::server_reflection_response::MessageResponse;
    let mut client = ServerReflectionClient::new(coordinator.channel());
    let request = reflection::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client.server_reflection_info(futures::stream::iter([request]));
    let mut answers = answers.await.expect("reflection answers").into_inner();
    let answer = answers.message().await.expect("an answer").expect("one");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list: {answer:?}");
    };
    let names: Vec<&str> = list.service.iter().map(|it| it.name.as_str()).collect();
    for service in SERVICES.into_iter().chain(["grpc.health.v1.Health"]) {
        assert!(names.contains(&service), "{service} in {names:?}");
    }
    // Generic clients show the details of errors by it.
    for file in ["google/rpc/error_details.proto", "google/rpc/status.proto"] {
        let request = reflection::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::FileByFilename(file.to_owned())),
        };
        let answers = client.server_reflection_info(futures::stream::iter([request]));
        let mut answers = answers.await.expect("reflection answers").into_inner();
        let answer = answers.message().await.expect("an answer").expect("one");
        let found = answer.message_response;
        let is_file = matches!(found, Some(MessageResponse::FileDescriptorResponse(_)));
        assert!(is_file, "{file}: {found:?}");
    }
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let coordinator = Coordinator::start(&[]).await;
    let worker = load::worker(coordinator.client(), "load").expect("a worker");
    tokio::spawn(worker.run(std::future::pending()));
    let client = coordinator.client();
    for number in 0..5 {
        let request = v1::SubmitMessageRequest {
            task_queue: load::TASK_QUEUE.to_owned(),
            ..calls::message("c", load::CONVERSATION_TYPE, &format!("m-{number}"), "hi")
        };
        client
            .submit_message(request.clone())
            .await
            .expect("accepted");
        client.submit_message(request).await.expect("a duplicate");
    }
    eventually(SOON, "everything is answered", async || {
        let it = client.conversation("c").await.expect("it exists");
        (it.turn.is_none() && it.waiting_message_count == 0).then_some(())
    })
    .await;
    let transcript = calls::transcript(&client, "c").await;
    let sent = transcript.iter().filter(|it| it.turn > 0).count();
    let received = coordinator.metric("everturn_messages_received_total").await;
    assert_eq!(received, 5.0, "duplicates do not count");
    let counted = coordinator.metric("everturn_messages_sent_total").await;
    assert_eq!(counted, sent as f64);
    assert!(coordinator.metric("everturn_activity_results_total").await >= sent as f64);
    assert!(coordinator.metric("everturn_log_transitions_total").await > 0.0);
    assert!(coordinator.metric("process_resident_memory_bytes").await > 0.0);
}
