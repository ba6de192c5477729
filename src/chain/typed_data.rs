//! What End Users sign: EIP-712 typed data under the registry's domain, so that a wallet shows terms field by field. Sets of
//! operations and usages are numbers there; what they mean is told in plain language beside it, by whoever compiles.

use alloy::{
    dyn_abi::TypedData,
    primitives::{Address, B256},
    sol_types::{Eip712Domain, SolStruct},
};
use serde_json::{Value, json};

use super::bindings::{Revocation, Terms};
use crate::domain::{ids::BackEndId, terms::Offer};

const DOMAIN_NAME: &str = "AIH Health Back End";
const DOMAIN_VERSION: &str = "1";

/// The signing domain of a Back End.
pub fn domain(back_end: &BackEndId) -> Eip712Domain {
    Eip712Domain::new(
        Some(DOMAIN_NAME.into()),
        Some(DOMAIN_VERSION.into()),
        Some(alloy::primitives::U256::from(back_end.chain_id())),
        Some(back_end.address()),
        None,
    )
}

/// The hash an End User signs to license.
pub fn offer_hash(offer: &Offer, back_end: &BackEndId) -> B256 {
    Terms::from(offer).eip712_signing_hash(&domain(back_end))
}

/// The hash an End User signs to withdraw.
pub fn revocation_hash(aih_data: B256, licence: Address, back_end: &BackEndId) -> B256 {
    Revocation { aihData: aih_data, licence }.eip712_signing_hash(&domain(back_end))
}

/// The typed data of an offer for `eth_signTypedData_v4`.
pub fn offer_typed_data(offer: &Offer, back_end: &BackEndId) -> Value {
    readable(TypedData::from_struct(&Terms::from(offer), Some(domain(back_end))))
}

/// The typed data of a withdrawal for `eth_signTypedData_v4`.
pub fn revocation_typed_data(aih_data: B256, licence: Address, back_end: &BackEndId) -> Value {
    readable(TypedData::from_struct(&Revocation { aihData: aih_data, licence }, Some(domain(back_end))))
}

/// Wallets written in JavaScript damage integers above 2^53; as strings they survive.
fn readable(typed: TypedData) -> Value {
    let mut value = json!(typed);
    if let Some(message) = value.get_mut("message") {
        numbers_to_text(message);
    }
    value
}

fn numbers_to_text(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(numbers_to_text),
        Value::Object(fields) => fields.values_mut().for_each(numbers_to_text),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
