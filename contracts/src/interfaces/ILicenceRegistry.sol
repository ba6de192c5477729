// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Terms} from "./ILicence.sol";

/// @notice What is asked of the licence of a data item.
/// @param aihData keccak256 of the AIH Data ID.
/// @param user Who asks; the registry's address is the Back End on its own initiative.
/// @param operation Code of the operation asked for.
/// @param usage Code of the usage of the result.
/// @param at Intended time of execution, Unix seconds.
/// @param confirmId Licence Confirm ID, 128 bits chosen by the Back End.
struct Request {
    bytes32 aihData;
    address user;
    uint8 operation;
    uint8 usage;
    uint40 at;
    bytes16 confirmId;
}

/// @notice A data item made from another, for which a licence is to be derived.
/// @param parent keccak256 of the AIH Data ID of the item it was made from.
/// @param aihData keccak256 of the new item's AIH Data ID.
/// @param status How far the new item is de-identified: 0 Identified, 1 Pseudonymised, 2 Anonymised.
struct Derivation {
    bytes32 parent;
    bytes32 aihData;
    uint8 status;
}

/// @title ILicenceRegistry
/// @notice The register of licences on AIH Data: which licence each data item has, who may ask, what was answered.
///
/// Notes:
/// - Licences come from the End User's signature alone. An operator submits, confirms and derives, and can do no more.
/// - The whole register can be rebuilt from the events.
/// - No personal data: only codes, hashes, addresses and times.
interface ILicenceRegistry {
    /// @notice Emitted when a data item gets its first licence.
    /// @param aihData keccak256 of the AIH Data ID.
    /// @param licence Address of the licence contract, the Licence ID.
    /// @param endUser The End User who signed.
    /// @param modelLicence keccak256 of the Model Licence.
    /// @param sequence Licence events before this one, 0.
    /// @param terms Packed terms, see `LicenceTerms`.
    event LicenceIssued(
        bytes32 indexed aihData,
        address indexed licence,
        address indexed endUser,
        bytes32 modelLicence,
        uint64 sequence,
        bytes terms
    );

    /// @notice Emitted when processed data gets the licence of the data it was made from.
    /// @param aihData keccak256 of the new item's AIH Data ID.
    /// @param licence Address of the derived licence.
    /// @param parentData keccak256 of the AIH Data ID of the item it was made from.
    /// @param parent Licence it was derived from.
    /// @param status Status of the new item, code 0–2.
    event LicenceDerived(
        bytes32 indexed aihData, address indexed licence, bytes32 indexed parentData, address parent, uint8 status
    );

    /// @notice Emitted when the End User replaces the terms of an item. Licences derived from the previous one fall.
    /// @param aihData keccak256 of the AIH Data ID.
    /// @param licence Address of the new licence.
    /// @param previous Address of the licence it replaces.
    /// @param modelLicence keccak256 of the new Model Licence.
    /// @param sequence Licence events before this one.
    /// @param terms Packed terms, see `LicenceTerms`.
    event LicenceChanged(
        bytes32 indexed aihData,
        address indexed licence,
        address indexed previous,
        bytes32 modelLicence,
        uint64 sequence,
        bytes terms
    );

    /// @notice Emitted when a licence, or the Back End's own right under it, ends.
    /// @param aihData keccak256 of the AIH Data ID.
    /// @param licence Licence concerned.
    /// @param by Who decided: the End User, or the operator who gave up the Back End's right.
    /// @param scope 1 = the Back End's own right, 2 = the whole licence.
    event LicenceRevoked(bytes32 indexed aihData, address indexed licence, address indexed by, uint8 scope);

    /// @notice Emitted when the class of an account is recorded.
    /// @param user The account.
    /// @param class Code of its class, 0–5.
    /// @param active False while the account is suspended.
    /// @param by Who vouched.
    event UserClassSet(address indexed user, uint8 class, bool active, address indexed by);

    /// @notice Emitted for every confirmed request, whether permitted or not.
    /// @param aihData keccak256 of the AIH Data ID.
    /// @param licence Licence that answered; zero when the item has none.
    /// @param user Who asked.
    /// @param confirmId Licence Confirm ID.
    /// @param operation Code of the operation.
    /// @param usage Code of the usage.
    /// @param at Intended time of execution, Unix seconds.
    /// @param verdict 0 permits; every set bit is a failing term, see `Codes`.
    event LicenceConfirmed(
        bytes32 indexed aihData,
        address indexed licence,
        address indexed user,
        bytes16 confirmId,
        uint8 operation,
        uint8 usage,
        uint40 at,
        uint16 verdict
    );

    /// @notice Emitted when a derivation inside a batch cannot be done.
    /// @param aihData keccak256 of the new item's AIH Data ID.
    /// @param parentData keccak256 of the AIH Data ID of the item it was made from.
    /// @param status Status asked for.
    /// @param reason Selector of the error that `derive` would revert with.
    event DerivationRefused(bytes32 indexed aihData, bytes32 indexed parentData, uint8 status, bytes4 reason);

    /// @notice Thrown when a hash that names a data item is zero.
    error LicenceRegistry_NoData();
    /// @notice Thrown when the signature is not the End User's over exactly this content.
    error LicenceRegistry_InvalidSignature(address endUser, bytes32 digest);
    /// @notice Thrown when a data item already has a licence that this call may not replace.
    error LicenceRegistry_AlreadyLicensed(bytes32 aihData, address licence);
    /// @notice Thrown when a data item has never had a licence.
    error LicenceRegistry_NoLicence(bytes32 aihData);
    /// @notice Thrown when signed terms are for another place in the item's history.
    error LicenceRegistry_StaleSequence(bytes32 aihData, uint64 expected, uint64 given);
    /// @notice Thrown when somebody other than the item's End User signs for it.
    error LicenceRegistry_OtherEndUser(bytes32 aihData, address expected, address given);
    /// @notice Thrown when the terms of a derived item are to be changed: those of its root are what can change.
    error LicenceRegistry_DerivedItem(bytes32 aihData, address root);
    /// @notice Thrown when the licence was revoked by its End User already.
    error LicenceRegistry_AlreadyRevoked(bytes32 aihData, address licence);
    /// @notice Thrown when the Back End gave up its right already.
    error LicenceRegistry_AlreadyRenounced(bytes32 aihData, address licence);
    /// @notice Thrown when the caller has no say over this licence.
    error LicenceRegistry_NotEntitled(address caller);
    /// @notice Thrown when the item to derive from has no licence that stands.
    error LicenceRegistry_ParentNotStanding(bytes32 parent, address licence);
    /// @notice Thrown when a status code is above 2.
    error LicenceRegistry_UnknownStatus(uint8 status);
    /// @notice Thrown when a derived item would be less de-identified than the one before it.
    error LicenceRegistry_StatusLowered(uint8 least, uint8 given);
    /// @notice Thrown when an item that descends from one signed item is to be derived from another.
    error LicenceRegistry_OtherRoot(bytes32 aihData, bytes32 expected, bytes32 given);
    /// @notice Thrown when a class code is above 5.
    error LicenceRegistry_UnknownUserClass(uint8 class);
    /// @notice Thrown when an operator registers an account that has a class.
    error LicenceRegistry_UserClassKnown(address user, uint8 class);
    /// @notice Thrown when the zero address is to be registered.
    error LicenceRegistry_NoUser();
    /// @notice Thrown when an address is not a licence of this registry.
    error LicenceRegistry_NotALicence(address account);

    /// @notice Deploys the licence of a data item that has never had one.
    /// @dev Emits {LicenceIssued}; nothing when the same content is the item's current, un-revoked licence.
    ///
    /// Notes:
    /// - The address follows from the content, so a retry finds the first result.
    ///
    /// Requirements:
    /// - The caller must be an operator.
    /// - The terms must be valid, see `LicenceTerms`.
    /// - The signature must be the End User's over the terms.
    /// - The item must have no licence, and `terms.sequence` must be its sequence, 0.
    ///
    /// @param terms What the End User signed.
    /// @param signature EIP-712 signature of the account, or whatever a smart account accepts by ERC-1271.
    /// @return licence Address of the licence contract.
    function issue(Terms calldata terms, bytes calldata signature) external returns (address licence);

    /// @notice Replaces the licence of a root item, or licenses a revoked one again.
    /// @dev Emits {LicenceChanged}.
    ///
    /// Notes:
    /// - Licences derived from the previous one no longer stand, at no cost, until they are derived anew.
    /// - A right the Back End gave up is what the new terms say again.
    ///
    /// Requirements:
    /// - The caller must be an operator.
    /// - The terms must be valid, and the signature the End User's over them.
    /// - The item must have a licence, that licence must be a root, and its End User must be the same.
    /// - `terms.sequence` must be the item's sequence.
    ///
    /// @param terms What the End User signed.
    /// @param signature As in {issue}.
    /// @return licence Address of the new licence contract.
    function change(Terms calldata terms, bytes calldata signature) external returns (address licence);

    /// @notice Ends the current licence of an item, or only the Back End's own right under it.
    /// @dev Emits {LicenceRevoked}.
    ///
    /// Notes:
    /// - With the End User's signature, anyone may relay it; without, the End User calls. Both end the whole licence,
    ///   and with a root everything derived from it. The cost does not depend on how much that is.
    /// - An operator without signature gives up the Back End's own right; grants to third parties stand.
    ///
    /// Requirements:
    /// - The item must have a licence that its End User has not revoked yet.
    /// - One of the three ways above; an operator only once.
    ///
    /// @param aihData keccak256 of the AIH Data ID.
    /// @param signature Signature over the digest of {hashRevocation}, or empty.
    function revoke(bytes32 aihData, bytes calldata signature) external;

    /// @notice Gives processed data the licence of the data it was made from. The contract copies the terms itself.
    /// @dev Emits {LicenceDerived}, and {LicenceRevoked} with scope 1 when the Back End gave up its right to the parent;
    /// nothing when the same derivation stands already.
    ///
    /// Notes:
    /// - An item whose root was changed or revoked can be derived anew from the same signed item.
    /// - A derived licence that the End User revoked by itself never comes back.
    ///
    /// Requirements:
    /// - The caller must be an operator.
    /// - The new item must be named, its status known.
    /// - The parent's licence must stand, and the status must not be below the parent's.
    /// - The new item must have no licence, or one derived from the same signed item that fell with its root, of no
    ///   higher status.
    ///
    /// @param parent keccak256 of the AIH Data ID of the item it was made from.
    /// @param newData keccak256 of the new item's AIH Data ID.
    /// @param newStatus Status of the new item, code 0–2.
    /// @return licence Address of the derived licence.
    function derive(bytes32 parent, bytes32 newData, uint8 newStatus) external returns (address licence);

    /// @notice Records what the licences say to the requests.
    /// @dev Emits one {LicenceConfirmed} per request, in order.
    ///
    /// Notes:
    /// - Never reverts because a term fails: a refusal is an answer.
    ///
    /// Requirements:
    /// - The caller must be an operator.
    ///
    /// @param requests What is asked.
    function confirm(Request[] calldata requests) external;

    /// @notice Confirms, then derives, in one transaction.
    /// @dev Emits as {confirm}, then as {derive}; {DerivationRefused} for a derivation that cannot be done.
    ///
    /// Requirements:
    /// - The caller must be an operator.
    ///
    /// @param requests What is asked.
    /// @param derivations What is to be derived, in order.
    function execute(Request[] calldata requests, Derivation[] calldata derivations) external;

    /// @notice Records the class of an account, or suspends it.
    /// @dev Emits {UserClassSet}.
    ///
    /// Requirements:
    /// - The caller must be a registrar; an operator may register an account with no class as active End User (0).
    /// - The account must not be zero, the class known.
    ///
    /// @param user The account.
    /// @param class Code of its class, 0–5.
    /// @param active False suspends it.
    function setUserClass(address user, uint8 class, bool active) external;

    /// @notice What {confirm} would record for the request in this block. 0 permits.
    function check(Request calldata request) external view returns (uint16 verdict);

    /// @notice The latest licence of a data item, standing or not; zero when it never had one.
    function licenceOf(bytes32 aihData) external view returns (address licence);

    /// @notice Licence events (issue, change, full revocation) of a data item so far.
    function sequenceOf(bytes32 aihData) external view returns (uint64 sequence);

    /// @notice Everything kept about a data item.
    ///
    /// Notes:
    /// - The state is the item's own: a derived licence that fell with its root still says 0. See {standing}.
    ///
    /// @return licence As {licenceOf}.
    /// @return sequence As {sequenceOf}.
    /// @return state 0 active, 1 the Back End gave up its right, 2 revoked.
    function itemOf(bytes32 aihData) external view returns (address licence, uint64 sequence, uint8 state);

    /// @notice The class of an account.
    /// @return known False when none was ever recorded.
    /// @return class Code of the class.
    /// @return active False while suspended.
    function userClassOf(address user) external view returns (bool known, uint8 class, bool active);

    /// @notice True when the address is the current, un-revoked licence of its item and so is its root.
    function standing(address licence) external view returns (bool);

    /// @notice The address the terms have or would have as a root licence of this registry.
    ///
    /// Requirements:
    /// - The terms must be valid.
    function predict(Terms calldata terms) external view returns (address licence);

    /// @notice The signed terms of a licence, its sequence included; a derived one has those of its root.
    ///
    /// Requirements:
    /// - The address must be a licence of this registry.
    function termsOf(address licence) external view returns (Terms memory terms);

    /// @notice EIP-712 digest an End User signs to issue or change a licence.
    function hashTerms(Terms calldata terms) external view returns (bytes32 digest);

    /// @notice EIP-712 digest an End User signs to revoke a licence.
    function hashRevocation(bytes32 aihData, address licence) external view returns (bytes32 digest);

    /// @notice True when this registry deployed the address as a licence, standing or not.
    ///
    /// Notes:
    /// - Nothing is stored for this: the address is recomputed from the content of its code.
    function isLicence(address account) external view returns (bool);
}
