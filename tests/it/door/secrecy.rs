//! What is logged, and what a failure inside shows: never a body, a Token, a signature or a person.

use axum::{Router, routing::get};
use health_back_end::{api::layers, domain::taxonomy::UserClass, front_end::paperwork};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    alerting::heart,
    de_identification::cohort,
    environment::{
        Chain, INSTITUTE, OPERATOR, PATIENT,
        house::{Client, House, send},
        key,
        premises::Premises,
    },
    items::{
        paper::{self, PARAMETERS, follow, process},
        server::Server,
    },
};

/// A recording whose header names the patient, uploaded and processed; what must not be told of it.
async fn a_recording(server: &Server, patient: &Client, institute: &Client) -> Vec<String> {
    let mut recording = heart(170.0);
    // EDF+: 80 characters after the version are the patient: code, sex, birthdate, name.
    recording.bytes[8..88].copy_from_slice(format!("{:<80}", "MRN-7731 F 02-MAY-1951 Zwq_Markedpatient").as_bytes());
    let mut wish = paper::wish(paper::new_item());
    wish.back_end_processes.push("AnomalyAndRiskAlerting".to_owned());
    let document = paperwork::write(&wish, &patient.user, &server.back_end);
    let parcel = paper::sealed(patient, &server.back_end, wish.item, document, &recording);
    parcel.send_in_parts(patient).await.expect(201);
    let done = process(institute, &paper::request(institute, parcel.id, PARAMETERS, "Research")).await;
    let result = paper::result(done.expect(200)).to_string();
    let licence = paper::licence_in(&patient.get(&parcel.path()).await.expect(200).body);
    patient.get(&format!("/v1/licences/{licence}?Jane=Doe")).await.expect(200);
    let signature = parcel.message["ModelLicenceSignature"].as_str().unwrap();
    let secret = ["MRN-7731", "Markedpatient", "02-MAY-1951", &signature[2..], &result].map(str::to_owned);
    [&secret[..], &[parcel.id.to_string()]].concat()
}

/// A record and a table that are treated; what must not be told of them, pseudonyms included.
async fn treated(server: &Server, patient: &Client) -> Vec<String> {
    let record = json!({"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1951-05-02",
        "name": [{"family": "Zwqmarkedfamily", "given": ["Vrkmarkedgiven"]}]});
    let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": record}]});
    let wish = || cohort::wish(paper::new_item(), &["DeIDAndAnonym"]);
    let sent = async |format: &str, bytes: Vec<u8>, parameters: Value| {
        let parcel = cohort::parcel(patient, &server.back_end, &wish(), format, bytes);
        parcel.send_in_parts(patient).await.expect(201);
        let asked = cohort::request(patient, parcel.id, "De-Identify", parameters);
        let done = follow(patient, patient.post(cohort::PATH, &asked).await).await;
        cohort::copy_of(done.expect(200))
    };
    sent("FHIR", bundle.to_string().into_bytes(), json!({})).await;
    let copy = sent("CSV", cohort::people(20).into_bytes(), cohort::under_pseudonyms()).await;
    let mapping = patient.post(&format!("/v1/aih-data/{copy}/de-identification/mapping"), &json!({})).await;
    let mapping = mapping.expect(200).body["Mapping"].as_array().unwrap().clone();
    let pseudonyms = mapping.iter().map(|pair| pair["Pseudonym"].as_str().unwrap().to_owned());
    let marks = ["Zwqmarkedfamily", "Vrkmarkedgiven", "MRN-10003", "Person Numbered", "person.3@example.org"];
    pseudonyms.chain(marks.map(str::to_owned)).collect()
}

/// Against the program as it runs: its threads, its children and all libraries write to the same log.
#[tokio::test]
async fn the_log_tells_of_requests_and_not_of_people() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    // Receivers on this machine are allowed, so that one is tried: nobody listens there.
    std::fs::write(folder.path().join("hbe.toml"), "webhook_networks = [\"127.0.0.0/8\"]\n").unwrap();
    let level = [("HBE_LOG", "info,health_back_end=debug")];
    let server = Server::start_with(&chain, &chain.devnet.url(), folder.path(), &level).await;
    let patient = server.end_user(PATIENT).await;
    let institute = server.third_party(&chain, INSTITUTE, UserClass::NonProfitEntity).await;
    let webhook = patient.post("/v1/webhooks", &json!({"URL": "http://127.0.0.1:1/Jane-Doe"})).await;
    let secret = webhook.expect(201).body["Secret"].as_str().unwrap().trim_start_matches("whsec_").to_owned();
    let mut secrets = a_recording(&server, &patient, &institute).await;
    secrets.extend(treated(&server, &patient).await);
    secrets.push(secret);
    patient.post("/v1/licence-confirm", &json!({"Diagnosis": "F32.1"})).await.expect(422);
    patient.get("/Jane/Doe").await.expect(404);
    let proof = patient.proof().await["Signature"].as_str().unwrap().to_owned();
    patient.renew(&crate::environment::house::ALL_SERVICES).await.expect(200);
    secrets.push(proof[2..].to_owned());
    secrets.extend([PATIENT, INSTITUTE, OPERATOR].map(|who| alloy::hex::encode(key(who).to_bytes())));
    secrets.extend([&patient, &institute].map(|client| client.token.clone().unwrap()));
    secrets.extend(["Exampleperson", "Jane", "F32", "Example Institute"].map(str::to_owned));

    let log = server.log();
    assert_eq!(server.terminate().await, Some(0));
    let ours: Vec<&str> = log.lines().filter(|line| line.contains("health_back_end")).collect();
    assert!(ours.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let ours = ours.join("\n");
    assert!(ours.contains("\"level\":\"DEBUG\""), "{ours}");
    assert!(ours.contains("request.answered") && ours.contains("\"route\":\"/v1/licences/{id}\""), "{ours}");
    assert!(ours.contains("schema-violation") && ours.contains("\"route\":\"unmatched\""), "{ours}");
    for secret in secrets {
        assert!(secret.len() > 2 && !log.contains(&secret), "{secret} in {log}");
    }
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_panic_becomes_a_problem_and_the_house_goes_on() {
    let house = House::start().await;
    let fragile = Router::new().route("/fragile", get(|| async { panic!("Jane Doe has F32.1") as &'static str }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/fragile", listener.local_addr().unwrap());
    let serving = tokio::spawn(axum::serve(listener, layers::around(fragile, &house.door)).into_future());
    for _ in 0..2 {
        let answer = send(reqwest::Client::new().get(&url)).await;
        answer.expect(500).problem("internal");
        assert!(!String::from_utf8_lossy(&answer.bytes).contains("Jane"));
    }
    serving.abort();
    house.stop().await;
}
