//! An identifier in every element of every resource type of the allow list, in every form the element might take, and in
//! the elements that every resource may have. None may pass.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    rules::{Field, Fields, Kind, data_type},
    *,
};

/// Makes identifiers that are not found by chance, and remembers them.
#[derive(Default)]
struct Planter {
    planted: Vec<String>,
    /// Data types already planted in: they are treated alike wherever they stand.
    known: BTreeSet<String>,
}

impl Planter {
    fn name(&mut self) -> String {
        let number = self.planted.len();
        // Names, numbers of nine digits, telephone numbers and mail addresses in turn.
        let identifier = match number % 4 {
            0 => format!("Quillfeather{number:05}x"),
            1 => format!("9{number:05}813"),
            2 => format!("+1-555-{number:05}-77"),
            _ => format!("ada{number:05}@lovelace.example"),
        };
        self.planted.push(identifier.clone());
        identifier
    }

    /// One that is a number: nine digits, its own number the second to the sixth of them.
    fn number(&mut self) -> u64 {
        let number = 900_000_813 + 1000 * self.planted.len() as u64;
        self.planted.push(number.to_string());
        number
    }

    fn text(&mut self) -> Value {
        Value::from(self.name())
    }

    /// The identifiers that stand in a payload, found by the five digits each of them holds.
    fn standing_in(&self, input: &str) -> Vec<&str> {
        let numbers: BTreeSet<&str> = (0..input.len().saturating_sub(4))
            .filter_map(|at| input.get(at..at + 5))
            .filter(|five| five.bytes().all(|b| b.is_ascii_digit()))
            .collect();
        let of = |number: &&str| self.planted.get(number.parse::<usize>().ok()?).map(String::as_str);
        let lower = input.to_lowercase();
        numbers.iter().filter_map(of).filter(|planted| lower.contains(&planted.to_lowercase())).collect()
    }

    /// What every resource may carry, with an identifier in each place.
    fn every_resource(&mut self, resource: &mut Map<String, Value>) {
        let data = STANDARD.encode(self.name());
        let elements = json!({
            "meta": {"source": self.name(), "versionId": self.name(), "profile": [format!("https://{}", self.name())],
                "tag": [{"system": "http://hospital.example", "code": self.name(), "display": self.name()}],
                "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": self.name()}],
                "extension": [{"url": "http://x.example", "valueString": self.name()}]},
            "implicitRules": self.name(), "language": self.name(),
            "text": {"status": "generated", "div": format!("<div><b>{}</b></div>", self.name())},
            "extension": [
                {"url": "http://x.example", "valueString": self.name()},
                {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
                    {"url": "text", "valueString": self.name()},
                    {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": self.name()}}]},
                {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": self.name()},
                {"url": self.name(), "extension": [{"url": "a", "extension": [{"url": "b", "valueString": self.name()}]}]}],
            "identifier": [{"system": "urn:mrn", "value": self.name(), "assigner": {"display": self.name()}}],
            "name": [{"family": self.name(), "given": [self.name()], "text": self.name()}],
            "telecom": [{"system": "phone", "value": self.name()}, {"system": "email", "value": self.name()}],
            "photo": [{"contentType": "image/png", "data": data, "url": self.name(), "title": self.name()}],
            "note": [{"text": self.name(), "authorString": self.name()}],
            "comment": self.name(), "description": self.name(), "unknownField": {"deep": [{"deeper": [self.name()]}]},
            "contained": [{"resourceType": "Practitioner", "id": "inner", "name": [{"family": self.name()}],
                "qualification": [{"code": {"text": self.name()}, "identifier": [{"value": self.name()}]}],
                "text": {"div": self.name()}, "extension": [{"url": "u", "valueString": self.name()}]}],
        });
        resource.extend(elements.as_object().unwrap().clone());
    }

    /// For an element: everything that might stand there and must not pass.
    fn variants(&mut self, field: &Field) -> Vec<Value> {
        let base64 = STANDARD.encode(self.name());
        let number: u64 = self.number();
        let mut all = vec![
            self.text(),
            json!([self.name()]),
            json!({"value": self.name(), "text": self.name(), "display": self.name()}),
            json!(base64),
        ];
        if matches!(field.kind, Kind::Integer | Kind::Number | Kind::Quantity) {
            all.push(json!(number));
        }
        match &field.kind {
            Kind::CodeableConcept | Kind::Coding => {
                for system in [
                    "http://loinc.org",
                    "http://snomed.info/sct",
                    "http://hl7.org/fhir/sid/icd-10-cm",
                    "http://hospital.example/codes",
                    "http://unitsofmeasure.org",
                    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "urn:ietf:bcp:47",
                ] {
                    let coding = json!({"system": system, "code": self.name(), "display": self.name(), "version": self.name(), "id": self.name()});
                    all.push(json!({"coding": [coding], "text": self.name(), "extension": [{"url": "u", "valueString": self.name()}]}));
                    all.push(coding);
                }
                let known = json!({"system": "http://snomed.info/sct", "code": "38341003", "display": self.name()});
                all.push(json!({"coding": [known], "text": self.name()}));
                all.push(known);
            }
            Kind::Reference => {
                for reference in [
                    format!("Practitioner/{}", 'p'),
                    self.name(),
                    format!("https://{}/Practitioner/7", self.name()),
                    format!("#{}", self.name()),
                    format!("Practitioner?identifier={}", self.name()),
                    format!("urn:oid:{}", self.name()),
                ] {
                    all.push(json!({"reference": reference, "display": self.name(), "type": self.name(), "identifier": {"value": self.name()}}));
                }
                let number = self.number();
                all.push(json!({"reference": format!("Practitioner/{number}")}));
                all.push(json!({"identifier": {"system": "urn:x", "value": self.name()}, "display": self.name()}));
                all.push(json!({"reference": "#inner", "display": self.name()}));
            }
            Kind::Quantity => {
                for code in [self.name(), format!("{{{}}}", self.name()), format!("mg/{{{}}}", self.name())] {
                    all.push(json!({"value": 1.5, "unit": self.name(), "system": "http://unitsofmeasure.org", "code": code, "comparator": self.name()}));
                }
                all.push(
                    json!({"value": number, "unit": "1", "system": "http://unitsofmeasure.org", "code": "{number}"}),
                );
                all.push(json!({"value": 1, "system": self.name(), "code": self.name()}));
            }
            Kind::SampledData => all.push(
                json!({"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": format!("1 2 {}", self.name())}),
            ),
            Kind::Address => {
                all.push(json!({"text": self.name(), "line": [self.name()], "city": self.name(), "district": self.name(), "state": self.name(),
                    "postalCode": self.name(), "country": self.name(), "use": self.name()}));
                all.push(json!({"state": "MA", "postalCode": "02139-4307", "country": "US", "city": self.name()}));
            }
            Kind::Named(name) if self.known.insert(name.clone()) => {
                all.extend(data_type(name).map(|fields| self.objects(fields)).unwrap_or_default());
            }
            Kind::Fields(fields) => all.extend(self.objects(fields)),
            _ => {}
        }
        all
    }

    /// For every element of a group its variants, and between them texts where simple values have extensions.
    fn objects(&mut self, fields: &Fields) -> Vec<Value> {
        let mut all = Vec::new();
        for (name, field) in fields {
            for variant in self.variants(field) {
                let mut object = Map::new();
                object.insert(name.clone(), variant);
                object.insert("id".to_owned(), self.text());
                object.insert(
                    format!("_{name}"),
                    json!({"id": self.name(), "extension": [{"url": "u", "valueString": self.name()}]}),
                );
                object.insert("stranger".to_owned(), self.text());
                all.push(Value::Object(object));
            }
        }
        all.push(json!({"modifierExtension": [{"url": "u", "valueString": self.name()}], "status": self.name()}));
        all
    }
}

#[test]
fn no_planted_identifier_passes_any_element_of_any_resource() {
    let mut total = 0;
    let mut known = BTreeSet::new();
    for (kind, fields) in rules::resources() {
        let mut planter = Planter { known, ..Planter::default() };
        let mut resources = Vec::new();
        for (number, object) in planter.objects(fields).into_iter().enumerate() {
            let mut resource = object.as_object().unwrap().clone();
            resource.insert("resourceType".to_owned(), Value::from(kind.as_str()));
            resource.insert("id".to_owned(), json!(format!("r{number}")));
            // What every resource may carry is planted in some of each type: it is the same for all.
            if number % 25 == 0 {
                planter.every_resource(&mut resource);
            }
            resources.push(Value::Object(resource));
        }
        for resource in resources {
            // One at a time: many of them name people of their own, and two patients in one item are refused.
            let whole = json!({"resourceType": "Bundle", "type": "transaction", "id": planter.name(), "link": [{"relation": "self", "url": planter.name()}],
                "identifier": {"value": planter.name()}, "signature": {"who": {"display": planter.name()}}, "entry": [
                    {"fullUrl": format!("https://{}/{kind}/1", planter.name()), "resource": resource, "link": [{"url": planter.name()}],
                     "request": {"method": "PUT", "url": planter.name()}, "response": {"location": planter.name()}}]});
            let mut whole = whole;
            if whole["id"].as_str().is_some_and(|id| id.contains(['@', '+'])) {
                whole["id"] = json!("plain");
            }
            let payload = serde_json::to_vec(&whole).unwrap();
            match treated_with(7, DataFormat::Fhir, &payload, json!({})) {
                Ok(treated) => {
                    let output = String::from_utf8(treated.payload).unwrap();
                    let here = planter.standing_in(&String::from_utf8(payload).unwrap());
                    assert!(here.len() > 6, "{kind}: nothing was planted");
                    let passed = planter.standing_in(&output);
                    assert!(passed.is_empty(), "{kind}: {passed:?} in {output}");
                    let steps = format!("{:?}{:?}{:?}", treated.steps, treated.residual, treated.measures);
                    assert!(
                        !here.iter().any(|planted| stands_in(planted, &steps)),
                        "the report tells what was removed"
                    );
                    total += here.len();
                }
                // A date that is none is refused where it decides about the age, and without its value.
                Err(refusal) => assert!(planter.standing_in(&refusal).is_empty(), "{refusal}"),
            }
        }
        known = planter.known;
    }
    println!("{total} planted identifiers, none found");
    assert!(total > 10_000, "{total}");
}

/// The check itself finds what is there: a test that cannot fail proves nothing.
#[test]
fn the_search_finds_what_is_there() {
    for offset in 0..3 {
        let hidden = STANDARD.encode(format!("{}Quillfeather00001x and more", &"abc"[..offset]));
        assert!(stands_in("Quillfeather00001x", &hidden), "{offset}");
    }
    assert!(stands_in("Ada", "xxADAxx") && !stands_in("Ada Lovelace", "Ada Byron"));
}

#[test]
fn a_resource_of_an_unlisted_type_keeps_type_and_id_alone() {
    let resource = json!({"resourceType": "Claim", "id": "c", "patient": {"reference": "Patient/p"}, "total": {"value": 12}, "status": "active"});
    let kept = single(&resource, json!({}));
    let names: BTreeSet<&str> = kept.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["id", "meta", "resourceType"]));
    // So does one whose meaning a modifier extension may turn around.
    let turned = json!({"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"},
        "modifierExtension": [{"url": "http://x.example/negated", "valueBoolean": true}],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "38341003"}]}});
    assert_eq!(single(&turned, json!({})).get("code"), None);
}

#[test]
fn what_is_hidden_in_base64_goes_with_its_element() {
    let hidden = STANDARD.encode("Wilhelmina Featherstonehaugh, born 9 March 1951");
    let attachment = json!({"contentType": "text/plain", "data": hidden, "hash": hidden, "title": hidden});
    let resources = [
        json!({"resourceType": "Patient", "id": "p", "photo": [attachment]}),
        json!({"resourceType": "DiagnosticReport", "id": "d", "status": "final", "code": {"text": hidden}, "presentedForm": [attachment],
            "subject": {"reference": "Patient/p"}}),
        json!({"resourceType": "DocumentReference", "id": "r", "status": "current", "content": [{"attachment": attachment}]}),
        json!({"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": hidden}),
        json!({"resourceType": "Media", "id": "m", "status": "completed", "content": attachment}),
        json!({"resourceType": "Provenance", "id": "s", "recorded": "2024-01-01T00:00:00Z", "target": [{"reference": "Patient/p"}],
            "agent": [{"who": {"display": hidden}}], "signature": [{"when": "2024-01-01T00:00:00Z", "data": hidden}]}),
        json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": hidden}, "valueString": hidden,
            "contained": [{"resourceType": "Binary", "id": "inner", "data": hidden}],
            "extension": [{"url": "u", "valueAttachment": attachment}, {"url": "v", "valueBase64Binary": hidden}]}),
    ];
    let output = String::from_utf8(treated(&bundle_of(&resources), json!({})).payload).unwrap();
    for part in [&hidden[..12], &hidden[20..40], "Wilhelmina", "Featherstone"] {
        assert!(!stands_in(part, &output), "{part}");
    }
}
