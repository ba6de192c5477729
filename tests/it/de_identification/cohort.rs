//! Tables of people who do not exist, and messages that ask for their de-identification.

use health_back_end::{
    domain::ids::{AihDataId, BackEndId},
    front_end::{paperwork, paperwork::Wish, recording::Recording},
};
use serde_json::{Value, json};

use crate::{
    environment::house::{Answer, Client, urn},
    items::paper::{self, Parcel, follow},
};

pub const PATH: &str = "/v1/de-id-and-anonym";

/// So many people, each with a name, an address and a number of their own, over a few ages, places and diagnoses.
pub fn people(count: usize) -> String {
    let diagnoses = ["asthma", "influenza", "migraine", "anaemia", "gastritis"];
    let mut table = "record,full_name,e_mail,age,postcode,born,sex,diagnosis,visit,note\n".to_owned();
    for n in 0..count {
        let (age, year) = (20 + n * 7 % 60, 1950 + n * 3 % 50);
        table.push_str(&format!(
            "MRN-{:05},Person Numbered-{n},person.{n}@example.org,{age},{:05},{year}-{:02}-{:02},{},{},2026-02-{:02},stable\n",
            n + 10_000,
            2_130 + n % 40,
            1 + n % 12,
            1 + n % 28,
            if n % 2 == 0 { "f" } else { "m" },
            diagnoses[n % diagnoses.len()],
            1 + n % 28,
        ));
    }
    table
}

/// What anonymises such a table.
pub fn anonymously() -> Value {
    json!({
        "PersonColumn": "record", "Identifiers": ["full_name", "e_mail"],
        "QuasiIdentifiers": ["age", "postcode", "born", "sex"], "SensitiveColumns": ["diagnosis"],
        "Generalisation": ["age: range 5 10 20 40", "postcode: prefix 4 3 2", "born: date"], "K": 11, "L": 2,
    })
}

/// What pseudonymises such a table.
pub fn under_pseudonyms() -> Value {
    json!({
        "PersonColumn": "record", "Identifiers": ["full_name", "e_mail"], "DateColumns": ["born", "visit"],
        "KeptColumns": ["age", "sex", "diagnosis"],
    })
}

/// The licence of a table: what third parties of a class may do with it, for research.
pub fn wish(item: AihDataId, processes: &[&str]) -> Wish {
    let list = processes.iter().map(|word| (*word).to_owned()).collect();
    Wish { data_class: "ClinicalRecord".to_owned(), processes: list, ..paper::wish(item) }
}

/// A table under a licence, signed by its End User.
pub fn parcel(client: &Client, back_end: &BackEndId, wish: &Wish, format: &str, bytes: Vec<u8>) -> Parcel {
    let qualifier = json!({
        "DataClass": wish.data_class, "Format": format, "Attributes": {"Device": "Somebody's own ward"},
    });
    let recording = Recording { description: String::new(), qualifier, bytes, true_beats: None };
    let document = paperwork::write(wish, &client.user, back_end);
    paper::sealed(client, back_end, wish.item, document, &recording)
}

/// A request to de-identify.
pub fn request(client: &Client, item: AihDataId, kind: &str, parameters: Value) -> Value {
    json!({
        "Header": "AIH-DIA-V1.0", "DeIDAndAnonymID": urn(), "DeIDAndAnonymTime": "2026-03-01T09:00:00Z",
        "EndUserID": client.user,
        "DeIDAndAnonym": {"Request": {
            "AIHDataID": item, "DeIDAndAnonymType": kind, "Usage": "Research", "Parameters": parameters,
        }},
    })
}

/// Asks and waits for the end, whatever it is.
pub async fn treat(client: &Client, message: &Value) -> Answer {
    follow(client, client.post(PATH, message).await).await
}

/// The response in an answer.
pub fn response(answer: &Answer) -> &Value {
    &answer.body["DeIDAndAnonym"]["Response"]
}

/// The ID of the treated copy in an answer.
pub fn copy_of(answer: &Answer) -> AihDataId {
    response(answer)["AIHDataID"].as_str().unwrap().parse().unwrap()
}

/// The payload of an item, as the client may read it.
pub async fn payload(client: &Client, item: AihDataId) -> Answer {
    client.get(&format!("/v1/aih-data/{item}/payload?usage=Research")).await
}
