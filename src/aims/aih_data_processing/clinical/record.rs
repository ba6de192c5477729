//! A record: resources whose references are resolved and that speak of one patient.
//!
//! Who a resource is about stands in `subject`, `patient`, `beneficiary`, `individual` or `for`. All that name a patient
//! must name the same one: a Patient of the record, or one outside it at one address. Two patients in one item are
//! refused, since the licence is one person's. A resource that names nobody counts only when it stands alone.

use serde_json::{Map, Value};

use super::{
    error::ClinicalError,
    reading::{Document, Resource, Shape, read},
    reference::{Index, Target, type_and_id},
};
use crate::schema::wire::DataFormat;

/// Elements in which a resource says whom it is about.
pub const ABOUT: [&str; 5] = ["subject", "patient", "beneficiary", "individual", "for"];

/// Kinds of resource that something is read from.
const JUDGED: [&str; 9] = [
    "Condition",
    "Encounter",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Patient",
];

/// A clinical record of one person.
#[derive(Debug)]
pub struct Record {
    /// How the resources stood in the payload.
    pub shape: Shape,
    /// The resources.
    pub resources: Vec<Resource>,
    /// The ways between them.
    pub index: Index,
    patient: Option<Subject>,
    about: Vec<bool>,
}

/// Who a resource speaks of.
#[derive(Debug, Clone, PartialEq)]
enum Subject {
    Within(usize),
    Contained(Map<String, Value>),
    Outside(String),
}

impl Record {
    /// Reads a payload as a record.
    ///
    /// # Errors
    /// [`ClinicalError`] when it cannot be read, its references are not clear, or it speaks of more than one patient.
    pub fn read(format: DataFormat, payload: &[u8]) -> Result<Self, ClinicalError> {
        Self::of(read(format, payload)?)
    }

    /// Reads a payload of which something will be said. FHIR forbids to use a resource that carries a modifier extension or
    /// implicit rules one does not know: they may turn its meaning round, and none are known here. So is one refused, and
    /// named, in whatever kind of resource is judged.
    ///
    /// # Errors
    /// As [`Record::read`], and for a modifier extension or implicit rules.
    pub fn read_to_judge(format: DataFormat, payload: &[u8]) -> Result<Self, ClinicalError> {
        let record = Self::read(format, payload)?;
        let judged = |resource: &&Resource| JUDGED.contains(&resource.kind);
        let mut judged = record.resources.iter().filter(judged);
        match judged.find_map(|resource| Some((resource, modifier(&resource.body)?))) {
            None => Ok(record),
            Some((resource, element)) => {
                let reason = "it changes what the resource means in a way that is unknown here";
                Err(ClinicalError::Element { place: resource.place(), element, reason })
            }
        }
    }

    /// Of a document already read.
    ///
    /// # Errors
    /// As [`Record::read`].
    pub fn of(document: Document) -> Result<Self, ClinicalError> {
        let Document { shape, resources } = document;
        let index = Index::of(&resources)?;
        let mut patient: Option<Subject> = None;
        let mut about = Vec::with_capacity(resources.len());
        for (at, resource) in resources.iter().enumerate() {
            let subject = if resource.kind == "Patient" {
                Some(Subject::Within(at))
            } else {
                subject_of(resource, &resources, &index)?
            };
            about.push(subject.is_some());
            match (&patient, subject) {
                (Some(known), Some(other)) if *known != other => return Err(ClinicalError::MixedPatients),
                (None, Some(first)) => patient = Some(first),
                _ => {}
            }
        }
        if let ([only], [resource]) = (about.as_mut_slice(), resources.as_slice()) {
            *only |= !ABOUT.iter().any(|field| resource.body.contains_key(*field));
        }
        Ok(Self { shape, resources, index, patient, about })
    }

    /// The Patient resource, when the record has it.
    pub fn patient(&self) -> Option<&Map<String, Value>> {
        match self.patient.as_ref()? {
            Subject::Within(at) => self.resources.get(*at).map(|resource| &resource.body),
            Subject::Contained(body) => Some(body),
            Subject::Outside(_) => None,
        }
    }

    /// A name for the person that is the same wherever the same patient is named: `Patient/id`, or the address.
    pub fn person(&self) -> Option<String> {
        Some(match self.patient.as_ref()? {
            Subject::Within(at) => self.resources.get(*at)?.name(),
            Subject::Contained(body) => serde_json::to_string(body).ok()?,
            Subject::Outside(address) => type_and_id(address).unwrap_or(address).to_owned(),
        })
    }

    /// What the Patient resource is called in results.
    pub fn patient_name(&self) -> String {
        match self.patient.as_ref() {
            Some(Subject::Within(at)) => self.resources.get(*at).map_or_else(String::new, Resource::name),
            _ => "Patient".to_owned(),
        }
    }

    /// The resources of a type that speak of the patient.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources.iter().zip(&self.about).filter(move |(r, about)| **about && r.kind == kind).map(|(r, _)| r)
    }

    /// How many resources of the kinds that something is read from do not name the patient, and were left out. A
    /// Medication never does.
    pub fn left_out(&self) -> usize {
        let judged = |resource: &Resource| JUDGED.contains(&resource.kind) && resource.kind != "Medication";
        self.resources.iter().zip(&self.about).filter(|(resource, about)| !**about && judged(resource)).count()
    }

    /// The resource that a Reference in `from` points to, when the record holds it.
    ///
    /// # Errors
    /// [`ClinicalError::Ambiguous`].
    pub fn follow<'a>(
        &'a self,
        from: &'a Resource,
        field: &str,
    ) -> Result<Option<&'a Map<String, Value>>, ClinicalError> {
        let Some(reference) = from.body.get(field).and_then(Value::as_object) else { return Ok(None) };
        Ok(match self.index.resolve(reference, from)? {
            Target::Within(at) => self.resources.get(at).map(|resource| &resource.body),
            Target::Contained(at) => from.body.get("contained").and_then(|c| c.get(at)).and_then(Value::as_object),
            Target::Container => Some(&from.body),
            _ => None,
        })
    }
}

/// The element, anywhere in a resource or in what it contains, that may change its meaning without being known here.
fn modifier(body: &Map<String, Value>) -> Option<&'static str> {
    body.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("modifierExtension", _) => Some("modifierExtension"),
        ("implicitRules", _) => Some("implicitRules"),
        (_, Value::Object(inner)) => modifier(inner),
        (_, Value::Array(items)) => items.iter().filter_map(Value::as_object).find_map(modifier),
        _ => None,
    })
}

/// The patient a resource names, if it names one.
fn subject_of(from: &Resource, all: &[Resource], index: &Index) -> Result<Option<Subject>, ClinicalError> {
    let mut found: Option<Subject> = None;
    for field in ABOUT {
        let Some(reference) = from.body.get(field).and_then(Value::as_object) else { continue };
        let subject = match index.resolve(reference, from)? {
            Target::Within(at) if all.get(at).is_some_and(|r| r.kind == "Patient") => Subject::Within(at),
            Target::Contained(at) => match contained_patient(from, at) {
                Some(body) => Subject::Contained(body),
                None => continue,
            },
            Target::Outside(address) if may_be_patient(&address, reference) => Subject::Outside(address),
            Target::Logical(system, value) if may_be_patient("", reference) => {
                Subject::Outside(format!("identifier {system}|{value}"))
            }
            _ => continue,
        };
        if found.as_ref().is_some_and(|known| *known != subject) {
            return Err(ClinicalError::MixedPatients);
        }
        found = Some(subject);
    }
    Ok(found)
}

/// A contained Patient without its local id: the same person contained in two resources is one person.
fn contained_patient(from: &Resource, at: usize) -> Option<Map<String, Value>> {
    let mut body = from.body.get("contained")?.get(at)?.as_object()?.clone();
    body.remove("id");
    (body.get("resourceType").and_then(Value::as_str) == Some("Patient")).then_some(body)
}

/// An address that names another type than Patient is not one; an address that names none may be.
fn may_be_patient(address: &str, reference: &Map<String, Value>) -> bool {
    let written = type_and_id(address).and_then(|found| found.split('/').next());
    written.or_else(|| reference.get("type").and_then(Value::as_str)).is_none_or(|kind| kind == "Patient")
}
