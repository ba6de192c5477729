//! JSON pointers (RFC 6901) that are safe to show.
//!
//! A pointer names labels of the document, and a hostile or careless document can hold anything as a label. Only what
//! looks like a label of the standard is shown; anything else stands as `?`.

use std::fmt;

/// Longest label shown, in bytes. The longest label of the schemas is shorter.
const LONGEST_LABEL: usize = 64;

/// A place in a document that is being read.
#[derive(Debug, Default)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// Goes down into an object.
    pub(super) fn push_label(&mut self, label: &str) {
        self.0.push(shown(label).to_owned());
    }

    /// Goes down into an array.
    pub(super) fn push_index(&mut self, index: usize) {
        self.0.push(index.to_string());
    }

    /// Goes up.
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// A pointer made elsewhere, with its labels made safe to show.
    pub(super) fn safe(pointer: &str) -> String {
        let mut safe = Self::default();
        pointer.split('/').skip(1).for_each(|label| safe.push_label(label));
        safe.to_string()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|label| write!(f, "/{label}"))
    }
}

/// The label when it looks like one of the standard's (letters, digits, `_`), else `?`. Such labels need no escaping.
fn shown(label: &str) -> &str {
    let plain = !label.is_empty()
        && label.len() <= LONGEST_LABEL
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain { label } else { "?" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shown_and_other_text_is_not() {
        assert_eq!(Pointer::safe("/AIHData/0/Data"), "/AIHData/0/Data");
        assert_eq!(Pointer::safe(""), "");
        assert_eq!(Pointer::safe("/Jane Doe, born 1970/Data"), "/?/Data");
        assert_eq!(Pointer::safe(&format!("/{}", "x".repeat(65))), "/?");
    }
}
