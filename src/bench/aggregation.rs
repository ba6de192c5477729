//! Measuring aggregation: every rule over the same models, which together do not fit where a Back End runs.
//!
//! The floor is reading every number once. A rule reads them two or three times: lengths, directions or distances, then
//! the combination. What is reported of memory is the most the process held during the rule, and how much of that came on
//! top of what it held before the first: freed memory often stays with a process, so rules would hide behind one another.

use std::{fmt, fs, io, path::Path, time::Instant};

use super::BenchError;
use crate::{
    aims::federated_learning::aggregation::{Answer, Plan, aggregate, screen::Limits, slices::Numbers},
    mpai_store::models::layout::{self, Layout, NUMBER_BYTES},
    schema::wire::Aggregation,
};

/// Of so many models one may be an attacker's.
const MODELS_FOR_ONE_ATTACKER: usize = 10;
/// Goal: no rule holds more than so many models' worth of memory of its own.
const MOST_MODELS_HELD: f64 = 4.0;

/// How much is aggregated.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Models.
    pub models: usize,
    /// Numbers of each.
    pub numbers: usize,
}

/// What one rule took.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The rule.
    pub rule: &'static str,
    /// Seconds by the clock.
    pub seconds: f64,
    /// Seconds of all processors together, which say more where others are at work too; `None` where the system does not
    /// tell.
    pub processor_seconds: Option<f64>,
    /// Most memory the process held (`VmHWM`), in bytes; `None` where the system does not tell.
    pub peak: Option<u64>,
    /// How much of it was not there before the first rule.
    pub own: Option<u64>,
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Aggregations {
    /// How much was aggregated.
    pub size: Size,
    /// Reading every number once, then the rules.
    pub rows: Vec<Taken>,
}

impl Size {
    /// A hundred models of ten million numbers, or twenty of a million when it should be quick.
    pub fn new(quick: bool) -> Self {
        match quick {
            true => Self { models: 20, numbers: 1_000_000 },
            false => Self { models: 100, numbers: 10_000_000 },
        }
    }

    fn model_bytes(&self) -> f64 {
        self.numbers as f64 * NUMBER_BYTES as f64
    }
}

/// Measures every rule. The models lie in a temporary folder meanwhile, 4 GB in the full size.
///
/// # Errors
/// When the files cannot be written, or a rule fails.
pub fn aggregation(size: &Size) -> Result<Aggregations, BenchError> {
    let folder = tempfile::tempdir().map_err(BenchError::Folder)?;
    let layout = write_models(folder.path(), size)?;
    let open = |n: usize| Numbers::new(folder.path().join(n.to_string()), &layout, &layout);
    let base = open(size.models)?;
    let answers: Vec<Answer> =
        (0..size.models).map(|n| Ok(Answer { numbers: open(n)?, samples: 100 })).collect::<Result<_, BenchError>>()?;
    let before = forget_peak().ok().and_then(|()| peak());
    let mut rows = vec![timed("reading once", before, || read_once(&answers))?];
    for (rule, plan) in plans(size) {
        rows.push(timed(rule, before, || {
            let mut output = fs::File::options().write(true).open(folder.path().join("output"))?;
            aggregate(&plan, &base, &answers, &mut output)?;
            Ok(())
        })?);
    }
    Ok(Aggregations { size: *size, rows })
}

/// The rules as rounds use them: lengths and directions are looked at where the rule allows it.
fn plans(size: &Size) -> Vec<(&'static str, Plan)> {
    use Aggregation::{Krum, Median, MultiKrum, TrimmedMean, WeightedMean};
    let plan = |rule, noise_multiplier: Option<f64>| Plan {
        rule,
        attackers: size.models / MODELS_FOR_ONE_ATTACKER,
        limits: Limits { clip_norm: noise_multiplier.map(|_| 1.0), screens: true },
        noise_multiplier,
    };
    vec![
        ("weighted mean", plan(WeightedMean, None)),
        ("… with noise", plan(WeightedMean, Some(1.0))),
        ("trimmed mean", plan(TrimmedMean, None)),
        ("median", plan(Median, None)),
        ("Krum", plan(Krum, None)),
        ("multi-Krum", plan(MultiKrum, None)),
    ]
}

/// Models that learned about the same, each a little otherwise; the last is the base, and `output` a copy of it.
fn write_models(folder: &Path, size: &Size) -> Result<Layout, BenchError> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut write = |n: usize| {
        let mut number = || {
            // xorshift64 (G. Marsaglia, Journal of Statistical Software 8, 2003); its upper bits as a fraction.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            0.1 + 0.1 * ((state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5)
        };
        let numbers = (0..size.numbers).map(|_| if n < size.models { number() } else { 0.0 }).collect();
        let bytes = layout::write("", &[("weights", vec![size.numbers], numbers)])?;
        fs::write(folder.join(n.to_string()), &bytes)?;
        Ok::<_, BenchError>(bytes)
    };
    for n in 0..size.models {
        write(n)?;
    }
    let base = write(size.models)?;
    fs::write(folder.join("output"), &base)?;
    Ok(Layout::read(&base)?)
}

fn read_once(answers: &[Answer]) -> Result<(), BenchError> {
    for answer in answers {
        for slice in 0..answer.numbers.slices() {
            std::hint::black_box(answer.numbers.read(slice)?);
        }
    }
    Ok(())
}

fn timed(
    rule: &'static str,
    before: Option<u64>,
    work: impl FnOnce() -> Result<(), BenchError>,
) -> Result<Taken, BenchError> {
    let forgotten = forget_peak();
    let (begun, spent) = (Instant::now(), processor_seconds());
    work()?;
    let seconds = begun.elapsed().as_secs_f64();
    let processor_seconds = processor_seconds().zip(spent).map(|(after, before)| after - before);
    // Where the peak cannot be forgotten, what is there is not the rule's.
    let peak = forgotten.ok().and_then(|()| peak());
    Ok(Taken {
        rule,
        seconds,
        processor_seconds,
        peak,
        own: peak.zip(before).map(|(peak, before)| peak.saturating_sub(before)),
    })
}

/// Linux: user and system time of the process, in hundredths of a second, behind its name in parentheses.
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind) = stat.rsplit_once(") ")?;
    let times = behind.split(' ').skip(11).take(2).map(|hundredths| hundredths.parse::<f64>());
    Some(times.sum::<Result<f64, _>>().ok()? / 100.0)
}

/// Linux: the peak becomes what is held now.
fn forget_peak() -> io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}

fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

impl Aggregations {
    /// The most any rule held of its own, in models' worth; `None` where the system does not tell.
    pub fn most_models_held(&self) -> Option<f64> {
        let own = self.rows.iter().map(|row| row.own).collect::<Option<Vec<_>>>()?;
        own.into_iter().max().map(|own| own as f64 / self.size.model_bytes())
    }
}

impl fmt::Display for Aggregations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, mib) = (self.size, |bytes: f64| bytes / f64::from(1 << 20));
        let (one, all) = (mib(size.model_bytes()), mib(size.model_bytes() * size.models as f64));
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        writeln!(
            f,
            "{} models of {} numbers: {one:.0} MiB each, {all:.0} MiB in all; {processors} processors",
            size.models, size.numbers
        )?;
        writeln!(
            f,
            "{:>14} {:>9} {:>12} {:>14} {:>10} {:>8}",
            "rule", "seconds", "processor s", "times reading", "VmHWM MiB", "own MiB"
        )?;
        let floor = self.rows.first().map_or(f64::NAN, |row| row.seconds);
        for row in &self.rows {
            let told = |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), |b| format!("{:.0}", mib(b as f64)));
            let spent = row.processor_seconds.map_or_else(|| "–".to_owned(), |seconds| format!("{seconds:.2}"));
            let (times, peak, own) = (row.seconds / floor, told(row.peak), told(row.own));
            writeln!(f, "{:>14} {:>9.2} {spent:>12} {times:>14.1} {peak:>10} {own:>8}", row.rule, row.seconds)?;
        }
        let Some(held) = self.most_models_held() else { return Ok(()) };
        let mark = if held <= MOST_MODELS_HELD { "reached" } else { "MISSED" };
        writeln!(f, "{mark:>8}: no rule holds more than {MOST_MODELS_HELD} models of its own ({held:.2})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_measured_and_makes_something_of_the_models() {
        let size = Size { models: 5, numbers: 3_000 };
        let report = Aggregations { size, rows: aggregation(&size).unwrap().rows };
        let rules: Vec<&str> = report.rows.iter().map(|row| row.rule).collect();
        assert_eq!(
            rules,
            ["reading once", "weighted mean", "… with noise", "trimmed mean", "median", "Krum", "multi-Krum"]
        );
        let text = report.to_string();
        assert!(text.starts_with("5 models of 3000 numbers") && text.contains("multi-Krum"), "{text}");
    }

    #[test]
    fn the_goal_is_judged_by_the_hungriest_rule() {
        let row = |own| Taken { rule: "r", seconds: 1.0, processor_seconds: None, peak: Some(1 << 20), own };
        let of = |rows| Aggregations { size: Size { models: 10, numbers: 1_000 }, rows };
        assert_eq!(of(vec![row(Some(400)), row(Some(20_000))]).most_models_held(), Some(5.0));
        assert!(of(vec![row(Some(20_000))]).to_string().contains("MISSED"));
        assert_eq!(of(vec![row(Some(400)), row(None)]).most_models_held(), None);
    }
}
