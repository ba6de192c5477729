//! Identities: ids, full addresses and references, replaced by pseudonyms that fit together.
//!
//! | Before | After |
//! | --- | --- |
//! | id of a resource | pseudonym of `Type/id`, the same in every item of this person for this recipient |
//! | `fullUrl` | `urn:uuid:` and a pseudonym |
//! | reference into the item | in a Bundle the new `fullUrl`, otherwise the new `Type/id` |
//! | reference to a contained resource | `#` and its pseudonym |
//! | reference out of the item, `…/Type/id` | `Type/` and the pseudonym of `Type/id` |
//! | any other reference out of it, or by identifier | a logical reference: a `urn:uuid:` pseudonym as identifier |

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::aims::{
    ai_modules::{pseudonyms::Pseudonyms, treatment::Mapped},
    aih_data_processing::clinical::{
        ClinicalError, Record,
        reading::{Resource, Shape, resource_type},
        reference::{Target, type_and_id},
    },
};

/// The pseudonyms of one record.
pub(super) struct Names<'a> {
    record: &'a Record,
    pseudonyms: &'a Pseudonyms,
    mapping: BTreeMap<(&'static str, String), String>,
}

impl<'a> Names<'a> {
    /// For a record.
    pub fn new(record: &'a Record, pseudonyms: &'a Pseudonyms) -> Self {
        Self { record, pseudonyms, mapping: BTreeMap::new() }
    }

    /// Remembers what stands for what.
    pub fn note(&mut self, kind: &'static str, original: String, pseudonym: String) {
        self.mapping.insert((kind, original), pseudonym);
    }

    /// All that was replaced.
    pub fn into_mapping(self) -> Vec<Mapped> {
        let mapped = |((kind, original), pseudonym): ((&str, String), String)| Mapped {
            kind: kind.to_owned(),
            original,
            pseudonym,
        };
        self.mapping.into_iter().map(mapped).collect()
    }

    fn id_of(&mut self, type_and_id: &str) -> String {
        let pseudonym = self.pseudonyms.of("fhir-id", type_and_id);
        self.note("fhir-id", type_and_id.to_owned(), pseudonym.clone());
        pseudonym
    }

    fn uuid_of(&mut self, kind: &'static str, original: &str) -> String {
        let pseudonym = self.pseudonyms.uuid(kind, original).urn().to_string();
        self.note(kind, original.to_owned(), pseudonym.clone());
        pseudonym
    }

    /// The new id of a resource.
    pub fn id(&mut self, resource: &Resource) -> String {
        self.id_of(&key(resource))
    }

    /// The new id of a Bundle.
    pub fn bundle_id(&mut self, id: &str) -> String {
        self.id_of(&format!("Bundle/{id}"))
    }

    /// The new full address of the resource at an index.
    pub fn full_url(&mut self, at: usize) -> String {
        let original = self.record.resources.get(at).map(|r| r.full_url.clone().unwrap_or_else(|| key(r)));
        self.uuid_of("fhir-url", &original.unwrap_or_default())
    }

    /// The new id of a contained resource.
    pub fn contained(&mut self, container: &Resource, id: &str) -> String {
        self.id_of(&format!("{}#{id}", key(container)))
    }

    /// A reference as it is kept; `None` when it pointed nowhere.
    ///
    /// # Errors
    /// [`ClinicalError::Ambiguous`] when it fits more than one resource.
    pub fn reference(
        &mut self,
        reference: &Map<String, Value>,
        from: &Resource,
    ) -> Result<Option<Value>, ClinicalError> {
        let mut kept = match self.record.index.resolve(reference, from)? {
            Target::Nowhere => return Ok(None),
            Target::Container => json!({"reference": "#"}),
            Target::Contained(at) => match contained_id(from, at) {
                Some(id) => json!({"reference": format!("#{}", self.contained(from, id))}),
                None => return Ok(None),
            },
            Target::Within(at) => match (&self.record.shape, self.record.resources.get(at)) {
                (Shape::Bundle(_), _) => json!({"reference": self.full_url(at)}),
                (_, Some(resource)) => json!({"reference": format!("{}/{}", resource.kind, self.id(resource))}),
                (_, None) => return Ok(None),
            },
            Target::Outside(address) => {
                match type_and_id(&address).and_then(|found| Some((found, found.split_once('/')?.0))) {
                    Some((found, kind)) => json!({"reference": format!("{kind}/{}", self.id_of(found))}),
                    None => self.logical(&address),
                }
            }
            Target::Logical(system, value) => self.logical(&format!("{system}|{value}")),
        };
        let kind = reference.get("type").and_then(Value::as_str).and_then(resource_type);
        if let Some(kind) = kind {
            kept["type"] = Value::from(kind);
        }
        Ok(Some(kept))
    }

    fn logical(&mut self, original: &str) -> Value {
        json!({"identifier": {"system": "urn:ietf:rfc:3986", "value": self.uuid_of("fhir-reference", original)}})
    }
}

fn key(resource: &Resource) -> String {
    match (&resource.id, &resource.full_url) {
        (Some(id), _) => format!("{}/{id}", resource.kind),
        (None, Some(url)) => format!("{}/{url}", resource.kind),
        (None, None) => format!("{}/{}", resource.kind, resource.position),
    }
}

fn contained_id(from: &Resource, at: usize) -> Option<&str> {
    from.body.get("contained")?.get(at)?.get("id")?.as_str()
}
