//! The free text of an item: for the End User and whoever may read the item, and for nobody who reads the database.

use reqwest::Method;
use serde_json::json;
use sqlx::{AnyConnection, Connection};

use super::paper;
use crate::environment::{PATIENT, house::House};

const TEXT: &str = "left arm, the day after Doctor Umbrellastand called";

#[tokio::test]
async fn the_description_of_an_item_is_sealed_and_one_of_before_is_sealed_by_the_next_start() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let mut parcel = paper::table(&patient, &house.chain.deployment.back_end(), b"time,pulse\n1,70\n");
    parcel.message["DescrMetadata"] = json!(TEXT);
    let first = parcel.send_in_parts(&patient).await;
    assert_eq!(first.expect(201).body["DescrMetadata"], TEXT);
    let row = async || house.database.find_data_item(parcel.id).await.unwrap().unwrap();
    let is_sealed = async || {
        let row = row().await;
        let kept = row.descr_metadata.unwrap();
        assert!(row.descr_is_sealed && !kept.contains("arm") && !kept.contains("Umbrellastand"), "{kept}");
    };
    is_sealed().await;
    let told = async || {
        let one = patient.get(&parcel.path()).await;
        assert_eq!(one.expect(200).body["DescrMetadata"], TEXT);
        let all = patient.get("/v1/aih-data").await;
        assert_eq!(all.expect(200).body["AIHData"][0]["DescrMetadata"], TEXT);
    };
    told().await;
    // The same again is the same; with other words it is another item.
    parcel.send_in_parts(&patient).await.expect(201);
    let mut other = parcel.clone();
    other.message["DescrMetadata"] = json!("right arm");
    other.send_in_parts(&patient).await.expect(409);
    other.message.as_object_mut().unwrap().remove("DescrMetadata");
    other.send_in_parts(&patient).await.expect(409);

    // As an earlier version left it.
    let mut connection = AnyConnection::connect(&house.premises.url()).await.unwrap();
    let before = sqlx::query("UPDATE data_items SET descr_metadata = $2, descr_is_sealed = 0 WHERE aih_data_id = $1");
    let changed = before.bind(parcel.id.to_string()).bind(TEXT).execute(&mut connection).await.unwrap();
    assert_eq!(changed.rows_affected(), 1);
    connection.close().await.unwrap();
    told().await;
    assert_eq!(house.door.aims.seal_descriptions().await.unwrap(), 1);
    assert_eq!(house.door.aims.seal_descriptions().await.unwrap(), 0);
    is_sealed().await;
    told().await;

    let licence = paper::licence_in(&first.body);
    paper::withdraw(&patient, &house.chain.deployment.back_end(), parcel.id, licence).await;
    crate::environment::house::send(patient.request(Method::DELETE, &parcel.path())).await.expect(204);
    assert_eq!(row().await.descr_metadata, None);
    house.stop().await;
}
