//! Otsu's method against worked examples, and the threshold's side.

use serde_json::json;

use super::{super::threshold::otsu, detect, none, number, writer::Picture};

/// The histogram of a six by six image worked out by hand: 8, 7, 2, 6, 9 and 4 pixels of the levels 0 to 5. Splitting
/// after level 2 gives weights 17/36 and 19/36, means 11/17 and 74/19, so a variance between of 2.6287 out of 3.1196.
#[test]
fn a_worked_example_is_split_after_level_two() {
    let answer = otsu(&[8, 7, 2, 6, 9, 4]).unwrap();
    assert_eq!(answer.level, 2.0);
    let between = 17.0 / 36.0 * (19.0 / 36.0) * (11.0 / 17.0 - 74.0 / 19.0_f64).powi(2);
    let mean = 85.0 / 36.0_f64;
    let whole =
        [8, 7, 2, 6, 9, 4].iter().zip(0..).map(|(n, i)| f64::from(*n) * (f64::from(i) - mean).powi(2)).sum::<f64>()
            / 36.0;
    assert!((between - 2.6287).abs() < 5e-5, "{between}");
    assert!((answer.separability - between / whole).abs() < 1e-12);
}

/// Every split tried by the definition: weights times the squared distance of the means.
#[test]
fn no_other_level_separates_better() {
    let counts: Vec<u64> = (0..200_u64).map(|i| (i * 7919 + 13) % 97 * u64::from(i % 5 != 0)).collect();
    let between = |level: usize| {
        let class = |range: std::ops::Range<usize>| {
            let n: u64 = counts[range.clone()].iter().sum();
            let sum: u64 = range.map(|i| i as u64 * counts[i]).sum();
            (n as f64, sum as f64 / n as f64)
        };
        let ((n0, m0), (n1, m1)) = (class(0..level + 1), class(level + 1..200));
        if n0 == 0.0 || n1 == 0.0 { 0.0 } else { n0 * n1 * (m0 - m1).powi(2) }
    };
    let best = (0..199).max_by(|a, b| between(*a).total_cmp(&between(*b))).unwrap();
    assert!((between(otsu(&counts).unwrap().level as usize) / between(best) - 1.0).abs() < 1e-12);
}

#[test]
fn between_two_values_the_middle_is_taken() {
    let picture = Picture::drawn(8, 8, |row, _| if row < 3 { -1000 } else { 50 });
    let result = detect(&picture.explicit(), none()).unwrap();
    let threshold = number(&result, "/Threshold/Intensity");
    assert!((-480.0..=-470.0).contains(&threshold), "{threshold}");
    assert_eq!(result["Threshold"]["Method"], "Otsu 1979");
    assert!((number(&result, "/Threshold/Separability") - 1.0).abs() < 1e-9);
    assert_eq!(number(&result, "/Structures/0/PixelCount"), 40.0);
}

#[test]
fn below_is_the_other_side_and_holds_the_threshold_itself() {
    let picture = Picture::drawn(8, 8, |row, _| if row < 3 { -1000 } else { 50 });
    let below = detect(&picture.explicit(), json!({"Foreground": "below"})).unwrap();
    assert_eq!(number(&below, "/Structures/0/PixelCount"), 24.0);
    let at = |foreground: &str| json!({"Threshold": 50, "Foreground": foreground});
    assert_eq!(number(&detect(&picture.explicit(), at("below")).unwrap(), "/Structures/0/PixelCount"), 64.0);
    assert_eq!(number(&detect(&picture.explicit(), at("above")).unwrap(), "/StructureCount"), 0.0);
}

#[test]
fn a_scale_that_turns_round_turns_the_sides_round() {
    let mut picture = Picture::drawn(8, 8, |row, _| if row < 3 { 10 } else { 50 });
    picture.rescale = Some(("-2", "100"));
    let result = detect(&picture.explicit(), none()).unwrap();
    assert_eq!(number(&result, "/Structures/0/PixelCount"), 24.0);
    assert_eq!(number(&result, "/Structures/0/Mean"), 80.0);
    let below = detect(&picture.explicit(), json!({"Foreground": "below"})).unwrap();
    assert_eq!(number(&below, "/Structures/0/Mean"), 0.0);
}

#[test]
fn one_value_alone_is_refused() {
    let error = detect(&Picture::drawn(8, 8, |_, _| 7).explicit(), none()).unwrap_err();
    assert!(error.contains("same value"), "{error}");
}
