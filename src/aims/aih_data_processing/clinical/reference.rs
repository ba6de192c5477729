//! References between the resources of a record.
//!
//! FHIR R4 (2.3.0.2, 3.1.6) names a resource in four ways; each is resolved within the record or said to point outside:
//!
//! | Written | Resolved |
//! | --- | --- |
//! | `#id` | among the `contained` of the same resource |
//! | `urn:uuid:…`, `http://server/Type/id` | by `fullUrl` |
//! | `Type/id` | against the base of the own entry's `fullUrl`; otherwise by type and id, when that fits one resource |
//! | `identifier` alone | by an identifier of exactly one resource |

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    error::ClinicalError,
    reading::{Resource, is_id, resource_type},
};

/// Where a reference points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To the resource at this index of the record.
    Within(usize),
    /// To this position among the contained resources of the resource it stands in.
    Contained(usize),
    /// To the resource it stands in (`#`).
    Container,
    /// Out of the record; the address as absolute as it can be made.
    Outside(String),
    /// Out of the record, by identifier alone: system and value.
    Logical(String, String),
    /// Nowhere: only words for people.
    Nowhere,
}

/// The ways into the resources of a record.
#[derive(Debug, Default)]
pub struct Index {
    by_url: HashMap<String, usize>,
    by_type_and_id: HashMap<String, Vec<usize>>,
    by_identifier: HashMap<(String, String), Vec<usize>>,
}

impl Index {
    /// Of these resources.
    ///
    /// # Errors
    /// [`ClinicalError::Duplicate`] when two claim the same identity.
    pub fn of(resources: &[Resource]) -> Result<Self, ClinicalError> {
        let mut index = Self::default();
        for (at, resource) in resources.iter().enumerate() {
            let duplicate = || ClinicalError::Duplicate { place: resource.place() };
            if let Some(url) = &resource.full_url
                && index.by_url.insert(url.clone(), at).is_some()
            {
                return Err(duplicate());
            }
            if let Some(id) = &resource.id {
                let same = index.by_type_and_id.entry(format!("{}/{id}", resource.kind)).or_default();
                if same.iter().any(|other| resources.get(*other).is_none_or(|o| base(o) == base(resource))) {
                    return Err(duplicate());
                }
                same.push(at);
            }
            for pair in identifiers(&resource.body) {
                index.by_identifier.entry(pair).or_default().push(at);
            }
        }
        Ok(index)
    }

    /// Where a Reference that stands in the resource `from` points.
    ///
    /// # Errors
    /// [`ClinicalError::Ambiguous`] when it fits more than one resource.
    pub fn resolve(&self, reference: &Map<String, Value>, from: &Resource) -> Result<Target, ClinicalError> {
        if let Some(written) = reference.get("reference").and_then(Value::as_str) {
            return self.literal(written, from);
        }
        let Some((system, value)) = reference.get("identifier").and_then(identifier) else {
            return Ok(Target::Nowhere);
        };
        match self.by_identifier.get(&(system.clone(), value.clone())).map(Vec::as_slice) {
            Some([only]) => Ok(Target::Within(*only)),
            Some([_, ..]) => Err(ClinicalError::Ambiguous { place: from.place() }),
            _ => Ok(Target::Logical(system, value)),
        }
    }

    fn literal(&self, written: &str, from: &Resource) -> Result<Target, ClinicalError> {
        if let Some(id) = written.strip_prefix('#') {
            return Ok(if id.is_empty() { Target::Container } else { contained(id, from) });
        }
        let written = written.split_once("/_history/").map_or(written, |(address, _)| address);
        if let Some(at) = self.by_url.get(written) {
            return Ok(Target::Within(*at));
        }
        if type_and_id(written).is_none_or(|found| found != written) {
            return Ok(Target::Outside(written.to_owned()));
        }
        let absolute = base(from).map(|base| format!("{base}{written}"));
        if let Some(at) = absolute.as_ref().and_then(|url| self.by_url.get(url)) {
            return Ok(Target::Within(*at));
        }
        match self.by_type_and_id.get(written).map(Vec::as_slice) {
            Some([only]) => Ok(Target::Within(*only)),
            Some([_, ..]) => Err(ClinicalError::Ambiguous { place: from.place() }),
            _ => Ok(Target::Outside(absolute.unwrap_or_else(|| written.to_owned()))),
        }
    }
}

fn contained(id: &str, from: &Resource) -> Target {
    let list = from.body.get("contained").and_then(Value::as_array);
    let position = list.and_then(|list| list.iter().position(|c| c.get("id").and_then(Value::as_str) == Some(id)));
    position.map_or(Target::Nowhere, Target::Contained)
}

/// The server's address in a RESTful `fullUrl`, with its last slash.
fn base(resource: &Resource) -> Option<&str> {
    let (url, id) = (resource.full_url.as_deref()?, resource.id.as_deref()?);
    let base = url.strip_suffix(id)?.strip_suffix('/')?.strip_suffix(resource.kind)?;
    (base.starts_with("http") && base.ends_with('/')).then_some(base)
}

/// `Type/id` at the end of an address.
pub fn type_and_id(address: &str) -> Option<&str> {
    let (front, id) = address.rsplit_once('/')?;
    let kind = front.rsplit_once('/').map_or(front, |(_, kind)| kind);
    (is_id(id) && resource_type(kind).is_some()).then(|| &address[address.len() - kind.len() - 1 - id.len()..])
}

fn identifiers(body: &Map<String, Value>) -> Vec<(String, String)> {
    match body.get("identifier") {
        Some(Value::Array(list)) => list.iter().filter_map(identifier).collect(),
        Some(one) => identifier(one).into_iter().collect(),
        None => Vec::new(),
    }
}

fn identifier(value: &Value) -> Option<(String, String)> {
    let system = value.get("system").and_then(Value::as_str).unwrap_or_default();
    Some((system.to_owned(), value.get("value")?.as_str()?.to_owned()))
}
