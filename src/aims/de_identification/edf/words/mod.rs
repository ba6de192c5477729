//! Words that a header or an annotation may keep: they say what was measured or what happened, never to whom.
//!
//! | File | Knows |
//! | --- | --- |
//! | [`header`] | labels, transducers, units and prefilters |
//! | [`events`] | annotations and rhythms |
//! | `data/` | the words, each list with its source |
//!
//! Electrode names of the 10–20 and 10–10 systems and lead names of the ECG are known to the readers of such recordings.
//! Every word of a text must be known, or the text goes.

mod events;
mod header;

use std::collections::HashSet;

pub(in crate::aims::de_identification) use events::{is_event, is_rhythm};
pub(in crate::aims::de_identification) use header::{is_label, is_prefilter, is_transducer, is_unit};

/// The words of a list: of each line that is no remark, those between spaces.
fn words(list: &'static str) -> HashSet<&'static str> {
    lines(list).flat_map(str::split_whitespace).collect()
}

/// The lines of a list that are no remarks.
fn lines(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}
