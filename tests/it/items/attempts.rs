//! An attempt to upload that was cut off between the object and its row.

use health_back_end::{db::data_items::DataItemState, store::ItemKey};
use reqwest::{Method, multipart};
use uuid::Uuid;

use super::paper;
use crate::environment::{
    PATIENT,
    house::{House, send},
};

/// Sends the message and too few bytes: the item is licensed, and nothing of it is kept.
async fn break_off(client: &crate::environment::house::Client, parcel: &paper::Parcel) {
    let form = multipart::Form::new()
        .part("message", multipart::Part::text(parcel.announced(parcel.payload.len()).to_string()))
        .part("payload", multipart::Part::bytes(parcel.payload[..10].to_vec()));
    let answer = send(client.request(Method::POST, "/v1/aih-data").multipart(form)).await;
    assert!((400..500).contains(&answer.status), "{}", answer.status);
}

#[tokio::test]
async fn what_was_kept_and_not_acknowledged_gives_way_to_the_next_attempt() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = paper::parcel(&patient, &house.chain.deployment.back_end(), &paper::ecg());
    break_off(&patient, &parcel).await;
    let row = house.database.find_data_item(parcel.id).await.unwrap().unwrap();
    assert_eq!(row.state, DataItemState::Licensed);
    // As a Back End leaves it that was killed, or could not write the row, after the object was complete.
    let objects = &house.door.aims.objects;
    let left: Uuid = row.object_name.unwrap().parse().unwrap();
    let key = ItemKey::generate(&parcel.id.to_string()).unwrap();
    let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"left"))]);
    objects.put(left, &key, bytes, 100).await.unwrap();

    parcel.send_in_parts(&patient).await.expect(201);
    assert!(!objects.contains(left).await.unwrap(), "nobody can acknowledge it any more");
    let read = patient.get(&format!("{}/payload", parcel.path())).await;
    assert!(read.expect(200).bytes == parcel.payload);
    // Acknowledged, it gives way to nothing.
    parcel.send_in_parts(&patient).await.expect(201);
    let row = house.database.find_data_item(parcel.id).await.unwrap().unwrap();
    assert!(objects.contains(row.object_name.unwrap().parse().unwrap()).await.unwrap());
    house.stop().await;
}
