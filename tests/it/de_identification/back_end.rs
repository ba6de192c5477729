//! De-identification on the Back End's own initiative: the operator asks in its name, and the Back End's own licence is
//! what judges it.

use health_back_end::{
    domain::ids::{AihDataId, BackEndId},
    front_end::paperwork::Wish,
};
use serde_json::{Value, json};

use super::cohort::{PATH, copy_of, parcel, payload, people, request, response, treat, under_pseudonyms, wish};
use crate::{
    environment::{
        INSTITUTE, PATIENT,
        house::{Client, House},
    },
    items::paper::{new_item, reasons},
};

struct Scene {
    house: House,
    patient: Client,
    operator: Client,
    back_end: BackEndId,
}

impl Scene {
    async fn set() -> Self {
        let house = House::start().await;
        let (patient, operator) = (house.end_user(PATIENT).await, house.operator().await);
        let back_end = house.chain.deployment.back_end();
        Self { house, patient, operator, back_end }
    }

    /// A table whose licence lets the Back End do this, for that.
    async fn upload(&self, process: &str, usage: &str) -> AihDataId {
        let item = new_item();
        let words = |word: &str| vec![word.to_owned()];
        let wish =
            Wish { back_end_processes: words(process), back_end_usages: words(usage), ..wish(item, &["Retrieve"]) };
        let parcel = parcel(&self.patient, &self.back_end, &wish, "CSV", people(20).into_bytes());
        parcel.send_in_parts(&self.patient).await.expect(201);
        item
    }

    fn asked(&self, item: AihDataId, parameters: Value) -> Value {
        let mut message = request(&self.operator, item, "De-Identify", parameters);
        message["EndUserID"] = json!(self.back_end);
        message
    }
}

#[tokio::test]
async fn what_the_licence_lets_the_back_end_do_it_does() {
    let scene = Scene::set().await;
    let institute = scene.house.third_party(INSTITUTE, health_back_end::domain::taxonomy::UserClass::NonProfitEntity);
    let institute = institute.await;
    let item = scene.upload("DeIDAndAnonym", "Research").await;
    let mut parameters = under_pseudonyms();
    parameters["Recipient"] = json!(institute.user);
    let made = treat(&scene.operator, &scene.asked(item, parameters)).await;
    assert_eq!(response(made.expect(200))["AIHDataStatus"], "Pseudonymised");
    assert_eq!(scene.patient.items().await.len(), 2);
    // The copy is the End User's, and its report names the recipient.
    let report = scene.patient.get(&format!("/v1/aih-data/{}/de-identification", copy_of(&made))).await;
    assert_eq!(report.expect(200).body["Report"]["Recipient"], json!(institute.user));
    payload(&scene.patient, copy_of(&made)).await.expect(200);
    // The audit tells who asked.
    scene.house.indexed().await;
    let events = scene.patient.get(&format!("/v1/audit/events?item={item}&format=ndjson")).await;
    let text = String::from_utf8(events.expect(200).bytes.clone()).unwrap();
    let told = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|line| line["Decision"]["ProcessingType"] == "DeIDAndAnonym" && line["Decision"]["Status"] == "executed");
    let told = told.unwrap_or_else(|| panic!("{text}"));
    let account = told["Decision"]["UserID"].as_str().unwrap().to_lowercase();
    assert_eq!(account, scene.back_end.to_string().to_lowercase());
    assert_eq!(told["Decision"].get("UserType"), None, "the Back End has no class");
    scene.house.stop().await;
}

#[tokio::test]
async fn what_the_licence_does_not_let_it_do_is_a_recorded_no() {
    let scene = Scene::set().await;
    for (process, usage, wanted) in
        [("PhysiologicalEventDetection", "Research", "Process"), ("DeIDAndAnonym", "Health Care", "Usage")]
    {
        let item = scene.upload(process, usage).await;
        let before = scene.patient.items().await;
        let answer = treat(&scene.operator, &scene.asked(item, under_pseudonyms())).await;
        answer.expect(403).problem("licence-denied");
        assert_eq!(reasons(&answer), [wanted]);
        assert!(answer.body["evidence"]["TransactionHash"].is_string(), "{}", answer.body);
        assert_eq!(scene.patient.items().await, before);
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn nobody_but_an_operator_asks_in_its_name() {
    let scene = Scene::set().await;
    let item = scene.upload("DeIDAndAnonym", "Research").await;
    let message = scene.asked(item, under_pseudonyms());
    scene.patient.post(PATH, &message).await.expect(403).problem("forbidden");
    // Nor does an operator have rights of their own.
    let own = request(&scene.operator, item, "De-Identify", under_pseudonyms());
    let refused = scene.operator.post(PATH, &own).await;
    assert!([403, 404].contains(&refused.status), "{}", refused.status);
    assert_eq!(scene.patient.items().await.len(), 1);
    scene.house.stop().await;
}
