//! The schemas that a house hands out: each it lists, and each it names elsewhere.

use serde_json::Value;

use crate::environment::{PATIENT, house::House};

#[tokio::test]
async fn every_schema_that_is_named_can_be_had() {
    let house = House::start().await;
    let anybody = house.stranger(PATIENT);
    let listed = anybody.get("/v1/schemas").await;
    let mut ids: Vec<String> = listed.expect(200).body["Schemas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["SchemaID"].as_str().unwrap().to_owned())
        .collect();
    let listed = ids.len();
    let info = anybody.get("/v1/service-info").await;
    ids.extend(named(&info.expect(200).body["Processing"], "ResultSchema"));
    let named_by_service_info = ids.len() - listed;
    let aim = anybody.get("/v1/store/aims/AIP-ECG-V1.0").await;
    let schemas = aim.expect(200).body["DataXMData"]["ResultSchemas"].as_object().unwrap().clone();
    assert_eq!(schemas.len(), 6);
    ids.extend(schemas.values().map(|id| id.as_str().unwrap().to_owned()));
    assert!(listed > 70 && named_by_service_info > 25, "{listed}, {named_by_service_info}");
    for id in ids {
        let answer = anybody.get(&format!("/v1/schemas/{}", id.replace('/', "%2F"))).await;
        assert_eq!(answer.expect(200).body["$id"], id);
        assert_eq!(answer.header("content-type"), "application/schema+json");
    }
    anybody.get("/v1/schemas/urn:aih:hbe:V1.0:Nothing").await.expect(404).problem("not-found");
    house.stop().await;
}

/// Every value under a label.
fn named(value: &Value, label: &str) -> Vec<String> {
    match value {
        Value::Object(labels) => {
            let here = labels.get(label).and_then(Value::as_str).map(str::to_owned);
            here.into_iter().chain(labels.values().flat_map(|value| named(value, label))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| named(item, label)).collect(),
        _ => Vec::new(),
    }
}
