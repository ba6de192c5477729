//! What is signed about models, as short texts that a wallet can show (EIP-191): the Back End signs every model of its
//! Store, a Front End every answer it gives in a round. The text of an answer names the round, the model it starts from,
//! the bytes of the new one and the data behind it: it is worth nothing in another round or for other bytes.

use alloy::{
    primitives::{Address, B256, Bytes, Signature, eip191_hash_message},
    signers::{SignerSync, local::PrivateKeySigner},
};
use uuid::Uuid;

use super::{ModelError, blobs::spelled};
use crate::domain::ids::{AihDataId, BackEndId};

/// A model of the Store, as its Back End signs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelStatement {
    /// Whose Store it is in.
    pub back_end: BackEndId,
    /// The model's ID.
    pub model: Uuid,
    /// SHA-256 of its bytes.
    pub digest: B256,
}

/// An answer in a round, as its Front End signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerStatement {
    /// Whose round it is.
    pub back_end: BackEndId,
    /// The round's ID.
    pub round: Uuid,
    /// Its number.
    pub number: u32,
    /// The model it started from.
    pub base: Uuid,
    /// SHA-256 of the new model's bytes.
    pub digest: B256,
    /// Samples trained on.
    pub samples: u64,
    /// The data trained on.
    pub items: Vec<AihDataId>,
}

impl ModelStatement {
    /// What is signed.
    pub fn text(&self) -> String {
        let Self { back_end, model, digest } = self;
        format!("MPAI Store model\nBack End: {back_end}\nModel: urn:uuid:{model}\nDigest: {}", spelled(*digest))
    }

    /// Signs it.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, key: &PrivateKeySigner) -> Result<Bytes, alloy::signers::Error> {
        sign(&self.text(), key)
    }

    /// Passes when this account signed it.
    ///
    /// # Errors
    /// [`ModelError::Signature`].
    pub fn verify(&self, signature: &[u8], signer: Address) -> Result<(), ModelError> {
        verify(&self.text(), signature, signer)
    }
}

impl AnswerStatement {
    /// What is signed. The items stand in the order of their IDs, so one answer has one text.
    pub fn text(&self) -> String {
        let mut items: Vec<String> = self.items.iter().map(ToString::to_string).collect();
        items.sort_unstable();
        format!(
            "Federated Learn response\nBack End: {}\nRound: urn:uuid:{} (number {})\nFrom model: urn:uuid:{}\n\
             New model: {}\nSamples: {}\nAIH Data: {}",
            self.back_end,
            self.round,
            self.number,
            self.base,
            spelled(self.digest),
            self.samples,
            items.join(", "),
        )
    }

    /// Signs it.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, key: &PrivateKeySigner) -> Result<Bytes, alloy::signers::Error> {
        sign(&self.text(), key)
    }

    /// Passes when this account signed it.
    ///
    /// # Errors
    /// [`ModelError::Signature`].
    pub fn verify(&self, signature: &[u8], signer: Address) -> Result<(), ModelError> {
        verify(&self.text(), signature, signer)
    }

    /// The hash that was signed, for accounts that are contracts (EIP-1271).
    pub fn hash(&self) -> B256 {
        eip191_hash_message(self.text())
    }
}

fn sign(text: &str, key: &PrivateKeySigner) -> Result<Bytes, alloy::signers::Error> {
    Ok(Bytes::from(key.sign_message_sync(text.as_bytes())?.as_bytes().to_vec()))
}

fn verify(text: &str, signature: &[u8], signer: Address) -> Result<(), ModelError> {
    let found = Signature::from_raw(signature).and_then(|signature| signature.recover_address_from_msg(text));
    match found {
        Ok(found) if found == signer => Ok(()),
        _ => Err(ModelError::Signature(signer.to_checksum(None))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> AnswerStatement {
        AnswerStatement {
            back_end: BackEndId::new(31_337, Address::repeat_byte(9)),
            round: Uuid::from_u128(1),
            number: 3,
            base: Uuid::from_u128(2),
            digest: B256::repeat_byte(3),
            samples: 40,
            items: vec![AihDataId::from_uuid(Uuid::from_u128(8)), AihDataId::from_uuid(Uuid::from_u128(7))],
        }
    }

    #[test]
    fn a_signature_holds_for_this_answer_and_no_other() {
        let key = PrivateKeySigner::random();
        let signature = answer().sign(&key).unwrap();
        answer().verify(&signature, key.address()).unwrap();
        let turned = AnswerStatement { items: answer().items.into_iter().rev().collect(), ..answer() };
        turned.verify(&signature, key.address()).unwrap();
        let others = [
            AnswerStatement { back_end: BackEndId::new(1, Address::repeat_byte(9)), ..answer() },
            AnswerStatement { round: Uuid::from_u128(5), ..answer() },
            AnswerStatement { number: 4, ..answer() },
            AnswerStatement { base: Uuid::from_u128(5), ..answer() },
            AnswerStatement { digest: B256::repeat_byte(4), ..answer() },
            AnswerStatement { samples: 41, ..answer() },
            AnswerStatement { items: answer().items[..1].to_vec(), ..answer() },
        ];
        for other in others {
            assert!(other.verify(&signature, key.address()).is_err(), "{other:?}");
        }
        assert!(answer().verify(&signature, Address::repeat_byte(1)).is_err());
        assert!(answer().verify(&signature[..64], key.address()).is_err());
    }
}
