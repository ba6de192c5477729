//! The way back from pseudonyms, and who may go it.

use std::collections::BTreeMap;

use health_back_end::{
    domain::{ids::AihDataId, taxonomy::UserClass},
    schema::{
        self,
        wire::{ActKind, Audit, AuditResponse, Exchange, ProcessingStatus},
    },
    verify::{Finding, Verification, verify},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::cohort::{copy_of, parcel, payload, people, request, treat, under_pseudonyms, wish};
use crate::{
    environment::{
        PATIENT,
        house::{Answer, Client, House, send, urn},
        scene::Scene,
    },
    items::paper::{licence_in, new_item, reasons, withdraw},
};

const CLINIC: usize = 5;

async fn upload(house: &House, patient: &Client, processes: &[&str]) -> (AihDataId, Value) {
    let item = new_item();
    let back_end = house.chain.deployment.back_end();
    let parcel = parcel(patient, &back_end, &wish(item, processes), "CSV", people(20).into_bytes());
    (item, parcel.send_in_parts(patient).await.expect(201).body.clone())
}

fn place(copy: AihDataId) -> String {
    format!("/v1/aih-data/{copy}/de-identification/mapping")
}

/// The whole Audit Response about a patient's items.
async fn audit(house: &House, patient: &Client) -> Answer {
    house.indexed().await;
    let period = json!({"StartTime": "2020-01-01T00:00:00Z", "EndTime": "2099-01-01T00:00:00Z"});
    let message = json!({
        "Header": "AIH-ADT-V1.0", "AuditID": urn(), "AuditTime": "2026-03-01T09:00:00Z",
        "Audit": {"Request": {"UserID": patient.user, "AuditPeriod": period}},
    });
    let answer = patient.post("/v1/audit", &message).await;
    assert_eq!(answer.expect(200).body["Audit"]["Response"]["NonConformities"], json!([]), "{}", answer.body);
    answer
}

/// The acts of a kind on an item, as an Audit Response tells them.
fn acts(answer: &Answer, item: AihDataId, kind: &str) -> Vec<Value> {
    let items = answer.body["Audit"]["Response"]["AIHData"].as_array().unwrap();
    let found = items.iter().find(|entry| entry["AIHDataID"] == json!(item));
    let acts = found.and_then(|entry| entry["Acts"].as_array()).cloned().unwrap_or_default();
    acts.into_iter().filter(|act| act["Act"] == kind).collect()
}

/// What the audit says of an item: operation, status and requester of each entry.
async fn audited(house: &House, patient: &Client, item: AihDataId) -> Vec<(String, String, String)> {
    let response = audit(house, patient).await.body["Audit"]["Response"].clone();
    let items = response["AIHData"].as_array().unwrap();
    let found = items.iter().find(|entry| entry["AIHDataID"] == json!(item));
    let entries = found.map(|entry| entry["ProcessingTypes"].as_array().unwrap().clone()).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries.iter().map(|e| (text(&e["ProcessingType"]), text(&e["Status"]), text(&e["UserID"]))).collect()
}

#[tokio::test]
async fn the_end_user_unseals_and_the_audit_says_so() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, _) = upload(&house, &patient, &["DeIDAndAnonym"]).await;
    let answer = treat(&patient, &request(&patient, item, "De-Identify", under_pseudonyms())).await;
    let copy = copy_of(answer.expect(200));
    let me = patient.user.to_string();
    let before = audited(&house, &patient, item).await;
    assert!(before.contains(&("DeIDAndAnonym".to_owned(), "executed".to_owned(), me.clone())), "{before:?}");
    assert!(!before.iter().any(|(operation, ..)| operation == "Retrieve"));

    let unsealed = patient.post(&place(copy), &json!({"Usage": "Patient Use"})).await;
    let body = &unsealed.expect(200).body;
    assert_eq!(unsealed.header("cache-control"), "no-store");
    assert_eq!((&body["AIHDataID"], &body["ParentAIHDataID"]), (&json!(copy), &json!(item)));
    let mapping = body["Mapping"].as_array().unwrap();
    assert_eq!(mapping.len(), 20);
    // Each pseudonym stands where its person stood.
    let treated = String::from_utf8(payload(&patient, copy).await.expect(200).bytes.clone()).unwrap();
    let of: BTreeMap<&str, &str> =
        mapping.iter().map(|m| (m["Pseudonym"].as_str().unwrap(), m["Original"].as_str().unwrap())).collect();
    for (line, original) in treated.lines().skip(1).zip(people(20).lines().skip(1)) {
        assert_eq!(of[line.split(',').next().unwrap()], original.split(',').next().unwrap());
    }
    // The report's commitment opens with the salt.
    let report = patient.get(&format!("/v1/aih-data/{copy}/de-identification")).await.expect(200).body.clone();
    let hex = |value: &Value| alloy::hex::decode(value.as_str().unwrap()).unwrap();
    let salted = [hex(&body["Original"]["Salt"]), hex(&body["Original"]["SHA256"])].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &salted);
    assert_eq!(hex(&report["Report"]["Original"]["SaltedSHA256"]), digest.as_ref());
    let sha = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, people(20).as_bytes());
    assert_eq!(hex(&body["Original"]["SHA256"]), sha.as_ref());

    let after = audited(&house, &patient, item).await;
    let retrieved = ("Retrieve".to_owned(), "executed".to_owned(), me);
    assert_eq!(after.iter().filter(|entry| **entry == retrieved).count(), 1, "{after:?}");
    // Once more is once more recorded.
    patient.post(&place(copy), &json!({})).await.expect(200);
    let again = audited(&house, &patient, item).await;
    assert_eq!(again.iter().filter(|entry| **entry == retrieved).count(), 2);
    house.stop().await;
}

#[tokio::test]
async fn whom_a_copy_was_made_for_unseals_as_far_as_they_may_read_the_original() {
    let Scene { house, patient, institute } = Scene::set().await;
    for (processes, status) in [(&["DeIDAndAnonym"][..], 403), (&["DeIDAndAnonym", "Retrieve"][..], 200)] {
        let (item, _) = upload(&house, &patient, processes).await;
        let made = treat(&institute, &request(&institute, item, "De-Identify", under_pseudonyms())).await;
        let copy = copy_of(made.expect(200));
        let answer = institute.post(&place(copy), &json!({"Usage": "Research"})).await;
        answer.expect(status);
        if status == 403 {
            assert_eq!(reasons(answer.problem("licence-denied")), ["Process"]);
            let denied = ("Retrieve".to_owned(), "denied".to_owned(), institute.user.to_string());
            assert!(audited(&house, &patient, item).await.contains(&denied));
        }
        // Made for somebody else, it is none of their business, whatever they may read.
        let own = treat(&patient, &request(&patient, item, "De-Identify", under_pseudonyms())).await;
        institute.post(&place(copy_of(own.expect(200))), &json!({"Usage": "Research"})).await.expect(404);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_recipient_sees_one_pseudonym_for_one_person_and_two_cannot_compare() {
    let Scene { house, patient, institute } = Scene::set().await;
    let clinic = house.third_party(CLINIC, UserClass::ClinicalEntity).await;
    let (one, _) = upload(&house, &patient, &["DeIDAndAnonym"]).await;
    let (other, _) = upload(&house, &patient, &["DeIDAndAnonym"]).await;
    let seen = async |item, asks: &Client, recipient: Option<&Client>| {
        let mut parameters = under_pseudonyms();
        if let Some(recipient) = recipient {
            parameters["Recipient"] = json!(recipient.user);
        }
        let answer = treat(asks, &request(asks, item, "De-Identify", parameters)).await;
        let copy = copy_of(answer.expect(200));
        let text = String::from_utf8(payload(&patient, copy).await.expect(200).bytes.clone()).unwrap();
        text.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let for_institute = seen(one, &patient, Some(&institute)).await;
    assert_eq!(for_institute, seen(other, &patient, Some(&institute)).await);
    assert_eq!(for_institute, seen(one, &institute, None).await, "whoever asks");
    let for_clinic = seen(one, &patient, Some(&clinic)).await;
    assert!(for_clinic.iter().all(|pseudonym| !for_institute.contains(pseudonym)));
    // Nobody but the End User has pseudonyms made for others.
    let mut parameters = under_pseudonyms();
    parameters["Recipient"] = json!(clinic.user);
    let answer = treat(&institute, &request(&institute, one, "De-Identify", parameters)).await;
    answer.expect(422).problem("schema-violation");
    house.stop().await;
}

#[tokio::test]
async fn with_the_original_the_way_back_is_erased() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, body) = upload(&house, &patient, &["DeIDAndAnonym"]).await;
    let answer = treat(&patient, &request(&patient, item, "De-Identify", under_pseudonyms())).await;
    let copy = copy_of(answer.expect(200));
    assert!(house.database.find_treatment(copy).await.unwrap().is_some());
    withdraw(&patient, &house.chain.deployment.back_end(), item, licence_in(&body)).await;
    send(patient.request(Method::DELETE, &format!("/v1/aih-data/{item}"))).await.expect(204);
    assert_eq!(house.database.find_treatment(copy).await.unwrap(), None);
    let gone = patient.post(&place(copy), &json!({})).await;
    gone.expect(404).problem("not-found");
    house.stop().await;
}

/// An Audit Response against the chain, as `hfe audit verify` does it.
async fn verified(house: &House, patient: &Client, response: &AuditResponse) -> Vec<Finding> {
    let asked = Verification {
        end_user: patient.user,
        period: None,
        operations: None,
        response: Some(response.clone()),
        first_block: 0,
    };
    verify(&house.chain.node(), &asked).await.unwrap().findings
}

#[tokio::test]
async fn an_unsealing_has_its_own_name_in_the_audit_and_rests_on_the_chain() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let (item, _) = upload(&house, &patient, &["DeIDAndAnonym"]).await;
    let answer = treat(&patient, &request(&patient, item, "De-Identify", under_pseudonyms())).await;
    let copy = copy_of(answer.expect(200));
    // Reading the item is a Retrieve and no unsealing.
    payload(&patient, item).await.expect(200);
    assert_eq!(acts(&audit(&house, &patient).await, item, "Unseal"), Vec::<Value>::new());
    patient.post(&place(copy), &json!({"Usage": "Patient Use"})).await.expect(200);

    let told = audit(&house, &patient).await;
    let unsealed = acts(&told, item, "Unseal");
    let [act] = unsealed.as_slice() else { panic!("{unsealed:?}") };
    assert_eq!((&act["Status"], &act["UserID"]), (&json!("executed"), &json!(patient.user)));
    let items = told.body["Audit"]["Response"]["AIHData"].as_array().unwrap();
    let entry = items.iter().find(|entry| entry["AIHDataID"] == json!(item)).unwrap();
    let decisions = entry["ProcessingTypes"].as_array().unwrap();
    let confirmed = decisions.iter().find(|decision| decision["Evidence"] == act["Evidence"]).unwrap();
    assert_eq!((&confirmed["ProcessingType"], &confirmed["Status"]), (&json!("Retrieve"), &json!("executed")));

    // In every export, too.
    for (format, says) in
        [("ndjson", "\"Act\":\"Unseal\""), ("csv", ",Unseal,"), ("fhir", "\"valueString\":\"Unseal\"")]
    {
        let export = patient.get(&format!("/v1/audit/events?format={format}&item={item}")).await;
        let text = String::from_utf8(export.expect(200).bytes.clone()).unwrap();
        assert_eq!(text.matches(says).count(), 1, "{format}: {text}");
    }

    let Exchange::Response(response) = schema::read::<Audit>(&told.bytes, 1 << 24).unwrap().message.audit else {
        panic!("no response")
    };
    let response: AuditResponse = response;
    assert_eq!(verified(&house, &patient, &response).await, []);
    let tampered = async |change: &dyn Fn(&mut Vec<schema::wire::Act>)| {
        let mut changed = response.clone();
        let entry = changed.aih_data.iter_mut().find(|entry| entry.aih_data_id == item).unwrap();
        change(entry.acts.as_mut().unwrap());
        verified(&house, &patient, &changed).await
    };
    let at = |acts: &[schema::wire::Act]| acts.iter().position(|act| act.kind == ActKind::Unseal).unwrap();
    let doubled = tampered(&|acts| acts.push(acts[at(acts)].clone())).await;
    assert!(matches!(doubled.as_slice(), [Finding::SaidTwice { .. }]), "{doubled:?}");
    let elsewhere = tampered(&|acts| {
        let at = at(acts);
        acts[at].evidence.as_mut().unwrap().log_index += 77;
    })
    .await;
    assert!(matches!(elsewhere.as_slice(), [Finding::NotOnChain { .. }]), "{elsewhere:?}");
    let other = tampered(&|acts| {
        let at = at(acts);
        acts[at].user_id = None;
        acts[at].status = ProcessingStatus::Permitted;
    })
    .await;
    assert!(
        matches!(
            other.as_slice(),
            [Finding::Differs { field: "Status", .. }, Finding::Differs { field: "UserID", .. }]
        ),
        "{other:?}"
    );
    // An answer to something else, here the de-identification, carries no unsealing.
    let asked = decisions.iter().find(|decision| decision["ProcessingType"] == "DeIDAndAnonym").unwrap();
    let evidence: schema::wire::Evidence = serde_json::from_value(asked["Evidence"].clone()).unwrap();
    let wrong = tampered(&|acts| {
        let at = at(acts);
        acts[at].evidence = Some(evidence.clone());
    })
    .await;
    assert!(wrong.iter().any(|finding| matches!(finding, Finding::Differs { field: "Act", .. })), "{wrong:?}");
    house.stop().await;
}

#[tokio::test]
async fn an_unsealing_that_was_denied_did_not_happen() {
    let Scene { house, patient, institute } = Scene::set().await;
    let (item, _) = upload(&house, &patient, &["DeIDAndAnonym"]).await;
    let made = treat(&institute, &request(&institute, item, "De-Identify", under_pseudonyms())).await;
    institute.post(&place(copy_of(made.expect(200))), &json!({"Usage": "Research"})).await.expect(403);
    let told = audit(&house, &patient).await;
    assert_eq!(acts(&told, item, "Unseal"), Vec::<Value>::new());
    house.stop().await;
}
