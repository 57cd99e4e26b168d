//! Kills the coordinator in the middle of the play, twice, and starts it
//! again on the same store.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::processes::Fleet;
use crate::stage::Stage;

/// When to kill: so many answers were given and so many are due.
struct Cue {
    replies: usize,
    waiting: usize,
}

const CUES: [Cue; 2] = [
    Cue {
        replies: 2,
        waiting: 3,
    },
    Cue {
        replies: 14,
        waiting: 1,
    },
];
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A play that does not get there is killed anyway.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the coordinator stays down.
const DOWN: Duration = Duration::from_millis(400);

/// Carries out the kills; returns how many there were.
pub async fn carry_out(fleet: &mut Fleet, stage: &Stage) -> Result<u32> {
    let mut kills = 0;
    for cue in &CUES {
        let begin = Instant::now();
        while !(stage.replies() >= cue.replies
            && stage.waiting() >= cue.waiting
            && stage.bursts() > 0)
            && begin.elapsed() < PATIENCE
        {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        fleet.check_alive()?;
        let waiting = stage.waiting();
        fleet.kill_coordinator().await?;
        kills += 1;
        stage.announce(&format!(
            "coordinator killed (SIGKILL) with {waiting} answers due"
        ));
        stage.killed();
        let down = Instant::now();
        tokio::time::sleep(DOWN).await;
        fleet.start_coordinator().await?;
        stage.announce(&format!(
            "coordinator is back on the same store after {} ms",
            down.elapsed().as_millis()
        ));
    }
    Ok(kills)
}
