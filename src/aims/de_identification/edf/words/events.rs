//! Annotations: events in words, and the rhythms of WFDB.

use std::{collections::HashSet, sync::LazyLock};

use super::{lines, words};

static EVENTS: LazyLock<HashSet<&str>> = LazyLock::new(|| lines(include_str!("data/events.txt")).collect());
static RHYTHMS: LazyLock<HashSet<&str>> = LazyLock::new(|| words(include_str!("data/rhythms.txt")));

/// Whether an annotation is a known event.
pub(in crate::aims::de_identification) fn is_event(text: &str) -> bool {
    EVENTS.contains(text.trim().to_lowercase().as_str())
}

/// Whether the text of a WFDB annotation is a known rhythm or mark.
pub(in crate::aims::de_identification) fn is_rhythm(text: &str) -> bool {
    RHYTHMS.contains(text.trim_end_matches('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_rhythms_stay() {
        assert!(["Sleep stage W", "Lights off", "SPIKE", " Eyes closed ", "N"].into_iter().all(is_event));
        assert!(is_rhythm("(AFIB") && is_rhythm("(N\0"));
    }

    #[test]
    fn names_and_numbers_are_no_events() {
        for text in ["Patient Jones arrives", "seizure of Mrs Jones", "555-0134", "", "# Events that may stay"] {
            assert!(!is_event(text), "{text}");
        }
        assert!(!is_rhythm("(N Jones") && !is_rhythm("Jones"));
    }
}
