//! What must be true of a store: a log without gaps, journals and transcripts
//! without holes, roots in their partitions.

use crate::Result;
use crate::row::RootRow;
use crate::transfer::{Transfer, bundle};

/// Roots that are read at once.
const ROOTS_PER_PAGE: usize = 512;
/// Bytes of log that are read at once.
const LOG_BYTES: usize = 8 * 1024 * 1024;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: a partition, or an id with its namespace.
    pub subject: String,
    /// What is wrong.
    pub problem: String,
}

/// How far a check is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckProgress {
    /// Roots that were looked at.
    pub roots: u64,
    /// Roots that there are.
    pub total: u64,
    /// Rows of the log that were looked at.
    pub log: u64,
}

/// Looks at everything; `decodes` says what is wrong with a root's state, if it
/// cannot be read.
///
/// # Errors
/// When the store cannot be read.
pub async fn check(
    store: &dyn Transfer,
    decodes: impl Fn(&RootRow) -> std::result::Result<(), String>,
    mut report: impl FnMut(CheckProgress),
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut progress = CheckProgress {
        total: store.totals().await?.roots,
        ..CheckProgress::default()
    };
    for partition in 0..store.partition_count() {
        progress.log += check_log(store, partition, &mut findings).await?;
        report(progress);
    }
    let mut after = i64::MIN;
    loop {
        let (page, next) = store.all_roots(after, ROOTS_PER_PAGE).await?;
        progress.roots += page.len() as u64;
        let mut roots = Vec::with_capacity(page.len());
        for (partition, root) in page {
            let ours = root.key.hash64() % u64::from(store.partition_count());
            if u64::from(partition) != ours {
                let problem = format!("is in partition {partition}, not {ours}");
                findings.push(finding(&root, problem));
            }
            if let Err(problem) = decodes(&root) {
                findings.push(finding(&root, problem));
            }
            roots.push(root);
        }
        for bundle in bundle::read(store, roots).await? {
            check_bundle(&bundle, &mut findings);
        }
        report(progress);
        let Some(next) = next else {
            return Ok(findings);
        };
        after = next;
    }
}

fn finding(root: &RootRow, problem: String) -> Finding {
    Finding {
        subject: format!(
            "{} of the namespace {}",
            root.key.root_id, root.key.namespace
        ),
        problem,
    }
}

async fn check_log(
    store: &dyn Transfer,
    partition: u32,
    findings: &mut Vec<Finding>,
) -> Result<u64> {
    let mut last: Option<u64> = None;
    let mut rows = 0;
    loop {
        let page = store
            .read_log(partition, last.unwrap_or(0), LOG_BYTES)
            .await?;
        if page.is_empty() {
            break;
        }
        for row in page {
            if last.is_some_and(|last| row.sequence != last + 1) {
                findings.push(Finding {
                    subject: format!("partition {partition}"),
                    problem: format!("its log has a gap before {}", row.sequence),
                });
            }
            last = Some(row.sequence);
            rows += 1;
        }
    }
    let end = store.partition_state(partition).await?.last_sequence;
    if last.is_some_and(|last| last != end) {
        findings.push(Finding {
            subject: format!("partition {partition}"),
            problem: format!("its log ends at {}, not at {end}", last.unwrap_or(0)),
        });
    }
    Ok(rows)
}

fn check_bundle(bundle: &bundle::Bundle, findings: &mut Vec<Finding>) {
    let mut journal: Option<([u8; 16], u64)> = None;
    for chunk in &bundle.history {
        let expected = match journal {
            Some((run_id, last)) if run_id == chunk.run_id => last + 1,
            _ => 1,
        };
        // One that was written again after a crash may reach over others.
        if chunk.first_event_id > expected || chunk.last_event_id < chunk.first_event_id {
            let problem = format!(
                "a journal has {}..{} where {expected} should begin",
                chunk.first_event_id, chunk.last_event_id
            );
            findings.push(finding(&bundle.root, problem));
        }
        let last = chunk.last_event_id.max(expected - 1);
        journal = Some((chunk.run_id, last));
    }
    let mut last = 0;
    for chunk in &bundle.messages {
        if chunk.first_sequence <= last || chunk.last_sequence < chunk.first_sequence {
            let problem = format!(
                "its transcript has {}..{} after {last}",
                chunk.first_sequence, chunk.last_sequence
            );
            findings.push(finding(&bundle.root, problem));
        }
        last = chunk.last_sequence;
    }
}
