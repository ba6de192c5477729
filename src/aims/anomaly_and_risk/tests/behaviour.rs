//! Behaviour: days against a person's own weeks, stillness, nights, rhythm.

use super::*;

const DAY: f64 = 86_400.0;

/// Someone who walks about so many steps a day, a little more and a little less.
fn days(level: f64, count: usize) -> Vec<f64> {
    (0..count).map(|day| level + 600.0 * (day as f64 * 0.9).sin() + 300.0 * (day as f64 * 2.3).cos()).collect()
}

fn steps(values: Vec<f64>) -> Vec<Finding> {
    judged(series("Daily steps", "{steps}/d", DAY, values))
}

fn span_in_days(finding: &Finding) -> (f64, f64) {
    finding.span.map(|(from, to)| (from / DAY, to / DAY)).unwrap()
}

#[test]
fn usual_days_are_no_finding() {
    for level in [2_000.0, 6_000.0, 15_000.0] {
        let findings = steps(days(level, 60));
        assert!(of(&findings, "fall-off-in-activity").is_empty(), "{findings:?}");
        assert!(of(&findings, "day-of-little-activity").is_empty(), "{findings:?}");
    }
    // Who walks more than usual is not in decline, and who never walks cannot walk less.
    let mut better = days(6_000.0, 30);
    better.extend(days(12_000.0, 30));
    assert!(of(&steps(better), "fall-off-in-activity").is_empty());
    assert!(of(&steps(vec![0.0; 40]), "fall-off-in-activity").is_empty());
}

#[test]
fn a_fall_off_is_told_once_from_its_third_day_on() {
    for (lasting, expected) in [(2, 0), (3, 1), (20, 1)] {
        let mut values = days(8_000.0, 30);
        values.extend(days(2_500.0, lasting));
        values.extend(days(8_000.0, 20));
        let findings = steps(values);
        let fallen = of(&findings, "fall-off-in-activity");
        assert_eq!(fallen.len(), expected, "{lasting}: {findings:?}");
        if let Some(finding) = fallen.first() {
            assert_eq!(span_in_days(finding), (30.0, 29.0 + lasting as f64));
            assert_eq!((finding.risk, finding.anomaly), (Risk::Yellow, Some(AnomalyType::Collective)));
            assert!(finding.text.contains(&format!("on {lasting} days in a row")), "{}", finding.text);
            assert!(finding.score.unwrap() < -2.0);
        }
    }
}

#[test]
fn it_is_the_persons_own_usual_that_counts() {
    // 3,000 steps are few for one and usual for another.
    let low = |usual: f64| {
        let mut values = days(usual, 20);
        values.extend([3_000.0; 5]);
        of(&steps(values), "fall-off-in-activity").len()
    };
    assert_eq!((low(9_000.0), low(3_500.0)), (1, 0));
    // A week is needed to know what is usual, and these are nine days.
    let mut short = days(9_000.0, 4);
    short.extend([2_000.0; 5]);
    assert!(of(&steps(short), "fall-off-in-activity").is_empty());
    // Somebody whose days differ widely is not held against a narrow usual.
    let mut wild: Vec<f64> = (0..28).map(|day| if day % 2 == 0 { 2_000.0 } else { 14_000.0 }).collect();
    wild.extend([2_500.0, 3_000.0, 2_800.0]);
    assert!(of(&steps(wild), "fall-off-in-activity").is_empty());
    // Days that are all alike count as differing a little.
    let mut even = vec![6_000.0; 10];
    even.extend([2_000.0; 3]);
    assert_eq!(of(&steps(even), "fall-off-in-activity").len(), 1);
}

#[test]
fn a_single_lazy_day_is_worth_knowing_and_no_alert() {
    let mut values = days(8_000.0, 30);
    values[20] = 900.0;
    let findings = steps(values);
    let found = of(&findings, "day-of-little-activity");
    assert_eq!((found.len(), found[0].risk, found[0].anomaly), (1, Risk::Green, Some(AnomalyType::Point)));
    assert_eq!(span_in_days(found[0]), (20.0, 20.0));
    assert!(!findings.iter().any(|finding| is_alerting(finding.risk)), "{findings:?}");
}

/// A day by the minute: active by day in short bouts, still at night.
fn minutes(days: usize, change: impl Fn(usize, &mut f64)) -> Series {
    let mut observed = series("ENMO", "m[g]", 60.0, Vec::new());
    let mut context = Vec::new();
    for minute in 0..days * 1440 {
        let of_day = minute % 1440;
        let mut value = if of_day < 420 || of_day % 7 != 0 { 5.0 } else { 120.0 };
        change(minute, &mut value);
        observed.values.push(value);
        context.push(if of_day < 360 { "night" } else { "day" }.to_owned());
    }
    observed.at_seconds = (0..days * 1440).map(|minute| minute as f64 * 60.0).collect();
    observed.context = Some(context);
    observed
}

#[test]
fn twelve_hours_without_movement_by_day_are_told() {
    assert!(of(&judged(minutes(3, |_, _| ())), "long-inactivity").is_empty());
    for (hours, count) in [(11, 0), (13, 1)] {
        let still = 1440 + 480..1440 + 480 + hours * 60;
        let findings = judged(minutes(3, |minute, value| {
            if still.contains(&minute) {
                *value = 3.0;
            }
        }));
        let found = of(&findings, "long-inactivity");
        assert_eq!(found.len(), count, "{hours}: {findings:?}");
        if let Some(finding) = found.first() {
            assert_eq!((finding.risk, finding.anomaly), (Risk::Yellow, Some(AnomalyType::Collective)));
            let (from, to) = finding.span.unwrap();
            assert!(to - from >= 43_200.0 && from <= 60.0 * still.start as f64, "{from} {to}");
        }
    }
}

#[test]
fn steps_by_the_hour_are_judged_too_and_a_device_that_was_off_is_not_stillness() {
    let hourly = |values: Vec<f64>| {
        let context = (0..values.len()).map(|hour| if hour % 24 < 6 { "night" } else { "day" }.to_owned()).collect();
        Series { context: Some(context), ..series("Step cadence", "{steps}/min", 3_600.0, values) }
    };
    let mut values = vec![20.0; 72];
    values[31..45].fill(0.0);
    let findings = judged(hourly(values.clone()));
    assert_eq!(of(&findings, "long-inactivity-steps").len(), 1, "{findings:?}");
    // Eight of these hours are not there at all.
    let mut gap = hourly(values);
    gap.values.drain(34..42);
    gap.at_seconds.drain(34..42);
    gap.context.as_mut().unwrap().drain(34..42);
    assert!(of(&judged(gap), "long-inactivity-steps").is_empty());
    // Nights are still, and no finding.
    assert!(of(&judged(hourly(vec![0.0; 6])), "long-inactivity-steps").is_empty());
}

#[test]
fn brisk_activity_is_out_of_place_at_night_and_not_by_day() {
    let walk = |start: usize, length: usize| {
        let findings = judged(minutes(2, |minute, value| {
            if (start..start + length).contains(&minute) {
                *value = 150.0;
            }
        }));
        of(&findings, "active-at-night").iter().map(|f| (f.risk, f.anomaly)).collect::<Vec<_>>()
    };
    assert_eq!(walk(1440 + 120, 40), [(Risk::Green, Some(AnomalyType::Contextual))]);
    assert_eq!(walk(1440 + 120, 20), []);
    assert_eq!(walk(1440 + 720, 40), []);
}

#[test]
fn a_rhythm_that_is_lost_is_told() {
    for (name, number, rule, colour) in [
        ("Relative amplitude", 0.88, "flat-rhythm", None),
        ("Relative amplitude", 0.6, "flat-rhythm", None),
        ("Relative amplitude", 0.59, "flat-rhythm", Some(Risk::Yellow)),
        ("Interdaily stability", 0.57, "irregular-rhythm", None),
        ("Interdaily stability", 0.2, "irregular-rhythm", Some(Risk::Green)),
        ("Intradaily variability", 0.8, "fragmented-rhythm", None),
        ("Intradaily variability", 1.6, "fragmented-rhythm", Some(Risk::Green)),
    ] {
        let findings = judge(rules(), &value(name, "1", number), None);
        assert_eq!(of(&findings, rule).first().map(|finding| finding.risk), colour, "{name} {number}: {findings:?}");
    }
}

/// A person's day by the minute: asleep, sitting most of the day, walking in bouts of different length and cadence.
fn day_of_steps(seed: u64) -> Series {
    let mut random = Random(seed);
    let mut values = vec![0.0; 1440];
    let mut minute = 420;
    while minute < 1_380 {
        minute += 5 + (40.0 * random.uniform()) as usize;
        let (bout, cadence) = (1 + (12.0 * random.uniform()) as usize, 25.0 + 90.0 * random.uniform());
        for value in &mut values[minute.min(1_380)..(minute + bout).min(1_380)] {
            *value = (cadence + 12.0 * random.normal()).max(1.0).round();
        }
        minute += bout;
    }
    let context = (0..1440).map(|minute| if minute < 360 { "night" } else { "day" }.to_owned()).collect();
    Series { context: Some(context), ..series("Step cadence", "{steps}/min", 60.0, values) }
}

/// Nothing is planted in these days, so every finding is noise. Before, each was held against a usual of zero.
#[test]
fn steps_by_the_minute_are_no_outliers_among_minutes_of_sitting() {
    use crate::aims::anomaly_and_risk::robust::Usual;
    let (mut before, mut now, mut minutes) = (0, 0, 0);
    for seed in 1..=50 {
        let day = day_of_steps(seed);
        minutes += day.values.len();
        let usual = Usual::of(&day.values).unwrap();
        before += day.values.iter().filter(|value| usual.score(**value).abs() > 3.5).count();
        let findings = judged(day);
        now += of(&findings, "outlier").len() + of(&findings, "unlike-its-circumstances").len();
    }
    println!("50 days of steps by the minute, {minutes} minutes: {before} of them outliers before, {now} findings now");
    assert!(before > 1_000 && now <= 5, "{before} {now}");
    // What is unusual among minutes of walking is still found.
    let mut day = day_of_steps(1);
    day.values[700] = 420.0;
    assert_eq!(
        of(&judged(day), "outlier").iter().map(|finding| finding.span).collect::<Vec<_>>(),
        [Some((42_000.0, 42_000.0))]
    );
    // Zeros among values below zero are no state of their own.
    let mut signed = vec![0.0; 60];
    signed[10] = -5.0;
    assert_eq!(of(&judged(series("Balance", "1", 60.0, signed)), "outlier").len(), 1);
}
