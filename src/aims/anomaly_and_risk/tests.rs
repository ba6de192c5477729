//! The judge on series whose anomalies are known because they were put there.

mod behaviour;

use time::macros::datetime;

use super::{
    finding::{Finding, is_alerting},
    judge::judge,
    rules::Rules,
};
use crate::{
    aims::ai_modules::observations::{Coded, Measured, Observations, Series},
    domain::taxonomy::AnomalyType,
    schema::wire::Risk,
};

/// A small generator of our own (xorshift64*), so that a seed means the same everywhere.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.uniform()).ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

fn series(name: &str, unit: &str, step: f64, values: Vec<f64>) -> Series {
    let at_seconds = (0..values.len()).map(|n| n as f64 * step).collect();
    Series { name: name.to_owned(), unit: unit.to_owned(), at_seconds, values, context: None }
}

/// A heart rate that breathes around a level, one value a second.
fn heart_rate(level: f64, seconds: usize) -> Vec<f64> {
    (0..seconds).map(|n| level + 3.0 * (n as f64 * 1.57).sin() + 2.0 * (n as f64 * 0.63).cos()).collect()
}

/// Read once: compiling their schema takes longer than judging by them.
fn rules() -> &'static Rules {
    static RULES: std::sync::OnceLock<Rules> = std::sync::OnceLock::new();
    RULES.get_or_init(|| Rules::load().unwrap())
}

fn judged(series: Series) -> Vec<Finding> {
    let observations = Observations { series: vec![series], ..Observations::default() };
    judge(rules(), &observations, None)
}

fn of<'a>(findings: &'a [Finding], rule: &str) -> Vec<&'a Finding> {
    findings.iter().filter(|finding| finding.rule.starts_with(&format!("{rule}@"))).collect()
}

/// A laboratory value without a time of its own.
fn undated(name: &str, unit: &str, value: f64) -> Measured {
    Measured { name: name.to_owned(), unit: unit.to_owned(), value, at_seconds: None }
}

#[test]
fn two_values_without_a_time_are_two_findings() {
    let of_values = |values: &[f64]| {
        let values = values.iter().map(|value| undated("Potassium", "mmol/L", *value)).collect();
        judge(rules(), &Observations { values, ..Observations::default() }, None)
    };
    let findings = of_values(&[6.7, 2.3, 6.7]);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings.iter().all(|finding| finding.risk == Risk::Red));
    let keys = |findings: &[Finding]| findings.iter().map(Finding::key).collect::<Vec<_>>();
    assert_ne!(keys(&findings)[0], keys(&findings)[1]);
    assert_eq!(keys(&findings), keys(&of_values(&[2.3, 6.7])), "the same again is the same");
}

#[test]
fn what_was_not_judged_and_what_is_not_shown_is_said() {
    let values = |count: usize, value: f64, unit: &str| {
        (0..count).map(|n| undated("Potassium", unit, value + n as f64 / 1e3)).collect::<Vec<_>>()
    };
    let judge = |values| judge(rules(), &Observations { values, ..Observations::default() }, None);
    let whole = judge(values(64, 6.7, "mmol/L"));
    assert_eq!(whole.len(), 64);
    assert!(whole.iter().all(|finding| finding.risk == Risk::Red), "all of them fit");
    let findings = judge([values(100, 6.7, "mmol/L"), values(1, 26.0, "mg/dL")].concat());
    assert_eq!(findings.len(), 64);
    let said = |text: &str| findings.iter().filter(|finding| finding.text.contains(text)).count();
    assert_eq!((said("Not judged: “Potassium”"), said("Not shown: 38 more findings")), (1, 1), "{findings:?}");
    assert_eq!(findings.iter().filter(|finding| finding.risk == Risk::Red).count(), 62);
    assert!(findings.is_sorted_by_key(|finding| finding.risk));
}

#[test]
fn a_clean_series_gives_nothing() {
    assert_eq!(judged(series("Heart rate", "/min", 1.0, heart_rate(72.0, 3_600))), []);
    let intervals = heart_rate(800.0, 4_000);
    assert_eq!(judged(series("RR interval", "ms", 0.8, intervals)), []);
}

#[test]
fn every_planted_outlier_is_found_and_nothing_else() {
    let mut values = heart_rate(800.0, 2_000);
    let planted = [17, 400, 401, 1_000, 1_999];
    for place in planted {
        values[place] += 60.0;
    }
    let findings = judged(series("RR interval", "ms", 1.0, values));
    let found: Vec<_> = of(&findings, "outlier").iter().map(|finding| finding.span.unwrap()).collect();
    // Two neighbours are one finding.
    let mut sorted = found.clone();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert_eq!(sorted, [(17.0, 17.0), (400.0, 401.0), (1_000.0, 1_000.0), (1_999.0, 1_999.0)]);
    assert!(findings.iter().all(|finding| finding.risk == Risk::Green && !is_alerting(finding.risk)));
}

/// What the rule costs and what it finds, on noise as it is in books; the figures stand in docs/alerting.md.
#[test]
fn sensitivity_and_false_alarms_of_the_outlier_rule_are_as_documented() {
    let mut random = Random(7);
    let (mut false_alarms, mut found) = (0, 0);
    const SERIES: usize = 200;
    for _ in 0..SERIES {
        let mut values: Vec<f64> = (0..500).map(|_| 800.0 + 30.0 * random.normal()).collect();
        false_alarms += of(&judged(series("RR interval", "ms", 1.0, values.clone())), "outlier").len();
        values[250] = 800.0 + 6.0 * 30.0;
        let findings = judged(series("RR interval", "ms", 1.0, values));
        found += usize::from(of(&findings, "outlier").iter().any(|f| f.span == Some((250.0, 250.0))));
    }
    let rate = false_alarms as f64 / (SERIES * 500) as f64;
    println!("false alarms: {rate:.5} per value; found: {found} of {SERIES} at six deviations");
    assert!((0.0002..0.0010).contains(&rate), "{rate}");
    assert_eq!(found, SERIES);
}

#[test]
fn an_early_beat_is_found_among_its_neighbours() {
    let mut values = heart_rate(800.0, 600);
    // The level wanders by more than the early beat is early.
    values.iter_mut().enumerate().for_each(|(n, value)| *value += 0.5 * n as f64);
    values[300] -= 90.0;
    let findings = judged(series("RR interval", "ms", 1.0, values));
    assert_eq!(of(&findings, "local-outlier").len(), 1);
    assert_eq!(of(&findings, "local-outlier")[0].span, Some((300.0, 300.0)));
    assert_eq!(of(&findings, "outlier"), Vec::<&Finding>::new());
}

#[test]
fn a_level_that_moves_is_told_once() {
    let mut values = heart_rate(70.0, 300);
    values.extend(heart_rate(100.0, 120));
    values.extend(heart_rate(70.0, 300));
    let findings = judged(series("Heart rate", "/min", 1.0, values));
    let moved = of(&findings, "heart-rate-shift");
    assert_eq!(moved.len(), 1, "{findings:?}");
    let (from, to) = moved[0].span.unwrap();
    assert!((290.0..=310.0).contains(&from) && (410.0..=430.0).contains(&to), "{from} {to}");
    assert_eq!((moved[0].anomaly, moved[0].risk), (Some(AnomalyType::Collective), Risk::Yellow));
}

#[test]
fn a_fast_heart_has_the_colour_of_its_rate_and_only_when_it_lasts() {
    for (level, seconds, colour) in [
        (160.0, 60, Some(Risk::Red)),
        (140.0, 60, Some(Risk::Orange)),
        (115.0, 60, Some(Risk::Yellow)),
        (90.0, 60, None),
        (160.0, 20, None),
    ] {
        let mut values = heart_rate(72.0, 300);
        values.extend(heart_rate(level, seconds));
        values.extend(heart_rate(72.0, 300));
        let findings = judged(series("Heart rate", "/min", 1.0, values));
        let fast = of(&findings, "tachycardia");
        assert_eq!(fast.first().map(|finding| finding.risk), colour, "{level} {seconds} {findings:?}");
        assert!(fast.len() <= 1, "a milder band claims it again: {findings:?}");
    }
}

#[test]
fn a_slow_heart_and_pauses() {
    let findings = judged(series("Heart rate", "/min", 1.0, heart_rate(44.0, 120)));
    assert_eq!(of(&findings, "bradycardia")[0].risk, Risk::Yellow);
    let mut intervals = heart_rate(800.0, 200);
    (intervals[20], intervals[90], intervals[150], intervals[170]) = (2_100.0, 3_000.0, 6_500.0, 1_999.0);
    let findings = judged(series("RR interval", "ms", 1.0, intervals.clone()));
    let pauses: Vec<_> = of(&findings, "pause-ms").iter().map(|f| (f.span.unwrap().0, f.risk)).collect();
    assert_eq!(pauses, [(150.0, Risk::Red), (90.0, Risk::Orange), (20.0, Risk::Yellow)]);
    let seconds: Vec<f64> = intervals.iter().map(|ms| ms / 1e3).collect();
    assert_eq!(of(&judged(series("RR interval", "s", 1.0, seconds)), "pause").len(), 3);
}

#[test]
fn circumstances_make_a_value_unusual() {
    let mut with_context = series("Heart rate", "/min", 60.0, Vec::new());
    let mut words = Vec::new();
    for hour in 0..10 {
        let (level, word) = if hour % 2 == 0 { (65.0, "rest") } else { (120.0, "active") };
        with_context.values.extend(heart_rate(level, 60));
        words.extend(std::iter::repeat_n(word.to_owned(), 60));
    }
    // As usual in exercise, and out of place at rest.
    with_context.values[30] = 118.0;
    with_context.values[31] = 119.0;
    with_context.at_seconds = (0..600).map(|n| f64::from(n) * 60.0).collect();
    with_context.context = Some(words);
    let findings = judged(with_context);
    let contextual: Vec<_> = findings.iter().filter(|f| f.anomaly == Some(AnomalyType::Contextual)).collect();
    assert_eq!(contextual.len(), 2, "{findings:?}");
    assert_eq!(of(&findings, "tachycardia-at-rest")[0].risk, Risk::Yellow);
    assert_eq!(of(&findings, "unlike-its-circumstances")[0].span, Some((1_800.0, 1_860.0)));
    // Exercise itself is no tachycardia.
    assert_eq!(of(&findings, "tachycardia"), Vec::<&Finding>::new());
}

fn value(name: &str, unit: &str, value: f64) -> Observations {
    let measured = Measured { name: name.to_owned(), unit: unit.to_owned(), value, at_seconds: None };
    Observations { values: vec![measured], ..Observations::default() }
}

#[test]
fn single_values_at_their_limits() {
    for (name, unit, number, colour) in [
        ("Oxygen saturation", "%", 91.0, Some(Risk::Orange)),
        ("Oxygen saturation", "%", 91.1, Some(Risk::Yellow)),
        ("Oxygen saturation", "%", 94.0, None),
        ("Glucose", "mg/dL", 53.9, Some(Risk::Orange)),
        ("Glucose", "mg/dL", 54.0, Some(Risk::Yellow)),
        ("Glucose", "mg/dL", 250.0, None),
        ("Glucose", "mmol/L", 14.0, Some(Risk::Orange)),
        ("Potassium", "mmol/L", 6.5, Some(Risk::Red)),
        ("Potassium", "mmol/L", 6.4, Some(Risk::Orange)),
        ("Potassium", "mmol/L", 2.5, Some(Risk::Red)),
        ("Systolic blood pressure", "mm[Hg]", 180.0, Some(Risk::Orange)),
        ("Systolic blood pressure", "mm[Hg]", 139.0, None),
        ("Systolic blood pressure", "mm[Hg]", 90.0, Some(Risk::Orange)),
        ("NEWS2", "{score}", 0.0, None),
        ("NEWS2", "{score}", 1.0, Some(Risk::Green)),
        ("NEWS2", "{score}", 4.0, Some(Risk::Green)),
        ("NEWS2", "1", 5.0, Some(Risk::Orange)),
        ("NEWS2", "1", 6.0, Some(Risk::Orange)),
        ("NEWS2", "1", 7.0, Some(Risk::Red)),
        ("NEWS2", "1", 20.0, Some(Risk::Red)),
        ("NEWS2 highest parameter", "{score}", 2.0, None),
        ("NEWS2 highest parameter", "{score}", 3.0, Some(Risk::Orange)),
        ("QTc interval", "ms", 501.0, Some(Risk::Orange)),
        ("Shoe size", "1", 501.0, None),
    ] {
        let findings = judge(rules(), &value(name, unit, number), None);
        assert_eq!(findings.first().map(|finding| finding.risk), colour, "{name} {number}: {findings:?}");
        assert!(findings.len() <= 1, "{findings:?}");
    }
}

#[test]
fn a_rule_in_another_unit_stands_aside_and_says_so() {
    let findings = judge(rules(), &value("Potassium", "mg/dL", 20.0), None);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].risk, findings[0].anomaly), (Risk::Blue, None));
    assert!(findings[0].text.contains("mg/dL") && findings[0].text.contains("mmol/L"), "{}", findings[0].text);
    let hertz = judged(series("Heart rate", "Hz", 1.0, heart_rate(3.0, 100)));
    assert!(hertz.iter().any(|f| f.risk == Risk::Blue && f.text.contains("Hz")), "{hertz:?}");
    assert!(!hertz.iter().any(|f| is_alerting(f.risk)));
}

#[test]
fn measurements_now_and_then_are_judged_one_by_one() {
    let mut visits = series("potassium", "mmol/L", 86_400.0, vec![4.1, 6.6, 4.2, 2.4]);
    let found: Vec<_> = judged(visits.clone()).iter().map(|f| (f.span.unwrap().0 / 86_400.0, f.risk)).collect();
    assert_eq!(found, [(1.0, Risk::Red), (3.0, Risk::Red)]);
    // A fast pulse at each of twelve visits is no tachycardia of a year.
    (visits.name, visits.unit) = ("heart rate".to_owned(), "/min".to_owned());
    visits.values = vec![160.0; 12];
    visits.at_seconds = (0..12).map(|month| f64::from(month) * 2.6e6).collect();
    let findings = judged(visits);
    assert_eq!(of(&findings, "tachycardia"), Vec::<&Finding>::new());
    assert_eq!(of(&findings, "pulse").len(), 12);
    // Beats are no visits.
    assert_eq!(of(&judged(series("HeartRate", "/min", 0.5, heart_rate(160.0, 20))), "pulse"), Vec::<&Finding>::new());
}

#[test]
fn a_burst_of_line_length_is_a_candidate_when_it_lasts() {
    for (seconds, count) in [(12, 1), (5, 0)] {
        let mut values = heart_rate(300.0, 600);
        (200..200 + seconds).for_each(|n| values[n] += 200.0);
        let findings = judged(series("LineLength Fp1-F7", "uV/s", 1.0, values));
        assert_eq!(of(&findings, "seizure-like").len(), count, "{seconds}");
    }
}

#[test]
fn codes_and_their_age() {
    let coded = |system: &str, code: &str, at: Option<&str>| Observations {
        codes: vec![Coded {
            system: system.to_owned(),
            code: code.to_owned(),
            display: Some("Myocardial infarction".to_owned()),
            at: at.map(str::to_owned),
        }],
        ..Observations::default()
    };
    let now = Some(datetime!(2026-03-01 00:00 UTC));
    let colour = |observations: &Observations| judge(rules(), observations, now).first().map(|finding| finding.risk);
    assert_eq!(colour(&coded("http://snomed.info/sct", "22298006", Some("2026-02-20T00:00:00Z"))), Some(Risk::Red));
    assert_eq!(colour(&coded("http://snomed.info/sct", "22298006", Some("2020-02-20T00:00:00Z"))), Some(Risk::Green));
    assert_eq!(colour(&coded("http://snomed.info/sct", "22298006", None)), Some(Risk::Red));
    assert_eq!(colour(&coded("http://hl7.org/fhir/sid/icd-10", "I21.4", None)), Some(Risk::Red));
    assert_eq!(colour(&coded("http://hl7.org/fhir/sid/icd-10", "J21.4", None)), None);
    assert_eq!(colour(&coded("http://snomed.info/sct", "22298006", Some("2026-02-01T00:00:00Z"))), Some(Risk::Red));
    assert_eq!(colour(&coded("http://snomed.info/sct", "22298006", Some("2026-01-31T00:00:00Z"))), Some(Risk::Green));
    // Severe sepsis in the American edition, and something else in the WHO's.
    assert_eq!(colour(&coded("http://hl7.org/fhir/sid/icd-10-cm", "R65.20", None)), Some(Risk::Red));
    assert_eq!(colour(&coded("http://hl7.org/fhir/sid/icd-10", "R65.2", None)), None);
    assert_eq!(colour(&coded("http://loinc.org", "22298006", None)), None);
}

#[test]
fn series_that_contradict_themselves_are_not_judged() {
    let good = series("Heart rate", "/min", 1.0, heart_rate(160.0, 60));
    let mut short = good.clone();
    short.at_seconds.pop();
    let mut backwards = good.clone();
    backwards.at_seconds.swap(3, 4);
    let mut nowhere = good.clone();
    nowhere.at_seconds[5] = f64::NAN;
    let mut lost = good.clone();
    lost.context = Some(vec!["rest".to_owned()]);
    for bad in [short, backwards, nowhere, lost] {
        let findings = judged(bad);
        assert_eq!((findings.len(), findings[0].risk), (1, Risk::Blue), "{findings:?}");
    }
    // Values that are no numbers are left out; the others are judged.
    let mut holes = good;
    holes.values[10] = f64::NAN;
    holes.values[11] = f64::INFINITY;
    assert_eq!(of(&judged(holes), "tachycardia").len(), 1);
    assert_eq!(judged(series("Heart rate", "/min", 1.0, Vec::new())), []);
}

#[test]
fn a_flood_is_cut_and_says_so() {
    let mut values = heart_rate(800.0, 4_000);
    (0..100).for_each(|n| values[n * 40] = 3_500.0);
    let findings = judged(series("RR interval", "ms", 1.0, values));
    let pauses = of(&findings, "pause-ms");
    assert_eq!(pauses.len(), 21);
    assert!(pauses.iter().any(|finding| finding.risk == Risk::Blue && finding.text.starts_with("80 more")));
    assert!(findings.len() <= super::judge::MOST_FINDINGS);
}

/// A record of years, made on the day of the item: what is old in it is told as history, and with its day.
#[test]
fn a_value_is_held_against_its_own_day() {
    let start = datetime!(2019-03-01 08:00 UTC);
    let made = datetime!(2026-01-10 12:00 UTC);
    let record = |name: &str, unit: &str, number: f64, observed: time::OffsetDateTime| Observations {
        start: Some("2019-03-01T08:00:00Z".to_owned()),
        values: vec![Measured {
            name: name.to_owned(),
            unit: unit.to_owned(),
            value: number,
            at_seconds: Some((observed - start).as_seconds_f64()),
        }],
        ..Observations::default()
    };
    for (name, unit, number, observed, colour, says) in [
        ("Potassium", "mmol/L", 6.8, datetime!(2026-01-10 08:00 UTC), Risk::Red, "Observed on 2026-01-10."),
        ("Potassium", "mmol/L", 6.8, datetime!(2026-01-03 12:00 UTC), Risk::Red, "Observed on 2026-01-03."),
        ("Potassium", "mmol/L", 6.8, datetime!(2026-01-03 11:59 UTC), Risk::Green, "(in the history)"),
        ("Potassium", "mmol/L", 6.8, datetime!(2019-03-01 08:00 UTC), Risk::Green, "Observed on 2019-03-01."),
        ("NEWS2", "{score}", 9.0, datetime!(2026-01-09 13:00 UTC), Risk::Red, "Observed on 2026-01-09."),
        ("NEWS2", "{score}", 9.0, datetime!(2026-01-09 11:00 UTC), Risk::Green, "(in the history)"),
        ("HbA1c", "%", 7.0, datetime!(2025-11-01 08:00 UTC), Risk::Yellow, "Observed on 2025-11-01."),
        // Later than the record says it was made: not old.
        ("Potassium", "mmol/L", 6.8, datetime!(2026-01-11 08:00 UTC), Risk::Red, "Observed on 2026-01-11."),
    ] {
        let findings = judge(rules(), &record(name, unit, number, observed), Some(made));
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!(finding.risk, colour, "{name} {observed}: {}", finding.text);
        assert!(finding.text.contains(says), "{}", finding.text);
        assert_eq!(is_alerting(finding.risk), colour != Risk::Green);
        // Not known to be old is not old: no time of the item, none of the value.
        let undated = judge(rules(), &record(name, unit, number, observed), None);
        assert_ne!(undated[0].risk, Risk::Green);
        assert!(!judge(rules(), &value(name, unit, number), Some(made))[0].text.contains("Observed"));
    }
    // Several of them, years apart, are single values all the same.
    let mut many = record("Potassium", "mmol/L", 0.0, start);
    many.values.clear();
    let at = |day: time::OffsetDateTime| (day - start).as_seconds_f64();
    many.series = vec![Series {
        name: "Potassium".to_owned(),
        unit: "mmol/L".to_owned(),
        at_seconds: vec![0.0, at(made) - 3_600.0],
        values: vec![6.8, 6.9],
        context: None,
    }];
    let findings = judge(rules(), &many, Some(made));
    let colours: Vec<_> = of(&findings, "potassium").iter().map(|finding| finding.risk).collect();
    assert_eq!(colours, [Risk::Red, Risk::Green], "{findings:?}");
}
