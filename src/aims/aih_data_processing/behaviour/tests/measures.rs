use serde_json::json;

use super::{MONDAY, acceleration, ask, attempt, steps};
use crate::{
    aims::{
        ai_modules::input::Input,
        aih_data_processing::behaviour::{
            observe,
            pattern::{PatternCharacterisation, characterise},
            recording::{Recording, Signal},
        },
    },
    domain::operation::Operation::{
        BehaviouralPatternCharacterisation, BehaviouralRiskPrediction, BehaviouralStateClassification,
        BehaviouralStateDetection, BehaviouralTrendMonitoring,
    },
    schema::wire::DataFormat,
};

/// Ten minutes each at 20, 50, 200 and 500 mg above one g.
#[test]
fn acceleration_has_the_minutes_it_was_given() {
    let above = |tick: i64| [0.02, 0.05, 0.2, 0.5][(tick / 6000) as usize];
    let file = acceleration(40, |tick| [0.0, 0.0, 1.0 + above(tick)]);
    let result = ask(BehaviouralStateClassification, &file);
    let expected = json!({"ValidMinutes": 40.0, "SedentaryMinutes": 10.0, "LightMinutes": 10.0,
                          "ModerateMinutes": 10.0, "VigorousMinutes": 10.0});
    assert_eq!(result["All"], expected);
    assert_eq!(result["CutPoints"]["Name"], "adult's wrist, any device");
    assert!((result["Days"][0]["Mean"].as_f64().unwrap() - 192.5).abs() < 1e-6);
    // At the hip 50 mg are light, 200 moderate, and 266.8 vigorous for this device.
    let parameters = json!({"WearSite": "hip", "Device": "GENEActiv", "AgeGroup": "child"});
    let result = attempt(BehaviouralStateClassification, DataFormat::Csv, file.as_bytes(), parameters).unwrap();
    assert_eq!((&result["All"]["SedentaryMinutes"], &result["All"]["VigorousMinutes"]), (&json!(20.0), &json!(0.0)));
}

/// Below one g ENMO is zero, not negative; the sine moves between 0.9 and 1.1, so its mean is 0.1/π.
#[test]
fn enmo_sets_negative_values_to_zero() {
    let wave = |tick: i64| 0.1 * (std::f64::consts::TAU * (tick as f64 + 0.5) / 50.0).sin();
    let result = ask(BehaviouralStateClassification, &acceleration(10, |tick| [0.0, 0.0, 1.0 + wave(tick)]));
    let mean = result["Days"][0]["Mean"].as_f64().unwrap();
    assert!((mean - 100.0 / std::f64::consts::PI).abs() < 0.05, "{mean}");
}

/// An hour of movement, two of a device on a table, an hour of movement: of the two hours, the four blocks of 15
/// minutes whose hour around them lies in them are not worn.
#[test]
fn a_device_on_a_table_is_not_worn() {
    let file = acceleration(240, |tick| {
        let moved = if (36_000..108_000).contains(&tick) { 0.0 } else { 0.2 * ((tick as f64) / 7.0).sin() };
        [moved, moved / 2.0, 1.0]
    });
    let result = ask(BehaviouralStateClassification, &file);
    assert_eq!(result["All"]["ValidMinutes"], 180.0);
    assert_eq!(result["WearAssessed"], true);
}

/// A person who sits still is knocked every ten minutes: the deviation stays far below 13 mg, the range does not stay
/// below 50 mg. Both must be small for non-wear.
#[test]
fn a_still_wearer_is_not_taken_for_a_table() {
    let file = acceleration(120, |tick| {
        let knock = if tick % 6000 == 3000 { 0.1 } else { 0.0 };
        [knock, knock, 1.0 + knock]
    });
    let result = ask(BehaviouralStateClassification, &file);
    assert_eq!((&result["All"]["ValidMinutes"], &result["WearAssessed"]), (&json!(120.0), &json!(true)));
}

#[test]
fn steps_fall_into_cadence_bands() {
    let cadence = [0, 10, 30, 50, 70, 90, 110, 125, 140];
    let result = ask(BehaviouralStateClassification, &steps(1, |minute| cadence.get(minute as usize).copied()));
    let minutes = result["CadenceBands"].as_array().unwrap().iter().map(|b| b["Minutes"].as_f64().unwrap());
    assert_eq!(minutes.collect::<Vec<_>>(), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0]);
    assert_eq!(result["All"]["ModerateMinutes"], 2.0);
    assert_eq!(result["All"]["VigorousMinutes"], 1.0);
    assert_eq!(result["CutPoints"]["Unit"], "steps/min");
}

#[test]
fn bouts_are_found_where_they_are() {
    let count = |minute: i64| match minute {
        60..75 if minute != 65 => 110,
        0..40 | 100..140 => 0,
        _ => 30,
    };
    let result = ask(BehaviouralStateDetection, &steps(1, |minute| (minute < 200).then(|| count(minute))));
    let mean = 14.0 * 110.0 / 15.0 + 30.0 / 15.0;
    assert_eq!(result["ActivityBouts"], json!([{"StartMinute": 60, "Minutes": 15, "Mean": mean}]));
    let starts = result["InactivityBouts"].as_array().unwrap().iter().map(|b| b["StartMinute"].as_u64().unwrap());
    assert_eq!(starts.collect::<Vec<_>>(), [0, 100]);
    let parameters = json!({"ActivityMinutes": 20, "InactivityMinutes": 41});
    let file = steps(1, |minute| (minute < 200).then(|| count(minute)));
    let result = attempt(BehaviouralStateDetection, DataFormat::Csv, file.as_bytes(), parameters).unwrap();
    assert_eq!((&result["ActivityBouts"], &result["InactivityBouts"]), (&json!([]), &json!([])));
}

/// Seven equal days, still from 0 to 8 h and 60 steps a minute from 8 to 24 h.
///
/// IS = 1. Of 167 pairs of hours 13 change by 60 (seven mornings, six midnights); the variance is 800:
/// IV = 13 · 3600 / (167 · 800). L5 = 0 from midnight, M10 = 60 from 8 h, RA = 1.
#[test]
fn the_pattern_of_a_square_day_has_its_closed_form() {
    let result =
        ask(BehaviouralPatternCharacterisation, &steps(7, |minute| Some(if minute % 1440 < 480 { 0 } else { 60 })));
    let value = |name: &str| result[name].as_f64().unwrap();
    assert!((value("InterdailyStability") - 1.0).abs() < 1e-12);
    assert!((value("IntradailyVariability") - 13.0 * 3600.0 / (167.0 * 800.0)).abs() < 1e-12);
    assert_eq!((value("L5"), value("M10"), value("RelativeAmplitude")), (0.0, 60.0, 1.0));
    assert_eq!((value("L5StartMinute"), value("M10StartMinute")), (0.0, 480.0));
}

fn hourly(hours: usize, value: impl Fn(usize) -> f64) -> PatternCharacterisation {
    let values = (0..hours).map(|hour| Some(value(hour))).collect();
    let recording = Recording {
        signal: Signal::Steps,
        start: MONDAY,
        epoch: 3600,
        values,
        clock_known: true,
        wear_assessed: false,
    };
    characterise(&recording).unwrap()
}

/// A sine `100 + 50 cos(15° h)` over n hours: IV = 2 (1 − c)(n − (1 − c))/(n − 1) with c = cos 15°; sums of cosines in
/// closed form give M10 around midnight and L5 around noon.
#[test]
fn the_pattern_of_a_sine_has_its_closed_form() {
    let degrees = |d: f64| d.to_radians();
    let n = 10 * 24;
    let found = hourly(n, |hour| 100.0 + 50.0 * degrees(15.0 * hour as f64).cos());
    let still = 1.0 - degrees(15.0).cos();
    let expected = 2.0 * still * (n as f64 - still) / (n as f64 - 1.0);
    assert!((found.interdaily_stability - 1.0).abs() < 1e-12);
    assert!((found.intradaily_variability - expected).abs() < 1e-12);
    let m10 = 100.0 + 5.0 * degrees(75.0).sin() / degrees(7.5).sin() * degrees(7.5).cos();
    let l5 = 100.0 - 10.0 * degrees(37.5).sin() / degrees(7.5).sin();
    assert!((found.m10 - m10).abs() < 1e-9 && (found.l5 - l5).abs() < 1e-9);
    assert_eq!((found.l5_start_minute, found.m10_start_minute), (600, 1140));
    assert!((found.relative_amplitude - (m10 - l5) / (m10 + l5)).abs() < 1e-12);
}

/// Every other hour: IV = 4 exactly, for every pair changes by twice the deviation. Noise: IV about 2, IS about 1/days.
#[test]
fn the_patterns_of_alternation_and_noise_are_as_expected() {
    let found = hourly(240, |hour| (hour % 2) as f64);
    assert!((found.intradaily_variability - 4.0).abs() < 1e-12);
    let found = hourly(60 * 24, |hour| f64::from((hour as u32 + 1).wrapping_mul(2_654_435_761) >> 8 & 0xffff));
    let mut state = 7_u64;
    let noise = (0..60 * 24).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64
    });
    let noise = noise.collect::<Vec<_>>();
    assert!(found.interdaily_stability < 0.2);
    let found = hourly(noise.len(), |hour| noise[hour]);
    assert!((found.intradaily_variability - 2.0).abs() < 0.15, "{}", found.intradaily_variability);
    assert!(found.interdaily_stability < 0.05, "{}", found.interdaily_stability);
}

#[test]
fn the_clock_is_the_one_of_the_place() {
    let file = steps(7, |minute| Some(if minute % 1440 < 480 { 0 } else { 60 }));
    let ask = |parameters| {
        let result = attempt(BehaviouralPatternCharacterisation, DataFormat::Csv, file.as_bytes(), parameters).unwrap();
        result["M10StartMinute"].as_i64().unwrap()
    };
    assert_eq!(ask(json!({})), 480);
    assert_eq!(ask(json!({"UTCOffsetMinutes": 120})), 600);
    let stated = file.lines().skip(1).enumerate().map(|(minute, line)| {
        let minute = minute as i64;
        let (day, hour, minute) = (minute / 1440 + 4, minute % 1440 / 60, minute % 60);
        format!("2024-03-{day:02}T{hour:02}:{minute:02}:00-05:00,{}\n", line.split(',').next_back().unwrap())
    });
    let stated = "timestamp,steps\n".to_owned() + &stated.collect::<String>();
    assert_eq!(super::ask(BehaviouralPatternCharacterisation, &stated)["M10StartMinute"], 480);
}

/// Days of 10, 12, 14 … steps in every minute: the slope is 2, all pairs rise, and p = 2/8!.
#[test]
fn a_rising_week_rises() {
    let result = ask(BehaviouralTrendMonitoring, &steps(8, |minute| Some(10 + 2 * (minute / 1440))));
    let trend = &result["Trend"];
    assert_eq!((&trend["Slope"], &trend["Direction"]), (&json!(2.0), &json!("Rising")));
    assert_eq!((&trend["MannKendallS"], &trend["KendallTau"]), (&json!(28), &json!(1.0)));
    assert!((trend["PValue"].as_f64().unwrap() - 2.0 / 40_320.0).abs() < 1e-12);
    let falls = ask(BehaviouralTrendMonitoring, &steps(8, |minute| Some(90 - 3 * (minute / 1440))));
    assert_eq!((&falls["Trend"]["Slope"], &falls["Trend"]["Direction"]), (&json!(-3.0), &json!("Falling")));
    let waves =
        ask(BehaviouralTrendMonitoring, &steps(8, |minute| Some([5, 9, 4, 8, 6, 7, 3, 10][(minute / 1440) as usize])));
    assert_eq!(waves["Trend"]["Direction"], "NoTrend");
}

/// A day with a gap counts as not valid, and the slope keeps to the calendar.
#[test]
fn days_without_enough_data_do_not_count() {
    let file = steps(8, |minute| (minute / 1440 != 3 || minute % 1440 < 600).then_some(10 + 2 * (minute / 1440)));
    let result = ask(BehaviouralTrendMonitoring, &file);
    let days = result["Days"].as_array().unwrap().iter().map(|day| day["Day"].as_i64().unwrap());
    assert_eq!(days.collect::<Vec<_>>(), [1, 2, 3, 5, 6, 7, 8]);
    assert_eq!(result["Trend"]["Slope"], 2.0);
    let parameters = json!({"MinimumHours": 10});
    let result = attempt(BehaviouralTrendMonitoring, DataFormat::Csv, file.as_bytes(), parameters).unwrap();
    assert_eq!(result["Days"].as_array().unwrap().len(), 8);
}

/// 20 moderate and one vigorous minute a day: 7 · (20 + 2) = 154. One moderate minute less: 147.
#[test]
fn the_guideline_is_met_at_150_equivalent_minutes() {
    let week = |moderate: i64| {
        steps(7, |minute| match minute % 1440 {
            m if m < moderate => Some(110),
            1000 => Some(140),
            _ => Some(0),
        })
    };
    let result = ask(BehaviouralRiskPrediction, &week(20));
    assert_eq!((&result["CountedMinutes"], &result["GuidelineMet"]), (&json!(154.0), &json!(true)));
    assert_eq!((&result["ValidDays"], &result["ValidWeekendDays"]), (&json!(7), &json!(2)));
    let result = ask(BehaviouralRiskPrediction, &week(19));
    assert_eq!((&result["CountedMinutes"], &result["GuidelineMet"]), (&json!(147.0), &json!(false)));
}

#[test]
fn json_says_what_csv_says() {
    let csv = steps(4, |minute| Some(minute % 7 * 10));
    let rows = csv.lines().skip(1).map(|line| line.split_once(',').unwrap());
    let rows = rows
        .map(|(at, steps)| format!("{{\"timestamp\":{at},\"steps\":{steps},\"device\":\"x\"}}"))
        .collect::<Vec<_>>();
    let list = format!("[{}]", rows.join(","));
    let object = format!("{{\"Samples\":{list},\"Unit\":\"steps\"}}");
    let expected = ask(BehaviouralPatternCharacterisation, &csv);
    for document in [list, object] {
        let found = attempt(BehaviouralPatternCharacterisation, DataFormat::Json, document.as_bytes(), json!({}));
        assert_eq!(found.unwrap(), expected);
    }
}

#[test]
fn what_can_be_judged_is_activity_by_the_minute() {
    let file = steps(2, |minute| Some(if minute % 1440 < 360 { 0 } else { 30 }));
    let observed = observed(&file, json!({"UTCOffsetMinutes": 0}));
    let series = &observed.series[0];
    assert_eq!((series.values.len(), series.at_seconds.len(), series.at_seconds[1]), (2880, 2880, 60.0));
    let context = series.context.as_ref().unwrap();
    assert_eq!((context[359].as_str(), context[360].as_str()), ("night", "day"));
    let daily = &observed.series[1];
    assert_eq!((daily.name.as_str(), daily.unit.as_str()), ("Daily steps", "{steps}/d"));
    assert_eq!((&daily.values[..], &daily.at_seconds[..]), (&[32_400.0, 32_400.0][..], &[0.0, 86_400.0][..]));
    assert!(observed.values.is_empty(), "{:?}", observed.values);
}

/// Seconds since 1970 do not say what the clock on the wall shows.
#[test]
fn without_a_local_clock_there_is_no_night() {
    let file = steps(2, |minute| Some(if minute % 1440 < 360 { 0 } else { 30 }));
    assert_eq!(observed(&file, json!({})).series[0].context, None);
    let clock = |parameters| attempt(BehaviouralStateDetection, DataFormat::Csv, file.as_bytes(), parameters).unwrap();
    assert_eq!(clock(json!({}))["Clock"], "UTC");
    assert_eq!(clock(json!({"UTCOffsetMinutes": 60}))["Clock"], "Local");
}

/// Hours of the day that are missing unequally do not make more of the stability than there is.
#[test]
fn stability_stays_a_share_where_hours_are_missing() {
    // Four days in which the hour from 23 is there once, with much in it.
    let file = steps(4, |minute| match (minute / 60 % 24, minute / 1440) {
        (23, 3) => Some(60),
        (23, _) => None,
        (hour, day) => Some(10 + (hour + day) % 3),
    });
    let found = ask(BehaviouralPatternCharacterisation, &file);
    let stability = found["InterdailyStability"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&stability), "{stability}");
}

fn observed(file: &str, parameters: serde_json::Value) -> crate::aims::ai_modules::observations::Observations {
    let parameters = parameters.as_object().cloned().unwrap_or_default();
    let attachments = std::collections::BTreeMap::new();
    let input = Input {
        operation: BehaviouralStateDetection,
        format: DataFormat::Csv,
        parameters: &parameters,
        payload: file.as_bytes(),
        attachments: &attachments,
    };
    observe(&input).unwrap()
}

#[test]
fn a_day_cut_off_is_not_taken_for_a_lazy_one() {
    // From noon of the first day to noon of the fourth.
    let file = steps(4, |minute| (720..3 * 1440 + 720).contains(&minute).then_some(10));
    let daily = &observed(&file, json!({})).series[1];
    assert_eq!((&daily.values[..], &daily.at_seconds[..]), (&[14_400.0, 14_400.0][..], &[43_200.0, 129_600.0][..]));
}

#[test]
fn the_rhythm_is_offered_where_the_recording_is_long_enough_and_of_movement() {
    let names = |signal: Signal, hours: i64| {
        let value = |minute: i64| Some(if minute % 1440 < 480 { 4.0 } else { 30.0 + (minute % 7) as f64 });
        let values = (0..hours * 60).map(value).collect();
        let recording = Recording { signal, start: MONDAY, epoch: 60, values, clock_known: true, wear_assessed: true };
        let observed = crate::aims::aih_data_processing::behaviour::observe::observations(&recording);
        observed.values.into_iter().map(|value| value.name).collect::<Vec<_>>()
    };
    assert_eq!(names(Signal::Acceleration, 71), Vec::<String>::new());
    let all = ["Relative amplitude", "Interdaily stability", "Intradaily variability"];
    assert_eq!(names(Signal::Acceleration, 72), all);
    assert_eq!(names(Signal::Steps, 72), Vec::<String>::new());
}
