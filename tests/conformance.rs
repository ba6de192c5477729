//! The vectors of `schemas/examples`, and what must hold for every message that ever arrives:
//!
//! - a valid example is read, validates, becomes its wire type, and is written again as it was;
//! - an invalid example is refused, at the place its author had in mind;
//! - whatever validates can be read into its wire type (the schemas are never wider than the types);
//! - nothing that arrives makes the reader, the validator or the wire types panic.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::LazyLock,
};

use health_back_end::{
    domain::{
        operation::Operation,
        taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass, Word},
        verdict::FailingTerm,
    },
    schema::{
        MessageType, ReadError, StrictError,
        conformance::{self, EXAMPLES, Examined, Outcome, Refusal, TABLE_5},
        from_value, into_domain, read, strict, validate,
        wire::{self, Message},
    },
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const MOST_BYTES: usize = 1 << 26;

fn examples(kind: &str) -> Vec<(PathBuf, MessageType, Vec<u8>)> {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES).join(kind);
    let folders = fs::read_dir(top).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = folders
        .flat_map(|folder| {
            let message = MessageType::from_name(folder.file_name().unwrap().to_str().unwrap()).unwrap();
            fs::read_dir(folder).unwrap().map(move |file| (file.unwrap().path(), message))
        })
        .map(|(file, message)| (file.clone(), message, fs::read(file).unwrap()))
        .collect();
    found.sort();
    found
}

/// Read once: the property tests draw from them for every case.
static VALID: LazyLock<Vec<(PathBuf, MessageType, Vec<u8>)>> = LazyLock::new(|| examples("valid"));

fn document(bytes: &[u8]) -> Value {
    strict::read(bytes, MOST_BYTES).unwrap()
}

#[test]
fn every_type_has_at_least_three_valid_and_ten_invalid_examples() {
    for (kind, least) in [("valid", 3), ("invalid", 10)] {
        let all = examples(kind);
        for message in MessageType::ALL {
            let count = all.iter().filter(|(_, of, _)| of == message).count();
            assert!(count >= least, "{kind} {}: {count}", message.name());
        }
    }
}

#[test]
fn every_valid_example_is_accepted_and_written_again_as_it_was() {
    for (file, message, bytes) in examples("valid") {
        let document = strict::read(&bytes, MOST_BYTES).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        validate(message, &document).unwrap_or_else(|v| panic!("{}: {v:?}", file.display()));
        let written = wire::rewrite(message, &document).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert!(wire::is_same(&written, &document), "{}: {written:#}", file.display());
    }
}

#[test]
fn every_invalid_example_is_refused_where_its_author_meant() {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES);
    let pointers = fs::read(top.join("expected-pointers.json")).unwrap();
    let mut pointers: BTreeMap<String, String> = serde_json::from_slice(&pointers).unwrap();
    for (file, message, bytes) in examples("invalid") {
        let name = file.strip_prefix(top.join("invalid")).unwrap().to_str().unwrap().to_owned();
        let found: Vec<String> = match strict::read(&bytes, MOST_BYTES) {
            Err(error) => vec![error.pointer().unwrap_or_default().to_owned()],
            Ok(document) => match validate(message, &document) {
                Ok(()) => panic!("{name}: accepted"),
                Err(violations) => violations.into_iter().map(|v| v.pointer).collect(),
            },
        };
        let Some(expected) = pointers.remove(&name) else {
            // A duplicate is found by the reader, which has a place of its own for it.
            let file = name.rsplit('/').next().unwrap();
            assert!(file.starts_with("duplicate-key"), "{name}: no pointer in expected-pointers.json");
            continue;
        };
        // Below a place is at the place; below the root would be anywhere.
        let below = format!("{expected}/");
        let meant = |f: &String| *f == expected || (!expected.is_empty() && f.starts_with(&below));
        assert!(found.iter().all(meant), "{name}: not only at {expected:?}: {found:?}");
    }
    assert_eq!(pointers, BTreeMap::new(), "pointers of files there are not");
}

#[test]
fn duplicate_keys_are_among_the_invalid_examples() {
    let duplicates = examples("invalid")
        .iter()
        .filter(|(_, _, bytes)| matches!(strict::read(bytes, MOST_BYTES), Err(StrictError::DuplicateKey { .. })))
        .count();
    assert!(duplicates >= 5, "{duplicates}");
}

#[test]
fn every_valid_model_licence_means_something_to_the_domain() {
    let licences: Vec<_> = examples("valid").into_iter().filter(|(_, m, _)| *m == MessageType::ModelLicence).collect();
    for (file, _, bytes) in &licences {
        let document = document(bytes);
        let licence = into_domain(&document).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        assert_eq!(licence.id, document["ModelLicenceID"]);
        assert_eq!(licence.back_end.is_some(), document["ModelLicenceData"].get("BackEndLicence").is_some());
        let blocks = document["ModelLicenceData"].get("ThirdPartyUserLicence");
        let expected = blocks.map_or(0, |b| b.as_array().map_or(1, Vec::len));
        assert_eq!(licence.third_parties.len(), expected, "{}", file.display());
        for block in &licence.third_parties {
            assert!(document.pointer(&block.pointer).is_some(), "{}", block.pointer);
        }
    }
    let hashes: BTreeSet<_> =
        licences.iter().map(|(_, _, bytes)| into_domain(&document(bytes)).unwrap().hash).collect();
    assert_eq!(hashes.len(), licences.len());
}

#[test]
fn a_model_licence_inside_a_message_keeps_the_hash_of_the_document() {
    let mut found = 0;
    for (_, _, bytes) in VALID.iter().filter(|(_, message, _)| *message == MessageType::AihData) {
        let document = document(bytes);
        let data = from_value::<wire::AihData>(&document).unwrap();
        let Some(signed) = data.model_licence.as_ref().and_then(|l| l.document()) else { continue };
        assert_eq!(signed.hash(), into_domain(&document["ModelLicence"]).unwrap().hash);
        assert_eq!(serde_json::to_value(&data).unwrap()["ModelLicence"], document["ModelLicence"]);
        found += 1;
    }
    assert!(found > 0);
}

#[test]
fn table_5_is_fully_exercised_by_the_examples() {
    let report = conformance::check(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(EXAMPLES)).unwrap();
    assert!(report.conforms() && report.is_complete(), "{report}");
    let rows = report.rows();
    assert_eq!(rows.len(), TABLE_5.len());
    assert!(rows.iter().all(|row| row.accepted > 0 && row.outcome() == Outcome::Conforms), "{report}");
    let text = report.to_string();
    for row in TABLE_5 {
        assert!(text.contains(&row.label()), "{}", row.label());
        assert!(row.message.schema_text().contains(row.message.id()));
    }
    let json = report.to_json();
    assert_eq!(json["complete"], true);
    assert_eq!(json["table5"][0]["message"], "Federated Learn Request");
    assert_eq!(json["failures"], json!([]));
}

#[test]
fn an_upload_whose_model_licence_is_for_something_else_is_refused() {
    let uploads = VALID.iter().filter(|(_, message, _)| *message == MessageType::AihData).map(|(_, _, b)| document(b));
    let upload = uploads.into_iter().find(|d| d["ModelLicence"].is_object() && d.get("LicenceID").is_none()).unwrap();
    let refused = |change: fn(&mut Value)| {
        let mut changed = upload.clone();
        change(&mut changed);
        validate(MessageType::AihData, &changed).is_err()
    };
    assert!(refused(|d| d["AIHDataID"] = "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e".into()));
    assert!(refused(|d| d["EndUserID"] = "eip155:31337:0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC".into()));
    assert!(refused(|d| d["AIHDataQualifier"]["DataClass"] = "Omics".into()));
    assert!(!refused(|d| d["EndUserID"] = d["EndUserID"].as_str().unwrap().to_lowercase().into()));
}

/// The labels that no example carries, so that the examples and this test together visit every label of the schemas.
#[test]
fn labels_that_no_example_carries_are_read_and_written_too() {
    let evidence = first(MessageType::LicenceConfirm, "/LicenceConfirm/Response/Evidence");
    let attributes = json!({
        "CodeSystems": ["http://loinc.org"], "Device": "chest strap", "DurationSeconds": 10.5, "SensorPlacement": "chest",
        "ElectrodePlacement": "10-20", "RecordingContext": "rest", "ReferenceGenome": "GRCh38",
    });
    let id = "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e";
    for (message, pointer, labels) in [
        (MessageType::AihData, "/AIHDataQualifier", json!({"Attributes": attributes})),
        (
            MessageType::Audit,
            "/Audit/Response/NonConformities/0",
            json!({"Evidence": evidence, "LicenceConfirmID": id}),
        ),
    ] {
        let (_, _, bytes) =
            VALID.iter().find(|(_, of, bytes)| *of == message && document(bytes).pointer(pointer).is_some()).unwrap();
        let mut changed = document(bytes);
        let target = changed.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        target.extend(labels.as_object().unwrap().clone());
        assert_rewritten(message, &changed);
    }
    for (_, message, bytes) in VALID.iter() {
        let mut changed = document(bytes);
        changed["MInstanceID"] = "ward-7".into();
        changed["DescrMetadata"] = "n".repeat(2048).into();
        assert_rewritten(*message, &changed);
    }
}

fn first(message: MessageType, pointer: &str) -> Value {
    VALID
        .iter()
        .filter(|(_, of, _)| *of == message)
        .find_map(|(_, _, bytes)| document(bytes).pointer(pointer).cloned())
        .unwrap()
}

fn assert_rewritten(message: MessageType, document: &Value) {
    assert_eq!(validate(message, document), Ok(()), "{message}");
    let written = wire::rewrite(message, document).unwrap();
    assert!(wire::is_same(&written, document), "{message}: {written:#}");
}

/// The words of a taxonomy in the schemas are the words of the Rust list, in the order of the codes.
#[test]
fn schemas_and_types_know_the_same_words() {
    fn words<W: Word>() -> Vec<&'static str> {
        W::ALL.iter().map(|word| word.word()).collect()
    }
    fn written<W: serde::Serialize>(all: &[W]) -> Value {
        serde_json::to_value(all).unwrap()
    }
    let taxonomies: Value = serde_json::from_str(MessageType::AihTaxonomies.schema_text()).unwrap();
    let list = |name: &str| taxonomies["$defs"][name]["enum"].clone();
    let operations = |keep: fn(&Operation) -> bool| -> Value {
        Operation::ALL.iter().filter(|o| keep(o)).map(|o| Value::from(o.word())).collect()
    };
    assert_eq!(list("DataClass"), json!(words::<DataClass>()));
    assert_eq!(list("DataUser"), json!(words::<UserClass>()));
    assert_eq!(list("DataStatus"), json!(words::<DataStatus>()));
    assert_eq!(list("DataUsage"), json!(words::<Usage>()));
    assert_eq!(list("DataAnomaly"), json!(words::<AnomalyType>()));
    assert_eq!(list("Verdict"), json!(words::<FailingTerm>()));
    assert_eq!(list("Operation"), json!(words::<Operation>()));
    assert_eq!(list("AIHDataProcessingType"), operations(|o| o.is_processing_type()));
    assert_eq!(list("ProcessTypes"), operations(|o| o.is_service()));
    assert_eq!(list("BackEndOperation"), operations(|o| !o.is_service() && !o.is_processing_type()));
    assert_eq!(list("ServiceType"), written(wire::ServiceType::ALL));
    let data: Value = serde_json::from_str(MessageType::AihData.schema_text()).unwrap();
    assert_eq!(data["$defs"]["Qualifier"]["properties"]["Format"]["enum"], written(wire::DataFormat::ALL));
    assert!(serde_json::from_value::<Vec<wire::Risk>>(list("Risk")).is_ok());
    assert!(serde_json::from_value::<Vec<wire::DataProcessTechnique>>(list("DataProcessTechnique")).is_ok());
    assert!(serde_json::from_value::<Vec<wire::DeIdAndAnonymType>>(list("DeIDAndAnonymType")).is_ok());
}

#[test]
fn a_whole_message_is_read_in_one_step() {
    let (_, _, bytes) = examples("valid").into_iter().find(|(_, m, _)| *m == wire::Audit::TYPE).unwrap();
    let received = read::<wire::Audit>(&bytes, MOST_BYTES).unwrap();
    assert_eq!(received.document["Header"], "AIH-ADT-V1.0");
    assert!(matches!(read::<wire::Audit>(&bytes, 10), Err(ReadError::Json(StrictError::TooLarge { most: 10, .. }))));
    let other = read::<wire::Tokens>(&bytes, MOST_BYTES).err().unwrap();
    assert!(matches!(other, ReadError::Schema { message: MessageType::Tokens, violations } if !violations.is_empty()));
}

/// A change to a document: at one of its places, something else.
#[derive(Debug, Clone)]
struct Mutation {
    place: prop::sample::Index,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    Replace(Value),
    Remove,
    AddLabel(String, Value),
    Repeat,
    CutText(prop::sample::Index),
}

fn any_value() -> impl Strategy<Value = Value> {
    let words = ["", "2026-02-30T00:00:00Z", "2026-11-22T08:00:00.25Z", "9999-12-31T23:59:59Z", "*", "QR==", "QUI="];
    let ids = [
        "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e",
        "eip155:18446744073709551615:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "eip155:18446744073709551616:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "eip155:007:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "eip155:1:0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![0.0, 1.0, -0.0, 0.5, 9_007_199_254_740_991.0, 1e300]).prop_map(Value::from),
        ".{0,24}".prop_map(Value::String),
        prop::sample::select([words.as_slice(), ids.as_slice()].concat()).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec(("[A-Za-z]{1,12}", inner), 0..4)
                .prop_map(|labels| Value::Object(labels.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let change = prop_oneof![
        4 => any_value().prop_map(Change::Replace),
        2 => Just(Change::Remove),
        2 => ("[A-Za-z]{1,16}", any_value()).prop_map(|(label, value)| Change::AddLabel(label, value)),
        1 => Just(Change::Repeat),
        2 => any::<prop::sample::Index>().prop_map(Change::CutText),
    ];
    (any::<prop::sample::Index>(), change).prop_map(|(place, change)| Mutation { place, change })
}

/// Every place in a document, as pointers.
fn places(document: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match document {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| places(item, &format!("{here}/{n}"), found));
        }
        Value::Object(labels) => {
            labels.iter().for_each(|(label, value)| places(value, &format!("{here}/{label}"), found));
        }
        _ => {}
    }
}

fn mutate(document: &mut Value, mutation: &Mutation) {
    let mut all = Vec::new();
    places(document, "", &mut all);
    let pointer = mutation.place.get(&all).clone();
    let parent = pointer.rsplit_once('/').map(|(parent, label)| (parent.to_owned(), label.to_owned()));
    if let (Change::Remove | Change::Repeat, Some((parent, label))) = (&mutation.change, &parent) {
        match (document.pointer_mut(parent), &mutation.change) {
            (Some(Value::Object(labels)), Change::Remove) => drop(labels.remove(label)),
            (Some(Value::Array(items)), Change::Remove) => drop(items.pop()),
            (Some(Value::Array(items)), _) => items.extend(items.clone()),
            _ => {}
        }
        return;
    }
    let Some(target) = document.pointer_mut(&pointer) else { return };
    match (&mutation.change, target) {
        (Change::Replace(value), target) => *target = value.clone(),
        (Change::AddLabel(label, value), Value::Object(labels)) => {
            labels.insert(label.clone(), value.clone());
        }
        (Change::CutText(at), Value::String(text)) => {
            let kept = at.index(text.chars().count() + 1);
            *text = text.chars().take(kept).collect();
        }
        _ => {}
    }
}

/// What must hold for any document: no panic anywhere, and what validates is also read and written again.
fn holds(message: MessageType, bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(document) = strict::read(bytes, MOST_BYTES) else { return Ok(()) };
    let examined = Examined::new("mutated".to_owned(), bytes, conformance::Expectation::Accept, Some(message));
    prop_assert!(examined.refusal != Some(Refusal::Unreadable), "validates but is not read: {document}");
    let _ = wire::rewrite(message, &document);
    let _ = into_domain(&document);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mutated_message_is_refused_or_read_but_never_a_panic(
        example in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let (_, message, bytes) = example.get(&VALID);
        let mut mutated = document(bytes);
        mutations.iter().for_each(|m| mutate(&mut mutated, m));
        holds(*message, mutated.to_string().as_bytes())?;
    }

    #[test]
    fn broken_bytes_never_panic(
        example in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (_, message, bytes) = example.get(&VALID);
        let mut broken = bytes.clone();
        for (place, byte) in damage {
            let at = place.index(broken.len());
            broken[at] = byte;
        }
        holds(*message, &broken)?;
    }
}
