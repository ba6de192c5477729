//! A report as text for people and as JSON for programs.

use std::{collections::BTreeMap, fmt};

use serde_json::{Value, json};

use super::{Direction, Examined, Expectation, Outcome, Refusal, Report, RowResult};

impl Direction {
    const fn word(self) -> &'static str {
        match self {
            Self::Receives => "Receives",
            Self::Produces => "Produces",
            Self::Included => "Includes",
        }
    }
}

impl Outcome {
    const fn words(self) -> &'static str {
        match self {
            Self::Conforms => "conforms",
            Self::Fails => "FAILS",
            Self::NotExercised => "not exercised",
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Conformance Testing of the Health Back End AIM (AIH-HBE), Table 5")?;
        writeln!(f, "{:<9} {:<29} {:<13} {:>8} {:>7} {:>6}", "", "Message", "Result", "accepted", "refused", "wrong")?;
        for result in self.rows().iter().chain(&self.others()) {
            write_row(f, result)?;
        }
        writeln!(f, "\nConformance Testing of its SubAIMs")?;
        for (aim, results) in self.sub_aims() {
            writeln!(f, "{aim}")?;
            results.iter().try_for_each(|result| write_row(f, result))?;
        }
        for failure in self.failures() {
            write_failure(f, failure)?;
        }
        write_left_out(f, &self.left_out)?;
        let verdict = match (self.conforms(), self.is_complete()) {
            (false, _) => "does not conform",
            (true, true) => "every row conforms",
            (true, false) => "nothing went wrong, but some rows had no message",
        };
        writeln!(f, "{} messages examined: {verdict}.", self.examined.len())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, result: &RowResult) -> fmt::Result {
    let RowResult { row, accepted, refused, unexpected } = result;
    let (direction, outcome) = (row.direction.word(), result.outcome().words());
    writeln!(f, "{direction:<9} {:<29} {outcome:<13} {accepted:>8} {refused:>7} {unexpected:>6}", row.label())
}

/// Vectors stand in folders, one for each type: a line for each.
fn write_left_out(f: &mut fmt::Formatter<'_>, left_out: &[String]) -> fmt::Result {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut others = Vec::new();
    for left in left_out {
        match left.strip_suffix(".json").and_then(|vector| vector.rsplit_once('/')) {
            Some((folder, name)) => folders.entry(folder).or_default().push(name),
            None => others.push(left),
        }
    }
    if !left_out.is_empty() {
        writeln!(f, "\nLeft out: {}, for no door takes them alone or nothing was there", left_out.len())?;
    }
    folders.iter().try_for_each(|(folder, names)| writeln!(f, "{folder} ({}): {}", names.len(), names.join(", ")))?;
    others.iter().try_for_each(|left| writeln!(f, "{left}"))
}

fn write_failure(f: &mut fmt::Formatter<'_>, failure: &Examined) -> fmt::Result {
    match &failure.refusal {
        None => writeln!(f, "{}: accepted, although it must be refused", failure.file),
        Some(refusal) => {
            writeln!(f, "{}: {refusal}", failure.file)?;
            let mut more = violations(refusal).iter().skip(1);
            more.try_for_each(|v| writeln!(f, "    {} ({}) {}", v.pointer, v.keyword, v.message))
        }
    }
}

fn violations(refusal: &Refusal) -> &[crate::schema::Violation] {
    match refusal {
        Refusal::Schema(violations) => violations,
        Refusal::Json(_)
        | Refusal::UnknownType
        | Refusal::Unreadable
        | Refusal::Answered { .. }
        | Refusal::Broken(_) => &[],
    }
}

impl Report {
    /// The report as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "aim": "AIH-HBE",
            "conforms": self.conforms(),
            "complete": self.is_complete(),
            "examined": self.examined.len(),
            "leftOut": self.left_out,
            "table5": self.rows().iter().map(row_json).collect::<Vec<_>>(),
            "subAIMs": self.sub_aims().map(|(aim, rows)| json!({
                "aim": aim,
                "rows": rows.iter().map(row_json).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "others": self.others().iter().map(row_json).collect::<Vec<_>>(),
            "failures": self.failures().map(failure_json).collect::<Vec<_>>(),
        })
    }
}

fn row_json(result: &RowResult) -> Value {
    json!({
        "direction": result.row.direction.word(),
        "message": result.row.label(),
        "header": result.row.message.header(),
        "schema": result.row.message.id(),
        "result": result.outcome().words().to_lowercase(),
        "accepted": result.accepted,
        "refused": result.refused,
        "unexpected": result.unexpected,
    })
}

fn failure_json(failure: &Examined) -> Value {
    json!({
        "file": failure.file,
        "message": failure.message.map(|message| message.name()),
        "expected": match failure.expectation {
            Expectation::Accept => "accepted",
            Expectation::Refuse => "refused",
        },
        "reason": failure.refusal.as_ref().map(ToString::to_string),
        "violations": failure.refusal.as_ref().map(violations).unwrap_or_default(),
    })
}
