//! **The judge**: observations and rules in, findings out. Pure: no clock, no file, no network.
//!
//! ```text
//! values ──▶ limits                                        ┐
//! codes ───▶ code lists                                    │
//! series ─▶ held · RobustZ · Hampel · ContextualZ · CUSUM · decline ┼─▶ findings, gravest first
//! units that do not fit, series that contradict themselves ┘    (blue: the rule stood aside)
//! ```

use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    decline::declined,
    finding::Finding,
    rules::{Condition, Kind, Rule, Rules},
    series::{self, Checked},
    words::Words,
};
use crate::{
    aims::ai_modules::observations::{Coded, Measured, Observations},
    schema::wire::Risk,
};

/// Findings kept of one rule on one series: the gravest; how many more there were is said in one more.
const MOST_OF_A_RULE: usize = 20;
/// Findings kept of one item, and shown with it: as many as AIH Data holds.
pub const MOST_FINDINGS: usize = 64;
/// Most remarks of one item on what was not judged.
const MOST_ASIDES: usize = 16;

/// Judges what was observed in an item whose own time is `at`, from which the age of a diagnosis is counted.
pub fn judge(rules: &Rules, observations: &Observations, at: Option<OffsetDateTime>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for series in &observations.series {
        match Checked::new(series) {
            Ok(checked) => {
                let meant = meant(rules, Kind::Series, (&series.name, &series.unit), &mut findings);
                meant.into_iter().for_each(|rule| judge_series(rule, &checked, &mut findings));
                if checked.are_spots() {
                    judge_spots(rules, &checked, &mut findings);
                }
            }
            Err(reason) => findings.push(aside("every rule", &series.name, reason)),
        }
    }
    for value in &observations.values {
        for rule in meant(rules, Kind::Value, (&value.name, &value.unit), &mut findings) {
            findings.extend(judge_value(rule, value));
        }
    }
    for code in &observations.codes {
        findings.extend(rules.iter().filter_map(|rule| judge_code(rule, code, at)));
    }
    let start = |finding: &Finding| finding.span.map_or(f64::NEG_INFINITY, |(from, _)| from);
    let score = |finding: &Finding| finding.score.unwrap_or(f64::NEG_INFINITY);
    findings.sort_by(|one, other| {
        let alike = one.risk.cmp(&other.risk).then_with(|| one.rule.cmp(&other.rule));
        let alike =
            alike.then_with(|| start(one).total_cmp(&start(other))).then_with(|| one.subject.cmp(&other.subject));
        // What is the same stands together, also where a value is all that tells it from another.
        alike.then_with(|| score(one).total_cmp(&score(other)))
    });
    findings.dedup_by(|one, other| one.key() == other.key());
    cut(findings)
}

/// No more than [`MOST_FINDINGS`], the gravest first. What was not judged is said before what was found harmless, and that
/// something is not shown is said too: silence must not be taken for a clean bill.
fn cut(findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() <= MOST_FINDINGS {
        return findings;
    }
    let (mut asides, mut found): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.anomaly.is_none());
    let more_asides = shortened(&mut asides, MOST_ASIDES, "more that was not judged");
    let room = MOST_FINDINGS - asides.len() - usize::from(more_asides.is_some()) - 1;
    let more_found = shortened(&mut found, room, "more findings, none of them graver,");
    found.into_iter().chain(more_found).chain(asides).chain(more_asides).collect()
}

/// Cuts a list, and says what was cut off.
fn shortened(list: &mut Vec<Finding>, most: usize, what: &str) -> Option<Finding> {
    let more = list.len().checked_sub(most).filter(|more| *more > 0)?;
    list.truncate(most);
    let text = format!("Not shown: {more} {what} in this item.");
    Some(Finding { text, rule: "every rule".to_owned(), subject: what.to_owned(), ..blank() })
}

/// The rules that apply to a measurement. Where rules know its name and none of them its unit, that is a finding too:
/// silence must not be taken for a clean bill.
fn meant<'r>(rules: &'r Rules, kind: Kind, (name, unit): (&str, &str), findings: &mut Vec<Finding>) -> Vec<&'r Rule> {
    let named: Vec<&Rule> = rules.iter().filter(|rule| rule.applies.to == kind && rule.names(name)).collect();
    let knowing = |rule: &&&Rule| rule.knows(name);
    if let Some(first) = named.iter().find(knowing)
        && !named.iter().filter(knowing).any(|rule| rule.is_in(unit))
    {
        findings.push(wrong_unit(first, name, unit));
    }
    named.into_iter().filter(|rule| rule.is_in(unit)).collect()
}

fn judge_series(rule: &Rule, series: &Checked<'_>, findings: &mut Vec<Finding>) {
    let found = match &rule.condition {
        Condition::Held { bands, longest_gap_seconds } => series::held(rule, series, bands, *longest_gap_seconds),
        Condition::Decline(plan) => declined(rule, series, plan),
        Condition::RobustZ { least_values, least_seconds, bands } => {
            let found = series::far_from_all(rule, series, *least_values, bands);
            found.into_iter().filter(|finding| finding.seconds() >= *least_seconds).collect()
        }
        Condition::Hampel { half_window, bands } => series::far_from_neighbours(rule, series, *half_window, bands),
        Condition::ContextualZ { least_values, bands } => series::far_from_alike(rule, series, *least_values, bands),
        Condition::Shift { block_seconds, reference_blocks, slack, decision, least_change, risk } => {
            let plan = series::Plan {
                block_seconds: *block_seconds,
                reference_blocks: *reference_blocks,
                slack: *slack,
                decision: *decision,
                least_change: *least_change,
                risk: *risk,
            };
            series::shifted(rule, series, &plan)
        }
        // Checked when the rules were read.
        Condition::Limits { .. } | Condition::Coded { .. } => Vec::new(),
    };
    keep_gravest(rule, series, found, findings);
}

fn keep_gravest(rule: &Rule, series: &Checked<'_>, mut found: Vec<Finding>, findings: &mut Vec<Finding>) {
    let size = |finding: &Finding| finding.score.unwrap_or_default().abs();
    found.sort_by(|one, other| one.risk.cmp(&other.risk).then_with(|| size(other).total_cmp(&size(one))));
    if found.len() > MOST_OF_A_RULE {
        let more = found.len() - MOST_OF_A_RULE;
        found.truncate(MOST_OF_A_RULE);
        found.push(Finding {
            text: format!("{more} more places where the same holds: {}.", rule.title),
            rule: rule.name(),
            anomaly: Some(rule.anomaly_type),
            subject: series.name.to_owned(),
            ..blank()
        });
    }
    findings.extend(found);
}

fn blank() -> Finding {
    Finding {
        rule: String::new(),
        anomaly: None,
        risk: Risk::Blue,
        text: String::new(),
        subject: String::new(),
        span: None,
        score: None,
    }
}

/// Measurements far apart are what single measurements are, several of them.
fn judge_spots(rules: &Rules, series: &Checked<'_>, findings: &mut Vec<Finding>) {
    for rule in meant(rules, Kind::Value, (series.name, series.unit), findings) {
        let spot = |(at, value): (f64, f64)| Measured {
            name: series.name.to_owned(),
            unit: series.unit.to_owned(),
            value,
            at_seconds: Some(at),
        };
        let found: Vec<Finding> = series.values().filter_map(|point| judge_value(rule, &spot(point))).collect();
        keep_gravest(rule, series, found, findings);
    }
}

fn judge_value(rule: &Rule, measured: &Measured) -> Option<Finding> {
    let Condition::Limits { bands } = &rule.condition else { return None };
    if !measured.value.is_finite() {
        return Some(aside(&rule.name(), &measured.name, "the value is not a number"));
    }
    let band = bands.iter().find(|band| band.holds(measured.value))?;
    let words = Words { name: &measured.name, unit: &measured.unit, value: Some(measured.value), ..Words::default() };
    Some(Finding {
        rule: rule.name(),
        anomaly: Some(rule.anomaly_type),
        risk: band.risk,
        text: words.fill(&rule.finding),
        subject: measured.name.clone(),
        span: measured.at_seconds.filter(|at| at.is_finite()).map(|at| (at, at)),
        score: Some(measured.value),
    })
}

fn judge_code(rule: &Rule, coded: &Coded, at: Option<OffsetDateTime>) -> Option<Finding> {
    let Condition::Coded { systems, codes, risk, recent_days } = &rule.condition else { return None };
    let is_meant = |code: &String| match code.strip_suffix('*') {
        Some(head) => coded.code.starts_with(head),
        None => *code == coded.code,
    };
    if !systems.contains(&coded.system) || !codes.iter().any(is_meant) {
        return None;
    }
    let since = coded.at.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    let is_history = match (since, at) {
        (Some(since), Some(at)) => at - since > Duration::days(i64::from(*recent_days)),
        // Not known to be old is not old.
        _ => false,
    };
    let name = coded.display.as_deref().unwrap_or(&coded.code);
    let text = Words { name, ..Words::default() }.fill(&rule.finding);
    Some(Finding {
        rule: rule.name(),
        anomaly: Some(rule.anomaly_type),
        risk: if is_history { Risk::Green } else { *risk },
        text: if is_history { format!("{text} (in the history)") } else { text },
        subject: format!("{}|{}", coded.system, coded.code),
        span: None,
        score: None,
    })
}

fn wrong_unit(rule: &Rule, name: &str, unit: &str) -> Finding {
    let expected = rule.applies.units.join(" or ");
    aside(&rule.name(), name, &format!("its limits are in {expected} and the data is in {}", words_of_unit(unit)))
}

fn words_of_unit(unit: &str) -> &str {
    if unit.is_empty() { "no unit" } else { unit }
}

/// A rule stood aside: told, so that silence is not taken for a clean bill.
fn aside(rule: &str, name: &str, reason: &str) -> Finding {
    Finding {
        rule: rule.to_owned(),
        text: Words::cut(format!("Not judged: “{name}” by {rule}: {reason}.")),
        subject: name.to_owned(),
        ..blank()
    }
}
