//! The walk through a resource: of each element, what the allow list keeps of it.

use serde_json::{Map, Value, json};

use super::{
    codes::{self, VOCABULARY},
    dates::Dates,
    names::Names,
    places, quantities,
    rules::{self, Field, Fields, Kind},
    tally::Tally,
};
use crate::aims::aih_data_processing::clinical::{
    ClinicalError,
    reading::{Resource, is_id, resource_type},
};

const DATES_RULE: &str = "45 CFR 164.514(b)(2)(i)(C) dates";
const GENERALISATION: &str = "Generalisation";
const TOKENISATION: &str = "Tokenisation";

/// One walk through one record.
pub(super) struct Walk<'a> {
    /// What becomes of dates.
    pub dates: Dates,
    /// What becomes of identities.
    pub names: Names<'a>,
    /// What was done.
    pub tally: &'a mut Tally,
}

impl Walk<'_> {
    /// What is kept of a resource.
    ///
    /// # Errors
    /// [`ClinicalError::Ambiguous`] when a reference fits more than one resource.
    pub fn resource(&mut self, resource: &Resource) -> Result<Value, ClinicalError> {
        let id = self.names.id(resource);
        self.tally.changed(TOKENISATION, "ids of resources: keyed pseudonyms");
        let mut kept = self.body(resource.kind, &resource.body, resource)?;
        kept.insert("id".to_owned(), Value::from(id));
        let mut contained = Vec::new();
        for inner in resource.body.get("contained").and_then(Value::as_array).into_iter().flatten() {
            contained.extend(self.contained(inner, resource)?);
        }
        if !contained.is_empty() {
            kept.insert("contained".to_owned(), Value::Array(contained));
        }
        kept.insert("meta".to_owned(), self.meta(resource.body.get("meta")));
        Ok(Value::Object(kept))
    }

    /// A contained resource; one of no known type is dropped.
    fn contained(&mut self, inner: &Value, container: &Resource) -> Result<Option<Value>, ClinicalError> {
        let kind = inner.get("resourceType").and_then(Value::as_str).and_then(resource_type);
        let id = inner.get("id").and_then(Value::as_str).filter(|id| is_id(id));
        let (Some(kind), Some(id), Some(body)) = (kind, id, inner.as_object()) else {
            self.tally.removed("contained", inner);
            return Ok(None);
        };
        let id = self.names.contained(container, id);
        let mut kept = self.body(kind, body, container)?;
        kept.insert("id".to_owned(), Value::from(id));
        Ok(Some(Value::Object(kept)))
    }

    /// The elements of a resource, but for those that every resource has.
    fn body(
        &mut self,
        kind: &'static str,
        body: &Map<String, Value>,
        from: &Resource,
    ) -> Result<Map<String, Value>, ClinicalError> {
        let mut own = body.clone();
        for name in ["resourceType", "id", "meta", "contained"] {
            own.remove(name);
        }
        let language = own.remove("language");
        let mut kept = match rules::resource(kind) {
            Some(fields) => self.object(fields, &own, from)?,
            None => {
                own.iter().for_each(|(name, value)| self.tally.removed(name, value));
                Map::new()
            }
        };
        if let Some(language) = language.filter(|l| l.as_str().is_some_and(codes::is_language)) {
            kept.insert("language".to_owned(), language);
        }
        kept.insert("resourceType".to_owned(), Value::from(kind));
        Ok(kept)
    }

    /// A Bundle's own elements.
    pub fn bundle(&mut self, own: &Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, value) in own {
            match (name.as_str(), value.as_str()) {
                ("resourceType" | "type" | "meta", _) => {}
                ("id", Some(id)) => {
                    let id = self.names.bundle_id(id);
                    kept.insert("id".to_owned(), Value::from(id));
                }
                ("timestamp", Some(text)) => {
                    if let Some(at) = self.dates.instant(text) {
                        kept.insert("timestamp".to_owned(), Value::from(at));
                    }
                }
                _ => self.tally.removed(name, value),
            }
        }
        kept.insert("resourceType".to_owned(), Value::from("Bundle"));
        kept.insert("meta".to_owned(), self.meta(own.get("meta")));
        kept
    }

    /// Known profiles and labels, and the label that says what this is.
    fn meta(&mut self, meta: Option<&Value>) -> Value {
        let list = |name: &str| meta.and_then(|m| m.get(name)).and_then(Value::as_array).into_iter().flatten();
        let known = |p: &&Value| p.as_str().is_some_and(|p| VOCABULARY.profiles.iter().any(|known| known == p));
        let profiles: Vec<Value> = list("profile").filter(known).cloned().collect();
        let tags: Vec<Value> = list("tag").filter_map(codes::coding).collect();
        let mut security: Vec<Value> = list("security").filter_map(codes::coding).collect();
        security
            .push(json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED"}));
        let mut kept = json!({"security": security});
        if !profiles.is_empty() {
            kept["profile"] = Value::Array(profiles);
        }
        if !tags.is_empty() {
            kept["tag"] = Value::Array(tags);
        }
        let updated = meta.and_then(|m| m.get("lastUpdated")).and_then(Value::as_str);
        if let Some(updated) = updated.and_then(|text| self.dates.instant(text)) {
            kept["lastUpdated"] = Value::from(updated);
        }
        for name in ["source", "versionId", "extension"] {
            if let Some(value) = meta.and_then(|m| m.get(name)) {
                self.tally.removed(name, value);
            }
        }
        kept
    }

    /// The listed elements of an object. A modifier extension may turn its meaning around: then nothing of it is kept.
    fn object(
        &mut self,
        fields: &'static Fields,
        source: &Map<String, Value>,
        from: &Resource,
    ) -> Result<Map<String, Value>, ClinicalError> {
        let mut kept = Map::new();
        if source.contains_key("modifierExtension") {
            self.tally.removed("modifierExtension", &Value::Object(source.clone()));
            return Ok(kept);
        }
        for (name, value) in source {
            let Some(field) = fields.get(name) else {
                self.beside(fields, name, value, &mut kept);
                continue;
            };
            let unsaid = quantities::is_age(source, name) && quantities::may_be_over_89(value);
            match self.element(field, name, value, from)?.filter(|_| !unsaid) {
                Some(new) => {
                    self.tally.kept();
                    kept.insert(name.clone(), new);
                }
                None => {
                    self.tally.removed(name, value);
                    if field.required {
                        mask(field, name, value.is_array(), &mut kept);
                    }
                }
            }
        }
        Ok(kept)
    }

    /// Extensions of an object or of one of its simple values; everything else that is not listed is dropped.
    fn beside(&mut self, fields: &'static Fields, name: &str, value: &Value, kept: &mut Map<String, Value>) {
        let list = match name.strip_prefix('_') {
            Some(element) if fields.contains_key(element) => value.get("extension"),
            _ if name == "extension" => Some(value),
            _ => None,
        };
        let known: Vec<Value> = list.and_then(Value::as_array).into_iter().flatten().filter_map(extension).collect();
        if known.len() != list.and_then(Value::as_array).map_or(0, Vec::len) || known.is_empty() {
            self.tally.removed(name, value);
        }
        if !known.is_empty() {
            let whole = if name == "extension" { Value::Array(known) } else { json!({"extension": known}) };
            kept.insert(name.to_owned(), whole);
        }
    }

    /// What is kept of an element: of a list, of each of its items.
    fn element(
        &mut self,
        field: &'static Field,
        name: &str,
        value: &Value,
        from: &Resource,
    ) -> Result<Option<Value>, ClinicalError> {
        let Value::Array(items) = value else { return self.one(&field.kind, value, from) };
        let mut kept = Vec::with_capacity(items.len());
        for item in items {
            match self.one(&field.kind, item, from)? {
                Some(new) => kept.push(new),
                None if items.len() > 1 => self.tally.removed(name, item),
                None => {}
            }
        }
        Ok((!kept.is_empty()).then_some(Value::Array(kept)))
    }

    fn one(&mut self, kind: &'static Kind, value: &Value, from: &Resource) -> Result<Option<Value>, ClinicalError> {
        let text = value.as_str();
        Ok(match kind {
            Kind::Boolean => value.is_boolean().then(|| value.clone()),
            Kind::Integer => quantities::integer(value),
            Kind::Number => quantities::number(value),
            Kind::Code(words) => text.filter(|text| words.iter().any(|word| word == text)).map(Value::from),
            Kind::Date => self.date(text.and_then(|text| self.dates.date(text))),
            Kind::Instant => self.date(text.and_then(|text| self.dates.instant(text))),
            Kind::Time => self.date(text.and_then(|text| self.dates.time(text))),
            Kind::BirthDate => self.date(text.and_then(|text| self.dates.birth(text))),
            Kind::CodeableConcept => self.without_text(value, codes::concept(value)),
            Kind::Coding => self.without_text(value, codes::coding(value)),
            Kind::Quantity => self.quantity(value),
            Kind::SampledData => quantities::sampled(value),
            Kind::Address => self.address(value),
            Kind::Masked => None,
            Kind::Reference => match value.as_object() {
                Some(reference) => self.reference(reference, from)?,
                None => None,
            },
            Kind::Named(name) => match (rules::data_type(name), value.as_object()) {
                (Some(fields), Some(source)) => non_empty(self.object(fields, source, from)?),
                _ => None,
            },
            Kind::Fields(fields) => match value.as_object() {
                Some(source) => non_empty(self.object(fields, source, from)?),
                None => None,
            },
        })
    }

    fn date(&mut self, new: Option<String>) -> Option<Value> {
        let new = new?;
        match self.dates.shifts() {
            true => self.tally.changed("Perturbation", &format!("{DATES_RULE}: shifted")),
            false => self.tally.changed(GENERALISATION, &format!("{DATES_RULE}: year alone")),
        }
        Some(Value::from(new))
    }

    fn without_text(&mut self, value: &Value, kept: Option<Value>) -> Option<Value> {
        for name in ["text", "display"] {
            if let Some(text) = value.get(name).filter(|_| kept.is_some()) {
                self.tally.removed(name, text);
            }
        }
        kept
    }

    fn quantity(&mut self, value: &Value) -> Option<Value> {
        let (kept, too_old) = quantities::quantity(value)?;
        if too_old {
            self.tally.changed(GENERALISATION, "45 CFR 164.514(b)(2)(i)(C) ages over 89: 90");
        }
        Some(kept)
    }

    fn address(&mut self, value: &Value) -> Option<Value> {
        let kept = places::address(value)?;
        self.tally
            .changed(GENERALISATION, "45 CFR 164.514(b)(2)(i)(B) address: State and three digits of the ZIP code");
        Some(kept)
    }

    fn reference(&mut self, reference: &Map<String, Value>, from: &Resource) -> Result<Option<Value>, ClinicalError> {
        let kept = self.names.reference(reference, from)?;
        if let Some(display) = reference.get("display") {
            self.tally.removed("display", display);
        }
        if kept.is_some() {
            self.tally.changed(TOKENISATION, "references: keyed pseudonyms");
        }
        Ok(kept)
    }
}

fn non_empty(object: Map<String, Value>) -> Option<Value> {
    (!object.is_empty()).then_some(Value::Object(object))
}

/// Puts the mark of something hidden where R4 requires something.
fn mask(field: &Field, name: &str, list: bool, kept: &mut Map<String, Value>) {
    let (name, mark) = match &field.kind {
        Kind::CodeableConcept => (name.to_owned(), json!({"coding": [codes::masked_coding()]})),
        Kind::Coding => (name.to_owned(), codes::masked_coding()),
        Kind::Reference | Kind::Named(_) | Kind::Fields(_) | Kind::Quantity => (name.to_owned(), codes::masked()),
        _ => (format!("_{name}"), codes::masked()),
    };
    kept.insert(name, if list { json!([mark]) } else { mark });
}

/// A known extension with what is listed of it.
fn extension(value: &Value) -> Option<Value> {
    let url = value.get("url")?.as_str()?;
    let rule = VOCABULARY.extensions.get(url)?.as_object()?;
    if let Some(kept) = extension_value(url, value, rule) {
        return Some(kept);
    }
    let inner = value.get("extension").and_then(Value::as_array)?;
    let kept: Vec<Value> = inner
        .iter()
        .filter_map(|one| {
            let name = one.get("url")?.as_str()?;
            extension_value(name, one, rule.get(name)?.as_object()?)
        })
        .collect();
    (!kept.is_empty()).then(|| json!({"url": url, "extension": kept}))
}

fn extension_value(url: &str, value: &Value, rule: &Map<String, Value>) -> Option<Value> {
    if let Some(words) = rule.get("valueCode").and_then(Value::as_str) {
        let code = value.get("valueCode")?.as_str()?;
        let known = words.strip_prefix("code:")?.split('|').any(|word| word == code);
        return known.then(|| json!({"url": url, "valueCode": code}));
    }
    rule.get("valueCoding")?;
    Some(json!({"url": url, "valueCoding": codes::coding(value.get("valueCoding")?)?}))
}
