// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice A sub-licence of the data item for one account, or for every account of some classes.
/// @param user The account named; zero makes it a grant by class, then `userClasses` is not empty.
/// @param userClasses Set of user classes (bit = code 0–5) the requester must be of, also when an account is named.
/// @param dataClasses Set of data classes (bit = code 0–5) licensed.
/// @param operations Set of operations (bit = code, see `Codes`) licensed.
/// @param usages Set of usages (bit = code 0–5) licensed.
/// @param anomalies Set of anomaly types (bit = code 0–3) whose findings the requester receives; never decides a verdict.
/// @param start First second of the grant's window, Unix time.
/// @param end First second after the grant's window, Unix time.
struct Grant {
    address user;
    uint8 userClasses;
    uint8 dataClasses;
    uint64 operations;
    uint8 usages;
    uint8 anomalies;
    uint40 start;
    uint40 end;
}

/// @notice What an End User signs: who may do what with one item of AIH Data. Also the EIP-712 primary type.
/// @param aihData keccak256 of the AIH Data ID; in a derived licence that of the root's item.
/// @param modelLicence keccak256 of the Model Licence in canonical form (RFC 8785).
/// @param endUser The End User of the data, who signs.
/// @param dataClass Class of the data, code 0–5.
/// @param start First second of validity, Unix time.
/// @param end First second after validity, Unix time.
/// @param requiredStatus Least status (0 Identified, 1 Pseudonymised, 2 Anonymised) the data must have to be used.
/// @param operations What the Back End may do on its own initiative; empty means it is licensed nothing.
/// @param usages For which uses the Back End may do it.
/// @param sequence Licence events (issue, change, full revocation) the chain has seen for the item before this one.
/// @param grants Sub-licences to third parties, at most 8.
struct Terms {
    bytes32 aihData;
    bytes32 modelLicence;
    address endUser;
    uint8 dataClass;
    uint40 start;
    uint40 end;
    uint8 requiredStatus;
    uint64 operations;
    uint8 usages;
    uint64 sequence;
    Grant[] grants;
}

/// @title ILicence
/// @notice The smart contract one Model Licence became. Its address is the Licence ID; its terms are part of its code
/// and cannot change. Whether it still stands is known to the registry that deployed it.
///
/// Notes:
/// - Every function is read-only and, called on anything but a licence deployed by a registry, reverts.
interface ILicence {
    /// @notice Thrown when the implementation that licences delegate to is asked as if it were a licence.
    error Licence_NotALicence(address implementation);

    /// @notice The registry that deployed this licence and knows whether it stands.
    function registry() external view returns (address);

    /// @notice The signed terms. A derived licence has those of its root, word for word.
    ///
    /// Notes:
    /// - `sequence` is not part of the code; the registry finds it by recomputing the address.
    function terms() external view returns (Terms memory);

    /// @notice The data item this licence is for: keccak256 of its AIH Data ID.
    function aihData() external view returns (bytes32);

    /// @notice The End User of the data.
    function endUser() external view returns (address);

    /// @notice How far the item is de-identified: 0 Identified, 1 Pseudonymised, 2 Anonymised. 0 in a root licence.
    function status() external view returns (uint8);

    /// @notice The signed licence this one descends from; zero in a root licence.
    function root() external view returns (address);

    /// @notice The licence this one was derived from; zero in a root licence.
    function parent() external view returns (address);

    /// @notice True while this is the current licence of its item, not revoked, and the same holds for its root.
    function isStanding() external view returns (bool);

    /// @notice What this licence says to a request, now. 0 permits; every set bit is a failing term (see `Codes`).
    ///
    /// Notes:
    /// - While the licence is the current one of its item, the answer is that of the registry's `check`. Afterwards
    ///   this one says Revoked, and the registry's speaks of the current licence.
    ///
    /// @param user Who asks; the registry's address is the Back End on its own initiative.
    /// @param operation Code of the operation asked for.
    /// @param usage Code of the usage of the result.
    /// @param at Intended time of execution, Unix seconds.
    function check(address user, uint8 operation, uint8 usage, uint40 at) external view returns (uint16 verdict);
}
