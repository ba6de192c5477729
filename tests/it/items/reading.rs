//! A payload that is read slowly, and what becomes of the reading when its licence falls.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::{Method, Response};

use super::{
    caught::within,
    paper::{self, Parcel, licence_in, withdraw},
};
use crate::environment::{
    house::{Client, House},
    scene::Scene,
};

/// More than sockets and buffers on the way hold.
const LENGTH: usize = 48 << 20;
/// What the issue allows between the block and the end of a work.
const AT_MOST: Duration = Duration::from_secs(2);

/// An item that institutes may read.
async fn upload(house: &House, patient: &Client) -> (Parcel, health_back_end::domain::ids::LicenceId) {
    let back_end = house.chain.deployment.back_end();
    let id = paper::new_item();
    let mut wish = paper::wish(id);
    wish.processes.push("Retrieve".to_owned());
    let document = health_back_end::front_end::paperwork::write(&wish, &patient.user, &back_end);
    let mut parcel = paper::table(patient, &back_end, &vec![7; LENGTH]);
    let recording = health_back_end::front_end::recording::Recording {
        description: String::new(),
        qualifier: parcel.message["AIHDataQualifier"].clone(),
        bytes: std::mem::take(&mut parcel.payload),
        true_beats: None,
    };
    let parcel = paper::sealed(patient, &back_end, id, document, &recording);
    let licence = licence_in(&parcel.send_in_parts(patient).await.expect(201).body);
    (parcel, licence)
}

async fn open(client: &Client, parcel: &Parcel) -> Response {
    let path = format!("{}/payload?usage=Research", parcel.path());
    let response = client.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{:?}", response.text().await);
    response
}

/// Reads to the end; gives how many bytes came, and whether the body broke off.
async fn rest(response: Response) -> (usize, bool) {
    let (mut bytes, mut count) = (response.bytes_stream(), 0);
    while let Some(piece) = bytes.next().await {
        match piece {
            Ok(piece) => count += piece.len(),
            Err(_) => return (count, true),
        }
    }
    (count, false)
}

#[tokio::test]
async fn a_download_ends_with_its_licence_and_the_end_users_own_does_not() {
    let Scene { house, patient, institute } = Scene::set().await;
    let what = "a download broke off, its withdrawal included,";
    within(AT_MOST, what, async || broken_off_after(&house, &patient, &institute).await).await;
    house.stop().await;
}

/// How long it takes from asking for a withdrawal until a download under the licence has broken off.
async fn broken_off_after(house: &House, patient: &Client, institute: &Client) -> Duration {
    let (parcel, licence) = upload(house, patient).await;
    // Nobody takes their bytes yet, so both readings stand still after what the buffers hold.
    let (licensed, own) = (open(institute, &parcel).await, open(patient, &parcel).await);
    let begun = Instant::now();
    withdraw(patient, &house.chain.deployment.back_end(), parcel.id, licence).await;
    house.indexed().await;
    let (count, broken) = rest(licensed).await;
    let ended = begun.elapsed();
    assert!(broken && count < LENGTH, "{count} bytes of {LENGTH} came");
    assert_eq!(rest(own).await, (LENGTH, false));
    ended
}
