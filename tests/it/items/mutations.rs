//! Thousands of messages that are nearly right: every one is answered by 2xx or by a problem document of 4xx, soon.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use health_back_end::{
    domain::{
        ids::{AihDataId, BackEndId},
        taxonomy::UserClass,
    },
    front_end::{paperwork, publication::Publication},
    schema::wire::ModelFormat,
};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    every_class::variants,
    paper::{self, PARAMETERS, Parcel, licence_in, request, withdrawal},
};
use crate::environment::{
    INSTITUTE, OPERATOR, PATIENT,
    house::{ALL_SERVICES, Client, House},
    key,
};

/// Messages sent; `HBE_MUTATIONS` overrules.
const MESSAGES: usize = 6_000;
/// How long one may take: longer than the house waits for anything, on a machine with other things to do.
const ONE_TIME: Duration = Duration::from_secs(45);
/// Requests under way at once: few, so that no busy machine makes the house turn anybody away for lack of time.
const AT_ONCE: usize = 4;
/// The one route that takes nothing but parts.
const MODELS: &str = "/v1/store/models";

/// A message that some route takes, or might.
struct Sample {
    method: Method,
    path: String,
    document: Value,
    from: From,
}

/// Who sends it.
#[derive(Clone, Copy, PartialEq)]
enum From {
    Patient,
    Institute,
    Operator,
}

/// One to be sent.
struct Shot {
    method: Method,
    path: String,
    kind: &'static str,
    body: Vec<u8>,
    from: From,
}

/// All routes that take a body.
fn routes(licence: &str, item: AihDataId) -> Vec<(Method, String)> {
    [
        "/v1/register/challenge",
        "/v1/register",
        "/v1/tokens",
        "/v1/licences/compile",
        "/v1/licence-confirm",
        "/v1/aih-data",
        "/v1/aih-data-process",
        "/v1/audit",
        "/v1/de-id-and-anonym",
        "/v1/federated-learn",
        "/v1/federated-learn/rounds",
        "/v1/webhooks",
        MODELS,
    ]
    .iter()
    .map(|path| (Method::POST, (*path).to_owned()))
    .chain([
        (Method::POST, format!("/v1/licences/{licence}/revocation")),
        (Method::PUT, format!("/v1/licences/{licence}")),
        (Method::POST, format!("/v1/aih-data/{item}/de-identification/mapping")),
        (Method::PUT, "/v1/alerts/recipients".to_owned()),
    ])
    .collect()
}

/// Every route that is described with a body is among them: one that is added later cannot be forgotten here.
fn all_that_take_a_body_are_there(routes: &[(Method, String)]) {
    let alike = |described: &str, path: &str| {
        let (described, path): (Vec<_>, Vec<_>) = (described.split('/').collect(), path.split('/').collect());
        described.len() == path.len() && described.iter().zip(path).all(|(d, p)| d.starts_with('{') || *d == p)
    };
    let document = health_back_end::api::openapi::document();
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, _) in methods.as_object().unwrap().iter().filter(|(_, told)| told.get("requestBody").is_some()) {
            let there = |(m, p): &(Method, String)| m.as_str().eq_ignore_ascii_case(method) && alike(path, p);
            assert!(routes.iter().any(there), "{method} {path} takes a body, and nothing is sent to it");
            seen += 1;
        }
    }
    assert_eq!(seen, routes.len(), "a route of this list takes no body, or is not described");
}

/// The valid examples of the schemas, each for the route of its type; types without a route go to a route of items.
fn examples(licence: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    for folder in fs::read_dir(Path::new("schemas/examples/valid")).unwrap() {
        let folder = folder.unwrap();
        let path = match folder.file_name().to_str().unwrap() {
            "Register" => "/v1/register".to_owned(),
            "Tokens" => "/v1/tokens".to_owned(),
            "ModelLicence" => "/v1/licences/compile".to_owned(),
            "LicenceConfirm" => "/v1/licence-confirm".to_owned(),
            "BlockchainLicence" => format!("/v1/licences/{licence}/revocation"),
            "AIHDataProcess" => "/v1/aih-data-process".to_owned(),
            "Audit" => "/v1/audit".to_owned(),
            "DeIDAndAnonym" => "/v1/de-id-and-anonym".to_owned(),
            "FederatedLearn" => "/v1/federated-learn".to_owned(),
            _ => "/v1/aih-data".to_owned(),
        };
        for file in fs::read_dir(folder.path()).unwrap() {
            let document: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            // A round is opened by a request, and by an operator.
            let opens = path == "/v1/federated-learn" && document["FederatedLearn"].get("Request").is_some();
            let (path, from) = match opens {
                true => ("/v1/federated-learn/rounds".to_owned(), From::Operator),
                false => (path.clone(), From::Patient),
            };
            samples.push(Sample { method: Method::POST, path, document, from });
        }
    }
    samples.sort_by_key(|sample| (sample.path.clone(), sample.document.to_string()));
    samples
}

/// Messages that are good here and now.
async fn real(house: &House, patient: &Client, institute: &Client, stored: &Parcel, licence: &str) -> Vec<Sample> {
    let back_end = house.chain.deployment.back_end();
    let sample =
        |path: &str, document| Sample { method: Method::POST, path: path.to_owned(), document, from: From::Patient };
    let put = |path: &str, document| Sample { method: Method::PUT, ..sample(path, document) };
    let asked = |path: &str, document| Sample { from: From::Institute, ..sample(path, document) };
    let stranger = house.stranger(5);
    let fresh = paper::table(patient, &back_end, b"time,pulse\n1,70\n");
    let question = json!({
        "Header": "AIH-LCF-V1.0", "LicenceConfirmID": crate::environment::house::urn(),
        "LicenceConfirmTime": "2026-03-01T09:00:00Z",
        "LicenceConfirm": {"Request": {
            "AIHDataID": stored.id, "ProcessType": PARAMETERS, "Time": "2026-03-01T09:00:00Z", "Usage": "Research",
        }},
    });
    let audit = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": crate::environment::house::urn(), "AuditTime": "2026-04-01T10:00:00Z",
        "Audit": {"Request": {"UserID": patient.user,
            "AuditPeriod": {"StartTime": "2026-03-01T00:00:00Z", "EndTime": "2096-04-01T00:00:00Z"}}},
    });
    let treatment = json!({
        "Header": "AIH-DIA-V1.0", "DeIDAndAnonymID": crate::environment::house::urn(),
        "DeIDAndAnonymTime": "2026-03-01T09:00:00Z", "EndUserID": patient.user,
        "DeIDAndAnonym": {"Request": {"AIHDataID": stored.id, "DeIDAndAnonymType": "De-Identify"}},
    });
    // Signed for a moment that does not come, so that the other flows keep their licence.
    let licensed = stored.message["ModelLicence"].clone();
    let signature = paperwork::sign(&licensed, &back_end, 7, &patient.signer).unwrap();
    let change = json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": crate::environment::house::urn(),
        "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": stored.id, "ModelLicence": licensed, "ModelLicenceSignature": signature, "Sequence": 7,
        }},
    });
    // Withdrawing for real would end the other flows: this one is of a licence that is another's.
    let unrelated = withdrawal(institute, &back_end, stored.id, licence.parse().unwrap());
    let weights = variants::weights();
    let format = ModelFormat::PgsCatalog;
    let publication = Publication { id: uuid::Uuid::now_v7(), name: "score", format, parent: None, bytes: &weights };
    let model = publication.message(&back_end, &key(OPERATOR)).unwrap();
    vec![
        sample("/v1/register/challenge", json!({"UserID": stranger.user})),
        sample("/v1/register", stranger.register_message(&stranger.person(), &ALL_SERVICES, stranger.proof().await)),
        sample("/v1/tokens", patient.tokens_message(&ALL_SERVICES, patient.proof().await)),
        sample("/v1/licences/compile", fresh.message["ModelLicence"].clone()),
        asked("/v1/licence-confirm", question),
        sample("/v1/aih-data", fresh.inline()),
        sample("/v1/aih-data", fresh.announced(fresh.payload.len())),
        asked("/v1/aih-data-process", request(institute, stored.id, PARAMETERS, "Research")),
        sample(&format!("/v1/licences/{licence}/revocation"), unrelated),
        sample("/v1/audit", audit),
        sample("/v1/de-id-and-anonym", treatment),
        sample(&format!("/v1/aih-data/{}/de-identification/mapping", stored.id), json!({"Usage": "Patient Use"})),
        sample("/v1/webhooks", json!({"URL": "http://127.0.0.1:9/hook"})),
        put("/v1/alerts/recipients", json!({"AIHDataID": stored.id, "Recipients": [institute.user]})),
        put(&format!("/v1/licences/{licence}"), change),
        Sample { from: From::Operator, ..sample(MODELS, model) },
    ]
}

/// A value that is somewhere else than it should be, or nowhere.
fn strange(random: &mut StdRng) -> Value {
    let long = "é".repeat(random.random_range(1..3_000));
    let deep = (0..random.random_range(1..100)).fold(json!(0), |inner, _| json!([inner]));
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}"),
        json!("../../etc/passwd"),
        json!("' OR 1=1 --"),
        json!("eip155:31337:0x0000000000000000000000000000000000000000"),
        json!("eip155:99999999999999999999:0x00000000000000000000000000000000000000ff"),
        json!("urn:uuid:00000000-0000-0000-0000-000000000000"),
        json!("9999-12-31T23:59:60Z"),
        json!("0001-01-01T00:00:00Z"),
        json!("0x"),
        json!("0xff"),
        json!([]),
        json!({}),
        json!([[], {}]),
        json!({"Request": {}}),
        json!({"Response": {}}),
        json!(long),
        deep,
    ];
    values.choose(random).unwrap().clone()
}

/// Every place in a document.
fn places(document: &Value, here: &str, found: &mut Vec<String>) {
    match document {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            let place = format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
            found.push(place.clone());
            places(value, &place, found);
        }),
        Value::Array(values) => values.iter().enumerate().for_each(|(at, value)| {
            let place = format!("{here}/{at}");
            found.push(place.clone());
            places(value, &place, found);
        }),
        _ => {}
    }
}

/// Changes one thing in a document.
fn mutate(document: &mut Value, other: &Value, random: &mut StdRng) {
    let (mut found, mut foreign) = (Vec::new(), Vec::new());
    places(document, "", &mut found);
    places(other, "", &mut foreign);
    let Some(place) = found.choose(random).cloned() else { return };
    let (parent, name) = place.rsplit_once('/').unwrap();
    match random.random_range(0..8) {
        0 => match document.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(name)),
            Some(Value::Array(values)) => drop(values.pop()),
            _ => {}
        },
        1 => {
            if let Some(Value::Object(fields)) = document.pointer_mut(parent) {
                fields.insert(format!("{name}x"), strange(random));
            }
        }
        2 => {
            // A value of another message, or of another place.
            let value = foreign.choose(random).and_then(|place| other.pointer(place)).cloned().unwrap_or_default();
            *document.pointer_mut(&place).unwrap() = value;
        }
        3 => {
            let value = document.pointer_mut(&place).unwrap();
            *value = match value.take() {
                Value::String(text) => nearly(&text, random),
                Value::Number(number) => json!(number.as_f64().unwrap_or(0.0) * 1e6 + 0.5),
                Value::Array(mut values) => {
                    values.extend(values.clone());
                    Value::Array(values)
                }
                Value::Object(fields) => Value::Object(fields.into_iter().rev().collect::<Map<_, _>>()),
                other => json!([other]),
            };
        }
        _ => *document.pointer_mut(&place).unwrap() = strange(random),
    }
}

/// A text with one character more, less, or other.
fn nearly(text: &str, random: &mut StdRng) -> Value {
    let mut letters: Vec<char> = text.chars().collect();
    let at = random.random_range(0..=letters.len());
    match random.random_range(0..4) {
        0 => letters.insert(at, '\u{1f600}'),
        1 if at < letters.len() => {
            letters.remove(at);
        }
        2 if at < letters.len() => letters[at] = if letters[at] == '0' { '1' } else { '0' },
        _ => letters = text.to_uppercase().chars().collect(),
    }
    json!(letters.into_iter().collect::<String>())
}

/// Changes some bytes.
fn garble(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..4) {
        let at = random.random_range(0..=bytes.len());
        let piece: [&[u8]; 8] = [b"\"", b"\xff", b"{", b"}", b"\\ud800", b",", b"1e999999", b"\0"];
        match random.random_range(0..4) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 if at < bytes.len() => drop(bytes.drain(at..(at + random.random_range(1..20)).min(bytes.len()))),
            _ => drop(bytes.splice(at..at, piece.choose(random).unwrap().iter().copied())),
        }
    }
}

/// A new item, and every other time a signature of what the licence became: such messages reach the chain.
fn renew(document: &mut Value, owner: &Client, back_end: &BackEndId, random: &mut StdRng) {
    let old = document["AIHDataID"].as_str().filter(|id| id.parse::<AihDataId>().is_ok()).map(str::to_owned);
    let Some(old) = old else { return };
    let id = uuid::Uuid::from_u128(random.random());
    // A document that mutations made deeper than a reader goes keeps its old item.
    let Ok(renewed) = serde_json::from_str(&document.to_string().replace(&old, &format!("urn:uuid:{id}"))) else {
        return;
    };
    *document = renewed;
    if random.random()
        && let Ok(signature) = paperwork::sign(&document["ModelLicence"], back_end, 0, &owner.signer)
    {
        document["ModelLicenceSignature"] = signature.into();
    }
}

fn shoot(samples: &[Sample], routes: &[(Method, String)], owner: (&Client, &BackEndId), random: &mut StdRng) -> Shot {
    let sample = samples.choose(random).unwrap();
    let other = samples.choose(random).unwrap();
    let mut document = sample.document.clone();
    for _ in 0..*[1, 1, 1, 2, 4].choose(random).unwrap() {
        mutate(&mut document, &other.document, random);
    }
    if document["ModelLicence"].is_object() {
        renew(&mut document, owner.0, owner.1, random);
    }
    if document["AIHDataProcessID"].is_string() && random.random() {
        document["AIHDataProcessID"] = json!(format!("urn:uuid:{}", uuid::Uuid::from_u128(random.random())));
    }
    let mut body = document.to_string().into_bytes();
    let mut kind = "application/json";
    let model = sample.path == MODELS;
    if model || random.random_ratio(1, 12) {
        kind = "multipart/form-data; boundary=frontier";
        let message = String::from_utf8_lossy(&body).into_owned();
        let part = |name: &str, text: &str| {
            format!("--frontier\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let weights = String::from_utf8(variants::weights()).unwrap();
        let payload = part("payload", if model { &weights } else { "time,pulse\n1,70\n" });
        body = format!("{}{payload}--frontier--\r\n", part("message", &message)).into_bytes();
    }
    if random.random_ratio(1, 3) {
        garble(&mut body, random);
    }
    let astray = random.random_ratio(1, 20);
    let (mut method, mut path) = (sample.method.clone(), sample.path.clone());
    if kind.starts_with('m') && !model {
        // The two routes that take parts as well.
        let parts = ["/v1/aih-data", "/v1/federated-learn"];
        (method, path) = (Method::POST, (*parts.choose(random).unwrap()).to_owned());
    }
    if astray {
        (method, path) = routes.choose(random).unwrap().clone();
    }
    let from = if random.random_ratio(1, 20) { From::Institute } else { sample.from };
    Shot { method, path, kind, body, from }
}

/// Status, media type, body, and how long it took.
async fn fire(client: &Client, shot: &Shot) -> (u16, String, Vec<u8>, Duration) {
    let begun = Instant::now();
    let request =
        client.request(shot.method.clone(), &shot.path).header("content-type", shot.kind).body(shot.body.clone());
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").map_or("", |kind| kind.to_str().unwrap()).to_owned();
    (status, kind, response.bytes().await.unwrap().to_vec(), begun.elapsed())
}

fn check(shot: &Shot, (status, kind, body, took): &(u16, String, Vec<u8>, Duration)) {
    let told = || {
        let sent = String::from_utf8_lossy(&shot.body).into_owned();
        format!("{} {} {status} {}\nafter {}: {sent}", shot.method, shot.path, String::from_utf8_lossy(body), shot.kind)
    };
    assert!((200..300).contains(status) || (400..500).contains(status), "{}", told());
    assert!(*took < ONE_TIME, "{took:?} {}", told());
    if *status >= 400 {
        assert_eq!(kind, "application/problem+json", "{}", told());
        let problem: Value = serde_json::from_slice(body).unwrap_or_else(|_| panic!("{}", told()));
        assert!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("/problems/")), "{}", told());
        assert!(problem["title"].is_string() && problem["status"] == *status, "{}", told());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutated_messages_never_break_the_house() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("HBE_SEED").unwrap_or_else(rand::random);
    let messages = number("HBE_MUTATIONS").map_or(MESSAGES, |messages| messages as usize);
    println!("{messages} messages; HBE_SEED={seed} sends the same again");

    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let operator = house.operator().await;
    let back_end = house.chain.deployment.back_end();
    let stored = paper::parcel(&patient, &back_end, &paper::ecg());
    let licence = licence_in(&stored.send_in_parts(&patient).await.expect(201).body).to_string();
    let mut samples = examples(&licence);
    assert!(samples.len() > 50, "{}", samples.len());
    // The messages of the real flow as often as all the examples.
    let real = real(&house, &patient, &institute, &stored, &licence).await;
    for at in 0..samples.len() {
        let Sample { method, path, document, from } = &real[at % real.len()];
        samples.push(Sample { method: method.clone(), path: path.clone(), document: document.clone(), from: *from });
    }
    let (routes, mut random) = (routes(&licence, stored.id), StdRng::seed_from_u64(seed));
    all_that_take_a_body_are_there(&routes);
    for (method, path) in &routes {
        let aimed = |sample: &Sample| sample.method == *method && sample.path == *path;
        assert!(samples.iter().any(aimed), "nothing is sent to {method} {path}");
    }
    let shots: Vec<Shot> =
        (0..messages).map(|_| shoot(&samples, &routes, (&patient, &back_end), &mut random)).collect();

    let begun = Instant::now();
    let mut counts = std::collections::BTreeMap::<u16, usize>::new();
    let mut answers = stream::iter(&shots)
        .map(|shot| {
            let client = match shot.from {
                From::Patient => &patient,
                From::Institute => &institute,
                From::Operator => &operator,
            };
            async move { (shot, fire(client, shot).await) }
        })
        .buffer_unordered(AT_ONCE);
    let mut slowest = Duration::ZERO;
    while let Some((shot, answer)) = answers.next().await {
        check(shot, &answer);
        *counts.entry(answer.0).or_default() += 1;
        slowest = slowest.max(answer.3);
    }
    drop(answers);
    println!("{messages} in {:.1?}, the slowest in {slowest:.1?}: {counts:?}", begun.elapsed());
    // The house is as it was.
    let read = patient.get(&format!("{}/payload", stored.path())).await;
    assert_eq!(read.expect(200).bytes, stored.payload);
    house.stop().await;
}
