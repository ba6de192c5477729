//! Thousands of messages that are nearly right: every one is answered by 2xx or by a problem document of 4xx, soon.
//!
//! [`samples`] has messages that are right, [`changes`] what is done to them.

mod changes;
mod samples;

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use health_back_end::domain::ids::BackEndId;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::{Value, json};

use self::{
    changes::{garble, mutate, renew},
    samples::{From, MODELS, Sample, all_that_take_a_body_are_there, examples, real, routes},
};
use super::{
    every_class::variants,
    paper::{self, licence_in},
};
use crate::environment::{house::Client, scene::Scene};

/// Messages sent; `HBE_MUTATIONS` overrules.
const MESSAGES: usize = 6_000;
/// How long one may take: longer than the house waits for anything, on a machine with other things to do.
const ONE_TIME: Duration = Duration::from_secs(45);
/// Requests under way at once: few, so that no busy machine makes the house turn anybody away for lack of time.
const AT_ONCE: usize = 4;

/// One to be sent.
struct Shot {
    method: Method,
    path: String,
    kind: &'static str,
    body: Vec<u8>,
    from: From,
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

    let Scene { house, patient, institute } = Scene::set().await;
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
