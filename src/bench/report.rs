//! Figures, goals, and how they print.

use std::{fmt, time::Duration};

use super::{breakdown::Breakdown, load::Outcome};

/// Goals of the design.
const RATE_AT_MOST_REQUESTERS: f64 = 5_000.0;
const SHARE_OF_CEILING: f64 = 0.8;
const TIMES_SINGLY: f64 = 20.0;
const TIMES_BARE: f64 = 1.3;
/// Below this the batching itself is broken, whatever the machine; the goal is twice as much.
const LEAST_TIMES_SINGLY: f64 = 10.0;

/// What one way gave.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Confirms recorded per second.
    pub per_second: f64,
    /// Half of the answers came within this time.
    pub p50: Duration,
    /// 95 of 100 did.
    pub p95: Duration,
    /// 99 of 100 did.
    pub p99: Duration,
    /// Confirms in one transaction, on average.
    pub batch: f64,
}

/// One number of requesters.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Requesters at once.
    pub requesters: usize,
    /// Through the gate.
    pub gate: Figures,
    /// One transaction per confirm.
    pub singly: Figures,
    /// The same batches fired at the node.
    pub ceiling: Figures,
}

/// A lone requester, taking turns.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    /// Half of the confirms through the gate took at most this.
    pub gate_p50: Duration,
    /// Half of the bare transactions did.
    pub bare_p50: Duration,
    /// Turns taken.
    pub turns: usize,
}

/// A goal and what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// What is asked for.
    pub name: String,
    /// What was measured.
    pub measured: String,
    /// Whether it is reached.
    pub reached: bool,
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Report {
    /// The lone requester.
    pub alone: Alone,
    /// By number of requesters, rising.
    pub rows: Vec<Row>,
    /// Where a batch's time goes, by size.
    pub breakdown: Vec<Breakdown>,
}

impl Figures {
    pub(super) fn new(outcome: &Outcome, transactions: usize) -> Self {
        let mut latencies = outcome.latencies.clone();
        latencies.sort_unstable();
        Self {
            per_second: outcome.answers.len() as f64 / outcome.took.as_secs_f64(),
            p50: percentile(&latencies, 50),
            p95: percentile(&latencies, 95),
            p99: percentile(&latencies, 99),
            batch: outcome.answers.len() as f64 / transactions.max(1) as f64,
        }
    }
}

impl Alone {
    pub(super) fn new(mut gate: Vec<Duration>, mut bare: Vec<Duration>) -> Self {
        gate.sort_unstable();
        bare.sort_unstable();
        Self { gate_p50: percentile(&gate, 50), bare_p50: percentile(&bare, 50), turns: gate.len() }
    }

    fn times_bare(&self) -> f64 {
        self.gate_p50.as_secs_f64() / self.bare_p50.as_secs_f64()
    }
}

impl Row {
    fn share_of_ceiling(&self) -> f64 {
        self.gate.per_second / self.ceiling.per_second
    }

    fn times_singly(&self) -> f64 {
        self.gate.per_second / self.singly.per_second
    }
}

/// The value below which `percent` of 100 lie; zero of none.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(rank).copied().unwrap_or_default()
}

impl Report {
    /// Whether batching still pays as it must on any machine, however busy: the two rates are of the same run.
    pub fn holds(&self) -> bool {
        self.rows.last().is_some_and(|most| most.times_singly() >= LEAST_TIMES_SINGLY)
    }

    /// The goals of the design, judged at the highest number of requesters and for the lone one.
    pub fn goals(&self) -> Vec<Goal> {
        let mut goals = Vec::new();
        let mut goal = |name: String, measured: String, reached: bool| goals.push(Goal { name, measured, reached });
        if let Some(most) = self.rows.last() {
            let (rate, n) = (most.gate.per_second, most.requesters);
            goal(
                format!("at least {RATE_AT_MOST_REQUESTERS} confirms/s for {n} requesters"),
                format!("{rate:.0}"),
                rate >= RATE_AT_MOST_REQUESTERS,
            );
            let share = most.share_of_ceiling();
            goal(
                format!("at least {SHARE_OF_CEILING} of the ceiling"),
                format!("{share:.2}"),
                share >= SHARE_OF_CEILING,
            );
            let times = most.times_singly();
            goal(
                format!("at least {TIMES_SINGLY} times one transaction per confirm"),
                format!("{times:.1}"),
                times >= TIMES_SINGLY,
            );
        }
        let times = self.alone.times_bare();
        let name = format!("alone, p50 at most {TIMES_BARE} times that of a bare transaction");
        goal(name, format!("{times:.2}"), times <= TIMES_BARE);
        goals
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>10} {:>8} {:>11} {:>9} {:>9} {:>9} {:>7} {:>11}",
            "requesters", "way", "confirms/s", "p50 ms", "p95 ms", "p99 ms", "batch", "gate/way"
        )?;
        for row in &self.rows {
            let ways = [
                ("gate", row.gate, 1.0),
                ("singly", row.singly, row.times_singly()),
                ("ceiling", row.ceiling, row.share_of_ceiling()),
            ];
            for (way, figures, times) in ways {
                writeln!(
                    f,
                    "{:>10} {way:>8} {:>11.0} {:>9.2} {:>9.2} {:>9.2} {:>7.1} {times:>11.2}",
                    row.requesters,
                    figures.per_second,
                    milliseconds(figures.p50),
                    milliseconds(figures.p95),
                    milliseconds(figures.p99),
                    figures.batch,
                )?;
            }
        }
        let alone = &self.alone;
        writeln!(
            f,
            "alone, taking turns {} times: gate p50 {:.2} ms, bare transaction p50 {:.2} ms",
            alone.turns,
            milliseconds(alone.gate_p50),
            milliseconds(alone.bare_p50)
        )?;
        for Breakdown { batch, answer_bytes, parts } in &self.breakdown {
            write!(f, "batch of {batch} (answer {} kB), ms:", answer_bytes / 1_000)?;
            for (name, median) in parts {
                write!(f, " {name} {:.2};", milliseconds(*median))?;
            }
            writeln!(f)?;
        }
        for goal in self.goals() {
            let mark = if goal.reached { "reached" } else { "MISSED" };
            writeln!(f, "{mark:>8}: {} ({})", goal.name, goal.measured)?;
        }
        Ok(())
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let sorted: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50), Duration::from_millis(100));
        assert_eq!(percentile(&sorted, 99), Duration::from_millis(198));
        assert_eq!(percentile(&sorted[..1], 50), Duration::from_millis(1));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn goals_are_judged_where_the_load_is_highest() {
        let figures = |per_second| Figures {
            per_second,
            p50: Duration::ZERO,
            p95: Duration::ZERO,
            p99: Duration::ZERO,
            batch: 1.0,
        };
        let row = |requesters, gate| Row {
            requesters,
            gate: figures(gate),
            singly: figures(100.0),
            ceiling: figures(7_000.0),
        };
        let alone = Alone { gate_p50: Duration::from_millis(14), bare_p50: Duration::from_millis(10), turns: 1 };
        let report = Report { alone, rows: vec![row(1, 1.0), row(512, 6_000.0)], breakdown: Vec::new() };
        let reached: Vec<bool> = report.goals().iter().map(|goal| goal.reached).collect();
        assert_eq!(reached, [true, true, true, false]);
        assert!(report.holds());
        let slow = Report { rows: vec![row(512, 6_000.0), row(512, 999.0)], ..report };
        assert!(!slow.holds(), "999 of the gate are fewer than ten times 100");
    }
}
