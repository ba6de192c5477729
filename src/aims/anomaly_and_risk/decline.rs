//! A fall below what was usual for the same person: the reference are the values before it, so nobody is held against
//! other people.

use super::{
    finding::Finding,
    robust::{Usual, median},
    rules::{Decline, Rule},
    series::{Checked, Point, Said},
};

/// Stretches of successive values that lie below a share of the median before them, and more robust deviations below it
/// than asked for. A stretch is told once, however long it lasts; its values do not belong to its own reference.
pub fn declined(rule: &Rule, series: &Checked<'_>, plan: &Decline) -> Vec<Finding> {
    let points: Vec<&Point<'_>> = series.meant(rule).collect();
    let mut findings = Vec::new();
    let mut place = plan.least_reference;
    while place < points.len() {
        let before = points.get(place.saturating_sub(plan.reference_values)..place).unwrap_or_default();
        let run = match Reference::of(before, plan) {
            Some(reference) => points.iter().skip(place).take_while(|point| reference.is_left_by(point, plan)).count(),
            None => 0,
        };
        if run >= plan.values {
            findings.extend(told(rule, series, plan, before, &points[place..place + run]));
        }
        place += if run >= plan.values { run } else { 1 };
    }
    findings
}

/// What was usual before.
#[derive(Debug, Clone, Copy)]
struct Reference {
    centre: f64,
    deviation: f64,
}

impl Reference {
    fn of(points: &[&Point<'_>], plan: &Decline) -> Option<Self> {
        let values: Vec<f64> = points.iter().map(|point| point.value).collect();
        // Who was never active cannot become less so.
        let centre = median(&values).filter(|centre| *centre > 0.0)?;
        let deviation = Usual::of(&values).map_or(0.0, |usual| usual.deviation).max(centre * plan.least_spread);
        (values.len() >= plan.least_reference).then_some(Self { centre, deviation })
    }

    fn score(&self, value: f64) -> f64 {
        (value - self.centre) / self.deviation
    }

    fn is_left_by(&self, point: &Point<'_>, plan: &Decline) -> bool {
        point.value < self.centre * plan.share && self.score(point.value) < -plan.deviations
    }
}

fn told(
    rule: &Rule,
    series: &Checked<'_>,
    plan: &Decline,
    before: &[&Point<'_>],
    run: &[&Point<'_>],
) -> Option<Finding> {
    let level = median(&run.iter().map(|point| point.value).collect::<Vec<_>>())?;
    let score = Reference::of(before, plan)?.score(level);
    series.finding(rule, plan.risk, run, Said { value: level, score: Some(score) })
}
