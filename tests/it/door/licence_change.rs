//! `PUT /v1/licences/{id}`: another licence in the place of one.

use alloy::{primitives::B256, signers::SignerSync};
use health_back_end::{
    db::model_licences::ModelLicenceState,
    domain::{ids::LicenceId, taxonomy::UserClass},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::licences::model_licence;
use crate::environment::{
    INSTITUTE, PATIENT,
    house::{Answer, Client, House, send, urn},
};

/// A Model Licence with the signature of its compilation, by this client; and the moment it is for.
async fn signed(client: &Client, document: &Value) -> (String, u64) {
    let compiled = client.post("/v1/licences/compile", document).await;
    let digest: B256 = compiled.expect(200).body["Digest"].as_str().unwrap().parse().unwrap();
    let signature = client.signer.sign_hash_sync(&digest).unwrap();
    (format!("0x{}", alloy::hex::encode(signature.as_bytes())), compiled.body["Sequence"].as_u64().unwrap())
}

/// Uploads a small table under a licence; gives its Licence ID.
async fn upload(house: &House, client: &Client, item: &str) -> LicenceId {
    let document = model_licence(house, client, item);
    let (signature, _) = signed(client, &document).await;
    let message = json!({
        "Header": "AIH-AHD-V1.0", "AIHDataID": item, "EndUserID": client.user.to_string(),
        "AIHDataTime": "2026-02-03T22:00:00Z", "AIHData": {"Data": "dGltZSxwdWxzZQo="},
        "AIHDataQualifier": {"DataClass": "PhysiologicalSignal", "Format": "CSV", "MediaType": "text/csv"},
        "ModelLicence": document, "ModelLicenceSignature": signature,
    });
    let answer = client.post("/v1/aih-data", &message).await;
    answer.expect(201).body["LicenceID"].as_str().unwrap().parse().unwrap()
}

fn wish(item: &str, document: &Value, signature: &str, sequence: u64) -> Value {
    json!({
        "Header": "AIH-BCL-V1.0", "BlockchainLicenceID": urn(), "BlockchainLicenceTime": "2026-03-01T09:00:00Z",
        "BlockchainLicence": {"Request": {
            "AIHDataID": item, "ModelLicence": document, "ModelLicenceSignature": signature, "Sequence": sequence,
        }},
    })
}

async fn put(client: &Client, licence: LicenceId, body: &Value) -> Answer {
    send(client.request(Method::PUT, &format!("/v1/licences/{licence}")).json(body)).await
}

/// The same licence for other processing.
fn wider(house: &House, client: &Client, item: &str) -> Value {
    let mut document = model_licence(house, client, item);
    document["ModelLicenceData"]["ThirdPartyUserLicence"]["ProcessTypes"] = json!(["Retrieve"]);
    document
}

/// An item under its first licence, and another that its End User has signed.
struct Change {
    item: String,
    first: LicenceId,
    document: Value,
    signature: String,
    sequence: u64,
}

impl Change {
    async fn of(house: &House, patient: &Client) -> Self {
        let item = urn();
        let first = upload(house, patient, &item).await;
        let document = wider(house, patient, &item);
        let (signature, sequence) = signed(patient, &document).await;
        Self { item, first, document, signature, sequence }
    }

    /// The message that asks for it.
    fn message(&self) -> Value {
        wish(&self.item, &self.document, &self.signature, self.sequence)
    }
}

#[tokio::test]
async fn another_licence_takes_the_place_of_the_first() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let change = Change::of(&house, &patient).await;
    assert_eq!(change.sequence, 1);
    let body = change.message();
    let Change { item, first, .. } = change;
    let answer = put(&patient, first, &body).await;
    let response = &answer.expect(200).body["BlockchainLicence"]["Response"];
    let second: LicenceId = response["BlockchainLicenceID"].as_str().unwrap().parse().unwrap();
    assert_ne!(second, first);
    assert_eq!((&response["State"], &response["Sequence"]), (&json!("Active"), &json!(2)));
    let old = patient.get(&format!("/v1/licences/{first}")).await;
    assert_eq!(old.expect(200).body["BlockchainLicence"]["Response"]["State"], "Superseded");
    let row = house.database.find_data_item(item.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.licence, Some(second.address()));
    let kept = house.database.list_model_licences_of(item.parse().unwrap()).await.unwrap();
    let states: Vec<_> = kept.iter().map(|row| row.state).collect();
    assert_eq!(states, [ModelLicenceState::Replaced, ModelLicenceState::Issued]);

    // The same again, as after a lost answer, finds the first result; back to the old terms leads no way.
    put(&patient, first, &body).await.expect(200);
    let back = model_licence(&house, &patient, &item);
    let (old_signature, _) = signed(&patient, &back).await;
    put(&patient, second, &wish(&item, &back, &old_signature, 0)).await.expect(422).problem("invalid-signature");
    assert_eq!(house.database.list_model_licences_of(item.parse().unwrap()).await.unwrap().len(), 2);
    house.stop().await;
}

#[tokio::test]
async fn a_key_is_for_one_licence() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let change = Change::of(&house, &patient).await;
    let (first, body) = (change.first, change.message());
    let keyed = async |licence: LicenceId| {
        let request = patient.request(Method::PUT, &format!("/v1/licences/{licence}"));
        send(request.header("idempotency-key", "change").json(&body)).await
    };
    let done = keyed(first).await;
    assert_eq!(keyed(first).await.expect(200).bytes, done.expect(200).bytes);
    // The same body for another licence is another request.
    let other = LicenceId::new(31337, alloy::primitives::Address::repeat_byte(9));
    keyed(other).await.expect(422).problem("idempotency-key-reused");
    house.stop().await;
}

#[tokio::test]
async fn only_its_end_user_changes_a_licence() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let change = Change::of(&house, &patient).await;
    let good = change.message();
    let Change { item, first: licence, document, signature, sequence } = change;

    let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    put(&institute, licence, &good).await.expect(403).problem("forbidden");
    let other = house.end_user(5).await;
    put(&other, licence, &good).await.expect(404).problem("not-found");
    let theirs = wider(&house, &other, &item);
    let (their_signature, their_sequence) = signed(&other, &theirs).await;
    assert_eq!(their_sequence, 0, "the history of another's item is not told");
    put(&patient, licence, &wish(&item, &theirs, &their_signature, 1)).await.expect(422).problem("schema-violation");

    // Nor to a licence of another class of data: what was granted for one would open the other.
    let mut reclassified = document.clone();
    reclassified["AIHDataType"] = json!("Omics");
    let (class_signature, _) = signed(&patient, &reclassified).await;
    let refused = put(&patient, licence, &wish(&item, &reclassified, &class_signature, sequence)).await;
    refused.expect(422).problem("schema-violation");
    let pointer = "/BlockchainLicence/Request/ModelLicence/AIHDataType";
    assert_eq!(refused.body["pointers"][0]["pointer"], pointer, "{}", refused.body);

    let forged = signature.replace(&signature[10..14], "0000");
    put(&patient, licence, &wish(&item, &document, &forged, sequence)).await.expect(422).problem("invalid-signature");
    for missing in ["ModelLicenceSignature", "Sequence"] {
        let mut without = good.clone();
        without["BlockchainLicence"]["Request"].as_object_mut().unwrap().remove(missing);
        put(&patient, licence, &without).await.expect(422).problem("schema-violation");
    }
    let kept = house.database.list_model_licences_of(item.parse().unwrap()).await.unwrap();
    assert_eq!(kept.len(), 1, "what was refused is not kept");
    put(&patient, licence, &good).await.expect(200);
    house.stop().await;
}

#[tokio::test]
async fn a_crash_between_chain_and_row_is_settled_at_the_next_start() {
    use health_back_end::{licensing::terms::compile, schema::into_domain};
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let Change { item, first, document, signature, .. } = Change::of(&house, &patient).await;
    let back_end = house.chain.deployment.back_end();
    let offer = compile(&into_domain(&document).unwrap(), &back_end, 1).unwrap();
    // As far as the change comes before it is cut off: kept, and on chain.
    let aims = &house.door.aims;
    let second = aims.licensing.node().predict(&offer).await.unwrap();
    let signature = alloy::hex::decode(signature).unwrap();
    let kept = health_back_end::db::model_licences::NewModelLicence {
        licence: second,
        aih_data_id: item.parse().unwrap(),
        document: document.to_string(),
        signature: signature.clone().into(),
        sequence: 1,
        chain_id: back_end.chain_id(),
        registry: back_end.address(),
        created_at_us: house.clock.micros() - 1,
    };
    assert!(house.database.insert_model_licence(&kept).await.unwrap());
    let _ = aims.licensing.change(item.parse().unwrap(), &offer, &signature).await.unwrap();

    assert_eq!(aims.settle_signed_licences().await.unwrap(), 1);
    let row = house.database.find_data_item(item.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(row.licence, Some(second));
    assert_ne!(first.address(), second);
    assert_eq!(aims.settle_signed_licences().await.unwrap(), 0);
    house.stop().await;
}

/// Asked for twice in one moment, as by a double click: the chain takes one, and both hear of it. The signed document, by which
/// a reset chain is given its licence again, stays.
#[tokio::test]
async fn the_same_change_twice_at_once_is_one_change() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let change = Change::of(&house, &patient).await;
    let body = change.message();
    let answers = futures_util::future::join_all((0..4).map(|_| put(&patient, change.first, &body))).await;
    let licences: Vec<_> = answers
        .iter()
        .map(|answer| answer.expect(200).body["BlockchainLicence"]["Response"]["BlockchainLicenceID"].clone())
        .collect();
    assert!(licences.windows(2).all(|pair| pair[0] == pair[1]), "{licences:?}");
    let kept = house.database.list_model_licences_of(change.item.parse().unwrap()).await.unwrap();
    let states: Vec<_> = kept.iter().map(|row| row.state).collect();
    assert_eq!(states, [ModelLicenceState::Replaced, ModelLicenceState::Issued]);
    house.stop().await;
}
