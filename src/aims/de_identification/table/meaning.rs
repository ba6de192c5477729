//! **What a sensitive value means**, as far as its spelling does not matter: `7`, `7.0` and ` 7 ` are one value, `Asthma`
//! and `asthma` are one, and a set is the same in any order. Diversity counts meanings: otherwise two ways to write the
//! same disease would pass for two diseases.
//!
//! **Sets.** A person can have several conditions. Two different sets may share one: of `{asthma, gout}` and `{asthma}`
//! everybody has asthma, though the sets differ. So the diversity of a class of sets is the smaller of
//!
//! - the number of different sets, and
//! - one more than the number of persons who lack the commonest value.
//!
//! Where everybody has one value, that is the number of different values: distinct l-diversity as ever. Both parts are
//! monotone (classes put together are no less diverse), which the search relies on.

use std::collections::{BTreeMap, BTreeSet};

use super::hierarchy::number;

/// Stands between the values of a set.
pub const BETWEEN: char = ';';

/// The meaning of a value; `None` of a cell that holds none.
pub fn meaning(value: &str) -> Option<String> {
    let plain = value.trim();
    match number(plain) {
        _ if plain.is_empty() => None,
        // Adding 0 makes -0 the 0 it is.
        Some(number) => Some((number + 0.0).to_string()),
        None => Some(plain.to_lowercase()),
    }
}

/// A name or a number as it is whatever its spelling: `P1` and ` p1`, `7` and `07.0` are one. Of figures nothing is
/// calculated, so two long numbers are never taken for one.
pub fn unspelled(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !is_unseen(*c)).collect();
    let plain = seen.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    if number(&plain).is_none() {
        return plain;
    }
    let (sign, figures) = match plain.strip_prefix('-') {
        Some(figures) => ("-", figures),
        None => ("", plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (whole, fraction) = figures.split_once('.').unwrap_or((figures, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    }
}

/// Signs that no eye sees: controls but white space, zero-width characters, marks of direction.
fn is_unseen(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// The meanings in a set, each once.
pub fn members(set: &str) -> BTreeSet<String> {
    set.split(BETWEEN).filter_map(meaning).collect()
}

/// The meaning of a set; `None` of one without members.
pub fn meaning_of_set(set: &str) -> Option<String> {
    let members: Vec<String> = members(set).into_iter().collect();
    (!members.is_empty()).then(|| members.join(&BETWEEN.to_string()))
}

/// The diversity of a class of sets, one for each person.
#[derive(Debug, Default)]
pub struct SetDiversity {
    persons: usize,
    sets: BTreeSet<String>,
    holders: BTreeMap<String, usize>,
}

impl SetDiversity {
    /// Counts a person with a set.
    pub fn count(&mut self, set: &str) {
        self.persons += 1;
        self.sets.extend(meaning_of_set(set));
        for member in members(set) {
            *self.holders.entry(member).or_default() += 1;
        }
    }

    /// The diversity of all that were counted.
    pub fn diversity(&self) -> usize {
        let most = self.holders.values().copied().max().unwrap_or_default();
        self.sets.len().min(self.persons - most + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diversity(sets: &[&str]) -> usize {
        let mut class = SetDiversity::default();
        sets.iter().for_each(|set| class.count(set));
        class.diversity()
    }

    #[test]
    fn spelling_does_not_make_a_value_another() {
        assert_eq!(meaning("7.0"), meaning(" 7 "));
        assert_eq!(meaning("-0"), meaning("0"));
        assert_eq!(meaning("Asthma"), meaning("asthma "));
        assert_ne!(meaning("7.1"), meaning("7"));
        assert_eq!(meaning("  "), None);
        assert_eq!(meaning_of_set("b; a;b;"), meaning_of_set("A;B"));
        assert_eq!(meaning_of_set(" ; "), None);
    }

    #[test]
    fn one_name_in_many_spellings_is_one() {
        for same in ["P1", "p1", "P1 ", " P1", "P1\u{a0}", "P\u{200b}1"] {
            assert_eq!(unspelled(same), "p1");
        }
        for same in ["7", "07", "7.0", "+7", " 007.00"] {
            assert_eq!(unspelled(same), "7", "{same}");
        }
        assert_eq!(unspelled("Ada  Lovelace"), unspelled("ada\tlovelace"));
        for other in ["P10", "P-1", "7.1", "-7", "12345678901234567", "12345678901234568"] {
            let others = ["p1", "7", "12345678901234569"];
            assert!(!others.contains(&unspelled(other).as_str()), "{other}");
        }
        assert_ne!(unspelled("12345678901234567"), unspelled("12345678901234568"));
        assert_eq!((unspelled("0.0"), unspelled("-0")), ("0".to_owned(), "0".to_owned()));
    }

    #[test]
    fn a_value_everybody_has_leaves_no_diversity() {
        assert_eq!(diversity(&["asthma;gout", "asthma", "asthma;flu"]), 1);
        assert_eq!(diversity(&["asthma;gout", "asthma", "flu"]), 2);
        assert_eq!(diversity(&["asthma", "asthma", ""]), 1, "one set alone");
    }

    #[test]
    fn of_single_values_it_is_their_number() {
        assert_eq!(diversity(&["a", "b", "c", "a"]), 3);
        assert_eq!(diversity(&["a", "a"]), 1);
        assert_eq!((diversity(&["", ""]), diversity(&[])), (0, 0));
    }
}
