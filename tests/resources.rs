//! The vectors of `schemas/examples/HBE`: documents of this Back End that are no messages of the standard. And the guards
//! that none is without a schema: every body in the description of the door has one, and no route writes JSON past it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use health_back_end::{
    api::openapi,
    schema::{
        MessageType, ResourceType, StrictError,
        conformance::{
            EXAMPLES, Expectation,
            resources::{self, FOLDER, Refusal, ResourceReport},
        },
    },
};
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder() -> PathBuf {
    root().join(EXAMPLES).join(FOLDER)
}

fn report() -> ResourceReport {
    resources::check(&folder()).unwrap()
}

#[test]
fn every_vector_is_judged_as_its_folder_says() {
    let report = report();
    println!("{report}");
    let wrong: Vec<_> = report.failures().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(report.to_string().contains("Alert List") && report.to_json()["conforms"] == true);
}

#[test]
fn every_document_has_at_least_three_valid_and_ten_invalid_vectors() {
    let report = report();
    for resource in ResourceType::ALL {
        let [accepted, refused, wrong] = report.counts(*resource);
        assert!(accepted >= 3 && refused >= 10 && wrong == 0, "{}: {accepted}, {refused}", resource.name());
    }
}

#[test]
fn every_invalid_vector_is_refused_where_its_author_meant() {
    let pointers: BTreeMap<String, String> =
        serde_json::from_slice(&fs::read(folder().join("expected-pointers.json")).unwrap()).unwrap();
    let mut duplicates = 0;
    for examined in report().0.into_iter().filter(|examined| examined.expectation == Expectation::Refuse) {
        let expected = pointers.get(examined.file.trim_start_matches("invalid/"));
        let expected = expected.unwrap_or_else(|| panic!("{} has no pointer", examined.file));
        let found: Vec<_> = match examined.refusal.unwrap() {
            Refusal::Json(error @ StrictError::DuplicateKey { .. }) => {
                duplicates += 1;
                vec![error.pointer().unwrap_or_default().to_owned()]
            }
            Refusal::Schema(violations) => violations.into_iter().map(|violation| violation.pointer).collect(),
            other => panic!("{}: {other}", examined.file),
        };
        assert!(
            found.iter().all(|at| at.starts_with(expected)),
            "{}: not only at {expected}: {found:?}",
            examined.file
        );
    }
    assert!(duplicates >= ResourceType::ALL.len(), "{duplicates}");
}

/// Bodies that are no JSON of ours: bytes, text for people, and what describes itself by another standard.
const OTHER_MEDIA: [&str; 5] = [
    "text/plain",
    "application/octet-stream",
    // A JSON Schema, described by the meta-schema it names.
    "application/schema+json",
    // Its first part is a message, read and validated as one.
    "multipart/form-data",
    // Checked below: its schema is that of an event.
    "text/event-stream",
];

/// The description itself is described by OpenAPI.
const DESCRIBES_ITSELF: &str = "/openapi.json";

#[test]
fn every_body_that_crosses_the_door_has_a_schema_of_ours() {
    let document = openapi::document();
    let (mut bodies, mut missing) = (0, Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap().values();
            let contents = answers.chain(operation.get("requestBody")).filter_map(|body| body["content"].as_object());
            for (media, body) in contents.flatten() {
                bodies += 1;
                let name = body["schema"]["$ref"].as_str().and_then(|to| to.strip_prefix("#/components/schemas/"));
                let known = |name| MessageType::from_name(name).is_some() || ResourceType::from_name(name).is_some();
                let other = OTHER_MEDIA.contains(&media.as_str()) || path == DESCRIBES_ITSELF;
                if !name.map_or(other, known) {
                    missing.push(format!("{method} {path} {media}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "bodies without a schema in schemas/: {missing:#?}");
    assert!(bodies > 100, "{bodies}");
    let events = &document["paths"]["/v1/events"]["get"]["responses"]["200"]["content"]["text/event-stream"];
    assert_eq!(events["schema"]["$ref"], "#/components/schemas/Event");
}

#[test]
fn every_document_of_ours_is_used_by_the_description_or_leaves_by_a_way_it_does_not_tell() {
    // A webhook's body goes to somebody else's door.
    const ELSEWHERE: [ResourceType; 2] = [ResourceType::CloudEvent, ResourceType::Webhook];
    let text = openapi::document()["paths"].to_string();
    let idle: Vec<_> = ResourceType::ALL
        .iter()
        .filter(|resource| !text.contains(&format!("#/components/schemas/{}\"", resource.name())))
        .filter(|resource| !ELSEWHERE.contains(resource))
        .collect();
    assert!(idle.is_empty(), "{idle:?}");
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { sources(&path, found) } else { found.push(path) }
    }
}

#[test]
fn no_route_writes_or_reads_json_past_its_schema() {
    let mut files = Vec::new();
    sources(&root().join("src/api/routes"), &mut files);
    assert!(files.len() > 40);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        // `Reply`, `Given`, `Message` and `Plain` are the ways through a schema.
        for past in [
            "axum::Json",
            "Json(",
            "Json<",
            "Json,",
            "to_vec(",
            "to_string_pretty(",
            "CONTENT_TYPE, \"application/json",
        ] {
            let its_own = file.ends_with("docs.rs") && past.starts_with("CONTENT_TYPE");
            assert!(its_own || !code.contains(past), "{}: {past}", file.display());
        }
    }
}

#[test]
fn a_schema_of_ours_refers_to_nothing_that_is_not_there_and_every_field_is_described() {
    for resource in ResourceType::ALL.iter().filter(|resource| resource.id().starts_with("urn:aih:hbe:")) {
        let schema: Value = serde_json::from_str(resource.schema_text()).unwrap();
        let mut objects = Vec::new();
        closed(&schema, &mut objects);
        for (name, field) in objects {
            assert!(field["description"].is_string(), "{}: {name}", resource.name());
        }
    }
}

/// The fields of every object that a schema describes.
fn closed<'a>(schema: &'a Value, found: &mut Vec<(&'a String, &'a Value)>) {
    match schema {
        Value::Object(labels) => {
            if labels.get("additionalProperties") == Some(&Value::Bool(false)) {
                found.extend(labels["properties"].as_object().unwrap());
            }
            labels.values().for_each(|value| closed(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| closed(value, found)),
        _ => {}
    }
}

/// What a look at a document costs; in a debug build, so that a release build costs less.
#[test]
fn the_cost_of_a_look_is_small() {
    use health_back_end::schema::{strict, validate_resource};
    for resource in ResourceType::ALL {
        let valid = folder().join("valid").join(resource.name());
        let file = fs::read_dir(valid).unwrap().map(|entry| entry.unwrap().path()).max().unwrap();
        let document = strict::read(&fs::read(&file).unwrap(), 1 << 24).unwrap();
        validate_resource(*resource, &document).unwrap();
        let start = std::time::Instant::now();
        (0..100).for_each(|_| validate_resource(*resource, &document).unwrap());
        let micros = start.elapsed().as_secs_f64() * 1e4;
        println!("{:<28} {micros:>8.1} µs, {} bytes", resource.name(), document.to_string().len());
        assert!(micros < 100_000.0, "{}: {micros} µs", resource.name());
    }
    // The longest page there is.
    let item = fs::read(root().join(EXAMPLES).join("valid/AIHData/stored-derived.json")).unwrap();
    let item: Value = serde_json::from_slice(&item).unwrap();
    let page = serde_json::json!({"AIHData": vec![item; 1_000]});
    let start = std::time::Instant::now();
    validate_resource(ResourceType::ItemList, &page).unwrap();
    println!("a page of 1,000 items {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}
