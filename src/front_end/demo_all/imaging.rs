//! An image is refused as long as it names its patient, and permitted when it does not.

use serde_json::{Value, json};

use super::{picture, upload, wish, words};
use crate::front_end::{
    client::{ClientError, new_id, now},
    demo::{Cast, DemoError, waiting},
    demo_steps::{result_of, tell_evidence, text},
};

const EXTENT: &str = "LesionExtentQuantification";

pub(super) async fn walk(cast: &mut Cast) -> Result<(), DemoError> {
    cast.story.step("De-Identification: an image is refused with its name, and permitted without");
    let mut wish = wish("MedicalImaging");
    wish.status = "Pseudonymised".to_owned();
    wish.back_end_processes = words(&["DeIDAndAnonym"]);
    wish.back_end_usages = words(&["Research"]);
    wish.user_types = words(&["Non-Profit Entity"]);
    wish.processes = words(&[EXTENT, "Retrieve"]);
    wish.usages = words(&["Research"]);
    let qualifier = json!({ "DataClass": "MedicalImaging", "Format": "DICOM", "MediaType": "application/dicom" });
    let image = upload(&cast.patient, &wish, qualifier, picture::image(picture::PIXEL_MM)?).await?;
    let refused = cast.institute.process(&image.id.to_string(), EXTENT, "Research").await;
    refused_for_status(cast, refused);
    let copy = treat(cast, &image.id.to_string()).await?;
    measure(cast, &copy).await?;
    unseal(cast, &copy).await
}

fn refused_for_status(cast: &mut Cast, outcome: Result<Value, ClientError>) {
    let reasons = outcome.err().map(|denial| denial.reasons()).unwrap_or_default();
    for reason in &reasons {
        cast.story.tell(format!("denied: {reason}"));
    }
    cast.story.expect(!reasons.is_empty(), "the identified image is refused to the institute");
}

async fn treat(cast: &mut Cast, item: &str) -> Result<String, DemoError> {
    let message = json!({
        "Header": "AIH-DIA-V1.0",
        "DeIDAndAnonymID": new_id(),
        "DeIDAndAnonymTime": now(),
        "EndUserID": cast.patient.user(),
        "DeIDAndAnonym": { "Request": { "AIHDataID": item, "DeIDAndAnonymType": "De-Identify", "Usage": "Research" } },
    });
    let answer = cast.patient.post("/v1/de-id-and-anonym", &message).await?;
    let response = &answer["DeIDAndAnonym"]["Response"];
    let report = response["Report"].as_array().map_or(0, Vec::len);
    cast.story.fact("treated copy", text(response, "/AIHDataID")?);
    cast.story.fact("its status", text(response, "/AIHDataStatus")?);
    cast.story.fact("report", format!("{report} lines, signed; PS3.15 Basic Profile"));
    Ok(text(response, "/AIHDataID")?.to_owned())
}

async fn measure(cast: &mut Cast, copy: &str) -> Result<(), DemoError> {
    let bar = waiting("measuring …");
    let answer = cast.institute.process(copy, EXTENT, "Research").await?;
    let bytes = cast.institute.bytes(&format!("/v1/aih-data/{copy}/payload?usage=Research")).await;
    bar.finish_and_clear();
    if let Some(evidence) =
        answer.pointer("/AIHDataProcess/Response/LicenceConfirm/LicenceConfirm/Response/Evidence").cloned()
    {
        tell_evidence(cast, &evidence).await?;
    }
    let area = result_of(&answer)?["AreaMm2"].as_f64();
    cast.story
        .fact("area of the disc", format!("{:.0} mm², true {:.0} mm²", area.unwrap_or_default(), picture::AREA_MM2));
    let near = area.is_some_and(|area| (area / picture::AREA_MM2 - 1.0).abs() < 0.05);
    cast.story.expect(near, "the treated image is permitted, and measured right");
    let named = |bytes: &[u8]| bytes.windows(picture::NAME.len()).any(|window| window == picture::NAME.as_bytes());
    cast.story.expect(bytes.is_ok_and(|bytes| !named(&bytes)), "the name is nowhere in the copy");
    Ok(())
}

/// The patient may learn which pseudonym stands for whom; that too is asked of the chain.
async fn unseal(cast: &mut Cast, copy: &str) -> Result<(), DemoError> {
    let path = format!("/v1/aih-data/{copy}/de-identification/mapping");
    let opened = cast.patient.post(&path, &json!({ "Usage": "Patient Use" })).await?;
    let names = opened["Mapping"].as_array().cloned().unwrap_or_default();
    cast.story.fact("way back", format!("{} pseudonyms and whom they stand for", names.len()));
    let named = names.iter().any(|entry| entry["Original"].as_str().is_some_and(|name| name.contains(picture::NAME)));
    cast.story.expect(named, "the patient, and nobody else, can open it");
    Ok(())
}
