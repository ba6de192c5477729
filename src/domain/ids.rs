//! Identifiers. Accounts, licences and Back Ends are CAIP-10 account IDs (`eip155:<chain id>:<address>`); an item of
//! AIH Data is a `urn:uuid:`. On chain an AIH Data ID appears only as the keccak256 of its string.

use std::{fmt, str::FromStr};

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize, de, ser};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not of the form `eip155:<chain id>:0x<40 hex digits>`.
    #[error("`{0}` is not an account of the form eip155:<chain id>:0x<40 hex digits>")]
    Account(String),
    /// Not of the form `urn:uuid:<uuid>` in lower case.
    #[error("`{0}` is not an AIH Data ID of the form urn:uuid:<lower-case uuid>")]
    AihData(String),
}

/// A CAIP-10 account: an address on one EVM chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The account's address.
    pub address: Address,
}

impl Account {
    /// An account on a chain.
    pub fn new(chain_id: u64, address: Address) -> Self {
        Self { chain_id, address }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "eip155:{}:{}", self.chain_id, self.address.to_checksum(None))
    }
}

impl FromStr for Account {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError::Account(excerpt(text));
        let rest = text.strip_prefix("eip155:").ok_or_else(refuse)?;
        let (chain, address) = rest.split_once(':').ok_or_else(refuse)?;
        let canonical =
            !chain.is_empty() && chain.bytes().all(|b| b.is_ascii_digit()) && (chain == "0" || !chain.starts_with('0'));
        if !canonical || address.len() != 42 || !address.starts_with("0x") {
            return Err(refuse());
        }
        let chain_id = chain.parse().map_err(|_| refuse())?;
        let parsed: Address = address.parse().map_err(|_| refuse())?;
        // Mixed case is a checksum (EIP-55); one that does not hold is a typing error, not an account.
        let digits = &address[2..];
        let mixed = digits.bytes().any(|b| b.is_ascii_uppercase()) && digits.bytes().any(|b| b.is_ascii_lowercase());
        if mixed && parsed.to_checksum(None) != address {
            return Err(refuse());
        }
        Ok(Self { chain_id, address: parsed })
    }
}

macro_rules! account_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Account);

        impl $name {
            /// From a chain id and an address.
            pub fn new(chain_id: u64, address: Address) -> Self {
                Self(Account::new(chain_id, address))
            }

            /// The address part.
            pub fn address(&self) -> Address {
                self.0.address
            }

            /// The EIP-155 chain id part.
            pub fn chain_id(&self) -> u64 {
                self.0.chain_id
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self)
            }
        }

        text_serde!($name);
    };
}

macro_rules! text_serde {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: ser::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

account_id! {
    /// A User: an End User or a Third Party User. The address is the key that signs for them.
    UserId
}
account_id! {
    /// A Licence: the address of the licence contract a Model Licence became.
    LicenceId
}
account_id! {
    /// A Back End: the address of its `LicenceRegistry`.
    BackEndId
}

/// An item of AIH Data, `urn:uuid:…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AihDataId(Uuid);

impl AihDataId {
    /// From a UUID the caller made (v4 or v7).
    pub fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The form that goes on chain: keccak256 of the ID's string.
    pub fn hash(&self) -> B256 {
        keccak256(self.to_string())
    }
}

impl fmt::Display for AihDataId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "urn:uuid:{}", self.0.hyphenated())
    }
}

impl FromStr for AihDataId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError::AihData(excerpt(text));
        let digits = text.strip_prefix("urn:uuid:").ok_or_else(refuse)?;
        let id = Self(Uuid::try_parse(digits).map_err(|_| refuse())?);
        // One item has one spelling: another spelling would hash to another item on chain.
        if id.to_string() == text { Ok(id) } else { Err(refuse()) }
    }
}

text_serde!(AihDataId);

/// The first characters of a refused text, so that an error never carries a whole body.
fn excerpt(text: &str) -> String {
    const MOST_CHARACTERS: usize = 80;
    text.chars().take(MOST_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKSUMMED: &str = "eip155:31337:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";

    #[test]
    fn accounts_round_trip() {
        let account: UserId = CHECKSUMMED.parse().unwrap();
        assert_eq!(account.to_string(), CHECKSUMMED);
        assert_eq!(CHECKSUMMED.to_lowercase().parse::<UserId>().unwrap(), account);
    }

    #[test]
    fn malformed_accounts_are_refused() {
        for bad in [
            "",
            "eip155:31337",
            "eip155::0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "eip155:031337:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "eip155:+1:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "eip155:99999999999999999999999:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
            "eip155:31337:f39fd6e51aad88f6f4ce6ab8827279cfffb92266aa",
            "eip155:31337:0xF39fd6e51aad88F6F4ce6aB8827279cffFb92266",
            "solana:31337:0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        ] {
            assert!(bad.parse::<Account>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_item_has_one_spelling() {
        let text = "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e";
        assert_eq!(text.parse::<AihDataId>().unwrap().to_string(), text);
        for bad in [&text.to_uppercase(), &text.replace('-', ""), "0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e"] {
            assert!(bad.parse::<AihDataId>().is_err(), "{bad}");
        }
    }
}
