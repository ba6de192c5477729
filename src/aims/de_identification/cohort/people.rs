//! Whose resource is whose: the resources of a Bundle, by patient.
//!
//! A person is a Patient resource. Two that are linked to each other (`Patient.link`) or carry the same identifier may be
//! one person, who would be counted twice: they stop the treatment. A resource that names no patient, or one who is not in
//! the Bundle, is left out and counted.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::error::CohortError;
use crate::{
    aims::aih_data_processing::clinical::{
        ClinicalError, Record,
        reading::{self, Document, Resource, Shape},
        record::ABOUT,
        reference::{Index, Target},
    },
    schema::wire::DataFormat,
};

/// The persons of a cohort.
#[derive(Debug)]
pub(super) struct People {
    /// Each person's record.
    pub persons: Vec<Record>,
    /// How many resources there were.
    pub resources: usize,
    /// How many of them name no patient.
    pub of_nobody: usize,
    /// How many name a patient who is not here.
    pub of_others: usize,
}

/// Whom a resource is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Person(usize),
    Somebody,
    Nobody,
}

impl People {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`CohortError`] when it cannot be read, has no patient, or persons cannot be counted.
    pub fn read(format: DataFormat, payload: &[u8]) -> Result<Self, CohortError> {
        let Document { resources, .. } = reading::read(format, payload)?;
        let index = Index::of(&resources)?;
        let about: Vec<About> =
            resources.iter().enumerate().map(|(at, r)| whose(at, r, &resources, &index)).collect::<Result<_, _>>()?;
        apart(&resources, &index)?;
        let count = |wanted| about.iter().filter(|about| **about == wanted).count();
        let (of_nobody, of_others, total) = (count(About::Nobody), count(About::Somebody), resources.len());
        let mut records: BTreeMap<usize, Vec<Resource>> = BTreeMap::new();
        for (resource, about) in resources.into_iter().zip(&about) {
            if let About::Person(person) = about {
                records.entry(*person).or_default().push(resource);
            }
        }
        if records.is_empty() {
            return Err(CohortError::Nobody);
        }
        let record = |resources| Record::of(Document { shape: Shape::Lines, resources });
        let persons = records.into_values().map(record).collect::<Result<_, _>>()?;
        Ok(Self { persons, resources: total, of_nobody, of_others })
    }
}

/// Whom a resource is about; two persons at once are refused.
fn whose(at: usize, resource: &Resource, all: &[Resource], index: &Index) -> Result<About, ClinicalError> {
    if resource.kind == "Patient" {
        return Ok(About::Person(at));
    }
    let mut found = About::Nobody;
    for field in ABOUT {
        let Some(reference) = resource.body.get(field).and_then(Value::as_object) else { continue };
        let named = match index.resolve(reference, resource)? {
            Target::Within(at) if all.get(at).is_some_and(|r| r.kind == "Patient") => About::Person(at),
            Target::Within(_) | Target::Nowhere | Target::Container => continue,
            Target::Contained(_) | Target::Outside(_) | Target::Logical(..) => About::Somebody,
        };
        match found {
            About::Person(_) if named != found => {
                return Err(ClinicalError::Element {
                    place: resource.place(),
                    element: field,
                    reason: "it names another person than the same resource does elsewhere",
                });
            }
            _ => found = named,
        }
    }
    Ok(found)
}

/// No two patients may be one person.
fn apart(all: &[Resource], index: &Index) -> Result<(), CohortError> {
    let mut known = HashSet::new();
    for patient in all.iter().filter(|resource| resource.kind == "Patient") {
        let same = || CohortError::SamePerson { place: patient.place() };
        let list = |name: &str| patient.body.get(name).and_then(Value::as_array).into_iter().flatten();
        for other in list("link").filter_map(|link| link.get("other")?.as_object()) {
            let at = index.resolve(other, patient)?;
            if matches!(at, Target::Within(at) if all.get(at).is_some_and(|other| other.kind == "Patient")) {
                return Err(same());
            }
        }
        let own: HashSet<(&str, &str)> = list("identifier").filter_map(identifier).collect();
        if own.into_iter().any(|identifier| !known.insert(identifier)) {
            return Err(same());
        }
    }
    Ok(())
}

fn identifier(value: &Value) -> Option<(&str, &str)> {
    let system = value.get("system").and_then(Value::as_str).unwrap_or_default();
    Some((system, value.get("value")?.as_str()?))
}
