//! What workflow tasks do to the cache of runs.

use super::*;

/// Counts the events it was given; closes at three.
fn counting() -> Runs {
    let start: StartRun = Box::new(|_| {
        let mut count = 0;
        Box::new(move |events: &[v1::HistoryEvent]| {
            count += events.len();
            Ok(vec![if count < 3 {
                command(&format!("wait-{count}"), false)
            } else {
                command("", true)
            }])
        })
    });
    Runs::new(HashMap::from([("count".to_owned(), start)]), 10, 0)
}

fn command(key: &str, closes: bool) -> v1::Command {
    let kind = if closes {
        v1::command::Kind::CompleteRun(v1::CompleteRun::default())
    } else {
        v1::command::Kind::StartTimer(v1::StartTimer::default())
    };
    v1::Command {
        key: key.to_owned(),
        kind: Some(kind),
    }
}

fn task(previous_event_id: u64, ids: std::ops::RangeInclusive<u64>) -> v1::WorkflowTask {
    v1::WorkflowTask {
        run_id: "run".to_owned(),
        workflow_type: "count".to_owned(),
        previous_event_id,
        events: events(ids),
        ..Default::default()
    }
}

fn events(ids: std::ops::RangeInclusive<u64>) -> Vec<v1::HistoryEvent> {
    ids.map(|id| v1::HistoryEvent {
        id,
        ..Default::default()
    })
    .collect()
}

#[test]
fn a_cached_run_goes_on_and_a_lost_one_asks_for_its_journal() {
    let mut runs = counting();
    let first = runs.advance(&mut task(0, 1..=1));
    assert_eq!((first.seen_event_id, first.run_cached), (1, true));
    let second = runs.advance(&mut task(2, 3..=3));
    assert_eq!(second.commands[0].key, "wait-2");
    runs.forget("run");
    assert!(runs.advance(&mut task(4, 5..=5)).needs_full_journal);
    let whole = runs.advance(&mut task(0, 1..=5));
    assert!(is_closing(&whole.commands[0]));
}

#[test]
fn unread_events_reopen_a_run_and_its_close_comes_last() {
    let mut runs = counting();
    let mut closed = runs.advance(&mut task(0, 1..=3));
    closed.commands.insert(0, command("before", false));
    let again = runs.reopen("run", closed.clone(), &events(4..=4));
    assert_eq!(again.seen_event_id, 4);
    assert_eq!(again.commands.len(), 2);
    assert_eq!(again.commands[0].key, "before");
    assert!(is_closing(&again.commands[1]));
    runs.forget("run");
    assert!(
        runs.reopen("run", closed, &events(4..=4))
            .needs_full_journal
    );
}

#[test]
fn code_that_panics_or_is_unknown_fails_the_task_and_leaves_no_run() {
    let start: StartRun = Box::new(|_| Box::new(|_: &[v1::HistoryEvent]| panic!("bug")));
    let mut runs = Runs::new(HashMap::from([("count".to_owned(), start)]), 10, 0);
    let result = runs.advance(&mut task(0, 1..=1));
    assert_eq!(result.failure.expect("a failure").message, "bug");
    assert!(runs.cached.is_empty());
    let mut unknown = task(0, 1..=1);
    unknown.workflow_type = "other".to_owned();
    let result = runs.advance(&mut unknown);
    assert_eq!(
        result.failure.expect("a failure").r#type,
        "WorkflowNotRegistered"
    );
}

#[test]
fn a_full_cache_says_that_it_does_not_keep_the_run() {
    let mut runs = counting();
    runs.cached_max = 0;
    assert!(!runs.advance(&mut task(0, 1..=1)).run_cached);
    assert!(runs.advance(&mut task(2, 3..=3)).needs_full_journal);
}
