//! What a licence opens only to treated data, for each family of formats: denied on the identified item, permitted on the
//! treated copy. By `AIHDataStatus`, and by the usages `Pseudonymised` and `Anonymised`.

use health_back_end::domain::ids::AihDataId;
use serde_json::{Value, json};

use super::{
    cohort::{anonymously, copy_of, parcel, payload, people, request, response, treat, under_pseudonyms, wish},
    files::{self, Garden},
};
use crate::{
    environment::{
        house::{Answer, Client},
        scene::Scene,
    },
    items::paper::{self, PARAMETERS, new_item, reasons},
};

/// A family of formats: a file of it, how it is treated, and what an AI Module is asked of it.
struct Family {
    class: &'static str,
    format: &'static str,
    bytes: Vec<u8>,
    asked: &'static str,
    parameters: Value,
    operation: Option<&'static str>,
    /// Format of the copy.
    gives: &'static str,
}

impl Family {
    fn of(class: &'static str, format: &'static str, bytes: Vec<u8>) -> Self {
        let (asked, parameters) = ("De-Identify", json!({}));
        Self { class, format, bytes, asked, parameters, operation: None, gives: format }
    }

    /// Whether the status of the copy rests on what only the End User and the Back End may say.
    fn rests_on_a_statement(&self) -> bool {
        let is_table = self.format == "CSV";
        self.parameters.get("PixelDataInspected").is_some()
            || (is_table && self.parameters.get("QuasiIdentifiers").is_some())
    }
}

fn pseudonymised() -> Vec<Family> {
    let mut garden = Garden::default();
    vec![
        Family {
            parameters: json!({"PixelDataInspected": true}),
            operation: Some("ImagingPhenotypeCharacterisation"),
            ..Family::of("MedicalImaging", "DICOM", files::image(&mut garden))
        },
        Family {
            operation: Some("ClinicalConditionDetection"),
            ..Family::of("ClinicalRecord", "FHIR", files::record(&mut garden))
        },
        Family {
            operation: Some(PARAMETERS),
            ..Family::of("PhysiologicalSignal", "EDF+", files::recording(&mut garden))
        },
        // Its only channel is called by a planted name, so no AI Module takes it for an ECG.
        Family::of("PhysiologicalSignal", "WFDB", files::archive(&mut garden)),
        Family {
            operation: Some("MolecularVariantDetection"),
            ..Family::of("Omics", "VCF", files::variants(&mut garden))
        },
        Family { parameters: under_pseudonyms(), ..Family::of("ClinicalRecord", "CSV", people(30).into_bytes()) },
    ]
}

fn anonymised() -> Vec<Family> {
    let table = Family::of("ClinicalRecord", "CSV", people(400).into_bytes());
    let cohort = Family::of("ClinicalRecord", "FHIR", files::cohort(&mut Garden::default(), 60));
    vec![
        Family { asked: "Anonymise", parameters: anonymously(), ..table },
        Family { asked: "Anonymise", parameters: json!({"K": 5}), gives: "CSV", ..cohort },
    ]
}

/// The family's file under a licence that asks for a status, or grants a usage.
async fn upload(scene: &Scene, family: &Family, status: &str, usage: &str) -> AihDataId {
    let item = new_item();
    let mut processes = vec!["DeIDAndAnonym", "Retrieve"];
    processes.extend(family.operation);
    let mut wish = wish(item, &processes);
    (wish.data_class, wish.status) = (family.class.to_owned(), status.to_owned());
    wish.usages = vec![usage.to_owned()];
    let back_end = scene.back_end();
    let parcel = parcel(&scene.patient, &back_end, &wish, family.format, family.bytes.clone());
    parcel.send_in_parts(&scene.patient).await.expect(201);
    item
}

async fn copied(scene: &Scene, who: &Client, item: AihDataId, family: &Family) -> AihDataId {
    let made = treat(who, &request(who, item, family.asked, family.parameters.clone())).await;
    let copy = copy_of(made.expect(200));
    let described = scene.patient.get(&format!("/v1/aih-data/{copy}")).await;
    assert_eq!(described.expect(200).body["AIHDataQualifier"]["Format"], family.gives);
    copy
}

/// The institute reads an item and has it processed: what it is denied for, or nothing.
async fn tried(scene: &Scene, item: AihDataId, family: &Family, processes: bool) -> Vec<Vec<String>> {
    let mut answers = vec![payload(&scene.institute, item).await];
    if let Some(operation) = family.operation.filter(|_| processes) {
        let message = paper::request(&scene.institute, item, operation, "Research");
        answers.push(paper::process(&scene.institute, &message).await);
    }
    let why = |answer: &Answer| match answer.status {
        403 => reasons(answer.problem("licence-denied")),
        _ => {
            answer.expect(200);
            Vec::new()
        }
    };
    answers.iter().map(why).collect()
}

#[tokio::test]
async fn a_status_asked_for_opens_the_copy_and_not_the_item() {
    let scene = Scene::set().await;
    for (status, families) in [("Pseudonymised", pseudonymised()), ("Anonymised", anonymised())] {
        for family in families {
            let name = format!("{} {status}", family.format);
            let item = upload(&scene, &family, status, "Research").await;
            let denied = tried(&scene, item, &family, true).await;
            assert!(denied.iter().all(|reasons| reasons == &["DataStatus"]), "{name}: {denied:?}");
            // De-identification itself is exempt: the institute has the copy made, where nobody need vouch for anything.
            let who = if family.rests_on_a_statement() { &scene.patient } else { &scene.institute };
            let copy = copied(&scene, who, item, &family).await;
            let opened = tried(&scene, copy, &family, true).await;
            assert!(opened.iter().all(Vec::is_empty), "{name}: {opened:?}");
            assert!(!tried(&scene, item, &family, true).await[0].is_empty(), "{name}: the item stays closed");
        }
    }
    scene.house.stop().await;
}

#[tokio::test]
async fn a_usage_of_treated_data_opens_the_copy_and_not_the_item() {
    let scene = Scene::set().await;
    for (usage, families) in [("Pseudonymised", pseudonymised()), ("Anonymised", anonymised())] {
        for family in families {
            let name = format!("{} {usage}", family.format);
            let item = upload(&scene, &family, "Identified", usage).await;
            let denied = tried(&scene, item, &family, true).await;
            assert!(denied.iter().all(|reasons| reasons == &["Usage"]), "{name}: {denied:?}");
            let copy = copied(&scene, &scene.patient, item, &family).await;
            let opened = tried(&scene, copy, &family, true).await;
            assert!(opened.iter().all(Vec::is_empty), "{name}: {opened:?}");
        }
    }
    scene.house.stop().await;
}

/// What is only pseudonymised does not pass for anonymised.
#[tokio::test]
async fn a_copy_under_pseudonyms_does_not_open_what_asks_for_more() {
    let scene = Scene::set().await;
    for (status, usage, reason) in [("Anonymised", "Research", "DataStatus"), ("Identified", "Anonymised", "Usage")] {
        for family in pseudonymised() {
            let item = upload(&scene, &family, status, usage).await;
            let message = request(&scene.patient, item, family.asked, family.parameters.clone());
            let made = treat(&scene.patient, &message).await;
            assert_eq!(response(made.expect(200))["AIHDataStatus"], "Pseudonymised");
            let denied = tried(&scene, copy_of(&made), &family, false).await;
            assert_eq!(denied, [[reason]], "{} {status} {usage}", family.format);
        }
    }
    scene.house.stop().await;
}
