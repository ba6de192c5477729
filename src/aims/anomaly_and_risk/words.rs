//! Findings in words: the blanks of a rule's sentence filled in.

/// Longest text of a finding, in characters, as the schema of ARA Data has it.
const MOST_CHARACTERS: usize = 512;

/// What a sentence may speak of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words<'a> {
    /// `{name}`
    pub name: &'a str,
    /// `{unit}`
    pub unit: &'a str,
    /// `{value}`
    pub value: Option<f64>,
    /// `{count}`
    pub count: usize,
    /// `{duration}`, in seconds.
    pub seconds: f64,
    /// `{context}`
    pub context: &'a str,
    /// `{score}`
    pub score: Option<f64>,
}

impl Words<'_> {
    /// A sentence with its blanks filled in.
    pub fn fill(&self, sentence: &str) -> String {
        let number = |value: Option<f64>| value.map(short).unwrap_or_default();
        // Names come from the data: they go in last, so that a blank in them stays one.
        let text = sentence
            .replace("{value}", &number(self.value))
            .replace("{count}", &self.count.to_string())
            .replace("{duration}", &duration(self.seconds))
            .replace("{score}", &number(self.score))
            .replace("{unit}", if self.unit == "1" { "" } else { self.unit })
            .replace("{context}", self.context)
            .replace("{name}", self.name);
        Self::cut(text)
    }

    /// A text no longer than a finding may be.
    pub fn cut(text: String) -> String {
        match text.char_indices().nth(MOST_CHARACTERS - 1) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Three significant digits or whole numbers.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled() {
        let words = Words {
            name: "Heart rate",
            unit: "/min",
            value: Some(131.44),
            count: 3,
            seconds: 90.0,
            context: "rest",
            score: Some(4.0),
        };
        let text = words.fill("{name} {value} {unit}, {count} values in {duration} at {context}: {score}");
        assert_eq!(text, "Heart rate 131 /min, 3 values in 90 s at rest: 4");
    }

    #[test]
    fn a_name_from_the_data_is_a_name_and_nothing_more() {
        let words = Words { name: "{value}", value: Some(1.0), ..Words::default() };
        assert_eq!(words.fill("{name}"), "{value}");
        let long = "ü".repeat(2_000);
        let text = Words { name: &long, ..Words::default() }.fill("{name}");
        assert_eq!(text.chars().count(), MOST_CHARACTERS);
    }
}
