//! Every class of data in every format the declarations of the Store name, through the street door: licensed, uploaded,
//! asked for each processing type its AIM declares, and for each of the forty that nobody declares. The declarations drive
//! it: one without a sample here, or a type without a known truth, fails.
//!
//! | File | What |
//! | --- | --- |
//! | [`scene`] | a house, an item in it, what is asked and what must come of it |
//! | [`samples`] | the samples of an AIM in a format, and what is true of them |
//! | [`ecg`] [`beats`] [`eeg`] [`records`] [`variants`] [`images`] [`behaviour`] | their making, and their truth |
//! | [`edf`] | EDF, EDF+, BDF and BDF+ from one recording |

mod beats;
pub mod behaviour;
pub mod ecg;
pub mod edf;
pub mod eeg;
pub mod images;
pub mod records;
pub mod samples;
pub mod scene;
pub mod variants;

use health_back_end::{
    domain::taxonomy::{DataClass, Word},
    mpai_store::processing,
};
use scene::Scene;

#[test]
fn every_declaration_has_its_samples() {
    for aim in processing::all() {
        for format in &aim.formats {
            assert!(!samples::of(&aim.aim_name, *format).is_empty(), "{} {}", aim.aim_name, format.word());
        }
    }
}

for_each_class!(whole);

/// Everything that is declared for a class, in each format, and everything that is not.
async fn whole(class: DataClass) {
    let scene = Scene::start(class).await;
    for aim in processing::all().iter().filter(|aim| aim.data_class == class) {
        for format in &aim.formats {
            for sample in samples::of(&aim.aim_name, *format) {
                let item = scene.upload(*format, &sample.bytes).await;
                for performance in aim.performs.iter().filter(|performance| sample.serves(performance)) {
                    scene.performed(aim, performance, &sample, item).await;
                }
                scene.undeclared(*format, item).await;
            }
            every_type_was_served(aim, *format);
        }
    }
    scene.house.stop().await;
}

/// A sample may be too small for a type; then another must serve it.
fn every_type_was_served(aim: &processing::Declaration, format: health_back_end::schema::wire::DataFormat) {
    let samples = samples::of(&aim.aim_name, format);
    for performance in &aim.performs {
        let served = samples.iter().any(|sample| sample.serves(performance));
        assert!(served, "{} {}: {}", aim.aim_name, format.word(), performance.processing_type);
    }
}
