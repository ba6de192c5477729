//! Payloads that are wrong, in each format an AIM reads: cut off, too much, lying about lengths, of another class, of
//! several people, empty. Each is uploaded as what it is not, asked for, and refused in words; the item stays as it was,
//! and the next request is served.
//!
//! | File | What |
//! | --- | --- |
//! | [`cases`] | the payloads, by class |
//! | [`models`] | the same for what an operator puts into the Store |

mod cases;
mod models;

use std::collections::BTreeSet;

use cases::{Bad, Trouble};
use health_back_end::{
    domain::taxonomy::{DataClass, Word},
    front_end::{paperwork, recording::Recording},
    mpai_store::processing,
    schema::wire::DataFormat,
};
use serde_json::{Map, json};

use super::{
    every_class::{samples, scene::Scene},
    paper,
};

/// One kind of trouble cannot be made in some formats: a file of the EDF family and a DICOM object name one patient, once.
fn cannot_be(trouble: Trouble, format: DataFormat) -> bool {
    use DataFormat::{Bdf, BdfPlus, Edf, EdfPlus};
    trouble == Trouble::MixedPatients && [Edf, EdfPlus, Bdf, BdfPlus].contains(&format)
}

#[test]
fn each_format_has_a_case_of_each_trouble() {
    for aim in processing::all() {
        let cases = cases::of(aim.data_class);
        for format in &aim.formats {
            for trouble in Trouble::ALL {
                let made = cases.iter().any(|case| case.format == *format && case.trouble == trouble);
                assert_eq!(
                    made,
                    !cannot_be(trouble, *format),
                    "{} {}: {trouble:?}",
                    aim.data_class.word(),
                    format.word()
                );
            }
        }
    }
}

for_each_class!(refused);

async fn refused(class: DataClass) {
    let scene = Scene::start(class).await;
    let aim = processing::all().iter().find(|aim| aim.data_class == class).unwrap();
    let asked = aim.performs[0].processing_type;
    let mut formats = BTreeSet::new();
    for Bad { format, trouble, bytes, says } in cases::of(class) {
        formats.insert(format.word());
        let item = scene.upload(format, &bytes).await;
        let answer = scene.ask(item, asked, &Map::new()).await;
        let of = format!("{} {trouble:?}", format.word());
        assert_eq!(answer.status, 422, "{of}: {}", answer.body);
        let detail = answer.problem("unprocessable").body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{of}, wanted “{says}”: {detail}");
        // Nothing is lost: the item is what it was.
        let read = scene.patient.get(&format!("/v1/aih-data/{item}/payload")).await;
        assert!(read.expect(200).bytes == bytes, "{of}");
    }
    // The house goes on.
    for format in &aim.formats {
        let sample = samples::of(&aim.aim_name, *format).remove(0);
        let item = scene.upload(*format, &sample.bytes).await;
        let answer = scene.ask(item, asked, &sample.parameters_for(&aim.performs[0])).await;
        assert_eq!(answer.status, 200, "{}: {}", format.word(), answer.body);
    }
    scene.house.stop().await;
}

/// A Qualifier of another class than the licence speaks of: nothing is licensed, nothing kept.
#[tokio::test]
async fn a_qualifier_of_another_class_than_the_licence_is_refused_at_the_door() {
    let scene = Scene::start(DataClass::Omics).await;
    let block = scene.house.chain.node().head().await.unwrap().number;
    let send = async |licensed: DataClass, named: DataClass| {
        let (back_end, id) = (scene.house.chain.deployment.back_end(), paper::new_item());
        let mut wish = paper::wish(id);
        wish.data_class = licensed.word().to_owned();
        let document = paperwork::write(&wish, &scene.patient.user, &back_end);
        let qualifier = json!({"DataClass": named.word(), "Format": "CSV"});
        let bytes = b"a,b\n".to_vec();
        let recording = Recording { description: String::new(), qualifier, bytes, true_beats: None };
        paper::sealed(&scene.patient, &back_end, id, document, &recording).send_in_parts(&scene.patient).await
    };
    for class in DataClass::ALL {
        let other = if *class == DataClass::Omics { DataClass::ClinicalRecord } else { DataClass::Omics };
        let answer = send(other, *class).await;
        assert_eq!(answer.status, 422, "{}: {}", class.word(), answer.body);
        let why = answer.body["pointers"][0]["message"].as_str().unwrap();
        assert!(why.contains("the Qualifier's DataClass"), "{}: {why}", class.word());
    }
    assert_eq!(scene.patient.get("/v1/aih-data").await.expect(200).body["AIHData"], json!([]));
    assert_eq!(scene.house.chain.node().head().await.unwrap().number, block, "nothing reached the chain");
    send(DataClass::Omics, DataClass::Omics).await.expect(201);
    scene.house.stop().await;
}
