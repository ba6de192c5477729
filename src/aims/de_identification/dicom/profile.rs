//! The two tables the treatment follows, and what they say of one attribute.
//!
//! `profile.tsv` is Table E.1-1 of PS3.15, `harmless.tsv` lists what may stay of attributes that are not in it. Both are
//! data with their meaning in their first lines; nothing about a single attribute is written in code, but for Patient ID,
//! Patient's Name and Accession Number, which get pseudonyms.

use std::{collections::HashMap, sync::LazyLock};

use dicom_core::Tag;

const PROFILE: &str = include_str!("profile.tsv");
const HARMLESS: &str = include_str!("harmless.tsv");

/// An action of the Basic Profile with its combined forms resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// X: removed.
    Remove,
    /// Z: emptied.
    Empty,
    /// D: replaced by a value of the same representation that means nothing.
    Dummy,
    /// U: replaced by another UID, everywhere the same; in a sequence, those within.
    Uid,
}

/// A line of Table E.1-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) keyword: &'static str,
    /// The action as the table writes it.
    pub(super) written: &'static str,
    /// The action taken.
    pub(super) action: Action,
    /// Whether the options Retain Longitudinal Temporal Information keep it.
    pub(super) dates: bool,
    /// Whether the option Retain Device Identity keeps it as it is.
    pub(super) device: bool,
}

/// What may stay of an attribute that is not in Table E.1-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Harmless {
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// At most three of these letters.
    Letters(&'static str),
    /// Emptied.
    Empty,
    /// Emptied; kept with the device.
    EmptyDevice,
    /// Removed; kept with the device.
    Device,
    /// A table of numbers.
    Numbers,
}

/// Both tables.
pub(super) struct Tables {
    profile: HashMap<Tag, Row>,
    harmless: HashMap<Tag, Harmless>,
    any_code_string: Harmless,
}

/// The tables of this program.
pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    // The tables are part of the program, and a test reads every line of them.
    Tables::read(PROFILE, HARMLESS).expect("the tables are valid")
});

impl Tables {
    fn read(profile: &'static str, harmless: &'static str) -> Option<Self> {
        let lines = |text: &'static str| text.lines().filter(|line| !line.starts_with('#'));
        let mut any_code_string = None;
        let mut kept = HashMap::new();
        for line in lines(harmless) {
            let mut columns = line.split('\t');
            let (tag, _keyword, rule) = (columns.next()?, columns.next()?, rule(columns.next()?)?);
            match tag {
                "*" => any_code_string = Some(rule),
                tag => kept.insert(parse_tag(tag)?, rule).is_some().then_some(()).map_or(Some(()), |()| None)?,
            }
        }
        let profile = lines(profile).map(row).collect::<Option<HashMap<_, _>>>()?;
        Some(Self { profile, harmless: kept, any_code_string: any_code_string? })
    }

    /// The line of an attribute in Table E.1-1.
    pub(super) fn row(&self, tag: Tag) -> Option<Row> {
        self.profile.get(&tag).copied()
    }

    /// What may stay of an attribute that has no line.
    pub(super) fn harmless(&self, tag: Tag) -> Option<&Harmless> {
        self.harmless.get(&tag)
    }

    /// What may stay of a code string that is in neither table.
    pub(super) fn any_code_string(&self) -> &Harmless {
        &self.any_code_string
    }

    #[cfg(test)]
    pub(super) fn rows(&self) -> impl Iterator<Item = (Tag, Row)> + '_ {
        self.profile.iter().map(|(tag, row)| (*tag, *row))
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> impl Iterator<Item = Tag> + '_ {
        self.harmless.keys().copied()
    }
}

fn row(line: &'static str) -> Option<(Tag, Row)> {
    let columns: Vec<&'static str> = line.split('\t').collect();
    let &[tag, keyword, written, dates, device, needs] = columns.as_slice() else { return None };
    let action = resolve(written, needs)?;
    let dates = matches!(dates, "K/C").then_some(true).or((dates == "-").then_some(false))?;
    // What Device would have cleaned (C) is not kept: free text cannot be cleaned without reading it.
    let device = match device {
        "K" => true,
        "C" | "-" => false,
        _ => return None,
    };
    Some((parse_tag(tag)?, Row { keyword, written, action, dates, device }))
}

/// One action for a possibly combined one.
fn resolve(written: &str, needs: &str) -> Option<Action> {
    let simple = |form: &str| match form {
        "X" => Some(Action::Remove),
        "Z" => Some(Action::Empty),
        "D" => Some(Action::Dummy),
        "U" | "U*" => Some(Action::Uid),
        _ => None,
    };
    let forms = written.split('/').map(simple).collect::<Option<Vec<_>>>()?;
    let wanted = match needs {
        "-" => return forms.last().copied(),
        "absent" => Action::Remove,
        "empty" => Action::Empty,
        "value" => Action::Dummy,
        _ => return None,
    };
    // A need the table does not foresee would be a mistake of ours.
    forms.contains(&wanted).then_some(wanted)
}

fn rule(text: &'static str) -> Option<Harmless> {
    match (text, text.split_once(' ')) {
        ("empty", _) => Some(Harmless::Empty),
        ("empty device", _) => Some(Harmless::EmptyDevice),
        ("device", _) => Some(Harmless::Device),
        ("numbers", _) => Some(Harmless::Numbers),
        (_, Some(("letters", letters))) => Some(Harmless::Letters(letters)),
        (_, Some(("one", rest))) => Some(Harmless::OneOf(rest.strip_prefix("of ")?.split('|').collect())),
        _ => None,
    }
}

/// `(gggg,eeee)`.
fn parse_tag(text: &str) -> Option<Tag> {
    let (group, element) = text.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let number = |text: &str| (text.len() == 4).then(|| u16::from_str_radix(text, 16).ok()).flatten();
    Some(Tag(number(group)?, number(element)?))
}
