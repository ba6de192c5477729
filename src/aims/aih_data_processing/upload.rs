//! **An item arrives.** The Model Licence is taken out of it, becomes a licence on chain, and only then is the payload
//! kept: the issue gives the permit to store.
//!
//! ```text
//! message ─ checks ─▶ row announced ─▶ signed licence kept ─▶ issue ─▶ row licensed ─▶ payload sealed ─▶ row stored
//!                                       (survives a reset chain)                         └ broke off: send it again
//! ```

use std::pin::pin;

use alloy::primitives::B256;
use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::json;
use uuid::Uuid;

use crate::{
    aims::{AimError, Aims, descriptions::sealed},
    db::{
        DbError, Unique,
        data_items::{DataItemRow, DataItemState, NewDataItem},
        model_licences::NewModelLicence,
    },
    domain::{ids::UserId, model_licence::ModelLicence, taxonomy::DataStatus, terms::Offer},
    licensing::{LicensingError, Refusal, permit::Permit, terms::compile},
    schema::{
        self, canonical,
        wire::{AihData, SignedDocument},
    },
    store,
};

/// The one answer to whoever uploads under an AIH Data ID that is in use for anything else: for another item of theirs or
/// somebody else's, known here or on chain only. What exactly is in the way is not told (decision 0035).
const ID_IN_USE: &str =
    "this AIH Data ID is in use for something else, or with another description or licence; a new item takes a new ID";

/// An item before its payload: everything checked that can be without the chain.
#[derive(Debug)]
pub struct Arrival {
    message: AihData,
    owner: UserId,
    offer: Offer,
    document: String,
    signature: alloy::primitives::Bytes,
}

/// A licensed item that may be stored.
#[derive(Debug)]
pub enum Admitted {
    /// Send the payload.
    Waiting(Box<DataItemRow>, Permit),
    /// The very same item is stored already.
    Stored(Box<DataItemRow>),
}

impl Aims {
    /// Checks what can be checked of an item before anything is written.
    ///
    /// # Errors
    /// When the message contradicts itself or its sender, or its Model Licence cannot be expressed.
    pub fn examine(&self, message: AihData, sender: UserId) -> Result<Arrival, AimError> {
        let refuse = |pointer, reason| Err(AimError::Refused { pointer, reason });
        if message.end_user_id != sender {
            return refuse("/EndUserID", "an item is uploaded by its own End User");
        }
        if message.licence_id.is_some() || message.parent_aih_data_id.is_some() || message.ara_data.is_some() {
            return refuse("", "LicenceID, ParentAIHDataID and ARAData are written by the Back End");
        }
        if message.aih_data_status.is_some_and(|status| status != DataStatus::Identified) {
            return refuse(
                "/AIHDataStatus",
                "an uploaded item counts as Identified; only de-identification raises that",
            );
        }
        let Some(document) = message.model_licence.as_ref().and_then(|licence| licence.document()) else {
            return refuse("/ModelLicence", "an upload carries the Model Licence itself");
        };
        let Some(signature) = message.model_licence_signature.clone() else {
            return refuse("/ModelLicenceSignature", "an upload carries the End User's signature of the Model Licence");
        };
        let licence = schema::into_domain(document.document())?;
        check_agreement(&message, &licence)?;
        let offer = compile(&licence, &self.back_end(), 0).map_err(in_model_licence)?;
        let document = text_of(document);
        Ok(Arrival { owner: sender, offer, document, signature, message })
    }

    /// Has the licence made and gives the permit to store.
    ///
    /// # Errors
    /// When the item belongs to someone else or has another licence, the signature is not the End User's, or the chain
    /// does not answer.
    pub async fn admit(&self, arrival: Arrival) -> Result<Admitted, AimError> {
        // In doubt nothing is written, and nobody waits for a chain that is away.
        self.licensing.vigil().pass().map_err(LicensingError::from)?;
        let row = self.announce(&arrival).await?;
        let licence = self.licensing.node().predict(&arrival.offer).await.map_err(LicensingError::from)?;
        match row.state {
            DataItemState::Erased => return Err(AimError::Erased),
            DataItemState::Stored if row.licence == Some(licence) => return Ok(Admitted::Stored(Box::new(row))),
            DataItemState::Stored => return Err(AimError::Conflict(ID_IN_USE)),
            DataItemState::Announced | DataItemState::Licensed => {}
        }
        self.database.insert_model_licence(&self.signed(&arrival, licence)).await?;
        let issued = match self.licensing.issue(row.id, &arrival.offer, &arrival.signature).await {
            Ok(issued) => issued,
            Err(error) => {
                self.forget_refused(&row, &error).await;
                return Err(match error.refusal() {
                    Some(Refusal::AlreadyLicensed) => AimError::Conflict(ID_IN_USE),
                    _ => error.into(),
                });
            }
        };
        let now = self.clock.micros();
        self.database.mark_model_licence_issued(licence, now).await?.required()?;
        self.database.mark_data_item_licensed(row.id, licence, now).await?.required()?;
        let row = self.database.find_data_item(row.id).await?.ok_or(AimError::NotFound)?;
        Ok(Admitted::Waiting(Box::new(row), issued.permit))
    }

    /// Keeps the payload of an admitted item.
    ///
    /// # Errors
    /// When the payload breaks off; the item stays licensed and can be sent again.
    pub async fn receive<S, E>(&self, row: &DataItemRow, permit: Permit, payload: S) -> Result<DataItemRow, AimError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.keep(permit, row, payload).await?;
        let row = self.stored_item(row.id).await?;
        // Who uploads does not wait for what is found; that somebody has to look is written down.
        let (aims, arrived) = (self.clone(), row.clone());
        tokio::spawn(async move { aims.look_into(&arrived).await });
        Ok(row)
    }

    /// Compares a payload that is sent again with the one that was kept: what was not kept is not acknowledged.
    ///
    /// # Errors
    /// [`AimError::Conflict`] when it is another; also when it breaks off.
    pub async fn recognise<S, E>(&self, row: DataItemRow, payload: S) -> Result<DataItemRow, AimError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut payload = pin!(payload);
        let mut hash = digest::Context::new(&digest::SHA256);
        while let Some(piece) = payload.next().await {
            hash.update(&piece.map_err(|error| store::Error::Input(error.into()))?);
        }
        match row.sha256 == Some(B256::from_slice(hash.finish().as_ref())) {
            true => Ok(row),
            false => Err(AimError::Conflict("this item is stored with another payload")),
        }
    }

    async fn announce(&self, arrival: &Arrival) -> Result<DataItemRow, AimError> {
        let message = &arrival.message;
        let said = message.descr_metadata.as_ref().map(|text| text.reveal());
        let (key, wrapped) = self.new_item_key(message.aih_data_id, arrival.owner).await?;
        let new = NewDataItem {
            id: message.aih_data_id,
            owner: arrival.owner,
            data_class: message.aih_data_qualifier.data_class,
            status: DataStatus::Identified,
            qualifier: json!(message.aih_data_qualifier),
            data_time: json!(message.aih_data_time),
            descr_metadata: sealed(&key, said)?,
            root: None,
            parent: None,
            object_name: Uuid::new_v4().to_string(),
            item_key_wrapped: wrapped.as_str().to_owned(),
            created_at_us: self.clock.micros(),
        };
        match self.database.insert_data_item(&new).await {
            Ok(()) | Err(DbError::Taken(Unique::DataItem | Unique::DataItemHash)) => {}
            Err(error) => return Err(error.into()),
        }
        let row = self.database.find_data_item(new.id).await?.ok_or(AimError::NotFound)?;
        if row.owner != arrival.owner || row.parent.is_some() {
            return Err(AimError::Conflict(ID_IN_USE));
        }
        let same = |kept: Option<String>| is_described_as(&row, &new) && kept.as_deref() == said;
        if row.state != DataItemState::Erased && !same(self.description_of(&row).await?) {
            return Err(AimError::Conflict(ID_IN_USE));
        }
        Ok(row)
    }

    fn signed(&self, arrival: &Arrival, licence: alloy::primitives::Address) -> NewModelLicence {
        let back_end = self.back_end();
        NewModelLicence {
            licence,
            aih_data_id: arrival.message.aih_data_id,
            document: arrival.document.clone(),
            signature: arrival.signature.clone(),
            sequence: arrival.offer.sequence,
            chain_id: back_end.chain_id(),
            registry: back_end.address(),
            created_at_us: self.clock.micros(),
        }
    }

    /// An item the contract refused leaves no trace. One whose end is unknown stays, to be found by the next attempt.
    async fn forget_refused(&self, row: &DataItemRow, error: &LicensingError) {
        if error.refusal().is_some()
            && row.state == DataItemState::Announced
            && let Err(error) = self.database.remove_data_item(row.id).await
        {
            tracing::warn!(item = %row.hash, %error, "item.not_taken_back");
        }
    }
}

fn is_described_as(row: &DataItemRow, new: &NewDataItem) -> bool {
    row.qualifier == new.qualifier && row.data_time == new.data_time
}

fn check_agreement(message: &AihData, licence: &ModelLicence) -> Result<(), AimError> {
    let refuse = |pointer, reason| Err(AimError::Refused { pointer, reason });
    if licence.aih_data != message.aih_data_id {
        return refuse("/ModelLicence/AIHDataID", "the Model Licence is for another item");
    }
    if licence.end_user != message.end_user_id {
        return refuse("/ModelLicence/EndUserID", "the Model Licence is another End User's");
    }
    if licence.data_class != message.aih_data_qualifier.data_class {
        return refuse(
            "/ModelLicence/AIHDataType",
            "the Model Licence is for another class of data than the qualifier says",
        );
    }
    Ok(())
}

/// Places inside the Model Licence, as the sender of the whole message sees them.
fn in_model_licence(refused: crate::licensing::terms::TermsRefused) -> AimError {
    AimError::Terms { pointer: format!("/ModelLicence{}", refused.pointer), reason: refused.reason }
}

fn text_of(document: &SignedDocument) -> String {
    // Canonical JSON is UTF-8.
    String::from_utf8_lossy(&canonical::canonical(document.document())).into_owned()
}
