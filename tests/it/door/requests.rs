//! Requests that are none: every refusal is a problem document, and says nothing of what it refused.

use reqwest::Method;
use serde_json::{Value, json};

use crate::environment::{
    PATIENT,
    house::{House, send},
};

#[tokio::test]
async fn bodies_that_are_not_strict_json_are_refused() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let post = async |body: Vec<u8>| {
        let request = patient.request(Method::POST, "/v1/licences/compile").header("content-type", "application/json");
        send(request.body(body)).await
    };
    let duplicate = br#"{"Header":"AIH-MDL-V1.0","Header":"AIH-MDL-V1.0"}"#.to_vec();
    let answer = post(duplicate).await;
    answer.expect(400).problem("malformed-request");
    assert!(answer.body["detail"].as_str().unwrap().contains("duplicate key"));
    let bomb = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    for bad in [Vec::new(), b"{".to_vec(), b"{} {}".to_vec(), b"\xff\xfe{}".to_vec(), b"NaN".to_vec(), bomb] {
        post(bad).await.expect(400).problem("malformed-request");
    }
    post(b"{}".to_vec()).await.expect(422).problem("schema-violation");
    post(b"null".to_vec()).await.expect(422).problem("schema-violation");
    let secret = post(br#"{"Diagnosis of Jane Doe":"F32.1"}"#.to_vec()).await;
    let text = String::from_utf8_lossy(&secret.bytes).into_owned();
    assert!(!text.contains("Jane") && !text.contains("F32"), "{text}");
    house.stop().await;
}

#[tokio::test]
async fn only_json_of_bounded_size_is_read() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let post = || patient.request(Method::POST, "/v1/licences/compile");
    for other in
        ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=latin1"]
    {
        let answer = send(post().header("content-type", other).body("{}")).await;
        answer.expect(415).problem("unsupported-media-type");
    }
    send(post().body("{}")).await.expect(415).problem("unsupported-media-type");
    let packed = post().header("content-type", "application/json").header("content-encoding", "gzip").body("{}");
    send(packed).await.expect(415).problem("unsupported-media-type");

    let large = vec![b' '; (1 << 20) + 1];
    let json = || post().header("content-type", "application/json");
    send(json().body(large.clone())).await.expect(413).problem("payload-too-large");
    // Without a length announced it is counted as it comes.
    let chunks = futures_util::stream::iter(
        large.chunks(1 << 16).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect::<Vec<_>>(),
    );
    send(json().body(reqwest::Body::wrap_stream(chunks))).await.expect(413).problem("payload-too-large");
    house.stop().await;
}

#[tokio::test]
async fn unknown_addresses_and_methods_are_problems_too() {
    let house = House::start().await;
    let nobody = house.stranger(PATIENT);
    for path in ["/", "/v1", "/v1/nothing", "/v2/service-info", "/v1/service-info/", "/%ff", "/problems/none"] {
        nobody.get(path).await.expect(404).problem("not-found");
    }
    for (method, path) in [
        (Method::GET, "/v1/register"),
        (Method::PUT, "/v1/service-info"),
        (Method::POST, "/livez"),
        (Method::PATCH, "/v1/tokens/urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e"),
    ] {
        let answer = send(nobody.request(method, path)).await;
        answer.expect(405).problem("method-not-allowed");
        assert!(!answer.header("allow").is_empty(), "{path}");
    }
    house.stop().await;
}

#[tokio::test]
async fn the_house_says_what_it_is_and_explains_its_problems() {
    let house = House::start().await;
    let nobody = house.stranger(PATIENT);
    let info = nobody.get("/v1/service-info").await;
    assert_eq!(info.expect(200).body["BackEndID"], house.chain.deployment.back_end().to_string());
    assert_eq!(info.body["Services"].as_array().unwrap().len(), 8);
    assert!(info.body.get("Doubt").is_none());
    assert_eq!(info.header("x-content-type-options"), "nosniff");
    let refused = nobody.post("/v1/licences/compile", &json!({})).await;
    let kind = nobody.get(refused.expect(401).body["type"].as_str().unwrap()).await;
    assert_eq!(kind.expect(200).body["status"], 401);

    assert_eq!(nobody.get("/livez").await.expect(200).bytes, b"live\n");
    assert_eq!(nobody.get("/readyz").await.expect(200).bytes, b"ready\n");
    let metrics = nobody.get("/metrics").await;
    let text = String::from_utf8_lossy(&metrics.expect(200).bytes).into_owned();
    assert!(text.contains("http_requests_total{") && text.contains("route=\"/v1/service-info\""), "{text}");
    assert!(text.contains("http_request_duration_seconds_bucket") && text.contains("kind=\"unauthenticated\""));
    house.stop().await;
}

#[tokio::test]
async fn the_page_for_people_works_offline() {
    let house = House::start().await;
    let nobody = house.stranger(PATIENT);
    let page = nobody.get("/docs/").await;
    let text = String::from_utf8_lossy(&page.expect(200).bytes).into_owned();
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    assert!(nobody.get("/docs/swagger-ui-bundle.js").await.expect(200).bytes.len() > 100_000);
    let description = nobody.get("/openapi.json").await;
    assert_eq!(description.expect(200).body["openapi"], "3.1.0");
    assert_ne!(description.body["paths"], Value::Null);
    house.stop().await;
}
