//! UCUM units, known by their grammar (UCUM 2.1, sections 4 to 8): terms of prefixed atoms with exponents.
//!
//! A unit's code is text, and an annotation in braces is free text: what does not parse is dropped, and annotations are.

use crate::aims::aih_data_processing::clinical::measurement::without_annotation;

/// Atoms that take a prefix.
const METRIC: [&str; 28] = [
    "m", "g", "s", "L", "l", "mol", "eq", "U", "[iU]", "[IU]", "Cel", "K", "Pa", "m[Hg]", "m[H2O]", "cal", "J", "W",
    "V", "A", "Hz", "kat", "bar", "osm", "B", "Bq", "Gy", "Sv",
];
/// Atoms that take none.
const PLAIN: [&str; 26] = [
    "1",
    "10*",
    "10^",
    "%",
    "[ppth]",
    "[ppm]",
    "[pH]",
    "min",
    "h",
    "d",
    "wk",
    "mo",
    "a",
    "deg",
    "[degF]",
    "[lb_av]",
    "[oz_av]",
    "[in_i]",
    "[ft_i]",
    "[stone_av]",
    "[drp]",
    "[CFU]",
    "[arb'U]",
    "[diop]",
    "[Cal]",
    "[tsp_us]",
];
const PREFIXES: [&str; 16] = ["da", "k", "h", "d", "c", "m", "u", "n", "p", "f", "a", "M", "G", "T", "P", "z"];
const LONGEST: usize = 40;

/// The unit without annotations, when it is one.
pub(super) fn plain(code: &str) -> Option<String> {
    let unit = without_annotation(code);
    let body = unit.strip_prefix('/').unwrap_or(&unit);
    let known = unit.len() <= LONGEST && body.split(['/', '.']).all(is_term);
    known.then_some(unit)
}

/// Whether a unit has a dimension or scale; `1` has none.
pub(super) fn is_dimensionless(unit: &str) -> bool {
    unit == "1"
}

fn is_term(term: &str) -> bool {
    if is_atom(term) {
        return true;
    }
    let without_exponent = term.trim_end_matches(|c: char| c.is_ascii_digit());
    let exponent = &term[without_exponent.len()..];
    let without_sign = without_exponent.strip_suffix(['-', '+']).unwrap_or(without_exponent);
    (1..=2).contains(&exponent.len()) && is_atom(without_sign)
}

fn is_atom(atom: &str) -> bool {
    let metric = |atom: &str| METRIC.contains(&atom);
    PLAIN.contains(&atom) || metric(atom) || PREFIXES.iter().any(|prefix| atom.strip_prefix(prefix).is_some_and(metric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_the_clinic_are_known() {
        for unit in [
            "mg/dL", "mmol/L", "mm[Hg]", "/min", "kg/m2", "10*9/L", "10*3/uL", "umol/L", "%", "Cel", "[degF]",
            "mL/min/1", "ug/kg/h", "U/L", "[IU]/L", "mmol/mol", "g.m-2", "1", "kPa", "s-1", "cm[H2O]", "mosm/kg", "pg",
            "fL", "a",
        ] {
            assert_eq!(plain(unit).as_deref(), Some(unit));
        }
        assert_eq!(plain("{beats}/min").as_deref(), Some("/min"));
        assert_eq!(plain("{Ada Lovelace}").as_deref(), Some("1"));
    }

    #[test]
    fn anything_else_is_none() {
        for other in
            ["Smith", "123-45-6789", "Ada Lovelace", "mg/dL;Ada", "mgg", "//", "", "10.0.0.1", "m123", "bpm", "TAB"]
        {
            assert!(plain(other).is_none_or(|unit| unit == "1" && other.is_empty()), "{other}");
        }
    }
}
