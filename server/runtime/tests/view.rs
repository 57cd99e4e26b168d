//! The view shows how everything ended, also what the state forgets at once.

mod node;

use everturn_dispatch::TaskKind;
use everturn_engine::command::{Command, CommandKind, RequestApproval, StartChild};
use everturn_engine::decide::RunRef;
use everturn_engine::event::ApprovalOutcome;
use everturn_engine::limits;
use everturn_engine::value::Payload;
use everturn_runtime::{Handle, Options};
use node::{Node, command, eventually, start};

const PENDING: Option<u8> = Some(1);
const ENDED: Option<u8> = Some(2);

fn approvals() -> Vec<Command> {
    let ask = |number: usize| {
        let kind = CommandKind::RequestApproval(RequestApproval {
            title: "Refund?".into(),
            details: None,
            arguments: Payload::default(),
            expires_after: None,
        });
        command(&format!("a{number}"), kind)
    };
    (0..limits::PENDING_APPROVALS).map(ask).collect()
}

async fn listed(
    handle: &Handle,
    status: Option<u8>,
) -> Vec<everturn_engine::state::approval::Approval> {
    let page = handle.list_approvals("default".into(), None, status, None, 1_000);
    page.await.expect("the store is well").approvals
}

#[tokio::test]
async fn an_approval_that_is_forgotten_before_it_is_written_is_shown_as_it_ended() {
    let node = Node::start(Options::default()).await;
    let handle = &node.handle;
    let mut worker = node.worker("w", &[("default", TaskKind::Workflow)]).await;
    start(handle, "w1", "default").await;
    let child = CommandKind::StartChild(StartChild {
        workflow_type: "order".into(),
        input: Payload::default(),
        task_queue: "".into(),
        execution_timeout: None,
    });
    let mut commands = approvals();
    commands.push(command("kid", child));
    let task = worker.workflow_task().await;
    worker.complete(&task, commands).await;
    let task = worker.workflow_task().await;
    worker.complete(&task, approvals()).await;
    let asked = 2 * limits::PENDING_APPROVALS;
    eventually("all are shown as waiting", async || {
        listed(handle, PENDING).await.len() == asked
    })
    .await;
    // All of them end at once, and the state remembers some of them only.
    let target = RunRef {
        workflow_id: "w1".into(),
        run_id: None,
    };
    let ended = handle.terminate_workflow("default".into(), target, "stop".into());
    ended.await.expect("it is open");
    eventually("none is shown as waiting", async || {
        listed(handle, PENDING).await.is_empty()
    })
    .await;
    let ended = listed(handle, ENDED).await;
    assert_eq!(ended.len(), asked);
    let outcomes = ended.iter().filter_map(|approval| approval.ended.as_ref());
    assert!(outcomes.clone().count() == asked);
    for ended in outcomes {
        assert_eq!(ended.decided.outcome, ApprovalOutcome::Withdrawn);
    }
}
