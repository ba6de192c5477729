// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

import {Terms} from "./interfaces/ILicence.sol";
import {Derivation, ILicenceRegistry, Request} from "./interfaces/ILicenceRegistry.sol";
import {Licence} from "./Licence.sol";
import {Codes} from "./libraries/Codes.sol";
import {LicenceHashes} from "./libraries/LicenceHashes.sol";
import {LicenceTerms} from "./libraries/LicenceTerms.sol";

/// @title LicenceRegistry
/// @notice See {ILicenceRegistry}. Terms stand in the licences' code; kept here is one word per data item and one per
/// account. A data item goes through these states:
///
/// ```text
///              issue / derive                operator: revoke
///   unlicensed ─────────────▶ active ─────────────────────────▶ Back End renounced
///                              ▲  │ End User: revoke                  │ End User: revoke
///                              │  ▼                                   ▼
///                              └─ revoked ◀───────────────────────────┘
///                         change (root items, End User's signature)
/// ```
///
/// Whether a derived licence stands also depends on its root, which is looked up when asked: that is why revoking
/// costs the same whatever hangs below.
contract LicenceRegistry is ILicenceRegistry, AccessControlDefaultAdminRules, EIP712 {
    using LicenceTerms for bytes;

    /// @dev One word. `sequence` counts issue, change and full revocation; `size` is that of the licence's arguments
    /// in bytes, and spares asking for it.
    struct Item {
        address licence;
        uint64 sequence;
        uint8 state;
        bool isDerived;
        uint16 size;
    }

    /// @dev One word. `classes` is the set holding the account's class, empty when none was ever recorded.
    struct UserClass {
        uint8 classes;
        bool active;
    }

    /// @notice Back End instances: submit, confirm, derive.
    bytes32 public constant OPERATOR_ROLE = keccak256("OPERATOR");
    /// @notice Those who vouch for the classes of users.
    bytes32 public constant REGISTRAR_ROLE = keccak256("REGISTRAR");

    /// @notice The code all licences of this registry delegate to.
    address public immutable IMPLEMENTATION;

    mapping(bytes32 aihData => Item item) private _items;
    mapping(address user => UserClass class) private _userClasses;

    /// @param admin Who grants and revokes roles.
    /// @param adminDelay Seconds a change of admin takes.
    constructor(address admin, uint48 adminDelay)
        AccessControlDefaultAdminRules(adminDelay, admin)
        EIP712("AIH Health Back End", "1")
    {
        IMPLEMENTATION = address(new Licence());
    }

    // ---------------------------------------------------------------- licences

    /// @inheritdoc ILicenceRegistry
    function issue(Terms calldata terms, bytes calldata signature)
        external
        onlyRole(OPERATOR_ROLE)
        returns (address licence)
    {
        (bytes32 salt, bytes memory packed) = _checkOffer(terms, signature);
        Item memory item = _items[terms.aihData];
        if (item.licence != address(0)) {
            bool isSame = item.licence == _addressOf(packed, salt) && item.state != Codes.STATE_REVOKED;
            if (!isSame) revert LicenceRegistry_AlreadyLicensed(terms.aihData, item.licence);
            return item.licence;
        }
        _checkSequence(terms, item.sequence);

        licence = _deploy(packed, salt);
        _items[terms.aihData] = _rootItem(licence, 1, packed);
        emit LicenceIssued(terms.aihData, licence, terms.endUser, terms.modelLicence, terms.sequence, packed);
    }

    /// @inheritdoc ILicenceRegistry
    function change(Terms calldata terms, bytes calldata signature)
        external
        onlyRole(OPERATOR_ROLE)
        returns (address licence)
    {
        (bytes32 salt, bytes memory packed) = _checkOffer(terms, signature);
        Item memory item = _items[terms.aihData];
        if (item.licence == address(0)) revert LicenceRegistry_NoLicence(terms.aihData);
        bytes memory previous = _load(item);
        if (item.isDerived) revert LicenceRegistry_DerivedItem(terms.aihData, previous.rootOf());
        address endUser = previous.endUserOf();
        if (endUser != terms.endUser) revert LicenceRegistry_OtherEndUser(terms.aihData, endUser, terms.endUser);
        _checkSequence(terms, item.sequence);

        licence = _deploy(packed, salt);
        _items[terms.aihData] = _rootItem(licence, item.sequence + 1, packed);
        emit LicenceChanged(terms.aihData, licence, item.licence, terms.modelLicence, terms.sequence, packed);
    }

    /// @inheritdoc ILicenceRegistry
    function revoke(bytes32 aihData, bytes calldata signature) external {
        Item memory item = _items[aihData];
        if (item.licence == address(0)) revert LicenceRegistry_NoLicence(aihData);
        if (item.state == Codes.STATE_REVOKED) revert LicenceRegistry_AlreadyRevoked(aihData, item.licence);

        address endUser = _load(item).endUserOf();
        if (signature.length != 0) {
            _checkSignature(endUser, LicenceHashes.hashRevocation(aihData, item.licence), signature);
        } else if (msg.sender != endUser) {
            return _renounce(aihData, item);
        }
        (item.sequence, item.state) = (item.sequence + 1, Codes.STATE_REVOKED);
        _items[aihData] = item;
        emit LicenceRevoked(aihData, item.licence, endUser, Codes.SCOPE_WHOLE);
    }

    /// @dev The Back End gives up its own right.
    function _renounce(bytes32 aihData, Item memory item) private {
        if (!hasRole(OPERATOR_ROLE, msg.sender)) revert LicenceRegistry_NotEntitled(msg.sender);
        if (item.state == Codes.STATE_BACK_END_RENOUNCED) {
            revert LicenceRegistry_AlreadyRenounced(aihData, item.licence);
        }
        _items[aihData].state = Codes.STATE_BACK_END_RENOUNCED;
        emit LicenceRevoked(aihData, item.licence, msg.sender, Codes.SCOPE_BACK_END);
    }

    /// @inheritdoc ILicenceRegistry
    function derive(bytes32 parent, bytes32 newData, uint8 newStatus)
        external
        onlyRole(OPERATOR_ROLE)
        returns (address licence)
    {
        bytes memory refusal;
        (licence, refusal) = _derive(parent, newData, newStatus, LicenceTerms.newBuffer());
        if (refusal.length != 0) {
            assembly ("memory-safe") {
                revert(add(refusal, 32), mload(refusal))
            }
        }
    }

    /// @inheritdoc ILicenceRegistry
    function confirm(Request[] calldata requests) external onlyRole(OPERATOR_ROLE) {
        _confirm(requests, LicenceTerms.newBuffer());
    }

    /// @inheritdoc ILicenceRegistry
    function execute(Request[] calldata requests, Derivation[] calldata derivations) external onlyRole(OPERATOR_ROLE) {
        bytes memory buffer = LicenceTerms.newBuffer();
        _confirm(requests, buffer);
        for (uint256 i = 0; i < derivations.length; i++) {
            Derivation calldata d = derivations[i];
            (, bytes memory refusal) = _derive(d.parent, d.aihData, d.status, buffer);
            // Cut to the selector on purpose: the arguments repeat what the event says.
            // forge-lint: disable-next-line(unsafe-typecast)
            if (refusal.length != 0) emit DerivationRefused(d.aihData, d.parent, d.status, bytes4(refusal));
        }
    }

    // ---------------------------------------------------------------- users

    /// @inheritdoc ILicenceRegistry
    function setUserClass(address user, uint8 class, bool active) external {
        (bool known, uint8 before,) = userClassOf(user);
        if (!hasRole(REGISTRAR_ROLE, msg.sender)) {
            // What is beyond an operator asks for a registrar.
            _checkRole(class == Codes.USER_CLASS_END_USER && active ? OPERATOR_ROLE : REGISTRAR_ROLE);
            if (known) revert LicenceRegistry_UserClassKnown(user, before);
        }
        if (user == address(0)) revert LicenceRegistry_NoUser();
        if (class > Codes.LAST_USER_CLASS) revert LicenceRegistry_UnknownUserClass(class);

        _userClasses[user] = UserClass({classes: uint8(1) << class, active: active});
        emit UserClassSet(user, class, active, msg.sender);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILicenceRegistry
    function check(Request calldata request) external view returns (uint16) {
        (, uint256 verdict) = _judge(request, _nobody(), LicenceTerms.newBuffer());
        // forge-lint: disable-next-line(unsafe-typecast) verdict bits are below 11
        return uint16(verdict);
    }

    /// @inheritdoc ILicenceRegistry
    function licenceOf(bytes32 aihData) external view returns (address) {
        return _items[aihData].licence;
    }

    /// @inheritdoc ILicenceRegistry
    function sequenceOf(bytes32 aihData) external view returns (uint64) {
        return _items[aihData].sequence;
    }

    /// @inheritdoc ILicenceRegistry
    function itemOf(bytes32 aihData) external view returns (address licence, uint64 sequence, uint8 state) {
        Item memory item = _items[aihData];
        return (item.licence, item.sequence, item.state);
    }

    /// @inheritdoc ILicenceRegistry
    function userClassOf(address user) public view returns (bool known, uint8 class, bool active) {
        UserClass memory found = _userClasses[user];
        known = found.classes != 0;
        // The only element of the set is the exponent of its power of two.
        for (; found.classes > 1; found.classes >>= 1) {
            class++;
        }
        active = found.active;
    }

    /// @inheritdoc ILicenceRegistry
    function standing(address licence) external view returns (bool) {
        bytes memory args = LicenceTerms.newBuffer();
        if (!LicenceTerms.load(licence, args)) return false;
        Item memory item = _items[args.itemOf()];
        return item.licence == licence && !_hasEnded(item, args);
    }

    /// @inheritdoc ILicenceRegistry
    function predict(Terms calldata terms) external view returns (address) {
        LicenceTerms.validate(terms);
        return _addressOf(LicenceTerms.pack(terms), LicenceHashes.hashTerms(terms));
    }

    /// @inheritdoc ILicenceRegistry
    function termsOf(address licence) external view returns (Terms memory) {
        (bool found, Terms memory terms) = _find(licence);
        if (!found) revert LicenceRegistry_NotALicence(licence);
        return terms;
    }

    /// @inheritdoc ILicenceRegistry
    function hashTerms(Terms calldata terms) external view returns (bytes32) {
        return _hashTypedDataV4(LicenceHashes.hashTerms(terms));
    }

    /// @inheritdoc ILicenceRegistry
    function hashRevocation(bytes32 aihData, address licence) external view returns (bytes32) {
        return _hashTypedDataV4(LicenceHashes.hashRevocation(aihData, licence));
    }

    /// @inheritdoc ILicenceRegistry
    function isLicence(address account) external view returns (bool found) {
        (found,) = _find(account);
    }

    // ---------------------------------------------------------------- judging

    function _confirm(Request[] calldata requests, bytes memory buffer) private {
        LicenceTerms.Requester memory requester = _nobody();
        for (uint256 i = 0; i < requests.length; i++) {
            Request calldata request = requests[i];
            (address licence, uint256 verdict) = _judge(request, requester, buffer);
            _emitConfirmed(request, licence, verdict);
        }
    }

    /// @dev Emits {LicenceConfirmed} for a request that {_open} has checked: three of its fields are in place already.
    function _emitConfirmed(Request calldata request, address licence, uint256 verdict) private {
        bytes32 topic = LicenceConfirmed.selector;
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, calldataload(add(request, 0xa0)))
            calldatacopy(add(data, 0x20), add(request, 0x40), 0x60)
            mstore(add(data, 0x80), verdict)
            log4(data, 0xa0, topic, calldataload(request), licence, calldataload(add(request, 0x20)))
        }
    }

    /// @dev Reads a request at a third of what reading it field by field costs, and refuses what the decoder would:
    /// bits set beyond the width of a field.
    function _open(Request calldata request)
        private
        pure
        returns (bytes32 aihData, address user, uint256 operation, uint256 usage, uint256 at)
    {
        assembly ("memory-safe") {
            aihData := calldataload(request)
            user := calldataload(add(request, 0x20))
            operation := calldataload(add(request, 0x40))
            usage := calldataload(add(request, 0x60))
            at := calldataload(add(request, 0x80))
            let beyond := or(shr(160, user), shr(8, or(operation, usage)))
            beyond := or(beyond, or(shr(40, at), shl(128, calldataload(add(request, 0xa0)))))
            if beyond { revert(0, 0) }
        }
    }

    /// @dev The zero address, which is never registered.
    function _nobody() private pure returns (LicenceTerms.Requester memory requester) {
        requester.inactive = Codes.USER_INACTIVE;
    }

    /// @dev Fills `requester` and `buffer` anew, so that a batch can use the same ones throughout. The standing of the
    /// requester is looked up only when it is another than before.
    function _judge(Request calldata request, LicenceTerms.Requester memory requester, bytes memory buffer)
        private
        view
        returns (address licence, uint256 verdict)
    {
        (bytes32 aihData, address user, uint256 operation, uint256 usage, uint256 at) = _open(request);
        if (user != requester.user) {
            UserClass storage class = _userClasses[user];
            LicenceTerms.setRequester(requester, user, user == address(this), class.classes, class.active);
        }
        Item storage item = _items[aihData];
        licence = item.licence;
        if (licence == address(0)) return (licence, Codes.NO_LICENCE | requester.inactive);

        LicenceTerms.load(licence, item.size, buffer);
        bool ended = LicenceTerms.hasEnded(item.state, requester.isBackEnd);
        uint256 status = Codes.STATUS_IDENTIFIED;
        if (item.isDerived) {
            status = buffer.statusOf();
            ended = ended || _rootHasEnded(buffer, requester.isBackEnd);
        }
        verdict = buffer.verdict(requester, operation, usage, at, status, ended);
    }

    /// @dev Whether an item's current licence, with these arguments, was revoked or fell with its root.
    function _hasEnded(Item memory item, bytes memory args) private view returns (bool) {
        return item.state == Codes.STATE_REVOKED || (item.isDerived && _rootHasEnded(args, false));
    }

    /// @dev Whether the root of a derived licence was replaced or revoked, or given up if the Back End asks.
    function _rootHasEnded(bytes memory args, bool isBackEnd) private view returns (bool) {
        Item storage root = _items[args.itemOfRoot()];
        return root.licence != args.rootOf() || LicenceTerms.hasEnded(root.state, isBackEnd);
    }

    // ---------------------------------------------------------------- signing and deploying

    function _checkOffer(Terms calldata terms, bytes calldata signature)
        private
        view
        returns (bytes32 structHash, bytes memory packed)
    {
        LicenceTerms.validate(terms);
        structHash = LicenceHashes.hashCheckedTerms(terms);
        _checkSignature(terms.endUser, structHash, signature);
        packed = LicenceTerms.pack(terms);
    }

    function _checkSignature(address endUser, bytes32 structHash, bytes calldata signature) private view {
        bytes32 digest = _hashTypedDataV4(structHash);
        if (!SignatureChecker.isValidSignatureNowCalldata(endUser, digest, signature)) {
            revert LicenceRegistry_InvalidSignature(endUser, digest);
        }
    }

    function _rootItem(address licence, uint64 sequence, bytes memory packed) private pure returns (Item memory) {
        return Item(licence, sequence, Codes.STATE_ACTIVE, false, _sizeOf(packed));
    }

    function _sizeOf(bytes memory args) private pure returns (uint16) {
        // forge-lint: disable-next-line(unsafe-typecast) at most MAX_ARGS
        return uint16(args.length);
    }

    function _checkSequence(Terms calldata terms, uint64 expected) private pure {
        if (terms.sequence != expected) {
            revert LicenceRegistry_StaleSequence(terms.aihData, expected, terms.sequence);
        }
    }

    function _deploy(bytes memory args, bytes32 salt) private returns (address) {
        return Clones.cloneDeterministicWithImmutableArgs(IMPLEMENTATION, args, salt);
    }

    function _addressOf(bytes memory args, bytes32 salt) private view returns (address) {
        return Clones.predictDeterministicAddressWithImmutableArgs(IMPLEMENTATION, args, salt);
    }

    function _load(Item memory item) private view returns (bytes memory args) {
        args = LicenceTerms.newBuffer();
        LicenceTerms.load(item.licence, item.size, args);
    }

    // ---------------------------------------------------------------- deriving

    /// @return licence The derived licence, zero when refused.
    /// @return refusal The encoded error when refused, else empty.
    function _derive(bytes32 parent, bytes32 newData, uint8 newStatus, bytes memory args)
        private
        returns (address licence, bytes memory refusal)
    {
        Item memory from = _items[parent];
        Item memory item = _items[newData];
        refusal = _refusalOfParent(parent, from, newStatus, args);
        if (refusal.length != 0) return (licence, refusal);
        if (newData == bytes32(0)) return (licence, abi.encodeWithSelector(LicenceRegistry_NoData.selector));
        if (item.licence != address(0)) {
            bool isSame;
            (isSame, refusal) = _compareDerived(newData, item, from.licence, newStatus, args.itemOfRoot());
            if (isSame) return (item.licence, refusal);
            if (refusal.length != 0) return (licence, refusal);
        }

        address root = from.isDerived ? args.rootOf() : from.licence;
        bytes32 salt = LicenceHashes.saltOfDerived(from.licence, newData, newStatus);
        args = args.packDerived(newStatus, newData, root, from.licence);
        licence = _deploy(args, salt);
        _items[newData] = Item(licence, item.sequence, from.state, true, _sizeOf(args));
        emit LicenceDerived(newData, licence, parent, from.licence, newStatus);
        // A right given up does not come back by deriving.
        if (from.state == Codes.STATE_BACK_END_RENOUNCED) {
            emit LicenceRevoked(newData, licence, msg.sender, Codes.SCOPE_BACK_END);
        }
    }

    /// @dev Why nothing can be derived from the parent, empty if it can. Loads the parent's arguments.
    function _refusalOfParent(bytes32 parent, Item memory from, uint8 newStatus, bytes memory args)
        private
        view
        returns (bytes memory)
    {
        LicenceTerms.load(from.licence, from.size, args);
        if (from.licence == address(0) || _hasEnded(from, args)) {
            return abi.encodeWithSelector(LicenceRegistry_ParentNotStanding.selector, parent, from.licence);
        }
        if (newStatus > Codes.STATUS_ANONYMISED) {
            return abi.encodeWithSelector(LicenceRegistry_UnknownStatus.selector, newStatus);
        }
        uint8 least = args.statusOf();
        if (newStatus < least) {
            return abi.encodeWithSelector(LicenceRegistry_StatusLowered.selector, least, newStatus);
        }
        return "";
    }

    /// @dev Compares a derivation with the licence the new item has. The same signed item means the same End User.
    /// @return isSame The very derivation stands already.
    /// @return refusal Why the licence cannot be replaced, empty if it is the same or fell with its root.
    function _compareDerived(bytes32 newData, Item memory item, address parent, uint8 newStatus, bytes32 rootData)
        private
        view
        returns (bool isSame, bytes memory refusal)
    {
        bytes memory old = _load(item);
        bool stands = !_hasEnded(item, old);
        if (stands && old.parentOf() == parent && old.statusOf() == newStatus) return (true, "");
        // A root item is changed by its End User only, and what the End User revoked by itself never comes back.
        if (stands || !item.isDerived || item.state == Codes.STATE_REVOKED) {
            return (false, abi.encodeWithSelector(LicenceRegistry_AlreadyLicensed.selector, newData, item.licence));
        }
        bytes32 oldRoot = old.itemOfRoot();
        if (oldRoot != rootData) {
            return (false, abi.encodeWithSelector(LicenceRegistry_OtherRoot.selector, newData, oldRoot, rootData));
        }
        uint8 least = old.statusOf();
        if (newStatus < least) {
            return (false, abi.encodeWithSelector(LicenceRegistry_StatusLowered.selector, least, newStatus));
        }
    }

    // ---------------------------------------------------------------- recognising

    /// @dev Recomputes the address from the content of the code: only this registry can have deployed it there.
    function _find(address account) private view returns (bool found, Terms memory terms) {
        bytes memory args = LicenceTerms.newBuffer();
        if (!LicenceTerms.load(account, args)) return (false, terms);
        if (!args.isDerived()) return _findRoot(account, args);

        bytes32 salt = LicenceHashes.saltOfDerived(args.parentOf(), args.itemOf(), args.statusOf());
        if (_addressOf(args, salt) != account) return (false, terms);
        account = args.rootOf();
        LicenceTerms.load(account, args);
        return _findRoot(account, args);
    }

    /// @dev The sequence is part of the address but not of the code: it is one of those the item has gone through.
    function _findRoot(address account, bytes memory args) private view returns (bool found, Terms memory terms) {
        terms = args.unpack();
        uint64 count = _items[terms.aihData].sequence;
        for (; terms.sequence < count; terms.sequence++) {
            if (_addressOf(args, LicenceHashes.hashTerms(terms)) == account) return (true, terms);
        }
    }
}
