//! Model Licences as the End User writes and signs them.

use alloy::{
    primitives::{Address, hex},
    signers::{SignerSync, local::PrivateKeySigner},
};
use serde_json::{Value, json};

use crate::{
    chain::typed_data,
    domain::{
        ids::{AihDataId, BackEndId, UserId},
        reading,
        terms::Offer,
        window,
    },
    licensing::terms::{TermsRefused, compile},
    schema,
};

/// What an End User wants to license; the parts a Front End would ask in a form.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The item.
    pub item: AihDataId,
    /// Its class, a word of the taxonomy.
    pub data_class: String,
    /// First second.
    pub start: u64,
    /// First second after.
    pub end: u64,
    /// Least status of data that may be used.
    pub status: String,
    /// What the Back End may do itself.
    pub back_end_processes: Vec<String>,
    /// For which uses.
    pub back_end_usages: Vec<String>,
    /// Classes of third parties.
    pub user_types: Vec<String>,
    /// What they may ask for.
    pub processes: Vec<String>,
    /// For which uses.
    pub usages: Vec<String>,
}

/// Why a Model Licence cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// Not a valid Model Licence.
    #[error("the Model Licence does not validate: {0}")]
    Schema(String),
    /// It cannot be expressed.
    #[error(transparent)]
    Terms(#[from] TermsRefused),
    /// The key cannot sign.
    #[error("the key cannot sign")]
    Key(#[from] alloy::signers::Error),
}

/// Writes a Model Licence.
pub fn write(wish: &Wish, end_user: &UserId, back_end: &BackEndId) -> Value {
    let time = json!({ "StartTime": window::rfc3339(wish.start), "EndTime": window::rfc3339(wish.end) });
    let mut data = serde_json::Map::new();
    if !wish.back_end_processes.is_empty() {
        data.insert(
            "BackEndLicence".to_owned(),
            json!({
                "EndUserID": end_user,
                "BackendID": back_end,
                "AIHDataID": wish.item,
                "AIHDataStatus": wish.status,
                "AIHDataProcess": wish.back_end_processes,
                "AIHDataUsage": wish.back_end_usages,
            }),
        );
    }
    if !wish.user_types.is_empty() {
        data.insert(
            "ThirdPartyUserLicence".to_owned(),
            json!({
                "BackendID": back_end,
                "AIHDataID": wish.item,
                "Time": time,
                "UserTypes": wish.user_types,
                "ProcessTypes": wish.processes,
                "UsageTypes": wish.usages,
            }),
        );
    }
    json!({
        "Header": "AIH-MDL-V1.0",
        "ModelLicenceID": super::client::new_id(),
        "EndUserID": end_user,
        "AIHDataID": wish.item,
        "AIHDataType": wish.data_class,
        "ModelLicenceTime": time,
        "ModelLicenceData": data,
    })
}

/// Compiles a Model Licence exactly as the Back End will.
///
/// # Errors
/// When it does not validate or cannot be expressed.
pub fn offer(document: &Value, back_end: &BackEndId, sequence: u64) -> Result<Offer, PaperError> {
    let licence = schema::into_domain(document).map_err(|refused| PaperError::Schema(refused.to_string()))?;
    Ok(compile(&licence, back_end, sequence)?)
}

/// Signs a Model Licence; the text is what goes into `ModelLicenceSignature`.
///
/// # Errors
/// When it cannot be expressed or the key cannot sign.
pub fn sign(
    document: &Value,
    back_end: &BackEndId,
    sequence: u64,
    key: &PrivateKeySigner,
) -> Result<String, PaperError> {
    let hash = typed_data::offer_hash(&offer(document, back_end, sequence)?, back_end);
    Ok(hex::encode_prefixed(key.sign_hash_sync(&hash)?.as_bytes()))
}

/// Signs the withdrawal of a licence.
///
/// # Errors
/// When the key cannot sign.
pub fn sign_withdrawal(
    item: &AihDataId,
    licence: Address,
    back_end: &BackEndId,
    key: &PrivateKeySigner,
) -> Result<String, PaperError> {
    let hash = typed_data::revocation_hash(item.hash(), licence, back_end);
    Ok(hex::encode_prefixed(key.sign_hash_sync(&hash)?.as_bytes()))
}

/// A Model Licence in plain language.
///
/// # Errors
/// When it cannot be expressed.
pub fn read_aloud(document: &Value, back_end: &BackEndId) -> Result<Vec<String>, PaperError> {
    Ok(reading::read(&offer(document, back_end, 0)?.terms))
}
