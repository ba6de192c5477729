// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ILicence, Terms} from "./interfaces/ILicence.sol";
import {ILicenceRegistry} from "./interfaces/ILicenceRegistry.sol";
import {Codes} from "./libraries/Codes.sol";
import {LicenceTerms} from "./libraries/LicenceTerms.sol";

/// @title Licence
/// @notice The code all licences delegate to. A licence is a minimal clone whose terms stand behind its code, so they
/// cannot be changed; this contract reads them there and has no storage.
contract Licence is ILicence {
    using LicenceTerms for bytes;

    ILicenceRegistry private immutable _registry;
    address private immutable _implementation;

    /// @dev Deployed by the registry it serves.
    constructor() {
        _registry = ILicenceRegistry(msg.sender);
        _implementation = address(this);
    }

    /// @inheritdoc ILicence
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc ILicence
    function terms() external view returns (Terms memory) {
        return _registry.termsOf(address(this));
    }

    /// @inheritdoc ILicence
    function aihData() external view returns (bytes32) {
        return _args().itemOf();
    }

    /// @inheritdoc ILicence
    function endUser() external view returns (address) {
        return _args().endUserOf();
    }

    /// @inheritdoc ILicence
    function status() external view returns (uint8) {
        return _args().statusOf();
    }

    /// @inheritdoc ILicence
    function root() external view returns (address) {
        return _args().rootOf();
    }

    /// @inheritdoc ILicence
    function parent() external view returns (address) {
        return _args().parentOf();
    }

    /// @inheritdoc ILicence
    function isStanding() external view returns (bool) {
        return _registry.standing(address(this));
    }

    /// @inheritdoc ILicence
    function check(address user, uint8 operation, uint8 usage, uint40 at) external view returns (uint16) {
        bytes memory args = _args();
        bool isBackEnd = user == address(_registry);
        (bool known, uint8 class, bool active) = _registry.userClassOf(user);
        LicenceTerms.Requester memory requester;
        LicenceTerms.setRequester(requester, user, isBackEnd, known ? 1 << class : 0, active);
        uint256 verdict = args.verdict(requester, operation, usage, at, args.statusOf(), _hasEnded(args, isBackEnd));
        // forge-lint: disable-next-line(unsafe-typecast) verdict bits are below 11
        return uint16(verdict);
    }

    function _hasEnded(bytes memory args, bool isBackEnd) private view returns (bool) {
        if (!_registry.standing(address(this))) return true;
        // Only the current licence of its item can stand, so the items' states speak of this licence and its root.
        return isBackEnd && (_isRenounced(args.itemOf()) || _isRenounced(args.itemOfRoot()));
    }

    function _isRenounced(bytes32 item) private view returns (bool) {
        (,, uint8 state) = _registry.itemOf(item);
        return state == Codes.STATE_BACK_END_RENOUNCED;
    }

    function _args() private view returns (bytes memory args) {
        if (address(this) == _implementation) revert Licence_NotALicence(_implementation);
        args = LicenceTerms.newBuffer();
        if (!LicenceTerms.load(address(this), args)) revert Licence_NotALicence(address(this));
    }
}
