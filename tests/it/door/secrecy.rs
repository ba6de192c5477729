//! What is logged, and what a failure inside shows: never a body, a Token, a signature or a person.

use std::{
    io,
    sync::{Arc, Mutex},
};

use axum::{Router, routing::get};
use health_back_end::api::layers;
use serde_json::json;
use tokio::net::TcpListener;
use tracing_subscriber::fmt::MakeWriter;

use super::licences::license;
use crate::environment::{
    PATIENT,
    house::{House, send},
};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Paper {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The runtime of a test has one thread, so a subscriber of this thread hears the whole house.
#[tokio::test]
async fn the_log_tells_of_requests_and_not_of_people() {
    let paper = Paper::default();
    let subscriber =
        tracing_subscriber::fmt().json().with_max_level(tracing::Level::DEBUG).with_writer(paper.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, licence) = license(&house, &patient).await;
    patient.get(&format!("/v1/licences/{licence}?Jane=Doe")).await.expect(200);
    patient.post("/v1/licence-confirm", &json!({"Diagnosis": "F32.1"})).await.expect(422);
    patient.get("/Jane/Doe").await.expect(404);
    house.stop().await;

    let log = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let ours: Vec<&str> = log.lines().filter(|line| line.contains("health_back_end")).collect();
    assert!(ours.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let ours = ours.join("\n");
    assert!(ours.contains("request.answered") && ours.contains("\"route\":\"/v1/licences/{id}\""), "{ours}");
    assert!(ours.contains("schema-violation") && ours.contains("\"route\":\"unmatched\""), "{ours}");
    let token = patient.token.unwrap();
    for secret in ["Exampleperson", "Jane", "F32", "Example Institute", token.as_str(), &item.to_string()] {
        assert!(!ours.contains(secret), "{secret} in {ours}");
    }
    // Nor does any library we listen to at the level we run at.
    let info: String = log.lines().filter(|line| !line.contains("\"level\":\"DEBUG\"")).collect();
    assert!(!info.contains(&token) && !info.contains("Exampleperson"));
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
