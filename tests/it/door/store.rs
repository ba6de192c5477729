//! The MPAI Store, as anyone reads it.

use crate::environment::{PATIENT, house::House};

#[tokio::test]
async fn anyone_reads_which_aims_there_are_and_what_each_performs() {
    let house = House::start().await;
    let nobody = house.stranger(PATIENT);
    let listed = nobody.get("/v1/store/aims").await;
    let names: Vec<_> = listed.expect(200).body["AIMs"].as_array().unwrap().iter().map(|aim| &aim["AIMName"]).collect();
    assert_eq!(names[0], "AIH-HBE-V1.0");
    for name in names {
        let metadata = nobody.get(&format!("/v1/store/aims/{}", name.as_str().unwrap())).await;
        assert_eq!(metadata.expect(200).body["Identifier"]["AIMName"], *name);
    }
    nobody.get("/v1/store/aims/AIH-NIL-V1.0").await.expect(404).problem("not-found");

    let info = nobody.get("/v1/service-info").await;
    let processing = info.expect(200).body["Processing"].as_array().unwrap().clone();
    let ecg = processing.iter().find(|aim| aim["AIMName"] == "AIP-ECG-V1.0").unwrap();
    let detection = &ecg["Performs"][0];
    assert_eq!(detection["ProcessingType"], "PhysiologicalEventDetection");
    assert!(detection["Source"].is_string() && detection["Parameters"]["properties"]["Lead"].is_object());
    house.stop().await;
}
