//! Bad input over real gRPC: a typed refusal with everything a caller needs to
//! know, and nothing left behind.

use everturn_client::v1;
use everturn_tests::calls;
use everturn_tests::check::nothing_was_written;
use everturn_tests::coordinator::Coordinator;
use everturn_tests::refusal::{fields_refused, limit_refused, refused};
use tonic::Code;

const MIB: usize = 1024 * 1024;

fn payload(bytes: usize) -> Option<v1::Payload> {
    Some(v1::Payload {
        data: vec![b'1'; bytes].into(),
        ..Default::default()
    })
}

fn duration(seconds: i64, nanos: i32) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos })
}

#[tokio::test]
async fn ids_that_are_no_ids_are_refused_and_leave_nothing() {
    let coordinator = Coordinator::start(&[]).await;
    let mut conversations = coordinator.conversations();
    let mut workflows = coordinator.workflows();
    let long = "x".repeat(257);
    for id in ["", &long, "a\u{7}b", "a\nb", "a/b", "~a", "\u{85}"] {
        let request = calls::message(id, "t", "m", "hi");
        fields_refused(
            conversations.submit_message(request).await,
            &["conversation_id"],
        );
        let event = v1::SubmitEventRequest {
            conversation_id: id.to_owned(),
            conversation_type: "t".to_owned(),
            event_type: "e".to_owned(),
            ..Default::default()
        };
        fields_refused(
            conversations.submit_event(event).await,
            &["conversation_id"],
        );
        let start = calls::start(id, "t");
        fields_refused(workflows.start_workflow(start).await, &["workflow_id"]);
        let get = v1::GetConversationRequest {
            conversation_id: id.to_owned(),
            ..Default::default()
        };
        fields_refused(
            conversations.get_conversation(get).await,
            &["conversation_id"],
        );
    }
    let everything = v1::SubmitMessageRequest {
        namespace: "a/b".to_owned(),
        task_queue: "\u{0}".to_owned(),
        labels: [(String::new(), String::new())].into(),
        ..Default::default()
    };
    fields_refused(
        conversations.submit_message(everything).await,
        &[
            "channel",
            "content",
            "conversation_id",
            "labels.",
            "namespace",
            "task_queue",
        ],
    );
    let no_type = calls::message("a", "", "m", "hi");
    fields_refused(
        conversations.submit_message(no_type).await,
        &["conversation_type"],
    );
    let start = v1::StartWorkflowRequest {
        request_id: long,
        ..calls::start("a", "")
    };
    fields_refused(
        workflows.start_workflow(start).await,
        &["request_id", "workflow_type"],
    );
    nothing_was_written(&coordinator).await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_does_not_come_into_being() {
    let coordinator = Coordinator::start(&[]).await;
    let mut service = coordinator.conversations();
    macro_rules! conversation {
        ($($call:ident $request:ident { $($field:ident: $value:expr),* })*) => {$(
            let request = v1::$request {
                conversation_id: "nobody".to_owned(),
                $($field: $value,)*
                ..Default::default()
            };
            refused(service.$call(request).await, Code::NotFound, "CONVERSATION_NOT_FOUND");
        )*};
    }
    let assignee = v1::Assignee {
        kind: Some(v1::assignee::Kind::Team("desk".to_owned())),
    };
    let target = v1::report_delivery_request::Target::MessageSequence(1);
    conversation! {
        get_conversation GetConversationRequest {}
        list_messages ListMessagesRequest {}
        close_conversation CloseConversationRequest {}
        update_conversation UpdateConversationRequest {}
        pause_conversation PauseConversationRequest {}
        resume_conversation ResumeConversationRequest {}
        hand_off_conversation HandOffConversationRequest { assignee: Some(assignee) }
        hand_back_conversation HandBackConversationRequest {}
        send_human_message SendHumanMessageRequest {
            author_name: "Ann".to_owned(), content: Some(everturn_client::text("hi"))
        }
        report_delivery ReportDeliveryRequest {
            target: Some(target), status: v1::DeliveryStatus::Read.into()
        }
        erase_conversation EraseConversationRequest {}
    }
    let mut service = coordinator.workflows();
    macro_rules! run {
        ($($call:ident $request:ident { $($field:ident: $value:expr),* })*) => {$(
            for run_id in ["", "018f0000-0000-7000-8000-000000000000"] {
                let request = v1::$request {
                    workflow_id: "nobody".to_owned(),
                    run_id: run_id.to_owned(),
                    $($field: $value,)*
                    ..Default::default()
                };
                refused(service.$call(request).await, Code::NotFound, "RUN_NOT_FOUND");
            }
            let request = v1::$request {
                workflow_id: "nobody".to_owned(),
                run_id: "not-a-uuid".to_owned(),
                $($field: $value,)*
                ..Default::default()
            };
            fields_refused(service.$call(request).await, &["run_id"]);
        )*};
    }
    run! {
        signal_workflow SignalWorkflowRequest { signal_name: "s".to_owned() }
        cancel_workflow CancelWorkflowRequest {}
        terminate_workflow TerminateWorkflowRequest {}
        describe_workflow DescribeWorkflowRequest {}
        get_history GetHistoryRequest {}
        wait_result WaitResultRequest {}
        get_state GetStateRequest {}
        pause_workflow PauseWorkflowRequest {}
        resume_workflow ResumeWorkflowRequest {}
    }
    nothing_was_written(&coordinator).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_the_limit() {
    let coordinator = Coordinator::start(&[]).await;
    let mut conversations = coordinator.conversations();
    let mut workflows = coordinator.workflows();
    let text = "x".repeat(2 * MIB + 1);
    let request = calls::message("a", "t", "m", &text);
    let subject = limit_refused(conversations.submit_message(request).await);
    assert_eq!(subject, "bytes of a message");
    let over = |bytes| v1::StartWorkflowRequest {
        input: payload(bytes),
        ..calls::start("a", "t")
    };
    let subject = limit_refused(workflows.start_workflow(over(2 * MIB + 1)).await);
    assert_eq!(subject, "bytes of a payload");
    let subject = limit_refused(workflows.start_workflow(over(5 * MIB)).await);
    assert_eq!(subject, "bytes of a gRPC message");
    let mut labels = over(0);
    labels.labels = (0..65)
        .map(|it| (format!("l{it}"), String::new()))
        .collect();
    fields_refused(workflows.start_workflow(labels).await, &["labels"]);
    nothing_was_written(&coordinator).await;
    let largest = workflows.start_workflow(over(2 * MIB)).await;
    largest.expect("the largest payload is taken");
    assert_eq!(
        coordinator.metric("everturn_log_transitions_total").await,
        1.0
    );
}

#[tokio::test]
async fn durations_that_are_none_are_refused() {
    let coordinator = Coordinator::start(&[]).await;
    let mut conversations = coordinator.conversations();
    let mut workflows = coordinator.workflows();
    let bad = [
        (-1, 0),
        (0, -1),
        (i64::MAX, 0),
        (i64::MIN, 0),
        (1, i32::MAX),
    ];
    for (seconds, nanos) in bad {
        let wrong = duration(seconds, nanos);
        let start = v1::StartWorkflowRequest {
            execution_timeout: wrong,
            ..calls::start("a", "t")
        };
        fields_refused(
            workflows.start_workflow(start).await,
            &["execution_timeout"],
        );
        let policy = v1::TurnPolicy {
            debounce: Some(v1::Debounce {
                quiet: wrong,
                max_wait: wrong,
                max_messages: 1_001,
            }),
            interrupt_grace: wrong,
            idle_timeout: wrong,
            ..Default::default()
        };
        let request = v1::SubmitMessageRequest {
            turn_policy: Some(policy.clone()),
            ..calls::message("a", "t", "m", "hi")
        };
        let fields = [
            "turn_policy.debounce.quiet",
            "turn_policy.debounce.max_wait",
            "turn_policy.debounce.max_messages",
            "turn_policy.interrupt_grace",
            "turn_policy.idle_timeout",
        ];
        fields_refused(conversations.submit_message(request).await, &fields);
        let settings = v1::ConversationType {
            conversation_type: "t".to_owned(),
            turn_policy: Some(v1::TurnPolicy {
                interrupt_grace: wrong,
                ..Default::default()
            }),
            retention: wrong,
        };
        let request = v1::SetConversationTypeRequest {
            settings: Some(settings),
            ..Default::default()
        };
        let fields = ["settings.turn_policy.interrupt_grace", "settings.retention"];
        fields_refused(conversations.set_conversation_type(request).await, &fields);
        let poll = v1::PollActivityTasksRequest {
            task_queue: "q".to_owned(),
            max_wait: wrong,
            max_tasks: 1_001,
            ..Default::default()
        };
        let polled = coordinator.workers().poll_activity_tasks(poll).await;
        fields_refused(polled, &["max_tasks", "max_wait"]);
    }
    nothing_was_written(&coordinator).await;
}

#[tokio::test]
async fn receipts_for_nothing_and_cursors_from_the_future_are_refused() {
    let coordinator = Coordinator::start(&[]).await;
    let client = coordinator.client();
    let message = calls::message("c", "t", "m-1", "hi");
    client.submit_message(message).await.expect("accepted");
    let before = client.conversation("c").await.expect("it exists");
    let mut service = coordinator.conversations();
    use v1::report_delivery_request::Target;
    let receipt = |target, status: v1::DeliveryStatus| v1::ReportDeliveryRequest {
        conversation_id: "c".to_owned(),
        target,
        status: status.into(),
        ..Default::default()
    };
    for target in [
        Target::MessageSequence(1),
        Target::MessageSequence(u64::MAX),
        Target::ProviderMessageId("p".to_owned()),
    ] {
        let request = receipt(Some(target), v1::DeliveryStatus::Read);
        refused(
            service.report_delivery(request).await,
            Code::NotFound,
            "DELIVERY_NOT_FOUND",
        );
    }
    let of_nothing = receipt(None, v1::DeliveryStatus::Read);
    fields_refused(service.report_delivery(of_nothing).await, &["target"]);
    let watch = |after_sequence, output_cursors| v1::WatchConversationRequest {
        conversation_id: "c".to_owned(),
        after_sequence,
        output_cursors,
        ..Default::default()
    };
    for after in [2, u64::MAX] {
        let answer = service.watch_conversation(watch(after, Vec::new())).await;
        refused(answer, Code::InvalidArgument, "CURSOR_INVALID");
    }
    let cursors = vec![v1::OutputCursor::default(); 1_001];
    let answer = service.watch_conversation(watch(0, cursors)).await;
    let details = refused(answer, Code::InvalidArgument, "FIELD_INVALID");
    assert!(
        !details
            .bad_request()
            .expect("checked")
            .field_violations
            .is_empty()
    );
    assert_eq!(client.conversation("c").await.expect("it exists"), before);
}
