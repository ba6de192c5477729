//! A licence that has run out: what third parties could do under it until then, and cannot any more.

use health_back_end::domain::taxonomy::UserClass;
use serde_json::json;

use super::cohort::{copy_of, parcel, payload, people, request, treat, under_pseudonyms, wish};
use crate::{
    environment::{
        INSTITUTE, PATIENT,
        house::{Answer, Client, House},
    },
    items::paper::{new_item, reasons},
};

const HOUR: u64 = 3_600;

async fn unseal(client: &Client, copy: impl std::fmt::Display) -> Answer {
    client.post(&format!("/v1/aih-data/{copy}/de-identification/mapping"), &json!({"Usage": "Research"})).await
}

#[tokio::test]
async fn what_has_expired_is_neither_treated_nor_unsealed_nor_its_copy_read() {
    let house = House::start().await;
    let mut patient = house.end_user(PATIENT).await;
    let mut institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
    let mut wish = wish(new_item(), &["DeIDAndAnonym", "Retrieve"]);
    wish.end = house.clock.seconds() + HOUR;
    let back_end = house.chain.deployment.back_end();
    let table = parcel(&patient, &back_end, &wish, "CSV", people(20).into_bytes());
    table.send_in_parts(&patient).await.expect(201);
    let message = request(&institute, table.id, "De-Identify", under_pseudonyms());
    let copy = copy_of(treat(&institute, &message).await.expect(200));
    unseal(&institute, copy).await.expect(200);
    payload(&institute, copy).await.expect(200);

    house.pass(HOUR + 60).await;
    patient.come_back().await;
    institute.come_back().await;
    let anew = request(&institute, table.id, "De-Identify", under_pseudonyms());
    for (what, answer) in [
        ("treated anew", treat(&institute, &anew).await),
        ("told again", treat(&institute, &message).await),
        ("unsealed", unseal(&institute, copy).await),
        ("the copy read", payload(&institute, copy).await),
    ] {
        assert_eq!(reasons(answer.expect(403).problem("licence-denied")), ["Expired"], "{what}");
    }
    // It binds others, not the End User.
    let own =
        copy_of(treat(&patient, &request(&patient, table.id, "De-Identify", under_pseudonyms())).await.expect(200));
    unseal(&patient, own).await.expect(200);
    house.stop().await;
}
