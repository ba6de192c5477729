//! Requests that are wrong, each in its own way: a clear answer, and nothing kept.

use health_back_end::domain::{ids::AihDataId, taxonomy::UserClass};
use serde_json::{Value, json};

use super::cohort::{PATH, anonymously, copy_of, parcel, people, request, treat, under_pseudonyms, wish};
use crate::{
    environment::{
        PATIENT,
        house::{Client, urn},
        scene::Scene,
    },
    items::paper::{new_item, reasons},
};

async fn upload(scene: &Scene, processes: &[&str], format: &str, table: &str) -> AihDataId {
    let item = new_item();
    let parcel = parcel(&scene.patient, &scene.back_end(), &wish(item, processes), format, table.as_bytes().to_vec());
    parcel.send_in_parts(&scene.patient).await.expect(201);
    item
}

#[tokio::test]
async fn without_a_licence_for_it_the_answer_is_a_recorded_no() {
    let scene = Scene::set().await;
    let item = upload(&scene, &["Retrieve"], "CSV", &people(20)).await;
    let message = request(&scene.institute, item, "De-Identify", under_pseudonyms());
    let answer = treat(&scene.institute, &message).await;
    answer.expect(403).problem("licence-denied");
    assert_eq!(reasons(&answer), ["Process"]);
    let negative = &answer.body["message"];
    assert_eq!(
        (&negative["Header"], &negative["DeIDAndAnonymID"]),
        (&json!("AIH-DIA-V1.0"), &message["DeIDAndAnonymID"])
    );
    let told = &negative["DeIDAndAnonym"]["Response"];
    assert_eq!((&told["ProcessingState"], &told["Reasons"]), (&json!(false), &json!(["Process"])));
    assert_eq!(told["LicenceConfirm"]["LicenceConfirm"]["Response"]["Evidence"], answer.body["evidence"]);
    assert_eq!(scene.patient.items().await.len(), 1);
    scene.house.stop().await;
}

#[tokio::test]
async fn a_foreign_item_and_an_unknown_one_look_the_same() {
    let scene = Scene::set().await;
    let item = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(20)).await;
    let stranger = scene.house.third_party(2, UserClass::ProfitEntity).await;
    let foreign = treat(&stranger, &request(&stranger, item, "De-Identify", under_pseudonyms())).await;
    let unknown = treat(&stranger, &request(&stranger, new_item(), "De-Identify", under_pseudonyms())).await;
    foreign.expect(404).problem("not-found");
    assert_eq!(foreign.bytes, unknown.expect(404).bytes);
    // So do reports and mappings of copies, to whoever the copy is none of their business.
    let own = treat(&scene.patient, &request(&scene.patient, item, "De-Identify", under_pseudonyms())).await;
    let place = format!("/v1/aih-data/{}/de-identification", copy_of(own.expect(200)));
    for answer in [stranger.get(&place).await, stranger.post(&format!("{place}/mapping"), &json!({})).await] {
        assert_eq!(answer.expect(404).bytes, unknown.bytes);
    }
    let job = format!("{PATH}/{}", uuid::Uuid::now_v7());
    assert_eq!(stranger.get(&job).await.expect(404).bytes, unknown.bytes);
    scene.house.stop().await;
}

#[tokio::test]
async fn techniques_not_offered_are_refused_by_name() {
    let scene = Scene::set().await;
    let item = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(60)).await;
    let asked = |kind: &str, algorithm: &str, parameters: Value| {
        let mut message = request(&scene.patient, item, kind, parameters);
        message["DeIDAndAnonym"]["Request"]["DeIDAndAnonymAlgoID"] = algorithm.into();
        message
    };
    for word in
        ["Homomorphic Encryption", "Synthetic Data Generation", "Differential Privacy", "Data Aggregation", "Hashing"]
    {
        let answer = treat(&scene.patient, &asked("Anonymise", word, anonymously())).await;
        answer.unprocessable(word);
    }
    let unknown = treat(&scene.patient, &asked("Anonymise", "Magic", anonymously())).await;
    unknown.unprocessable("neither a word of the taxonomy");
    let other = treat(&scene.patient, &asked("De-Identify", "DIA-VCF-V1.0", under_pseudonyms())).await;
    other.unprocessable("DIA-VCF-V1.0 does not treat the format CSV");
    let masked = treat(&scene.patient, &asked("De-Identify", "Data Masking", under_pseudonyms())).await;
    masked.unprocessable("Data Masking is not offered for the format CSV");
    let named = treat(&scene.patient, &asked("De-Identify", "K Anonymity", under_pseudonyms())).await;
    named.unprocessable("K Anonymity");
    assert_eq!(scene.patient.items().await.len(), 1);
    // Named rightly it is done.
    treat(&scene.patient, &asked("Anonymise", "K Anonymity", anonymously())).await.expect(200);
    treat(&scene.patient, &asked("De-Identify", "Tokenisation", under_pseudonyms())).await.expect(200);
    treat(&scene.patient, &asked("Anonymise", "DIA-TAB-V1.0", anonymously())).await.expect(200);
    scene.house.stop().await;
}

#[tokio::test]
async fn what_cannot_be_proved_is_not_claimed() {
    let scene = Scene::set().await;
    let cohort = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(60)).await;
    let one = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(1)).await;
    let picture = upload(&scene, &["DeIDAndAnonym"], "PNG", "\u{89}PNG").await;
    let variants = upload(&scene, &["DeIDAndAnonym"], "VCF", "##fileformat=VCFv4.3\n").await;
    let ask = async |item, kind: &str, parameters| {
        treat(&scene.patient, &request(&scene.patient, item, kind, parameters)).await
    };
    ask(one, "Anonymise", anonymously()).await.unprocessable("1 person(s): that can be pseudonymised");
    let mut many = anonymously();
    many["K"] = 61.into();
    ask(cohort, "Anonymise", many.clone()).await.unprocessable("k = 61 and l = 2 cannot be reached");
    ask(picture, "De-Identify", json!({})).await.unprocessable("the format PNG");
    ask(variants, "Anonymise", json!({})).await.unprocessable("VCF is one person's");
    ask(variants, "De-Identify", json!({})).await.unprocessable("VCF of ClinicalRecord");
    // Asked for both, the lower status is given and named, and the report says why.
    let both = ask(cohort, "De-Identify and Anonymise", many).await;
    let told = super::cohort::response(both.expect(200));
    assert_eq!(told["AIHDataStatus"], "Pseudonymised");
    let lines = told["Report"].as_array().unwrap();
    assert!(lines.iter().any(|line| line.as_str().unwrap().contains("not anonymised: k = 61")), "{lines:?}");
    assert_eq!(scene.patient.items().await.len(), 5);
    scene.house.stop().await;
}

#[tokio::test]
async fn payloads_that_are_no_table_and_parameters_that_do_not_fit_are_refused_in_words() {
    let scene = Scene::set().await;
    let whole = people(40);
    for (table, says) in [
        (&whole[..whole.len() - 30], "another number of cells"),
        ("", "name every column"),
        ("\u{89}PNG\r\n", "no column"),
        ("record,full_name,\"e_mail", "quotation mark"),
    ] {
        let item = upload(&scene, &["DeIDAndAnonym"], "CSV", table).await;
        let answer = treat(&scene.patient, &request(&scene.patient, item, "De-Identify", under_pseudonyms())).await;
        answer.unprocessable(says);
    }
    let item = upload(&scene, &["DeIDAndAnonym"], "CSV", &whole).await;
    for (name, value, says) in [
        ("Identifiers", json!([]), "looks like a direct identifier"),
        ("KeptColumns", json!(["age", "shoe_size"]), "no column “shoe_size”"),
        ("Epsilon", json!(1.0), "no other parameters than"),
        ("DateColumns", json!(["age"]), "second time"),
    ] {
        let mut parameters = under_pseudonyms();
        parameters[name] = value;
        if name == "Identifiers" {
            parameters["KeptColumns"] = json!(["full_name"]);
        }
        let answer = treat(&scene.patient, &request(&scene.patient, item, "De-Identify", parameters)).await;
        answer.unprocessable(says);
    }
    assert_eq!(scene.patient.items().await.len(), 5);
    scene.house.stop().await;
}

#[tokio::test]
async fn messages_that_are_none_are_refused_at_their_place() {
    let scene = Scene::set().await;
    let item = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(20)).await;
    let good = request(&scene.patient, item, "De-Identify", under_pseudonyms());
    for (pointer, value) in [
        ("/DeIDAndAnonym/Request/DeIDAndAnonymType", json!("Forget")),
        ("/DeIDAndAnonym/Request/AIHDataID", json!("urn:uuid:1")),
        ("/DeIDAndAnonym/Request/Usage", json!("Marketing")),
        ("/DeIDAndAnonym/Request/Parameters", json!({"Deep": {"er": 1}})),
        ("/DeIDAndAnonym/Request/Parameters/Recipient", json!("somebody")),
        ("/DeIDAndAnonym/Request/Parameters/Recipient", json!("eip155:1:0x00000000000000000000000000000000000000bb")),
        ("/DeIDAndAnonym/Request/Parameters/DeIDAndAnonymType", json!("Anonymise")),
        ("/DeIDAndAnonym/Response", json!({"ProcessingState": false})),
        ("/Header", json!("AIH-AHP-V1.0")),
    ] {
        let mut message = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        message.pointer_mut(parent).unwrap()[name] = value;
        scene.patient.post(PATH, &message).await.expect(422).problem("schema-violation");
    }
    let mut answered = good.clone();
    answered["DeIDAndAnonym"] = json!({"Response": {"ProcessingState": false}});
    scene.patient.post(PATH, &answered).await.expect(422).problem("schema-violation");
    let mut foreign = good.clone();
    foreign["EndUserID"] = json!(scene.institute.user);
    scene.patient.post(PATH, &foreign).await.expect(403).problem("forbidden");
    // A Token that opens other services only.
    let mut narrow = scene.house.stranger(PATIENT);
    narrow.take_token(&narrow.renew(&["Store"]).await.expect(200).body);
    narrow.post(PATH, &good).await.expect(403).problem("forbidden");
    assert_eq!(scene.patient.items().await.len(), 1);
    scene.house.stop().await;
}

#[tokio::test]
async fn the_same_request_again_is_the_same_copy() {
    let scene = Scene::set().await;
    let item = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(20)).await;
    let message = request(&scene.patient, item, "De-Identify", under_pseudonyms());
    let first = scene.patient.post_once(PATH, "once", &message).await;
    let replayed = scene.patient.post_once(PATH, "once", &message).await;
    assert_eq!((&replayed.body, replayed.header("idempotency-replayed")), (&first.expect(200).body, "true"));
    let again = treat(&scene.patient, &message).await;
    assert_eq!(copy_of(again.expect(200)), copy_of(&first));
    assert_eq!(scene.patient.items().await.len(), 2);
    // The same message ID with another wish is another request.
    let mut other = message.clone();
    other["DeIDAndAnonym"]["Request"]["DeIDAndAnonymType"] = "Anonymise".into();
    scene.patient.post(PATH, &other).await.expect(409).problem("conflict");
    let mut fresh = message.clone();
    fresh["DeIDAndAnonymID"] = urn().into();
    assert_ne!(copy_of(treat(&scene.patient, &fresh).await.expect(200)), copy_of(&first));
    scene.house.stop().await;
}

/// What the register holds about de-identifying an item, by status.
async fn recorded(scene: &Scene, item: AihDataId) -> Vec<String> {
    scene.house.indexed().await;
    let events = scene.patient.get(&format!("/v1/audit/events?format=ndjson&item={item}")).await;
    let text = String::from_utf8(events.expect(200).bytes.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let asked = lines.filter(|line| line["Decision"]["ProcessingType"] == "DeIDAndAnonym");
    asked.map(|line| line["Decision"]["Status"].as_str().unwrap().to_owned()).collect()
}

/// A recorded yes that nothing could come of would be a false entry in the register (decision 0034).
#[tokio::test]
async fn what_cannot_be_done_is_refused_before_anything_is_recorded() {
    let scene = Scene::set().await;
    let table = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(20)).await;
    let picture = upload(&scene, &["DeIDAndAnonym"], "PNG", "\u{89}PNG").await;
    let asked = |client: &Client, item, kind: &str, algorithm: Option<&str>, parameters: Value| {
        let mut message = request(client, item, kind, parameters);
        if let Some(algorithm) = algorithm {
            message["DeIDAndAnonym"]["Request"]["DeIDAndAnonymAlgoID"] = algorithm.into();
        }
        message
    };
    let mut epsilon = under_pseudonyms();
    epsilon["Epsilon"] = json!(1);
    for client in [&scene.patient, &scene.institute] {
        for (message, says) in [
            (asked(client, table, "De-Identify", Some("Data Masking"), under_pseudonyms()), "Data Masking"),
            (asked(client, table, "De-Identify", Some("Hashing"), under_pseudonyms()), "Hashing"),
            (asked(client, table, "De-Identify", Some("DIA-VCF-V1.0"), under_pseudonyms()), "DIA-VCF-V1.0"),
            (asked(client, table, "De-Identify", Some("K Anonymity"), under_pseudonyms()), "K Anonymity"),
            (asked(client, table, "De-Identify", None, epsilon.clone()), "no other parameters"),
            (asked(client, picture, "De-Identify", None, json!({})), "the format PNG"),
        ] {
            let refused = treat(client, &message).await;
            refused.unprocessable(says);
            // Sent again, it is the same request with the same end.
            treat(client, &message).await.unprocessable(says);
        }
    }
    assert_eq!(recorded(&scene, table).await, Vec::<String>::new());
    assert_eq!(recorded(&scene, picture).await, Vec::<String>::new());
    // Whoever may not know of the item is told nothing, and that they asked is recorded.
    let stranger = scene.house.third_party(2, UserClass::ProfitEntity).await;
    let foreign = treat(&stranger, &asked(&stranger, picture, "De-Identify", None, json!({}))).await;
    let unknown = treat(&stranger, &asked(&stranger, new_item(), "De-Identify", None, json!({}))).await;
    assert_eq!(foreign.expect(404).bytes, unknown.expect(404).bytes);
    assert_eq!(recorded(&scene, picture).await, ["denied"]);
    // What can be done is recorded as ever.
    treat(&scene.patient, &asked(&scene.patient, table, "De-Identify", None, under_pseudonyms())).await.expect(200);
    assert_eq!(recorded(&scene, table).await, ["executed"]);
    scene.house.stop().await;
}

#[tokio::test]
async fn the_service_says_beforehand_what_is_offered_and_what_is_not() {
    let scene = Scene::set().await;
    let info = scene.patient.get("/v1/service-info").await;
    let told = &info.expect(200).body["DeIDAndAnonym"];
    let techniques = told["Techniques"].as_array().unwrap();
    assert_eq!(techniques.len(), 12);
    let item = upload(&scene, &["DeIDAndAnonym"], "CSV", &people(20)).await;
    for technique in techniques {
        let word = technique["Technique"].as_str().unwrap();
        let offered = technique["DeIDAndAnonymAlgoIDs"].as_array().cloned().unwrap_or_default();
        assert_eq!(offered.is_empty(), technique["Refused"].is_string(), "{technique}");
        // The door does as it says.
        let mut message = request(&scene.patient, item, "De-Identify", under_pseudonyms());
        message["DeIDAndAnonym"]["Request"]["DeIDAndAnonymAlgoID"] = word.into();
        let anonymises = ["K Anonymity", "L Diversity", "Generalisation"].contains(&word);
        let status = if offered.contains(&json!("DIA-TAB-V1.0")) && !anonymises { 200 } else { 422 };
        treat(&scene.patient, &message).await.expect(status);
    }
    let algorithms = told["Algorithms"].as_array().unwrap();
    let cohort = algorithms.iter().find(|algorithm| algorithm["DeIDAndAnonymAlgoID"] == "DIA-FHC-V1.0").unwrap();
    assert_eq!((&cohort["Gives"], &cohort["Formats"]), (&json!("CSV"), &json!(["FHIR", "NDJSON"])));
    assert!(algorithms.iter().all(|algorithm| algorithm["Source"].is_string()));
    scene.house.stop().await;
}

/// A licence may let a third party have a copy made, and open the copy to it by its status. What that status rests on and no
/// treatment can see is not for that third party to say.
#[tokio::test]
async fn who_gains_by_a_status_does_not_vouch_for_it() {
    let scene = Scene::set().await;
    let table = upload(&scene, &["DeIDAndAnonym", "Retrieve"], "CSV", &people(60)).await;
    let rows = json!({"OneRowPerPerson": true, "KeptColumns": ["age"]});
    let before = scene.patient.items().await.len();
    for (kind, parameters) in [
        ("Anonymise", anonymously()),
        ("De-Identify and Anonymise", anonymously()),
        ("De-Identify", rows.clone()),
        ("De-Identify", json!({"PersonColumn": "record", "QuasiIdentifiers": ["age"]})),
    ] {
        let answer = treat(&scene.institute, &request(&scene.institute, table, kind, parameters)).await;
        let detail = answer.expect(422).problem("schema-violation").body["detail"].as_str().unwrap();
        assert!(detail.contains("statements about the data"), "{detail}");
    }
    assert_eq!(scene.patient.items().await.len(), before, "nothing was made");
    // What it may ask for is held to more: a number that everybody has for themselves is not kept on its word.
    let numbered = people(60).replace("MRN-", "7").replace("record,", "number,");
    let numbered = upload(&scene, &["DeIDAndAnonym", "Retrieve"], "CSV", &numbered).await;
    let kept = json!({"PersonColumn": "full_name", "KeptColumns": ["number"]});
    let answer = treat(&scene.institute, &request(&scene.institute, numbered, "De-Identify", kept.clone())).await;
    answer.unprocessable("“number” looks like a direct identifier");
    // The End User may say all of it, for the institute's pseudonyms too.
    treat(&scene.patient, &request(&scene.patient, numbered, "De-Identify", kept)).await.expect(200);
    let mut named = rows;
    named["Recipient"] = json!(scene.institute.user);
    treat(&scene.patient, &request(&scene.patient, table, "De-Identify", named)).await.expect(200);
    treat(&scene.patient, &request(&scene.patient, table, "Anonymise", anonymously())).await.expect(200);
    scene.house.stop().await;
}
