//! The streamed rules against plain ones in memory, and what becomes of poisoned updates.

use std::io::Cursor;

use proptest::prelude::*;

use super::{screen::Limits, slices::SLICE_NUMBERS, *};
use crate::mpai_store::models::layout::{self, Layout};

/// A model as a row of numbers, in two tensors.
fn file(numbers: &[f32]) -> Vec<u8> {
    let half = numbers.len() / 2;
    let (a, b) = numbers.split_at(half);
    layout::write("{}", &[("b", vec![b.len()], b.to_vec()), ("a", vec![a.len()], a.to_vec())]).unwrap()
}

fn row(bytes: &[u8]) -> Vec<f32> {
    let layout = Layout::read(bytes).unwrap();
    [layout.numbers(bytes, "a").unwrap(), layout.numbers(bytes, "b").unwrap()].concat()
}

fn run(plan: &Plan, base: &[f32], rows: &[Vec<f32>], samples: &[u64]) -> Result<(Aggregated, Vec<f32>), String> {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, numbers: &[f32]| {
        let (path, bytes) = (folder.path().join(name), file(numbers));
        std::fs::write(&path, &bytes).unwrap();
        let layout = Layout::read(&bytes).unwrap();
        Numbers::new(path, &layout, &Layout::read(&file(base)).unwrap()).unwrap()
    };
    let answers: Vec<Answer> = rows
        .iter()
        .zip(samples)
        .enumerate()
        .map(|(n, (row, samples))| Answer { numbers: open(&n.to_string(), row), samples: *samples })
        .collect();
    let mut output = Cursor::new(file(base));
    let outcome = aggregate(plan, &open("base", base), &answers, &mut output).map_err(|e| e.to_string())?;
    Ok((outcome, row(output.get_ref())))
}

fn plan(rule: Aggregation, attackers: usize) -> Plan {
    let limits = Limits { clip_norm: Some(1e30), screens: false };
    Plan { rule, attackers, limits, noise_multiplier: None }
}

/// The rules as their papers write them, all in memory.
fn reference(rule: Aggregation, f: usize, rows: &[Vec<f32>], samples: &[u64]) -> Vec<f64> {
    let column = |n: usize| {
        let mut column: Vec<f64> = rows.iter().map(|row| f64::from(row[n])).collect();
        column.sort_by(f64::total_cmp);
        column
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let count = rows.len();
    let length = rows[0].len();
    match rule {
        Aggregation::WeightedMean => {
            let weights = rules::weights(samples.iter().map(|s| *s as f64).collect());
            (0..length).map(|n| rows.iter().zip(&weights).map(|(row, w)| w * f64::from(row[n])).sum()).collect()
        }
        Aggregation::Median => {
            let middle = |c: Vec<f64>| if count % 2 == 1 { c[count / 2] } else { mean(&c[count / 2 - 1..=count / 2]) };
            (0..length).map(|n| middle(column(n))).collect()
        }
        Aggregation::TrimmedMean => (0..length).map(|n| mean(&column(n)[f..count - f])).collect(),
        Aggregation::Krum | Aggregation::MultiKrum => {
            let distance = |a: &[f32], b: &[f32]| -> f64 {
                a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum()
            };
            let score = |i: usize| {
                let mut d: Vec<f64> = (0..count).filter(|j| *j != i).map(|j| distance(&rows[i], &rows[j])).collect();
                d.sort_by(f64::total_cmp);
                d[..count - f - 2].iter().sum::<f64>()
            };
            let mut order: Vec<usize> = (0..count).collect();
            order.sort_by(|a, b| score(*a).total_cmp(&score(*b)));
            let chosen = &order[..if rule == Aggregation::Krum { 1 } else { count - f }];
            (0..length).map(|n| mean(&chosen.iter().map(|i| f64::from(rows[*i][n])).collect::<Vec<_>>())).collect()
        }
    }
}

fn models() -> impl Strategy<Value = (Vec<f32>, Vec<Vec<f32>>, Vec<u64>)> {
    (2_usize..40, 5_usize..12).prop_flat_map(|(length, count)| {
        let row = || proptest::collection::vec(-10.0_f32..10.0, length);
        (row(), proptest::collection::vec(row(), count), proptest::collection::vec(1_u64..1_000, count))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn slice_by_slice_is_the_same_as_all_at_once((base, rows, samples) in models(), rule in 0_usize..5) {
        use Aggregation::{Krum, Median, MultiKrum, TrimmedMean, WeightedMean};
        let rule = [WeightedMean, TrimmedMean, Median, Krum, MultiKrum][rule];
        let expected = reference(rule, 1, &rows, &samples);
        let (_, found) = run(&plan(rule, 1), &base, &rows, &samples).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{rule:?}: {found} for {expected}");
        }
    }
}

/// Honest Front Ends that learned about the same, on a tensor of several slices.
fn honest(count: usize, length: usize) -> Vec<Vec<f32>> {
    let noise = |n: usize, i: usize| ((n * 7_919 + i * 104_729) % 1_000) as f32 / 1_000.0 - 0.5;
    (0..count).map(|n| (0..length).map(|i| 0.1 + 0.1 * noise(n, i)).collect()).collect()
}

const LENGTH: usize = SLICE_NUMBERS * 2 + 77;

fn away(found: &[f32]) -> f64 {
    let sum: f64 = found.iter().map(|x| (f64::from(*x) - 0.1).powi(2)).sum();
    (sum / found.len() as f64).sqrt()
}

fn screened(rule: Aggregation) -> Plan {
    Plan { limits: Limits { clip_norm: None, screens: true }, ..plan(rule, 3) }
}

#[test]
fn scaled_and_turned_updates_are_left_out_and_named() {
    let mut rows = honest(10, LENGTH);
    rows[2].iter_mut().for_each(|x| *x *= 1_000.0);
    rows[7].iter_mut().for_each(|x| *x *= -1.0);
    let (outcome, found) = run(&screened(Aggregation::WeightedMean), &vec![0.0; LENGTH], &rows, &[10; 10]).unwrap();
    assert_eq!(outcome.used, [0, 1, 3, 4, 5, 6, 8, 9]);
    let reason = |n: usize| outcome.screened[n].reason().unwrap();
    assert_eq!(reason(2), "the update is more than 10 times as long as the median of the round");
    assert!(reason(7).starts_with("the update points against that of the others (cosine -0.9"), "{}", reason(7));
    assert!(outcome.screened[0].reason().is_none() && away(&found) < 0.02);
}

#[test]
fn three_of_ten_colluding_spoil_the_mean_and_not_the_robust_rules() {
    let mut rows = honest(10, LENGTH);
    for row in rows.iter_mut().take(3) {
        row.iter_mut().for_each(|x| *x *= -8.0);
    }
    let spoilt = |rule| away(&run(&plan(rule, 3), &vec![0.0; LENGTH], &rows, &[10; 10]).unwrap().1);
    let mean = spoilt(Aggregation::WeightedMean);
    assert!(mean > 0.2, "{mean}");
    for rule in [Aggregation::TrimmedMean, Aggregation::Median, Aggregation::Krum, Aggregation::MultiKrum] {
        assert!(spoilt(rule) < 0.06, "{rule:?}: {}", spoilt(rule));
    }
}

#[test]
fn a_boast_of_samples_does_not_outweigh_everybody() {
    let mut rows = honest(10, 64);
    rows[0] = vec![-0.1; 64];
    let mut samples = vec![100; 10];
    samples[0] = u64::MAX >> 11;
    let (_, found) = run(&plan(Aggregation::WeightedMean, 0), &[0.0; 64], &rows, &samples).unwrap();
    // One and a half parts of ten and a half at most.
    assert!(away(&found) < 0.2 * 1.5 / 10.5 + 0.02, "{}", away(&found));
}

/// Boasting and colluding at once, with a part that neither check of length or direction sees: what three of ten add is
/// theirs by less than two fifths.
#[test]
fn three_boasts_of_ten_do_not_outweigh_the_seven() {
    let mut rows = honest(10, LENGTH);
    let mut samples = vec![100; 10];
    for n in 0..3 {
        // Where the others move by 0.1 everywhere, theirs move as far along a line that stands upright on it.
        rows[n] = (0..LENGTH).map(|i| if i % 2 == 0 { 0.1 } else { -0.1 }).collect();
        samples[n] = u64::MAX >> 11;
    }
    let (outcome, found) = run(&screened(Aggregation::WeightedMean), &vec![0.0; LENGTH], &rows, &samples).unwrap();
    assert_eq!(outcome.used.len(), 10, "the checks see nothing: {:?}", outcome.screened);
    let odd: Vec<f64> = found.iter().skip(1).step_by(2).map(|x| f64::from(*x)).collect();
    let mean = odd.iter().sum::<f64>() / odd.len() as f64;
    // 0.1 without them; 0 would be half of the weight.
    assert!(mean > 0.015, "{mean}");
}

#[test]
fn updates_are_clipped_to_the_norm_of_the_round() {
    let plan = Plan { limits: Limits { clip_norm: Some(1.0), screens: false }, ..plan(Aggregation::WeightedMean, 0) };
    let (outcome, found) = run(&plan, &[1.0; 4], &[vec![1.0, 1.0, 1.0, 5.0]], &[1]).unwrap();
    assert_eq!((found, outcome.screened[0].norm), (vec![1.0, 1.0, 1.0, 2.0], 4.0));
}

#[test]
fn rules_refuse_what_they_cannot_promise() {
    let rows = honest(4, 8);
    let refused = |plan: Plan| run(&plan, &[0.0; 8], &rows, &[1; 4]).unwrap_err();
    assert!(refused(plan(Aggregation::Krum, 1)).starts_with("Krum of 4 answers is not defined"));
    assert!(refused(plan(Aggregation::TrimmedMean, 2)).starts_with("the trimmed mean of 4 answers"));
    let private = Plan { noise_multiplier: Some(1.0), ..plan(Aggregation::Median, 0) };
    assert_eq!(refused(private), "differential privacy is offered with WeightedMean only");
    let unclipped = Plan {
        noise_multiplier: Some(1.0),
        limits: Limits { clip_norm: None, screens: true },
        ..plan(Aggregation::WeightedMean, 0)
    };
    assert_eq!(refused(unclipped), "differential privacy needs a named ClipNorm");
    assert!(run(&plan(Aggregation::Median, 0), &[0.0; 8], &[], &[]).is_err());
}

#[test]
fn noise_has_the_deviation_it_promises() {
    let plan = Plan {
        noise_multiplier: Some(2.0),
        limits: Limits { clip_norm: Some(3.0), screens: false },
        ..plan(Aggregation::WeightedMean, 0)
    };
    let rows = vec![vec![0.0; 4_000]; 4];
    let (_, found) = run(&plan, &vec![0.0; 4_000], &rows, &[1; 4]).unwrap();
    let deviation = (found.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 4_000.0).sqrt();
    // z·C/n = 2·3/4; five standard errors of a deviation are 5/√(2·4000).
    assert!((deviation / 1.5 - 1.0).abs() < 0.056, "{deviation}");
}
