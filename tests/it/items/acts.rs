//! What the house does with an item on its End User's signature, as the audit tells it.

use std::time::Duration;

use health_back_end::{
    db::{data_items::DataItemState, operations::OperationKind},
    domain::{ids::UserId, taxonomy::UserClass},
    schema::{
        self,
        wire::{ActKind, Audit, AuditResponse, Exchange, NonConformityKind, ProcessingStatus},
    },
    verify::{Finding, Verification, verify},
};
use reqwest::Method;
use serde_json::json;

use super::{
    paper::{self, EVENTS, PARAMETERS, Parcel, STATE, licence_in, process, request, result_item, withdraw},
    server::until,
};
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Client, House, send, urn},
};

struct Scene {
    house: House,
    patient: Client,
    institute: Client,
}

async fn scene() -> Scene {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    Scene { house, patient, institute }
}

/// A client's audit of everything. On a busy machine the copy may be behind for a while after a start, and says so.
pub(super) async fn audit(client: &Client) -> AuditResponse {
    let message = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": urn(), "AuditTime": "2026-03-01T09:00:00Z",
        "Audit": {"Request": {
            "UserID": client.user,
            "AuditPeriod": {"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2099-01-01T00:00:00Z"},
        }},
    });
    let answer = until("the copy has come up", async || {
        let answer = client.post("/v1/audit", &message).await;
        (answer.body["type"] != "/problems/index-behind").then_some(answer)
    })
    .await;
    let audit = schema::read::<Audit>(&answer.expect(200).bytes, 1 << 24).unwrap().message.audit;
    let Exchange::Response(response) = audit else { panic!("no response") };
    response
}

async fn wrong(scene: &Scene, response: &AuditResponse) -> Vec<Finding> {
    let asked = Verification {
        end_user: scene.patient.user,
        period: None,
        operations: None,
        response: Some(response.clone()),
        first_block: 0,
    };
    verify(&scene.house.chain.node(), &asked).await.unwrap().findings
}

type Told = (ActKind, ProcessingStatus, Option<UserId>);

fn acts(response: &AuditResponse, item: &str) -> Vec<Told> {
    let item = response.aih_data.iter().find(|found| found.aih_data_id.to_string() == item).unwrap();
    item.acts.iter().flatten().map(|act| (act.kind, act.status, act.user_id)).collect()
}

/// Uploads and has it processed; gives the result's ID.
async fn used(scene: &Scene, parcel: &Parcel) -> (health_back_end::domain::ids::LicenceId, String) {
    let licence = licence_in(&parcel.send_in_parts(&scene.patient).await.expect(201).body);
    let done = process(&scene.institute, &request(&scene.institute, parcel.id, PARAMETERS, "Research")).await;
    (licence, result_item(done.expect(200))["AIHDataID"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_act_on_an_item_is_in_the_audit() {
    let scene = scene().await;
    let back_end = scene.house.chain.deployment.back_end();
    let parcel = paper::parcel(&scene.patient, &back_end, &paper::ecg());
    let (licence, result) = used(&scene, &parcel).await;
    withdraw(&scene.patient, &back_end, parcel.id, licence).await;
    send(scene.patient.request(Method::DELETE, &parcel.path())).await.expect(204);

    let response = audit(&scene.patient).await;
    let (patient, institute) = (Some(scene.patient.user), Some(scene.institute.user));
    let executed = ProcessingStatus::Executed;
    assert_eq!(
        acts(&response, &parcel.id.to_string()),
        [
            (ActKind::Store, executed, patient),
            (ActKind::RevokeLicence, executed, patient),
            (ActKind::Erase, executed, patient)
        ]
    );
    assert_eq!(acts(&response, &result), [(ActKind::Derive, executed, institute), (ActKind::Erase, executed, patient)]);
    assert_eq!(response.non_conformities, Some(vec![]));
    for act in response.aih_data.iter().flat_map(|item| item.acts.iter().flatten()) {
        assert!(act.evidence.is_some(), "{act:?}");
    }
    assert_eq!(wrong(&scene, &response).await, []);

    // What is left out, or told otherwise than the chain does, is noticed from outside.
    let mut less = response.clone();
    let item = less.aih_data.iter_mut().find(|item| item.aih_data_id == parcel.id).unwrap();
    item.acts.as_mut().unwrap().remove(1);
    assert!(matches!(wrong(&scene, &less).await[..], [Finding::Missing { .. }]));
    let mut other = response.clone();
    let item = other.aih_data.iter_mut().find(|item| item.aih_data_id == parcel.id).unwrap();
    item.acts.as_mut().unwrap()[1].user_id = institute;
    assert!(matches!(wrong(&scene, &other).await[..], [Finding::Differs { field: "UserID", .. }]));
    for act in 0..2 {
        let mut other = response.clone();
        let item = other.aih_data.iter_mut().find(|item| item.aih_data_id == parcel.id).unwrap();
        item.acts.as_mut().unwrap()[act].status = ProcessingStatus::Denied;
        assert!(matches!(wrong(&scene, &other).await[..], [Finding::Differs { field: "Status", .. }]));
    }
    item_invented(&scene, response, &parcel).await;
    for format in ["ndjson", "csv", "fhir"] {
        let answer = scene.patient.get(&format!("/v1/audit/events?format={format}")).await;
        let text = String::from_utf8(answer.expect(200).bytes.clone()).unwrap();
        assert!(["RevokeLicence", "Erase", "Derive"].iter().all(|act| text.contains(act)), "{format}: {text}");
    }
    scene.house.stop().await;
}

async fn item_invented(scene: &Scene, mut response: AuditResponse, parcel: &Parcel) {
    let item = response.aih_data.iter_mut().find(|item| item.aih_data_id == parcel.id).unwrap();
    let mut invented = item.acts.as_ref().unwrap()[0].clone();
    invented.evidence.as_mut().unwrap().log_index += 7;
    item.acts.as_mut().unwrap().push(invented);
    assert!(matches!(wrong(scene, &response).await[..], [Finding::NotOnChain { .. }]));
}

#[tokio::test]
async fn an_act_that_the_chain_does_not_hold_is_a_non_conformity() {
    let scene = scene().await;
    let back_end = scene.house.chain.deployment.back_end();
    let parcel = paper::parcel(&scene.patient, &back_end, &paper::ecg());
    let _ = used(&scene, &parcel).await;
    let item = scene.house.database.find_data_item(parcel.id).await.unwrap().unwrap();
    let stored = scene.house.database.list_operations_on_item(parcel.id, None, 9).await.unwrap().rows;
    let stored = stored.into_iter().find(|row| row.kind == OperationKind::Store).unwrap();
    // A change that the house says it made.
    let act = health_back_end::db::operation_acts::NewAct {
        done: health_back_end::db::operation_acts::Done::ChangeLicence,
        requester: scene.patient.user,
        user_class: None,
        item: item.id,
        owner: item.owner,
        licence: item.licence,
        evidence: stored.answer.map(|answer| answer.evidence),
        at_us: scene.house.clock.micros(),
    };
    assert!(scene.house.database.insert_act(&act).await.unwrap());
    let response = audit(&scene.patient).await;
    let faults: Vec<_> = response.non_conformities.iter().flatten().map(|fault| fault.kind).collect();
    assert_eq!(faults, [NonConformityKind::NoConfirmation]);
    assert_eq!(wrong(&scene, &response).await, []);
    scene.house.stop().await;
}

#[tokio::test]
async fn an_item_licensed_and_never_stored_is_told_so() {
    let scene = scene().await;
    let parcel = paper::parcel(&scene.patient, &scene.house.chain.deployment.back_end(), &paper::ecg());
    let announced = parcel.announced(parcel.payload.len() + 1);
    let form = reqwest::multipart::Form::new()
        .part("message", reqwest::multipart::Part::text(announced.to_string()))
        .part("payload", reqwest::multipart::Part::bytes(parcel.payload.clone()));
    send(scene.patient.request(Method::POST, "/v1/aih-data").multipart(form)).await.expect(400);
    let told = |response: &AuditResponse| acts(response, &parcel.id.to_string());
    let patient = Some(scene.patient.user);
    assert_eq!(told(&audit(&scene.patient).await), [(ActKind::Store, ProcessingStatus::Permitted, patient)]);
    // Sent again, it is found licensed: the act rests on the issue of then.
    parcel.send_in_parts(&scene.patient).await.expect(201);
    let response = audit(&scene.patient).await;
    assert_eq!(told(&response), [(ActKind::Store, ProcessingStatus::Executed, patient)]);
    assert_eq!((wrong(&scene, &response).await, response.non_conformities), (vec![], Some(vec![])));
    scene.house.stop().await;
}

#[tokio::test]
async fn what_no_module_performs_is_refused_before_the_chain_records_it() {
    let scene = scene().await;
    let parcel = paper::table(&scene.patient, &scene.house.chain.deployment.back_end(), b"time,pulse\n");
    parcel.send_inline(&scene.patient).await.expect(201);
    let block = async || scene.house.chain.node().head().await.unwrap().number;
    let before = block().await;
    for who in [&scene.institute, &scene.patient] {
        let answer = process(who, &request(who, parcel.id, STATE, "Research")).await;
        answer.expect(422).problem("unprocessable");
    }
    assert_eq!(block().await, before, "nothing was recorded");
    // Whom nothing names learns nothing, and the attempt is recorded.
    let clinic = scene.house.third_party(5, UserClass::ClinicalEntity).await;
    let before = block().await;
    let foreign = process(&clinic, &request(&clinic, parcel.id, EVENTS, "Research")).await;
    let unknown = process(&clinic, &request(&clinic, paper::new_item(), EVENTS, "Research")).await;
    assert_eq!((foreign.expect(404).status, &foreign.bytes), (unknown.status, &unknown.bytes));
    assert_eq!(block().await, before + 2);
    scene.house.stop().await;
}

#[tokio::test]
async fn an_id_in_use_is_refused_in_one_way_whatever_is_in_the_way() {
    let scene = scene().await;
    let back_end = scene.house.chain.deployment.back_end();
    let parcel = paper::parcel(&scene.patient, &back_end, &paper::ecg());
    let (_, result) = used(&scene, &parcel).await;
    let other = scene.house.end_user(5).await;
    let theirs = |id| {
        let document = health_back_end::front_end::paperwork::write(&paper::wish(id), &other.user, &back_end);
        paper::sealed(&other, &back_end, id, document, &paper::ecg())
    };
    // Somebody else's item; somebody else's result; an own item with another description.
    let own = paper::parcel(&other, &back_end, &paper::ecg());
    own.send_in_parts(&other).await.expect(201);
    let mut described = own.clone();
    described.message["AIHDataTime"] = json!("2026-02-03T22:00:01Z");
    let mut answers = Vec::new();
    for parcel in [theirs(parcel.id), theirs(result.parse().unwrap()), described] {
        answers.push(parcel.send_in_parts(&other).await);
    }
    for answer in &answers {
        assert_eq!(answer.expect(409).bytes, answers[0].bytes);
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn a_derivation_without_a_known_end_is_settled_in_the_running_house() {
    use health_back_end::{db::data_items::NewDataItem, domain::taxonomy::DataStatus, licensing::derive::Lineage};
    let scene = scene().await;
    let parcel = paper::parcel(&scene.patient, &scene.house.chain.deployment.back_end(), &paper::ecg());
    parcel.send_in_parts(&scene.patient).await.expect(201);
    let (database, aims) = (&scene.house.database, &scene.house.door.aims);
    let parent = database.find_data_item(parcel.id).await.unwrap().unwrap();
    let row = async || {
        let id = paper::new_item();
        let new = NewDataItem {
            id,
            owner: parent.owner,
            data_class: parent.data_class,
            status: parent.status,
            qualifier: parent.qualifier.clone(),
            data_time: json!(null),
            descr_metadata: None,
            root: Some(parent.id),
            parent: Some(parent.id),
            object_name: uuid::Uuid::new_v4().to_string(),
            item_key_wrapped: "a key nobody needs".to_owned(),
            created_at_us: scene.house.clock.micros() - 1,
        };
        database.insert_data_item(&new).await.unwrap();
        id
    };
    let (mined, lost) = (row().await, row().await);
    let requester = scene.institute.user.address();
    let lineage = Lineage { parent: parcel.id, item: mined, status: DataStatus::Identified, requester };
    let _ = aims.licensing.derive(&lineage).await.unwrap();

    assert_eq!(aims.settle_derivations(Duration::from_secs(60)).await.unwrap(), 0, "a job may be at them");
    assert_eq!(aims.settle_derivations(Duration::ZERO).await.unwrap(), 2);
    let erased = database.find_data_item(mined).await.unwrap().unwrap();
    assert_eq!((erased.state, erased.item_key_wrapped), (DataItemState::Erased, None));
    assert_eq!(database.find_data_item(lost).await.unwrap(), None);
    assert_eq!(aims.settle_derivations(Duration::ZERO).await.unwrap(), 0);
    let response = audit(&scene.patient).await;
    let kinds: Vec<_> =
        acts(&response, &mined.to_string()).into_iter().map(|(kind, status, _)| (kind, status)).collect();
    assert_eq!(kinds, [(ActKind::Derive, ProcessingStatus::Permitted), (ActKind::Erase, ProcessingStatus::Executed)]);
    assert_eq!(response.non_conformities, Some(vec![]));
    scene.house.stop().await;
}
