//! What `./scripts/demo all` shows after the main job: one piece of real work of every SubAIM.
//!
//! | File | SubAIM |
//! | --- | --- |
//! | [`imaging`] | an image is refused identified, de-identified, and permitted then; its patient looks up whom it shows (AIH-DIA, AIH-HDP) |
//! | [`alert`] | a fast heart is told to a listening Front End (AIH-ARA) |
//! | [`learning`] | five Front Ends train a model, and the model is used (AIH-HFL, the MPAI Store) |
//! | [`life`] | a licence is changed, an item erased, all of it audited (AIH-STR, AIH-ADT) |

mod alert;
mod imaging;
mod learning;
mod life;
pub mod picture;

use std::path::PathBuf;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    client::{Client, now},
    demo::{Cast, DemoError},
    paperwork::{self, Wish},
};
use crate::{
    clock::Clock,
    domain::ids::{AihDataId, LicenceId},
};

const HOUR: u64 = 3_600;

/// What the extended walk needs besides.
#[derive(Debug, Clone)]
pub struct More {
    /// The first model of the lineage that is trained: an ML Model Object ID.
    pub model: String,
    /// Where the Front Ends keep their recordings.
    pub folder: PathBuf,
}

/// An item and its licence.
pub(super) struct Stored {
    pub(super) id: AihDataId,
    pub(super) licence: LicenceId,
}

/// Walks on where the main job ended.
pub(super) async fn walk(cast: &mut Cast, more: &More) -> Result<(), DemoError> {
    cast.patient.log_in(&SERVICES).await?;
    cast.institute.log_in(&["AIHDataProcessing", "Retrieve"]).await?;
    cast.operator.log_in(&["AIHDataProcessing", "FederatedLearning"]).await?;
    imaging::walk(cast).await?;
    let night = alert::walk(cast).await?;
    learning::walk(cast, more).await?;
    let changed = life::change(cast, night).await?;
    life::erase(cast, &changed).await?;
    life::audit(cast).await
}

/// What the patient needs for all this.
const SERVICES: [&str; 8] = [
    "Store",
    "Retrieve",
    "Auditing",
    "LicenceChange",
    "DeIDAndAnonym",
    "AIHDataProcessing",
    "AnomalyAndRiskAlerting",
    "FederatedLearning",
];

/// A licence for a day; its lists are filled by who asks for it.
fn wish(class: &str) -> Wish {
    let start = Clock::system().seconds() - HOUR;
    Wish {
        item: AihDataId::from_uuid(Uuid::now_v7()),
        data_class: class.to_owned(),
        start,
        end: start + 24 * HOUR,
        status: "Identified".to_owned(),
        back_end_processes: Vec::new(),
        back_end_usages: Vec::new(),
        user_types: Vec::new(),
        processes: Vec::new(),
        usages: Vec::new(),
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}

/// Signs a licence and uploads an item under it.
async fn upload(client: &Client, wish: &Wish, qualifier: Value, bytes: Vec<u8>) -> Result<Stored, DemoError> {
    let (user, back_end) = (client.user(), *client.back_end());
    let document = paperwork::write(wish, &user, &back_end);
    let message = json!({
        "Header": "AIH-AHD-V1.0",
        "AIHDataID": wish.item,
        "EndUserID": user,
        "AIHDataTime": now(),
        "AIHData": { "DataLength": bytes.len(), "DataURI": "cid:payload" },
        "AIHDataQualifier": qualifier,
        "ModelLicence": document,
        "ModelLicenceSignature": paperwork::sign(&document, &back_end, 0, client.key())?,
    });
    let length = bytes.len() as u64;
    let answer = client.upload(&message, bytes.into(), length).await?;
    let licence =
        answer["LicenceID"].as_str().and_then(|id| id.parse().ok()).ok_or(DemoError::Lacks("a Licence ID"))?;
    Ok(Stored { id: wish.item, licence })
}
