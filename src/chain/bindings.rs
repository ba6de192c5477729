//! ABI and bytecode of the contracts, as build.rs compiled them.

#![allow(
    missing_docs,
    clippy::too_many_arguments,
    reason = "generated from the ABI; the manual is ILicenceRegistry.sol"
)]

use alloy::sol;

sol! {
    #[sol(rpc)]
    #[derive(Debug, PartialEq, Eq, serde::Serialize)]
    LicenceRegistry,
    concat!(env!("OUT_DIR"), "/abi/LicenceRegistry.json")
}

pub use LicenceRegistry::{Derivation, Grant, Request, Terms};

/// A licence contract.
pub mod licence {
    use alloy::sol;

    sol! {
        #[sol(rpc)]
        #[derive(Debug, PartialEq, Eq)]
        Licence,
        concat!(env!("OUT_DIR"), "/abi/Licence.json")
    }
}

sol! {
    /// What an End User signs to withdraw.
    #[derive(Debug, PartialEq, Eq, serde::Serialize)]
    struct Revocation {
        bytes32 aihData;
        address licence;
    }
}

sol! {
    /// What a smart account offers to have its signatures checked (ERC-1271).
    #[sol(rpc)]
    #[allow(missing_docs)]
    interface IERC1271 {
        function isValidSignature(bytes32 hash, bytes signature) external view returns (bytes4 magic);
    }
}
