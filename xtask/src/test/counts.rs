//! How many test cases passed: read from what cargo, pytest, vitest, node:test
//! and our own tasks print.

use std::fmt;

/// Where a step's numbers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The step makes something ready; only a failure counts.
    Setup,
    /// The step is one check.
    One,
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; …`, once per binary.
    Cargo,
    /// `3 failed, 12 passed, 1 skipped in 0.52s`.
    Pytest,
    /// `Tests  3 failed | 12 passed (15)`, or `# pass 12` of node:test.
    Vitest,
    /// `12 passed, 3 failed` as the last line: what our own tasks print.
    Ours,
}

/// Numbers of test cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cases that passed.
    pub passed: u64,
    /// Cases that failed.
    pub failed: u64,
    /// Cases that were not run.
    pub ignored: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.passed, self.failed) {
            (0, 0) => Ok(()),
            (passed, 0) => write!(f, "{passed} passed"),
            (passed, failed) => write!(f, "{passed} passed, {failed} failed"),
        }
    }
}

/// The numbers of a step. A step that failed counts at least one failure, and
/// a test runner that ran nothing is a failure too.
pub fn of_step(counter: Counter, is_ok: bool, output: &str) -> Counts {
    let mut counts = match counter {
        Counter::Setup => Counts::default(),
        Counter::One => Counts {
            passed: u64::from(is_ok),
            ..Counts::default()
        },
        Counter::Cargo => sum(output, cargo_line),
        Counter::Pytest => sum(output, pytest_line),
        Counter::Vitest => sum(output, vitest_line),
        Counter::Ours => words(output.lines().next_back().unwrap_or_default()),
    };
    let ran_nothing = counter != Counter::Setup && counts.passed == 0;
    if counts.failed == 0 && (!is_ok || ran_nothing) {
        counts.failed = 1;
    }
    counts
}

fn sum(output: &str, read: fn(&str) -> Option<Counts>) -> Counts {
    output
        .lines()
        .filter_map(read)
        .fold(Counts::default(), |total, line| Counts {
            passed: total.passed + line.passed,
            failed: total.failed + line.failed,
            ignored: total.ignored + line.ignored,
        })
}

fn cargo_line(line: &str) -> Option<Counts> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let (_, numbers) = rest.split_once(". ")?;
    Some(words(numbers))
}

fn pytest_line(line: &str) -> Option<Counts> {
    let line = line.trim_matches(|c| c == '=' || c == ' ');
    let (numbers, time) = line.rsplit_once(" in ")?;
    let is_time = time.split('s').next()?.trim().parse::<f64>().is_ok();
    let is_summary = numbers.split(", ").all(|part| {
        part.split(' ')
            .next()
            .is_some_and(|n| n.parse::<u64>().is_ok())
    });
    (is_time && is_summary).then(|| words(numbers))
}

fn vitest_line(line: &str) -> Option<Counts> {
    let line = line.trim();
    if let Some(numbers) = line.strip_prefix("Tests ") {
        return Some(words(numbers));
    }
    let (word, number) = line.strip_prefix(['#', 'ℹ'])?.trim().split_once(' ')?;
    let number = number.parse().ok()?;
    match word {
        "pass" => Some(Counts {
            passed: number,
            ..Counts::default()
        }),
        "fail" => Some(Counts {
            failed: number,
            ..Counts::default()
        }),
        "skipped" => Some(Counts {
            ignored: number,
            ..Counts::default()
        }),
        _ => None,
    }
}

/// Sums pairs such as "12 passed" in a text.
fn words(text: &str) -> Counts {
    let mut counts = Counts::default();
    let mut number = 0;
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        if let Ok(found) = word.parse::<u64>() {
            number = found;
            continue;
        }
        match word {
            "passed" => counts.passed += number,
            "failed" | "error" | "errors" => counts.failed += number,
            "ignored" | "skipped" | "todo" => counts.ignored += number,
            _ => {}
        }
        number = 0;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, ignored: u64) -> Counts {
        Counts {
            passed,
            failed,
            ignored,
        }
    }

    #[test]
    fn cargo_results_of_all_binaries_are_summed() {
        let output = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s\n\
            test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out\n";
        assert_eq!(of_step(Counter::Cargo, false, output), counts(7, 2, 1));
    }

    #[test]
    fn pytest_summaries_are_read_with_and_without_decoration() {
        let plain = "....\n12 passed in 0.52s\n";
        assert_eq!(of_step(Counter::Pytest, true, plain), counts(12, 0, 0));
        let full = "== 1 failed, 12 passed, 2 skipped, 1 error in 61.20s (0:01:01) ==";
        assert_eq!(of_step(Counter::Pytest, false, full), counts(12, 2, 2));
        assert_eq!(
            of_step(Counter::Pytest, true, "5 things in 3 places\n").failed,
            1
        );
    }

    #[test]
    fn vitest_and_node_summaries_are_read() {
        let vitest =
            " Test Files  2 passed (2)\n      Tests  1 failed | 30 passed | 2 skipped (33)\n";
        assert_eq!(of_step(Counter::Vitest, false, vitest), counts(30, 1, 2));
        assert_eq!(
            of_step(Counter::Vitest, true, "ℹ pass 4\nℹ fail 0\n"),
            counts(4, 0, 0)
        );
    }

    #[test]
    fn the_last_line_of_our_own_tasks_is_read() {
        let output = "  ok      signals  python  0.4 s\n12 passed, 3 failed\n";
        assert_eq!(of_step(Counter::Ours, false, output), counts(12, 3, 0));
        assert_eq!(of_step(Counter::Ours, false, "error: no"), counts(0, 1, 0));
    }

    #[test]
    fn a_failure_without_numbers_and_a_run_of_nothing_count_as_failed() {
        assert_eq!(
            of_step(Counter::Cargo, false, "error: could not compile"),
            counts(0, 1, 0)
        );
        assert_eq!(
            of_step(Counter::Pytest, true, "no tests ran in 0.01s"),
            counts(0, 1, 0)
        );
        assert_eq!(of_step(Counter::Setup, true, ""), counts(0, 0, 0));
        assert_eq!(of_step(Counter::One, true, ""), counts(1, 0, 0));
    }
}
