// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {ILicenceRegistry} from "../../src/interfaces/ILicenceRegistry.sol";

/// @notice A wallet contract whose owner signs for it.
contract SmartAccount is IERC1271 {
    address public owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function setOwner(address owner_) external {
        owner = owner_;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer, ECDSA.RecoverError error_,) = ECDSA.tryRecover(hash, signature);
        bool valid = error_ == ECDSA.RecoverError.NoError && signer == owner;
        return valid ? IERC1271.isValidSignature.selector : bytes4(0xffffffff);
    }

    /// @dev The account itself is the caller.
    function revoke(ILicenceRegistry registry, bytes32 aihData) external {
        registry.revoke(aihData, "");
    }
}

/// @notice A wallet that answers signatures with a revert, or with too little.
contract BrokenAccount {
    bool public immutable REVERTS;

    constructor(bool reverts) {
        REVERTS = reverts;
    }

    fallback() external {
        if (REVERTS) revert();
        assembly {
            mstore(0, 0x1626ba7e)
            return(28, 4)
        }
    }
}
