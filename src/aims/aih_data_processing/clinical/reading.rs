//! From bytes to a list of FHIR R4 resources.
//!
//! | Format | Payload |
//! | --- | --- |
//! | `FHIR` | one JSON document: a Bundle, or one resource |
//! | `NDJSON` | one resource on each line, as the FHIR Bulk Data export writes them (no Bundles) |
//!
//! The JSON is read strictly (no duplicate keys, bounded depth), FHIR leniently: elements nobody here uses are not
//! looked at. What decides about identity is checked: the type must be one of R4's, an `id` must look like one.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::error::ClinicalError;
use crate::schema::{StrictError, strict, wire::DataFormat};

/// Most bytes of one payload.
pub const MOST_BYTES: usize = 64 << 20;
/// Most resources of one payload.
pub const MOST_RESOURCES: usize = 100_000;

/// Names of the resource types of FHIR R4 (4.0.1).
pub static RESOURCE_TYPES: LazyLock<Vec<String>> = LazyLock::new(|| {
    // Cannot fail: the file is part of the program, and a test reads it.
    serde_json::from_str(include_str!("data/resource_types.json")).expect("resource_types.json is a list of names")
});

/// The R4 resource type of this exact name.
pub fn resource_type(name: &str) -> Option<&'static str> {
    RESOURCE_TYPES.iter().map(String::as_str).find(|known| *known == name)
}

/// How the resources stood in the payload.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// One Bundle; its own elements without the entries.
    Bundle(Map<String, Value>),
    /// One resource on each line.
    Lines,
    /// One resource.
    Single,
}

/// One resource with what the Bundle says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its type.
    pub kind: &'static str,
    /// Its logical id.
    pub id: Option<String>,
    /// `fullUrl` of its Bundle entry.
    pub full_url: Option<String>,
    /// `search.mode` of its Bundle entry.
    pub search_mode: Option<String>,
    /// The resource itself.
    pub body: Map<String, Value>,
    /// Position in the payload, from 1.
    pub position: usize,
}

impl Resource {
    /// What it is called in messages and results: type and id, or type and position.
    pub fn name(&self) -> String {
        match &self.id {
            Some(id) => format!("{}/{id}", self.kind),
            None => self.place(),
        }
    }

    /// What it is called in refusals: type and position, never an identifier.
    pub fn place(&self) -> String {
        format!("{} at position {}", self.kind, self.position)
    }
}

/// A payload as its list of resources.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// How they stood in the payload.
    pub shape: Shape,
    /// The resources, in the payload's order.
    pub resources: Vec<Resource>,
}

/// Reads a payload.
///
/// # Errors
/// [`ClinicalError`] when it is not strict JSON, not FHIR R4, or beyond the limits.
pub fn read(format: DataFormat, payload: &[u8]) -> Result<Document, ClinicalError> {
    document(format, payload, strict::read)
}

/// Reads a payload that is written out again: its numbers stay as they are written, in disguise (see
/// [`crate::schema::as_written`]).
///
/// # Errors
/// As [`read`].
pub fn read_as_written(format: DataFormat, payload: &[u8]) -> Result<Document, ClinicalError> {
    document(format, payload, strict::read_as_written)
}

/// How bytes become JSON.
type Reader = fn(&[u8], usize) -> Result<Value, StrictError>;

fn document(format: DataFormat, payload: &[u8], json: Reader) -> Result<Document, ClinicalError> {
    let first = payload.iter().find(|byte| !byte.is_ascii_whitespace()).ok_or(ClinicalError::Empty)?;
    if *first == b'<' {
        return Err(ClinicalError::Xml);
    }
    let document = match format {
        DataFormat::Fhir => one_document(payload, json)?,
        DataFormat::Ndjson => lines(payload, json)?,
        other => return Err(ClinicalError::Format(other.word())),
    };
    if document.resources.is_empty() {
        return Err(ClinicalError::Empty);
    }
    Ok(document)
}

fn lines(payload: &[u8], json: Reader) -> Result<Document, ClinicalError> {
    if payload.len() > MOST_BYTES {
        return Err(ClinicalError::TooMany { what: "bytes", most: MOST_BYTES });
    }
    let mut resources = Vec::new();
    for (index, line) in payload.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line_number = index + 1;
        let value = json(line, MOST_BYTES).map_err(|error| ClinicalError::Line { line: line_number, error })?;
        resources.push(resource(value, None, line_number)?);
        within(&resources)?;
    }
    if let Some(bundle) = resources.iter().find(|resource| resource.kind == "Bundle") {
        return Err(not_fhir(bundle.place(), "a line of NDJSON holds one resource, not a Bundle"));
    }
    Ok(Document { shape: Shape::Lines, resources })
}

fn one_document(payload: &[u8], json: Reader) -> Result<Document, ClinicalError> {
    let value = json(payload, MOST_BYTES).map_err(ClinicalError::Json)?;
    let mut single = resource(value, None, 1)?;
    if single.kind != "Bundle" {
        return Ok(Document { shape: Shape::Single, resources: vec![single] });
    }
    if single.body.get("type").and_then(Value::as_str) == Some("history") {
        return Err(not_fhir(single.place(), "a history Bundle holds several versions of one resource"));
    }
    let entries = match single.body.remove("entry") {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(not_fhir(single.place(), "its entries are not a list")),
    };
    let mut resources = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        resources.extend(bundle_entry(entry, index + 1)?);
        within(&resources)?;
    }
    Ok(Document { shape: Shape::Bundle(single.body), resources })
}

fn within(resources: &[Resource]) -> Result<(), ClinicalError> {
    match resources.len() > MOST_RESOURCES {
        true => Err(ClinicalError::TooMany { what: "resources", most: MOST_RESOURCES }),
        false => Ok(()),
    }
}

/// The resource of an entry; an entry may be only a request or a response and hold none.
fn bundle_entry(entry: Value, position: usize) -> Result<Option<Resource>, ClinicalError> {
    let place = || format!("entry {position} of the Bundle");
    let Value::Object(mut entry) = entry else { return Err(not_fhir(place(), "it is not a JSON object")) };
    let Some(body) = entry.remove("resource") else { return Ok(None) };
    let full_url = match entry.remove("fullUrl") {
        None => None,
        Some(Value::String(url)) => Some(url),
        Some(_) => return Err(not_fhir(place(), "its fullUrl is not a string")),
    };
    let mut resource = resource(body, full_url, position)?;
    if resource.kind == "Bundle" {
        return Err(not_fhir(place(), "a Bundle within a Bundle is not read"));
    }
    resource.search_mode = entry.get("search").and_then(|s| s.get("mode")).and_then(Value::as_str).map(str::to_owned);
    Ok(Some(resource))
}

fn resource(value: Value, full_url: Option<String>, position: usize) -> Result<Resource, ClinicalError> {
    let place = || format!("the resource at position {position}");
    let Value::Object(body) = value else { return Err(not_fhir(place(), "it is not a JSON object")) };
    let name = body.get("resourceType").and_then(Value::as_str);
    let name = name.ok_or_else(|| not_fhir(place(), "it has no resourceType"))?;
    let kind = resource_type(name).ok_or_else(|| not_fhir(place(), "R4 has no resource type of that name"))?;
    let id = match body.get("id") {
        None => None,
        Some(Value::String(id)) if is_id(id) => Some(id.clone()),
        Some(_) => return Err(not_fhir(place(), "its id is not 1 to 64 letters, digits, hyphens and dots")),
    };
    Ok(Resource { kind, id, full_url, search_mode: None, body, position })
}

/// Whether this is a logical id as R4 defines it.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn not_fhir(place: String, reason: &'static str) -> ClinicalError {
    ClinicalError::NotFhir { place, reason }
}
