//! Rules over series: runs, outliers among all values, among neighbours, among values in the same circumstances, and a
//! level that has moved.

use super::{
    finding::Finding,
    robust::{Usual, median},
    rules::{Band, HeldBand, Rule},
    words::Words,
};
use crate::{aims::ai_modules::observations::Series, schema::wire::Risk};

/// From this gap on, measurements are taken now and then.
const SPOT_SECONDS: f64 = 60.0;

/// A series whose parts agree, with the values that are numbers.
#[derive(Debug)]
pub struct Checked<'a> {
    /// What was measured.
    pub name: &'a str,
    /// Unit.
    pub unit: &'a str,
    points: Vec<Point<'a>>,
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point<'a> {
    pub at: f64,
    pub value: f64,
    pub context: Option<&'a str>,
}

impl<'a> Checked<'a> {
    /// Checks a series.
    ///
    /// # Errors
    /// How it contradicts itself, in words.
    pub fn new(series: &'a Series) -> Result<Self, &'static str> {
        if series.at_seconds.len() != series.values.len() {
            return Err("it has not as many times as values");
        }
        if series.context.as_ref().is_some_and(|context| context.len() != series.values.len()) {
            return Err("it has not as many circumstances as values");
        }
        if !series.at_seconds.iter().all(|at| at.is_finite())
            || series.at_seconds.windows(2).any(|pair| pair[0] > pair[1])
        {
            return Err("its times do not ascend");
        }
        let context = |place: usize| series.context.as_ref().and_then(|words| words.get(place)).map(String::as_str);
        let points = series.at_seconds.iter().zip(&series.values).enumerate();
        let points = points.map(|(place, (at, value))| Point { at: *at, value: *value, context: context(place) });
        Ok(Self { name: &series.name, unit: &series.unit, points: points.filter(|p| p.value.is_finite()).collect() })
    }

    /// Whether these are single measurements, taken now and then: half of them a minute or more apart.
    pub fn are_spots(&self) -> bool {
        let gaps: Vec<f64> = self.points.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
        median(&gaps).is_none_or(|gap| gap >= SPOT_SECONDS)
    }

    /// Times and values.
    pub fn values(&self) -> impl Iterator<Item = (f64, f64)> {
        self.points.iter().map(|point| (point.at, point.value))
    }

    /// The values a rule is about.
    pub(super) fn meant<'b>(&'b self, rule: &'b Rule) -> impl Iterator<Item = &'b Point<'a>> {
        self.points.iter().filter(|point| rule.holds_in(point.context))
    }

    /// What a rule found in a stretch of values.
    pub(super) fn finding(&self, rule: &Rule, risk: Risk, run: &[&Point<'_>], said: Said) -> Option<Finding> {
        let (first, last) = (run.first()?, run.last()?);
        let words = Words {
            name: self.name,
            unit: self.unit,
            value: Some(said.value),
            count: run.len(),
            seconds: last.at - first.at,
            context: first.context.unwrap_or("these circumstances"),
            score: said.score,
        };
        Some(Finding {
            rule: rule.name(),
            anomaly: Some(rule.anomaly_type),
            risk,
            text: words.fill(&rule.finding),
            subject: self.name.to_owned(),
            span: Some((first.at, last.at)),
            score: Some(said.score.unwrap_or(said.value)),
        })
    }
}

/// What a finding says: a value of the series, and how far it is from the usual.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub value: f64,
    pub score: Option<f64>,
}

/// Stretches of points for which something holds, without gaps longer than `gap` seconds.
fn runs<'b, 'a>(points: &[&'b Point<'a>], gap: f64, holds: impl Fn(&Point<'_>) -> bool) -> Vec<Vec<&'b Point<'a>>> {
    let mut runs = Vec::new();
    let mut run: Vec<&'b Point<'a>> = Vec::new();
    for point in points {
        if run.last().is_some_and(|last| point.at - last.at > gap) {
            runs.push(std::mem::take(&mut run));
        }
        if holds(point) {
            run.push(*point);
        } else if !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
    }
    runs.extend((!run.is_empty()).then_some(run));
    runs
}

/// Successive values in a band, for as long as it asks. What a graver band has claimed a milder one does not claim again.
pub fn held(rule: &Rule, series: &Checked<'_>, bands: &[HeldBand], longest_gap: f64) -> Vec<Finding> {
    // A value in other circumstances ends a run: it is left in place and never counts.
    let points: Vec<&Point<'_>> = series.points.iter().collect();
    let mut claimed: Vec<(f64, f64)> = Vec::new();
    let mut findings = Vec::new();
    for held in bands {
        let meant = |point: &Point<'_>| rule.holds_in(point.context) && held.band.holds(point.value);
        let gap = if held.seconds > 0.0 { longest_gap } else { f64::INFINITY };
        for run in runs(&points, gap, meant) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            let span = (first.at, last.at);
            let overlaps = claimed.iter().any(|(from, to)| span.0 <= *to && *from <= span.1);
            if run.len() < held.values.max(1) || span.1 - span.0 < held.seconds || overlaps {
                continue;
            }
            claimed.push(span);
            let values: Vec<f64> = run.iter().map(|point| point.value).collect();
            let middle = median(&values).unwrap_or(first.value);
            findings.extend(series.finding(rule, held.band.risk, &run, Said { value: middle, score: None }));
        }
    }
    findings
}

/// Outliers by their scores: neighbours in the list that are both outliers are one finding, told by the worst of them.
fn outliers(rule: &Rule, series: &Checked<'_>, scored: &[(&Point<'_>, f64)], bands: &[Band]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut run: Vec<(&Point<'_>, f64)> = Vec::new();
    let mut close = |run: &mut Vec<(&Point<'_>, f64)>| {
        let worst = run.iter().max_by(|one, other| one.1.abs().total_cmp(&other.1.abs())).copied();
        let points: Vec<&Point<'_>> = run.drain(..).map(|(point, _)| point).collect();
        let Some((worst, score)) = worst else { return };
        let Some(band) = bands.iter().find(|band| band.holds(score.abs())) else { return };
        let said = Said { value: worst.value, score: Some(score) };
        findings.extend(series.finding(rule, band.risk, &points, said));
    };
    for (point, score) in scored {
        if bands.iter().any(|band| band.holds(score.abs())) {
            run.push((point, *score));
        } else {
            close(&mut run);
        }
    }
    close(&mut run);
    findings
}

/// What is usual in a series that may be zero most of the time, as steps by the minute are. Zeros are then a state of
/// their own, in which nothing happens, and what happens is held against what happens: every step would be an outlier
/// among minutes of sitting. Two parts, as in a hurdle model (Cragg, Econometrica 39, 829–844, 1971).
struct Scale {
    usual: Usual,
    zeros_apart: bool,
}

impl Scale {
    /// Of at least so many values.
    fn of(values: &[f64], least: usize) -> Option<Self> {
        let above: Vec<f64> = values.iter().copied().filter(|value| *value > 0.0).collect();
        let zeros = values.iter().filter(|value| **value == 0.0).count();
        // With half of the values the median is zero, and so is the usual distance from it.
        let zeros_apart = 2 * zeros >= values.len() && zeros + above.len() == values.len();
        let judged = if zeros_apart { &above } else { values };
        let usual = Usual::of(judged).filter(|_| judged.len() >= least)?;
        Some(Self { usual, zeros_apart })
    }

    fn score(&self, value: f64) -> f64 {
        if self.zeros_apart && value == 0.0 { 0.0 } else { self.usual.score(value) }
    }
}

/// Values far from all others of the series.
pub fn far_from_all(rule: &Rule, series: &Checked<'_>, least: usize, bands: &[Band]) -> Vec<Finding> {
    let points: Vec<&Point<'_>> = series.meant(rule).collect();
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    match Scale::of(&values, least) {
        Some(scale) => {
            let scored: Vec<_> = points.into_iter().map(|point| (point, scale.score(point.value))).collect();
            outliers(rule, series, &scored, bands)
        }
        None => Vec::new(),
    }
}

/// Values far from those around them.
pub fn far_from_neighbours(rule: &Rule, series: &Checked<'_>, half: usize, bands: &[Band]) -> Vec<Finding> {
    let points: Vec<&Point<'_>> = series.meant(rule).collect();
    let values: Vec<f64> = points.iter().map(|point| point.value).collect();
    let width = 2 * half + 1;
    if values.len() < width {
        return Vec::new();
    }
    let scored: Vec<_> = points
        .into_iter()
        .enumerate()
        .map(|(place, point)| {
            // At the ends the window stays whole and the value lies off its middle.
            let from = place.saturating_sub(half).min(values.len() - width);
            let around = values.get(from..from + width).unwrap_or_default();
            (point, Usual::of(around).map_or(0.0, |usual| usual.score(point.value)))
        })
        .collect();
    outliers(rule, series, &scored, bands)
}

/// Values far from the others in the same circumstances.
pub fn far_from_alike(rule: &Rule, series: &Checked<'_>, least: usize, bands: &[Band]) -> Vec<Finding> {
    let mut contexts: Vec<&str> = series.meant(rule).filter_map(|point| point.context).collect();
    contexts.sort_unstable();
    contexts.dedup();
    let mut findings = Vec::new();
    for context in contexts {
        let alike: Vec<f64> =
            series.meant(rule).filter(|point| point.context == Some(context)).map(|point| point.value).collect();
        let Some(scale) = Scale::of(&alike, least) else { continue };
        // In the order of the series, so that only neighbours in time are told together.
        let score = |point: &Point<'_>| if point.context == Some(context) { scale.score(point.value) } else { 0.0 };
        let scored: Vec<_> = series.meant(rule).map(|point| (point, score(point))).collect();
        findings.extend(outliers(rule, series, &scored, bands));
    }
    findings
}

/// How a moved level is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Length of a block, in seconds.
    pub block_seconds: f64,
    /// Blocks that say what is usual.
    pub reference_blocks: usize,
    /// k, in deviations.
    pub slack: f64,
    /// h, in deviations.
    pub decision: f64,
    /// Smallest move that counts, in the unit of the series.
    pub least_change: f64,
    /// Colour.
    pub risk: Risk,
}

/// CUSUM in both directions over the medians of blocks (E. S. Page, Biometrika 41, 100–115, 1954). Blocks, because
/// successive heart beats are not independent and single ones may be wrong. A move is told once, from where the sum
/// left 0 to where the level came back, or to the end.
pub fn shifted(rule: &Rule, series: &Checked<'_>, plan: &Plan) -> Vec<Finding> {
    let blocks = blocks(series.meant(rule), plan.block_seconds);
    let medians: Vec<f64> = blocks.iter().filter_map(|block| median_of(block)).collect();
    let Some(reference) = medians.get(..plan.reference_blocks).filter(|_| medians.len() > plan.reference_blocks) else {
        return Vec::new();
    };
    let Some(centre) = median(reference) else { return Vec::new() };
    // A reference that hardly varies would make every breath a move.
    let deviation = Usual::of(reference).map_or(0.0, |usual| usual.deviation).max(plan.least_change / plan.decision);
    let mut findings = Vec::new();
    for sign in [1.0, -1.0] {
        let (mut sum, mut start, mut alarmed, mut highest) = (0.0_f64, 0, false, 0.0_f64);
        for (place, value) in medians.iter().enumerate() {
            let before = sum;
            sum = (sum + sign * (value - centre) / deviation - plan.slack).max(0.0);
            if before <= 0.0 && sum > 0.0 {
                (start, highest) = (place, 0.0);
            }
            highest = highest.max(sum);
            alarmed |= sum > plan.decision;
            let returned = alarmed && sign * (value - centre) / deviation <= plan.slack;
            if returned || (alarmed && place + 1 == medians.len()) {
                let end = if returned { place.saturating_sub(1) } else { place };
                findings.extend(moved(rule, series, plan, &blocks[start..=end.max(start)], (centre, highest)));
                (sum, alarmed) = (0.0, false);
            }
        }
    }
    findings
}

fn moved(
    rule: &Rule,
    series: &Checked<'_>,
    plan: &Plan,
    blocks: &[Vec<&Point<'_>>],
    (centre, score): (f64, f64),
) -> Option<Finding> {
    let points: Vec<&Point<'_>> = blocks.iter().flatten().copied().collect();
    let level = median_of(&points)?;
    let said = Said { value: level, score: Some(score) };
    if (level - centre).abs() < plan.least_change { None } else { series.finding(rule, plan.risk, &points, said) }
}

fn median_of(points: &[&Point<'_>]) -> Option<f64> {
    median(&points.iter().map(|point| point.value).collect::<Vec<_>>())
}

/// Points in blocks of time; empty blocks are left out.
fn blocks<'b, 'a: 'b>(points: impl Iterator<Item = &'b Point<'a>>, seconds: f64) -> Vec<Vec<&'b Point<'a>>> {
    let mut blocks: Vec<(f64, Vec<&'b Point<'a>>)> = Vec::new();
    for point in points {
        let number = (point.at / seconds).floor();
        match blocks.last_mut() {
            Some((last, block)) if *last == number => block.push(point),
            _ => blocks.push((number, vec![point])),
        }
    }
    blocks.into_iter().map(|(_, block)| block).collect()
}
