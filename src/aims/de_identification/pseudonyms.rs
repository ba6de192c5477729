//! **Pseudonyms and the way back.** Each End User has one secret; the key of a recipient's pseudonyms is derived from it
//! and the recipient's account. So a recipient sees one pseudonym for one person over all items, and two recipients
//! cannot compare theirs. Which pseudonym stands for whom is sealed under the key of the item the copy was made from: it
//! is gone with that item.
//!
//! **Unsealing** is an operation: `Retrieve` of the original, confirmed and recorded on chain like any other. The End User
//! may unseal; whoever a copy was made for may, when they are licensed to read the original; nobody else.

use alloy::primitives::B256;
use aws_lc_rs::{digest, rand};
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{pseudonyms::PseudonymKey, treatment::Mapped},
        asking::ProcessRequest,
        running::revoked,
    },
    db::{
        data_items::{DataItemRow, DataItemState},
        operations::{OperationKind, OperationRow, Requested},
        treatments::TreatmentRow,
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
        taxonomy::Usage,
    },
    licensing::{
        confirm::Answer,
        permit::{Permit, Purpose},
    },
    store::{PseudonymSecret, WrappedKey},
};

/// Longest mapping, in bytes: it is kept in a column.
const MOST_MAPPING_BYTES: usize = 32 << 20;
/// What the sealed text is for.
const PURPOSE: &str = "pseudonym-mapping";

/// The way back, as it is sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct WayBack {
    /// Makes the digest of the original in the report say nothing to whoever does not have this.
    salt: B256,
    mapping: Vec<Mapped>,
}

/// A sealed mapping, and what the report says of the original.
pub(super) struct SealedMapping {
    /// The sealed text.
    pub text: String,
    /// SHA-256 of the salt and the original's SHA-256.
    pub commitment: B256,
    /// How many pseudonyms.
    pub count: usize,
}

/// What unsealing shows.
#[derive(Debug)]
pub struct Unsealed {
    /// The treated copy.
    pub treatment: TreatmentRow,
    /// The original's SHA-256, and the salt of the report's commitment.
    pub original: (B256, B256),
    /// Original and pseudonym.
    pub mapping: Vec<Mapped>,
    /// The operation, with the recorded yes.
    pub operation: OperationRow,
}

/// What became of asking for the way back.
#[derive(Debug)]
pub enum Unsealing {
    /// The chain recorded a yes.
    Opened(Box<Unsealed>),
    /// The chain recorded a no.
    Denied(Box<OperationRow>),
}

impl Aims {
    /// The key of the pseudonyms a recipient sees for an End User's data.
    pub(super) async fn pseudonym_key(&self, owner: UserId, recipient: UserId) -> Result<PseudonymKey, AimError> {
        let owner_key = self.end_user_key(owner).await?;
        let new = PseudonymSecret::generate()?.wrap(&owner_key)?;
        let kept = self.database.pseudonym_secret(owner, new.as_str(), self.clock.micros()).await?;
        let secret = PseudonymSecret::unwrap(&WrappedKey::parse(kept)?, &owner_key)?;
        Ok(PseudonymKey::new(*secret.key_for(&recipient.to_string())?))
    }

    /// Seals the way back under the key of the original.
    pub(super) async fn seal_mapping(
        &self,
        original: &DataItemRow,
        mapping: Vec<Mapped>,
    ) -> Result<SealedMapping, AimError> {
        let mut salt = B256::ZERO;
        rand::fill(salt.as_mut_slice()).map_err(|_| AimError::Worker("no randomness".to_owned()))?;
        let count = mapping.len();
        let text = json!(WayBack { salt, mapping }).to_string();
        if text.len() > MOST_MAPPING_BYTES {
            let why = format!("the mapping of {count} pseudonyms is longer than {MOST_MAPPING_BYTES} bytes");
            return Err(AimError::Unprocessable(why));
        }
        let text = self.item_key(original).await?.seal_text(PURPOSE, &text)?;
        let commitment = commitment(salt, original.sha256.unwrap_or_default());
        Ok(SealedMapping { text, commitment, count })
    }

    /// Asks the chain for `Retrieve` of the original and opens the mapping of a treated copy.
    ///
    /// # Errors
    /// [`AimError::NotFound`] for whoever is neither the End User nor the one the copy was made for, as for a copy that is
    /// not there; when the chain gives no answer.
    pub async fn unseal(&self, requester: UserId, copy: AihDataId, usage: Usage) -> Result<Unsealing, AimError> {
        let (treatment, original) = self.sealed_for(requester, copy).await?;
        let request = ProcessRequest {
            message_id: None,
            requester,
            item: original.id,
            operation: Operation::Retrieve,
            usage,
            parameters: Map::from_iter([("TreatedAIHDataID".to_owned(), json!(copy))]),
        };
        let operation = self.new_operation(&request, OperationKind::Unseal, Some(&original)).await?;
        if let Requested::Existing(_) = self.database.insert_operation(&operation).await? {
            return Err(AimError::Conflict("this unsealing is recorded already"));
        }
        let id = operation.id;
        let opened = match self.ask(&operation).await {
            Ok(Answer::Permitted(permit)) => self.open_mapping(id, permit, requester, &original, &treatment).await,
            Ok(Answer::Denied(_)) => return Ok(Unsealing::Denied(Box::new(self.operation(id).await?))),
            Err(error) => Err(error),
        };
        let way_back = match opened {
            Ok(way_back) => way_back,
            Err(error) => {
                self.give_up(id, &error).await;
                return Err(error);
            }
        };
        self.database.finish_operation(id, None, self.clock.micros()).await?.required()?;
        let original = (original.sha256.unwrap_or_default(), way_back.salt);
        let operation = self.operation(id).await?;
        Ok(Unsealing::Opened(Box::new(Unsealed { treatment, original, mapping: way_back.mapping, operation })))
    }

    /// A copy and its original, for the End User and for whom the copy was made.
    async fn sealed_for(&self, requester: UserId, copy: AihDataId) -> Result<(TreatmentRow, DataItemRow), AimError> {
        let treatment = self.database.find_treatment(copy).await?.ok_or(AimError::NotFound)?;
        let original = self.database.find_data_item(treatment.parent).await?.ok_or(AimError::NotFound)?;
        if requester == original.owner || requester == treatment.recipient {
            Ok((treatment, original))
        } else {
            Err(AimError::NotFound)
        }
    }

    /// The permit is for reading the original: what leads back to it is read with nothing less.
    async fn open_mapping(
        &self,
        id: Uuid,
        permit: Permit,
        requester: UserId,
        original: &DataItemRow,
        treatment: &TreatmentRow,
    ) -> Result<WayBack, AimError> {
        let purpose = Purpose { item: original.id, operation: Operation::Retrieve, requester: requester.address() };
        let warrant = permit.spend(&purpose, self.clock.seconds())?;
        self.note_start(id).await?;
        // As they are now: while the chain was asked the item may have been erased, and with it the way back.
        let (treatment, original) = self.sealed_for(requester, treatment.item).await?;
        if original.state != DataItemState::Stored {
            return Err(AimError::Erased);
        }
        if Self::has_fallen(&original, warrant.grounds()) {
            return Err(revoked());
        }
        let text = self.item_key(&original).await?.open_text(PURPOSE, &treatment.mapping_sealed)?;
        serde_json::from_str(&text).map_err(|_| AimError::Worker("a sealed mapping that is none".to_owned()))
    }
}

fn commitment(salt: B256, sha256: B256) -> B256 {
    B256::from_slice(digest::digest(&digest::SHA256, &[salt.as_slice(), sha256.as_slice()].concat()).as_ref())
}
