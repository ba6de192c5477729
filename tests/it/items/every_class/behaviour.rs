//! A week of steps, and raw acceleration: an hour of known levels on each of five days, and, for the daily pattern, three
//! days of which each epoch holds as little as counts.

use std::sync::LazyLock;

use health_back_end::{domain::operation::Operation, schema::wire::DataFormat};
use serde_json::{Value, json};

use super::samples::{Sample, near, number};

/// Thursday, 7 March 2024, 00:00 UTC: five days from here hold a weekend.
const THURSDAY: i64 = 1_709_769_600;
const DAY: i64 = 86_400;
const TENTHS_OF_AN_HOUR: i64 = 36_000;
const BY_HOUR: &[Operation] = &[
    Operation::BehaviouralStateDetection,
    Operation::BehaviouralStateClassification,
    Operation::BehaviouralTrendMonitoring,
    Operation::BehaviouralRiskPrediction,
];
const BY_DAY: &[Operation] = &[Operation::BehaviouralPatternCharacterisation];

static STEPS: LazyLock<Vec<Row>> = LazyLock::new(steps);
static HOURS: LazyLock<Vec<Row>> = LazyLock::new(hours);
static DAYS: LazyLock<Vec<Row>> = LazyLock::new(days);

/// A timestamp in tenths of a second, and what was measured.
type Row = (i64, Vec<f64>);

pub fn samples(format: DataFormat) -> Vec<Sample> {
    let by_hour =
        Sample { only: BY_HOUR, parameters: of_short_days, ..Sample::new(write(format, &HOURS), check_hours) };
    let by_day = Sample { only: BY_DAY, ..Sample::new(write(format, &DAYS), check_days) };
    vec![Sample::new(write(format, &STEPS), check_steps), by_hour, by_day]
}

fn of_short_days(operation: Operation) -> Value {
    match operation {
        Operation::BehaviouralStateDetection => json!({}),
        _ => json!({"MinimumHours": 1}),
    }
}

pub fn write(format: DataFormat, rows: &[Row]) -> Vec<u8> {
    let names: &[&str] = if rows[0].1.len() == 1 { &["steps"] } else { &["x", "y", "z"] };
    let at = |tenths: i64| format!("{}.{}", tenths / 10, tenths % 10);
    match format {
        DataFormat::Csv => {
            let line = |(tenths, values): &Row| {
                values.iter().fold(at(*tenths), |line, value| format!("{line},{value}")) + "\n"
            };
            (format!("timestamp,{}\n", names.join(",")) + &rows.iter().map(line).collect::<String>()).into_bytes()
        }
        DataFormat::Json => {
            let object = |(tenths, values): &Row| {
                let named = names.iter().zip(values).map(|(name, value)| format!(",\"{name}\":{value}"));
                format!("{{\"timestamp\":{}{}}}", at(*tenths), named.collect::<String>())
            };
            format!("[{}]", rows.iter().map(object).collect::<Vec<_>>().join(",")).into_bytes()
        }
        other => panic!("{} is no format of behaviour", other.word()),
    }
}

/// Seven days: still at night, sixty steps a minute from eight o'clock, more by one each day; twenty minutes at a hundred
/// and twenty from noon.
fn steps() -> Vec<Row> {
    let count = |minute: i64| match minute % 1_440 {
        0..480 => 0,
        720..740 => 120,
        _ => 60 + minute / 1_440,
    };
    (0..7 * 1_440).map(|minute| ((THURSDAY + minute * 60) * 10, vec![count(minute) as f64])).collect()
}

pub fn one_day_of_steps() -> Vec<Row> {
    STEPS[..1_440].to_vec()
}

/// Ten samples a second for an hour from noon on five days: half an hour at 20 mg above one g, then at 200 and a little
/// more each day. Turned from axis to axis, so that the device counts as worn.
fn hours() -> Vec<Row> {
    let mut rows = Vec::new();
    for day in 0..5 {
        let start = (THURSDAY + day * DAY + 43_200) * 10;
        for tick in 0..TENTHS_OF_AN_HOUR {
            let above = if tick < TENTHS_OF_AN_HOUR / 2 { 0.02 } else { 0.2 + 0.02 * day as f64 };
            rows.push((start + tick, turned(1.0 + above, tick)));
        }
    }
    rows
}

/// Three days: of each minute the first thirty seconds, of each epoch in them the first half. Twenty mg at night, a hundred
/// from eight o'clock.
fn days() -> Vec<Row> {
    let mut rows = Vec::new();
    for second in (0..3 * DAY).filter(|second| second % 60 < 30 && second % 5 < 3) {
        let above = if second % DAY < 28_800 { 0.02 } else { 0.1 };
        for tenth in 0..10 {
            rows.push(((THURSDAY + second) * 10 + tenth, turned(1.0 + above, second * 10 + tenth)));
        }
    }
    rows
}

/// A vector of this length, each second along another axis.
fn turned(length: f64, tick: i64) -> Vec<f64> {
    let mut axes = vec![0.0; 3];
    axes[(tick / 10 % 3) as usize] = length;
    axes
}

fn check_steps(operation: Operation, result: &Value) {
    match operation {
        Operation::BehaviouralStateDetection => {
            let bouts = result["ActivityBouts"].as_array().unwrap();
            assert_eq!((bouts.len(), &bouts[0]["Minutes"]), (7, &json!(20)), "{result}");
            assert_eq!(bouts[0]["StartMinute"], 720);
        }
        Operation::BehaviouralStateClassification => {
            assert_eq!(number(result, "/All/ModerateMinutes"), 140.0, "{result}");
            assert_eq!(number(result, "/All/ValidMinutes"), 10_080.0);
        }
        Operation::BehaviouralPatternCharacterisation => {
            assert_eq!((number(result, "/L5"), number(result, "/L5StartMinute")), (0.0, 0.0), "{result}");
            near(result, "/RelativeAmplitude", 1.0, 1e-9);
        }
        Operation::BehaviouralTrendMonitoring => {
            // One step more a minute, in all minutes by day but twenty.
            near(result, "/Trend/Slope", 940.0 / 1_440.0, 1e-9);
            assert_eq!(result["Trend"]["Direction"], "Rising");
        }
        // Twenty moderate minutes on each of seven days.
        Operation::BehaviouralRiskPrediction => {
            assert_eq!(
                (number(result, "/CountedMinutes"), &result["GuidelineMet"]),
                (140.0, &json!(false)),
                "{result}"
            );
        }
        other => panic!("what is true of steps under {other} is not known here"),
    }
}

fn check_hours(operation: Operation, result: &Value) {
    match operation {
        Operation::BehaviouralStateDetection => {
            let bouts = result["ActivityBouts"].as_array().unwrap();
            assert_eq!((bouts.len(), &bouts[0]["Minutes"]), (5, &json!(30)), "{result}");
            near(&bouts[0], "/Mean", 200.0, 0.01);
        }
        Operation::BehaviouralStateClassification => {
            assert_eq!(number(result, "/All/SedentaryMinutes"), 150.0, "{result}");
            assert_eq!(number(result, "/All/ModerateMinutes"), 150.0);
        }
        Operation::BehaviouralTrendMonitoring => near(result, "/Trend/Slope", 10.0, 0.01),
        Operation::BehaviouralRiskPrediction => {
            assert_eq!((number(result, "/ValidDays"), number(result, "/ValidWeekendDays")), (5.0, 2.0), "{result}");
            assert_eq!(number(result, "/CountedMinutes"), 210.0);
        }
        other => panic!("what is true of acceleration under {other} is not known here"),
    }
}

fn check_days(operation: Operation, result: &Value) {
    assert_eq!(
        operation,
        Operation::BehaviouralPatternCharacterisation,
        "what is true under another is not known here"
    );
    near(result, "/L5", 20.0, 0.01);
    near(result, "/M10", 100.0, 0.01);
    near(result, "/InterdailyStability", 1.0, 1e-9);
    near(result, "/M10StartMinute", 480.0, 0.0);
}
