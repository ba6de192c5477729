//! What an audit tells, to whom, and in which forms.

use std::task::Poll;

use futures_util::{StreamExt, poll};
use health_back_end::{
    aims::auditing::{AuditQuestion, Audited, export::Format},
    domain::{operation::Operation, taxonomy::UserClass, verdict::FailingTerm},
    licensing::confirm::{Answer, Question},
    schema::wire::ProcessingStatus,
};
use serde_json::Value;

use super::{NEIGHBOUR, Scene, kinds, message, response};
use crate::environment::{
    PATIENT,
    copy::permitted,
    house::{House, send},
};

#[tokio::test]
async fn permits_and_denials_are_told_and_so_is_the_audit_itself() {
    let scene = Scene::set().await;
    let (executed, _) = scene.process().await;
    let only_permitted = scene.asked();
    permitted(&scene.gate, &only_permitted).await;
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let Answer::Denied(_) = scene.gate.confirm(&denied).await.unwrap() else { panic!("permitted") };

    let response = scene.audit().await;
    let [item] = response.aih_data.as_slice() else { panic!("{response:?}") };
    assert_eq!(item.aih_data_id, scene.item);
    let status = |id: [u8; 16]| {
        let entry = item.processing_types.iter().find(|e| e.licence_confirm_id.unwrap().into_bytes() == id).unwrap();
        (entry.status.unwrap(), entry.user_type, entry.reasons.clone().unwrap())
    };
    let institute = Some(UserClass::NonProfitEntity);
    assert_eq!(status(executed.confirm_id), (ProcessingStatus::Executed, institute, vec![]));
    assert_eq!(status(only_permitted.confirm_id), (ProcessingStatus::Permitted, institute, vec![]));
    assert_eq!(status(denied.confirm_id), (ProcessingStatus::Denied, institute, vec![FailingTerm::Process]));
    let own = item.processing_types.last().unwrap();
    assert_eq!((own.processing_type, own.status), (Operation::Auditing, Some(ProcessingStatus::Executed)));
    assert_eq!(kinds(&response), []);
    let complete = response.complete_to_block.as_ref().unwrap();
    assert!(complete.block_number >= own.evidence.as_ref().unwrap().block_number);
    assert_eq!(scene.verified(&response).await, []);
    scene.strike().await;
}

#[tokio::test]
async fn other_peoples_items_are_invisible() {
    let scene = Scene::set().await;
    scene.process().await;
    let neighbour = scene.house.end_user(NEIGHBOUR).await;
    neighbour.post("/v1/audit", &message(&scene.patient.user.to_string())).await.problem("forbidden");
    neighbour.get(&format!("/v1/audit/events?item={}", scene.item)).await.problem("not-found");
    let answer = neighbour.post("/v1/audit", &message(&neighbour.user.to_string())).await;
    let empty = response(&answer.expect(200).bytes);
    assert_eq!((empty.aih_data.len(), kinds(&empty)), (0, vec![]));
    assert!(empty.complete_to_block.is_some());
    scene.strike().await;
}

#[tokio::test]
async fn an_index_that_is_behind_gives_no_clean_bill() {
    let house = House::start().await;
    house.stop_indexing();
    // Registering is recorded on chain, where the copy does not follow any more.
    let patient = house.end_user(PATIENT).await;
    // Sent once: `post` would ask again.
    let asked = patient.request(reqwest::Method::POST, "/v1/audit").json(&message(&patient.user.to_string()));
    send(asked).await.problem("index-behind");
    house.stop().await;
}

#[tokio::test]
async fn exports_say_the_same_in_every_form() {
    let scene = Scene::set().await;
    scene.process().await;
    let denied = Question { operation: Operation::Retrieve, ..scene.asked() };
    let _ = scene.gate.confirm(&denied).await.unwrap();
    let lines = scene.patient.get("/v1/audit/events").await;
    lines.expect(200);
    let text = String::from_utf8(lines.bytes.clone()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // The issue of the licence, two answers, this audit, and the end.
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[0]["Act"]["Act"], "Store");
    assert!(lines.last().unwrap()["CompleteToBlock"]["BlockHash"].is_string());

    let csv = scene.patient.get("/v1/audit/events?format=csv&types=Retrieve").await;
    let text = String::from_utf8(csv.expect(200).bytes.clone()).unwrap();
    let rows: Vec<_> = text.split("\r\n").collect();
    assert!(rows[0].starts_with("Kind,AIHDataID,") && rows[1].contains("denied") && rows[1].contains("Process"));
    assert!(rows[2].starts_with("CompleteToBlock,") && rows[3].is_empty(), "{text}");

    let fhir = scene.patient.get("/v1/audit/events?format=fhir").await;
    assert_eq!(fhir.expect(200).header("content-type"), "application/fhir+json");
    let entries = fhir.body["entry"].as_array().unwrap();
    assert!(entries.iter().all(|entry| entry["resource"]["resourceType"] == "AuditEvent"));
    let reached = fhir.body["identifier"]["value"].as_str().unwrap();
    assert!(reached.split_once(":0x").is_some_and(|(number, hash)| number.parse::<u64>().is_ok() && hash.len() == 64));
    let outcomes: Vec<_> = entries.iter().map(|entry| entry["resource"]["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == "4").count(), 1);

    let message = scene.patient.get(&format!("/v1/audit/events?format=json&item={}", scene.item)).await;
    assert_eq!(response(&message.expect(200).bytes).aih_data.len(), 1);
    scene.patient.get("/v1/audit/events?format=pdf").await.problem("malformed-request");
    scene.patient.get("/v1/audit/events?until=1960-01-01T00:00:00Z").await.problem("schema-violation");
    scene.strike().await;
}

/// A client that stops reading leaves the export where it stands; it stands where it holds no connection.
#[tokio::test]
async fn an_export_that_nobody_reads_on_keeps_no_connection() {
    let scene = Scene::set().await;
    scene.process().await;
    let asked = AuditQuestion {
        end_user: scene.patient.user,
        from_s: 0,
        until_s: i64::from(u32::MAX),
        operations: None,
        item: None,
    };
    let aims = &scene.house.door.aims;
    let Audited::Opened(opened) = aims.open_audit(&asked).await.unwrap() else { panic!("denied") };
    let mut pieces = std::pin::pin!(aims.export_audit(&opened, Format::Ndjson));
    // As far as it goes at once, which is into a query; then never again.
    while let Poll::Ready(Some(piece)) = poll!(pieces.next()) {
        piece.unwrap();
    }
    let closing = scene.copy.database.close();
    tokio::time::timeout(std::time::Duration::from_secs(20), closing).await.expect("a connection does not come back");
    scene.house.stop().await;
}
