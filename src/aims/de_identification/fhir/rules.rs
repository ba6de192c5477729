//! The allow list: which elements of which resource types are kept, and as what (`data/elements.json`).

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value};

/// As what an element is kept.
#[derive(Debug)]
pub(super) enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A small whole number.
    Integer,
    /// A number.
    Number,
    /// `date`, `dateTime`.
    Date,
    /// `instant`, which cannot be a year.
    Instant,
    /// The birth date of the patient.
    BirthDate,
    /// A time of day.
    Time,
    /// One of these words.
    Code(Vec<String>),
    /// Codes of the vocabulary.
    CodeableConcept,
    /// One code of the vocabulary.
    Coding,
    /// A value with a UCUM unit.
    Quantity,
    /// A pseudonymised reference.
    Reference,
    /// Country, State, three digits.
    Address,
    /// A series of numbers.
    SampledData,
    /// Never; a required text in its place is marked as masked.
    Masked,
    /// A data type of the table.
    Named(String),
    /// An element with elements.
    Fields(Fields),
}

/// An element that may be kept.
#[derive(Debug)]
pub(super) struct Field {
    /// As what.
    pub kind: Kind,
    /// Whether R4 requires it.
    pub required: bool,
}

/// The elements that may be kept, by name.
pub(super) type Fields = BTreeMap<String, Field>;

struct Table {
    types: BTreeMap<String, Fields>,
    resources: BTreeMap<String, Fields>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    let file: Value = serde_json::from_str(include_str!("data/elements.json")).expect("elements.json is JSON");
    let all = |name: &str| -> BTreeMap<String, Fields> {
        let groups = file.get(name).and_then(Value::as_object);
        groups
            .into_iter()
            .flatten()
            .filter_map(|(name, group)| Some((name.clone(), fields(group.as_object()?))))
            .collect()
    };
    Table { types: all("Types"), resources: all("Resources") }
});

/// What is kept of a resource type; `None` when only its type and id are.
pub(super) fn resource(kind: &str) -> Option<&'static Fields> {
    TABLE.resources.get(kind)
}

/// What is kept of a data type.
pub(super) fn data_type(name: &str) -> Option<&'static Fields> {
    TABLE.types.get(name)
}

/// Every resource type that is kept.
#[cfg(test)]
pub(super) fn resources() -> impl Iterator<Item = (&'static String, &'static Fields)> {
    TABLE.resources.iter()
}

fn fields(group: &Map<String, Value>) -> Fields {
    group.iter().map(|(name, rule)| (name.clone(), field(rule))).collect()
}

fn field(rule: &Value) -> Field {
    let text = match rule {
        Value::Object(group) => return Field { kind: Kind::Fields(fields(group)), required: false },
        other => other.as_str().unwrap_or_default(),
    };
    let (name, words) = text.split_once(':').unwrap_or((text, ""));
    let (name, required) = name.strip_suffix('!').map_or((name, false), |name| (name, true));
    let kind = match name {
        "boolean" => Kind::Boolean,
        "integer" => Kind::Integer,
        "number" => Kind::Number,
        "date" | "dateTime" => Kind::Date,
        "instant" => Kind::Instant,
        "birthDate" => Kind::BirthDate,
        "time" => Kind::Time,
        "code" => Kind::Code(words.split('|').map(str::to_owned).collect()),
        "CodeableConcept" => Kind::CodeableConcept,
        "Coding" => Kind::Coding,
        "Quantity" => Kind::Quantity,
        "Reference" => Kind::Reference,
        "Address" => Kind::Address,
        "SampledData" => Kind::SampledData,
        "masked" => Kind::Masked,
        other => Kind::Named(other.to_owned()),
    };
    Field { kind, required }
}
