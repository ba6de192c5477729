// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Grant, Terms} from "../interfaces/ILicence.sol";

/// @title LicenceHashes
/// @notice EIP-712 struct hashes of what End Users sign, and the salts of licence addresses.
library LicenceHashes {
    bytes32 internal constant GRANT_TYPEHASH = keccak256(
        "Grant(address user,uint8 userClasses,uint8 dataClasses,uint64 operations,uint8 usages,uint8 anomalies,uint40 start,uint40 end)"
    );
    bytes32 internal constant TERMS_TYPEHASH = keccak256(
        "Terms(bytes32 aihData,bytes32 modelLicence,address endUser,uint8 dataClass,uint40 start,uint40 end,uint8 requiredStatus,uint64 operations,uint8 usages,uint64 sequence,Grant[] grants)Grant(address user,uint8 userClasses,uint8 dataClasses,uint64 operations,uint8 usages,uint8 anomalies,uint40 start,uint40 end)"
    );
    bytes32 internal constant REVOCATION_TYPEHASH = keccak256("Revocation(bytes32 aihData,address licence)");

    /// @notice Struct hash of terms. Without chain and registry, it is also the salt of a root licence's address.
    function hashTerms(Terms memory terms) internal pure returns (bytes32) {
        bytes32[] memory grants = new bytes32[](terms.grants.length);
        for (uint256 i = 0; i < grants.length; i++) {
            grants[i] = _hashGrant(terms.grants[i]);
        }
        return keccak256(
            abi.encode(
                TERMS_TYPEHASH,
                terms.aihData,
                terms.modelLicence,
                terms.endUser,
                terms.dataClass,
                terms.start,
                terms.end,
                terms.requiredStatus,
                terms.operations,
                terms.usages,
                terms.sequence,
                keccak256(abi.encodePacked(grants))
            )
        );
    }

    /// @notice The same straight from calldata whose fields were checked: an encoded struct is its fields in order.
    function hashCheckedTerms(Terms calldata terms) internal pure returns (bytes32 structHash) {
        Grant[] calldata grants = terms.grants;
        (bytes32 grantType, bytes32 termsType) = (GRANT_TYPEHASH, TERMS_TYPEHASH);
        assembly ("memory-safe") {
            // Beyond the free pointer: hashes of the grants, then the struct being hashed.
            let hashes := mload(0x40)
            let size := shl(5, grants.length)
            let encoded := add(hashes, size)
            mstore(encoded, grantType)
            for { let done := 0 } lt(done, size) { done := add(done, 0x20) } {
                calldatacopy(add(encoded, 0x20), add(grants.offset, shl(3, done)), 0x100)
                mstore(add(hashes, done), keccak256(encoded, 0x120))
            }
            mstore(encoded, termsType)
            calldatacopy(add(encoded, 0x20), terms, 0x140)
            mstore(add(encoded, 0x160), keccak256(hashes, size))
            structHash := keccak256(encoded, 0x180)
        }
    }

    function _hashGrant(Grant memory grant) private pure returns (bytes32) {
        return keccak256(
            abi.encode(
                GRANT_TYPEHASH,
                grant.user,
                grant.userClasses,
                grant.dataClasses,
                grant.operations,
                grant.usages,
                grant.anomalies,
                grant.start,
                grant.end
            )
        );
    }

    /// @notice Struct hash of the revocation of one licence.
    function hashRevocation(bytes32 aihData, address licence) internal pure returns (bytes32) {
        return keccak256(abi.encode(REVOCATION_TYPEHASH, aihData, licence));
    }

    /// @notice Salt of a derived licence's address.
    function saltOfDerived(address parent, bytes32 dataItem, uint8 status) internal pure returns (bytes32) {
        return keccak256(abi.encode(parent, dataItem, status));
    }
}
