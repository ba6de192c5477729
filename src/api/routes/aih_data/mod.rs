//! `/v1/aih-data`: items of AIH Data.

pub mod erase;
pub mod list;
pub mod payload;
pub mod read;
pub mod upload;

use alloy::primitives::Address;

use crate::{
    aims::anomaly_and_risk::reading::Eyes,
    api::{Door, Problem},
    db::data_items::DataItemRow,
    domain::ids::{AihDataId, LicenceId},
    schema::wire::{AihData, Header, Payload},
};

/// Where an item stands.
pub fn location(id: AihDataId) -> String {
    format!("/v1/aih-data/{id}")
}

/// An item as a message, with what was found in it as far as it is for these eyes.
pub async fn message_with_findings(
    door: &Door,
    row: &DataItemRow,
    payload: Option<Vec<u8>>,
    eyes: Eyes,
) -> Result<AihData, Problem> {
    let found = door.aims.findings_on(row, eyes).await?;
    let ara_data = if found.is_empty() { None } else { Some(found) };
    Ok(AihData { ara_data, ..message(door, row, payload).await? })
}

/// An item as a message, with its payload or the place of it.
pub async fn message(door: &Door, row: &DataItemRow, payload: Option<Vec<u8>>) -> Result<AihData, Problem> {
    let chain_id = door.aims.back_end().chain_id();
    let held = match payload {
        Some(bytes) => Payload::Inline(crate::schema::wire::Base64(bytes)),
        None => Payload::Remote {
            length: row.plain_length.unwrap_or_default(),
            uri: format!("{}/payload", location(row.id)),
        },
    };
    Ok(AihData {
        header: Header::new(),
        m_instance_id: None,
        aih_data_id: row.id,
        end_user_id: row.owner,
        aih_data_time: serde_json::from_value(row.data_time.clone()).map_err(Problem::internal)?,
        aih_data: held,
        aih_data_qualifier: serde_json::from_value(row.qualifier.clone()).map_err(Problem::internal)?,
        model_licence: None,
        model_licence_signature: None,
        licence_id: Some(LicenceId::new(chain_id, row.licence.unwrap_or(Address::ZERO))),
        parent_aih_data_id: row.parent,
        aih_data_status: Some(row.status),
        ara_data: None,
        descr_metadata: door.aims.description_of(row).await?.map(Into::into),
    })
}
