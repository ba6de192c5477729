//! **Generalisation hierarchies**: how the values of a quasi-identifier are made coarser, step by step, until nothing
//! is left. Level 0 is the value as it stands, the last level is `*` for every value.
//!
//! | Rule | Levels | Example |
//! | --- | --- | --- |
//! | `any` | value, `*` | `f` → `*` |
//! | `range 5 10 20` | value, ranges of these widths from 0, `*` | `23` → `20-24` → `20-29` → `20-39` → `*` |
//! | `date` | value, month, year, decade, `*` | `1964-09-27` → `1964-09` → `1964` → `1960s` → `*` |
//! | `prefix 4 3 2` | value, so many first characters, `*` | `02138` → `0213*` → `021*` → `02*` → `*` |
//! | `list a>b>c\|d>b>c` | as supplied, one path for each value, `*` | `asian` → `person` → `*` |
//!
//! Each level is a function of the level below it. That is what makes both criteria monotone (a coarser table is never
//! worse), which the search in [`super::lattice`] relies on: so ranges must be multiples of each other, prefixes must
//! shorten, and paths that meet must stay together; rules that break this are refused.
//!
//! Value and domain generalisation hierarchies: L. Sweeney, “Achieving k-anonymity privacy protection using
//! generalization and suppression”, Int. J. Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 2002.

use std::collections::HashMap;

use super::error::TableError;

/// What stands for a value of which nothing is left.
pub const NOTHING: &str = "*";
/// Most levels of a rule between the value and `*`.
const MOST_LEVELS: usize = 12;
const PARAMETER: &str = "Generalisation";

/// How one column is made coarser.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// All or nothing.
    Any,
    /// Ranges of these widths.
    Range(Ranges),
    /// Month, year, decade.
    Date,
    /// So many first characters, fewer each time.
    Prefix(Vec<usize>),
    /// For each value its path upwards, all of one length.
    List(HashMap<String, Vec<String>>),
}

/// Ranges that nest: a range of one level lies in one range of the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges {
    /// Width of the finest.
    base: f64,
    /// Each width as a multiple of the finest.
    multiples: Vec<i64>,
    /// Whether the column holds whole numbers only.
    whole: bool,
}

impl Rule {
    /// Reads a rule as a parameter gives it.
    ///
    /// # Errors
    /// [`TableError::Parameter`].
    pub fn read(text: &str) -> Result<Self, TableError> {
        let (word, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        match (word, rest.trim()) {
            ("any", "") => Ok(Self::Any),
            ("date", "") => Ok(Self::Date),
            ("range", widths) => ranges(widths),
            ("prefix", lengths) => prefixes(lengths),
            ("list", paths) => list(paths),
            _ => Err(refuse("a rule is any, date, range <widths>, prefix <lengths> or list <paths>")),
        }
    }

    /// How many levels there are above the value itself; the last is `*`.
    pub fn height(&self) -> usize {
        1 + match self {
            Self::Any => 0,
            Self::Date => 3,
            Self::Range(ranges) => ranges.multiples.len(),
            Self::Prefix(lengths) => lengths.len(),
            Self::List(paths) => paths.values().next().map_or(0, Vec::len),
        }
    }

    /// What a value must be for this rule.
    pub fn wants(&self) -> &'static str {
        match self {
            Self::Any | Self::Prefix(_) => "any text",
            Self::Range(_) => "a number",
            Self::Date => "a date as YYYY-MM-DD, YYYY-MM or YYYY",
            Self::List(_) => "a value of the list",
        }
    }

    /// The value at a level; `None` when it does not fit the rule. An empty cell stays empty below the last level.
    pub fn at(&self, value: &str, level: usize) -> Option<String> {
        if level >= self.height() {
            return Some(NOTHING.to_owned());
        }
        if value.is_empty() {
            return Some(String::new());
        }
        // The rule is tried at level 0 too: what does not fit is found before the search.
        let coarser = level.checked_sub(1);
        match self {
            Self::Any => Some(value.to_owned()),
            Self::Range(ranges) => {
                let index = ranges.index(number(value)?)?;
                let multiple = coarser.and_then(|step| ranges.multiples.get(step));
                Some(multiple.map_or_else(|| value.to_owned(), |multiple| ranges.label(index, *multiple)))
            }
            Self::Date => {
                let date = Date::read(value)?;
                Some(coarser.map_or_else(|| value.to_owned(), |step| date.at(step)))
            }
            Self::Prefix(lengths) => {
                let length = coarser.and_then(|step| lengths.get(step));
                Some(length.map_or_else(|| value.to_owned(), |length| first(value, *length)))
            }
            Self::List(paths) => {
                let path = paths.get(value)?;
                Some(coarser.and_then(|step| path.get(step)).cloned().unwrap_or_else(|| value.to_owned()))
            }
        }
    }

    /// Width of the ranges at a level; `None` where values are not ranges of numbers.
    pub fn width(&self, level: usize) -> Option<f64> {
        match self {
            Self::Range(ranges) => ranges.multiples.get(level.checked_sub(1)?).map(|multiple| ranges.width(*multiple)),
            _ => None,
        }
    }

    /// The rule as it fits the values of a column: whole numbers are written as whole numbers.
    #[must_use]
    pub fn fitted<'a>(self, mut values: impl Iterator<Item = &'a str>) -> Self {
        match self {
            Self::Range(ranges) => {
                let whole = values.all(|value| number(value).is_none_or(|number| number.fract() == 0.0));
                Self::Range(Ranges { whole: whole && ranges.base.fract() == 0.0, ..ranges })
            }
            other => other,
        }
    }

    /// The rule for a column nobody gave one for: dates by their calendar, numbers by ranges of which the finest are a
    /// thirty-second of their span, anything else all or nothing.
    pub fn of_form<'a>(values: impl Iterator<Item = &'a str> + Clone) -> Self {
        let present = values.filter(|value| !value.is_empty());
        if present.clone().all(|value| Date::read(value).is_some()) {
            return Self::Date;
        }
        let numbers: Option<Vec<f64>> = present.map(number).collect();
        let Some(numbers) = numbers else { return Self::Any };
        let (least, most) = numbers.iter().fold((f64::MAX, f64::MIN), |(a, b), n| (a.min(*n), b.max(*n)));
        let whole = numbers.iter().all(|number| number.fract() == 0.0);
        if least == most && !whole {
            // Without a span there is no width to a range.
            return Self::Any;
        }
        // A power of ten, so that the ranges have round ends.
        let base = 10_f64.powf(((most - least) / 32.0).max(f64::MIN_POSITIVE).log10().ceil());
        let base = if whole { base.max(1.0) } else { base };
        Self::Range(Ranges { base, multiples: vec![1, 5, 10, 20, 40], whole: whole && base.fract() == 0.0 })
    }
}

impl Ranges {
    /// Which of the finest ranges a number lies in; `None` for one too large to be counted exactly.
    fn index(&self, number: f64) -> Option<i64> {
        const MOST_EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
        let index = (number / self.base).floor();
        (index.abs() < MOST_EXACT).then_some(index as i64)
    }

    fn width(&self, multiple: i64) -> f64 {
        self.base * multiple as f64
    }

    /// `20-24` for whole numbers, `[0.5, 1)` otherwise. Built on the finest range, so that ranges nest by construction.
    fn label(&self, index: i64, multiple: i64) -> String {
        let width = self.width(multiple);
        let start = index.div_euclid(multiple) as f64 * width;
        match (self.whole, width == 1.0) {
            (true, true) => format!("{start}"),
            (true, false) => format!("{start}-{}", start + width - 1.0),
            (false, _) => format!("[{start}, {})", start + width),
        }
    }
}

/// A finite number, as a cell holds it.
pub fn number(text: &str) -> Option<f64> {
    let looks = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    looks.then(|| text.parse::<f64>().ok()).flatten().filter(|number| number.is_finite())
}

fn refuse(reason: &str) -> TableError {
    TableError::parameter(PARAMETER, reason)
}

fn ranges(text: &str) -> Result<Rule, TableError> {
    let widths: Option<Vec<_>> = text.split_whitespace().map(number).collect();
    let widths = widths.filter(|widths| within(widths.len())).ok_or_else(|| refuse("range takes widths as numbers"))?;
    let base = widths.first().copied().filter(|base| *base > 0.0);
    let base = base.ok_or_else(|| refuse("the widths of a range are larger than 0"))?;
    let multiple = |width: &f64| {
        let times = (width / base).round();
        ((times * base - width).abs() <= f64::EPSILON * width.abs() && times < 1e9).then_some(times as i64)
    };
    let multiples: Option<Vec<i64>> = widths.iter().map(multiple).collect();
    let nests = |multiples: &Vec<i64>| {
        multiples.windows(2).all(|pair| matches!(pair, [finer, coarser] if coarser > finer && coarser % finer == 0))
    };
    let multiples = multiples.filter(nests);
    let multiples = multiples.ok_or_else(|| refuse("each width of a range is a multiple of the one before it"))?;
    Ok(Rule::Range(Ranges { base, multiples, whole: false }))
}

fn prefixes(text: &str) -> Result<Rule, TableError> {
    let lengths: Result<Vec<usize>, _> = text.split_whitespace().map(str::parse).collect();
    let lengths = lengths.ok().filter(|lengths| within(lengths.len()));
    let lengths = lengths.ok_or_else(|| refuse("prefix takes lengths as whole numbers"))?;
    let shortens = lengths.windows(2).all(|pair| matches!(pair, [longer, shorter] if longer > shorter));
    if !shortens || lengths.last() == Some(&0) {
        return Err(refuse("each length of a prefix is smaller than the one before it, and at least 1"));
    }
    Ok(Rule::Prefix(lengths))
}

fn list(text: &str) -> Result<Rule, TableError> {
    let mut paths: HashMap<String, Vec<String>> = HashMap::new();
    let mut above: HashMap<(usize, String), String> = HashMap::new();
    for path in text.split('|') {
        let mut steps = path.split('>').map(|step| step.trim().to_owned());
        let value = steps.next().filter(|value| !value.is_empty()).ok_or_else(|| refuse("list takes paths a>b|c>b"))?;
        let steps: Vec<_> = steps.collect();
        if !within(steps.len()) || steps.iter().any(String::is_empty) {
            return Err(refuse("list takes paths a>b|c>b"));
        }
        if paths.values().any(|other| other.len() != steps.len()) {
            return Err(refuse("the paths of a list are all of one length"));
        }
        for (level, pair) in steps.windows(2).enumerate() {
            let [lower, higher] = pair else { continue };
            let known = above.entry((level, lower.clone())).or_insert_with(|| higher.clone());
            if known != higher {
                return Err(refuse("paths of a list that meet stay together"));
            }
        }
        if paths.insert(value, steps).is_some() {
            return Err(refuse("a value stands once in a list"));
        }
    }
    Ok(Rule::List(paths))
}

fn within(levels: usize) -> bool {
    (1..=MOST_LEVELS).contains(&levels)
}

fn first(value: &str, length: usize) -> String {
    match value.char_indices().nth(length) {
        Some((end, _)) => format!("{}{NOTHING}", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}

/// Whether what stands behind a date is a time of day and nothing else: `Thh:mm[:ss[.fff]]`, with a space for the `T`,
/// with or without a zone. Anything more would be text that nobody looks at.
pub fn is_clock(rest: &str) -> bool {
    let Some(clock) = rest.strip_prefix(['T', ' ']) else { return rest.is_empty() };
    let (clock, zone) = clock.split_at(clock.find(['Z', '+', '-']).unwrap_or(clock.len()));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let is_time = match parts.as_slice() {
        [hour, minute] => fraction == "0" && two(hour, 23) && two(minute, 59),
        [hour, minute, second] => two(hour, 23) && two(minute, 59) && two(second, 60),
        _ => false,
    };
    let is_fraction = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_time && is_fraction && is_zone(zone)
}

/// `Z`, `±hh`, `±hhmm`, `±hh:mm`, or nothing.
fn is_zone(zone: &str) -> bool {
    let Some(offset) = zone.strip_prefix(['+', '-']) else { return matches!(zone, "" | "Z") };
    let (hours, minutes) = offset.split_at_checked(2).unwrap_or((offset, ""));
    let minutes = minutes.strip_prefix(':').unwrap_or(minutes);
    two(hours, 14) && (two(minutes, 59) || offset.len() == 2)
}

/// Two digits, no more than `most`.
fn two(part: &str, most: u8) -> bool {
    part.len() == 2
        && part.bytes().all(|byte| byte.is_ascii_digit())
        && part.parse::<u8>().is_ok_and(|number| number <= most)
}

/// A calendar date, with as much of it as is given.
struct Date {
    year: u16,
    month: Option<u8>,
}

impl Date {
    fn read(text: &str) -> Option<Self> {
        // A time of day behind it, as FHIR and ISO 8601 write it, is dropped with the day.
        let (date, rest) = text.split_at(text.find(['T', ' ']).unwrap_or(text.len()));
        if !is_clock(rest) {
            return None;
        }
        let mut parts = date.split('-');
        let digits = |part: Option<&str>, length: usize| {
            let part = part.filter(|part| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit()));
            part.and_then(|part| part.parse::<u16>().ok())
        };
        let year = digits(parts.next(), 4)?;
        let (month, day) = (parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        let month = match month {
            None => None,
            month => Some(digits(month, 2).filter(|month| (1..=12).contains(month))?),
        };
        if day.is_some() {
            digits(day, 2).filter(|day| (1..=31).contains(day))?;
        }
        Some(Self { year, month: month.and_then(|month| u8::try_from(month).ok()) })
    }

    fn at(&self, step: usize) -> String {
        match (step, self.month) {
            (0, Some(month)) => format!("{:04}-{month:02}", self.year),
            (0 | 1, _) => format!("{:04}", self.year),
            _ => format!("{:04}s", self.year / 10 * 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(rule: &str, value: &str) -> Vec<String> {
        let rule = Rule::read(rule).unwrap().fitted([value].into_iter());
        (0..=rule.height()).map(|level| rule.at(value, level).unwrap()).collect()
    }

    #[test]
    fn values_become_coarser_step_by_step() {
        assert_eq!(levels("any", "f"), ["f", "*"]);
        assert_eq!(levels("range 5 10 20", "23"), ["23", "20-24", "20-29", "20-39", "*"]);
        assert_eq!(levels("range 5", "-3"), ["-3", "-5--1", "*"]);
        assert_eq!(levels("range 0.5 1", "0.7"), ["0.7", "[0.5, 1)", "[0, 1)", "*"]);
        assert_eq!(levels("range 0.1 0.5", "0.3")[2], "[0, 0.5)");
        assert_eq!(levels("date", "1964-09-27"), ["1964-09-27", "1964-09", "1964", "1960s", "*"]);
        assert_eq!(levels("date", "1964-09-27T10:00:00Z"), ["1964-09-27T10:00:00Z", "1964-09", "1964", "1960s", "*"]);
        assert_eq!(levels("date", "1964"), ["1964", "1964", "1964", "1960s", "*"]);
        assert_eq!(levels("prefix 4 3", "02138"), ["02138", "0213*", "021*", "*"]);
        assert_eq!(levels("prefix 2", "éà"), ["éà", "éà", "*"]);
        assert_eq!(levels("list asian>person|white>person", "asian"), ["asian", "person", "*"]);
        assert_eq!(levels("range 5", ""), ["", "", "*"]);
    }

    #[test]
    fn behind_a_date_stands_a_time_of_day_or_nothing() {
        for clock in
            ["", "T10:00", " 10:00:00", "T23:59:60Z", "T10:00:00.123456+01:00", " 10:00:00-0500", " 10:00:00+00"]
        {
            assert!(is_clock(clock), "{clock}");
        }
        for text in [
            "T",
            " ",
            "x",
            "T10",
            "T24:00",
            "T10:60",
            "T10:00.5",
            "T10:00:00.",
            "T10:00:00.0123456789",
            "T10:00:00Z Ada",
            "T10:00:00+1",
            "T10:00:00+01:",
            "T10:00:00+15:00",
            " Ada Lovelace",
            " 10:00 Ada",
            "T10:00:00:00",
            "T1é:00",
        ] {
            assert!(!is_clock(text), "{text}");
        }
    }

    #[test]
    fn one_fraction_everywhere_is_all_or_nothing() {
        let rule = Rule::of_form(["36.6", "36.6"].into_iter());
        assert_eq!(rule.at("36.6", 0), Some("36.6".to_owned()));
    }

    #[test]
    fn a_rule_that_is_no_hierarchy_is_refused() {
        for bad in [
            "",
            "all",
            "any 3",
            "date 5",
            "range",
            "range x",
            "range 0",
            "range -5",
            "range 5 12",
            "range 10 5",
            "prefix",
            "prefix 0",
            "prefix 2 3",
            "prefix 3 3",
            "list",
            "list a",
            "list a>b|a>c",
            "list a>b>c|d>b",
            "list a>b>c|d>b>e",
            "list >b",
            "list a>",
        ] {
            assert!(Rule::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_form_does_not_fit() {
        for (rule, value) in [
            ("range 5", "old"),
            ("range 5", "NaN"),
            ("range 5", "1e3"),
            ("date", "27/9/64"),
            ("date", "1964-13-01"),
            ("date", "64"),
            ("date", "1964-09-27-1"),
            ("date", "1964-09-27 Ada Lovelace"),
            ("date", "1964-09-27T"),
            ("list a>b", "c"),
        ] {
            let rule = Rule::read(rule).unwrap();
            assert_eq!(rule.at(value, 0), None, "{value}");
            assert_eq!(rule.at(value, 1), None, "{value}");
        }
    }
}
