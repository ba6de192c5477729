// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Grant, Terms} from "../interfaces/ILicence.sol";
import {Codes} from "./Codes.sol";

/// @title LicenceTerms
/// @notice The form of licence terms in a licence's code, and **the rule** that answers a request from them.
///
/// Packed terms, big endian, no padding (`aihData` is the root's item, also in a derived licence):
///
/// ```text
/// 0 aihData 32 | 32 modelLicence 32 | 64 endUser 20 | 84 dataClass 1 | start 5 | end 5 | requiredStatus 1
///              | operations 8 | usages 1 | grantCount 1 | 106 grant 42 × grantCount
/// grant        = user 20 | userClasses 1 | dataClasses 1 | operations 8 | usages 1 | anomalies 1 | start 5 | end 5
/// ```
///
/// A derived licence has its parent's packed terms followed by `status 1 | dataItem 32 | root 20 | parent 20`.
///
/// The functions that read take `args`, a licence's arguments as {load} brings them to memory. They never read past
/// {MAX_ARGS}, whatever the content.
library LicenceTerms {
    // Fields are read by shifting a word and cutting off what stands before the field: the truncation is the reading.
    // forge-lint: disable-start(unsafe-typecast)

    /// @dev Who asks and how they stand. Whole words: narrower fields would be cut clean at each use, and every
    /// confirmation pays for that.
    struct Requester {
        address user;
        /// Set holding their class, empty when none is recorded.
        uint256 classes;
        /// USER_INACTIVE, or 0.
        uint256 inactive;
        /// The Back End on its own initiative.
        bool isBackEnd;
    }

    error LicenceTerms_NoData();
    error LicenceTerms_NoModelLicence();
    error LicenceTerms_NoEndUser();
    error LicenceTerms_UnknownDataClass(uint8 dataClass);
    error LicenceTerms_EmptyWindow(uint40 start, uint40 end);
    error LicenceTerms_UnknownStatus(uint8 requiredStatus);
    error LicenceTerms_UnknownOperations(uint64 operations);
    error LicenceTerms_UnknownUsages(uint8 usages);
    error LicenceTerms_StatusWithoutBackEnd(uint8 requiredStatus);
    error LicenceTerms_TooManyGrants(uint256 count);
    error LicenceTerms_GrantToNobody(uint256 grant);
    error LicenceTerms_UnknownUserClasses(uint256 grant, uint8 userClasses);
    error LicenceTerms_UnknownDataClasses(uint256 grant, uint8 dataClasses);
    error LicenceTerms_UnknownGrantOperations(uint256 grant, uint64 operations);
    error LicenceTerms_UnknownGrantUsages(uint256 grant, uint8 usages);
    error LicenceTerms_UnknownAnomalies(uint256 grant, uint8 anomalies);
    error LicenceTerms_EmptyGrantWindow(uint256 grant, uint40 start, uint40 end);

    uint256 internal constant MAX_GRANTS = 8;
    uint256 internal constant MAX_ARGS = HEAD_SIZE + MAX_GRANTS * GRANT_SIZE + TRAILER_SIZE;

    uint256 private constant HEAD_SIZE = 106;
    uint256 private constant GRANT_SIZE = 42;
    uint256 private constant TRAILER_SIZE = 73;
    /// @dev Code before the arguments of a clone, see OpenZeppelin's `Clones`.
    uint256 private constant PROXY_SIZE = 0x2d;
    /// @dev Where the fields after `endUser` begin; they fit one word.
    uint256 private constant TAIL = 84;
    uint256 private constant TIME_MASK = 0xff_ffff_ffff;
    uint256 private constant OPERATIONS_MASK = 0xffff_ffff_ffff_ffff;
    /// @dev Verdict bits of `Codes` by number, as assembly needs them.
    uint256 private constant NOT_YET_VALID_BIT = 2;
    uint256 private constant EXPIRED_BIT = 3;
    uint256 private constant USER_TYPE_BIT = 5;
    uint256 private constant DATA_CLASS_BIT = 6;
    uint256 private constant PROCESS_BIT = 7;
    uint256 private constant USAGE_BIT = 8;

    // ---------------------------------------------------------------- validity

    /// @notice Reverts unless the terms can be packed and mean something.
    function validate(Terms calldata terms) internal pure {
        if (terms.aihData == bytes32(0)) revert LicenceTerms_NoData();
        if (terms.modelLicence == bytes32(0)) revert LicenceTerms_NoModelLicence();
        if (terms.endUser == address(0)) revert LicenceTerms_NoEndUser();
        if (terms.dataClass > Codes.LAST_DATA_CLASS) revert LicenceTerms_UnknownDataClass(terms.dataClass);
        if (terms.start >= terms.end) revert LicenceTerms_EmptyWindow(terms.start, terms.end);
        if (terms.requiredStatus > Codes.STATUS_ANONYMISED) revert LicenceTerms_UnknownStatus(terms.requiredStatus);
        if (terms.operations & ~Codes.OPERATIONS != 0) revert LicenceTerms_UnknownOperations(terms.operations);
        if (terms.usages & ~Codes.USAGES != 0) revert LicenceTerms_UnknownUsages(terms.usages);
        if (terms.operations == 0 && terms.requiredStatus != 0) {
            revert LicenceTerms_StatusWithoutBackEnd(terms.requiredStatus);
        }
        uint256 count = terms.grants.length;
        if (count > MAX_GRANTS) revert LicenceTerms_TooManyGrants(count);
        for (uint256 i = 0; i < count; i++) {
            _validateGrant(i, terms.grants[i]);
        }
    }

    function _validateGrant(uint256 i, Grant calldata grant) private pure {
        if (grant.user == address(0) && grant.userClasses == 0) revert LicenceTerms_GrantToNobody(i);
        if (grant.userClasses & ~Codes.USER_CLASSES != 0) revert LicenceTerms_UnknownUserClasses(i, grant.userClasses);
        if (grant.dataClasses & ~Codes.DATA_CLASSES != 0) revert LicenceTerms_UnknownDataClasses(i, grant.dataClasses);
        if (grant.operations & ~Codes.OPERATIONS != 0) revert LicenceTerms_UnknownGrantOperations(i, grant.operations);
        if (grant.usages & ~Codes.USAGES != 0) revert LicenceTerms_UnknownGrantUsages(i, grant.usages);
        if (grant.anomalies & ~Codes.ANOMALIES != 0) revert LicenceTerms_UnknownAnomalies(i, grant.anomalies);
        if (grant.start >= grant.end) revert LicenceTerms_EmptyGrantWindow(i, grant.start, grant.end);
    }

    // ---------------------------------------------------------------- packing

    /// @notice Packs valid terms. Each part is written as a whole word; the next part overwrites what hangs over.
    function pack(Terms calldata terms) internal pure returns (bytes memory packed) {
        Grant[] calldata grants = terms.grants;
        uint256 count = grants.length;
        assembly ("memory-safe") {
            packed := mload(0x40)
            let size := add(HEAD_SIZE, mul(count, GRANT_SIZE))
            mstore(packed, size)
            // To the next word, and one more for what hangs over at the end.
            mstore(0x40, add(packed, and(add(size, 95), not(31))))

            let to := add(packed, 32)
            calldatacopy(to, terms, 64)
            mstore(add(to, 64), shl(96, calldataload(add(terms, 0x40))))
            let tail := or(shl(40, calldataload(add(terms, 0x60))), calldataload(add(terms, 0x80)))
            tail := or(shl(8, or(shl(40, tail), calldataload(add(terms, 0xa0)))), calldataload(add(terms, 0xc0)))
            tail := or(shl(8, or(shl(64, tail), calldataload(add(terms, 0xe0)))), calldataload(add(terms, 0x100)))
            mstore(add(to, TAIL), shl(80, or(shl(8, tail), count)))

            to := add(to, HEAD_SIZE)
            let grant := grants.offset
            for { let end := add(grant, shl(8, count)) } lt(grant, end) { grant := add(grant, 0x100) } {
                let who := or(shl(8, calldataload(grant)), calldataload(add(grant, 0x20)))
                let what := or(shl(64, calldataload(add(grant, 0x40))), calldataload(add(grant, 0x60)))
                what := or(shl(8, what), calldataload(add(grant, 0x80)))
                mstore(to, or(shl(88, who), or(shl(8, what), calldataload(add(grant, 0xa0)))))
                let window := or(shl(40, calldataload(add(grant, 0xc0))), calldataload(add(grant, 0xe0)))
                mstore(add(to, 32), shl(176, window))
                to := add(to, GRANT_SIZE)
            }
        }
    }

    /// @notice The arguments of a licence derived from the one whose arguments are given. Cuts those given to the terms.
    function packDerived(bytes memory parentArgs, uint8 status, bytes32 dataItem, address root, address parent)
        internal
        pure
        returns (bytes memory)
    {
        uint256 size = termsSize(parentArgs);
        // A parent may itself be derived; its own trailer is not copied.
        assembly ("memory-safe") {
            mstore(parentArgs, size)
        }
        return abi.encodePacked(parentArgs, status, dataItem, root, parent);
    }

    /// @notice Unpacks the terms; `sequence` is not part of them and stays 0.
    function unpack(bytes memory args) internal pure returns (Terms memory terms) {
        terms.aihData = itemOfRoot(args);
        terms.modelLicence = bytes32(_read(args, 32));
        terms.endUser = endUserOf(args);
        uint256 tail = _read(args, TAIL);
        terms.dataClass = uint8(tail >> 248);
        terms.start = uint40(tail >> 208);
        terms.end = uint40(tail >> 168);
        terms.requiredStatus = uint8(tail >> 160);
        terms.operations = uint64(tail >> 96);
        terms.usages = uint8(tail >> 88);
        terms.grants = new Grant[](grantCount(args));
        for (uint256 i = 0; i < terms.grants.length; i++) {
            terms.grants[i] = _unpackGrant(args, HEAD_SIZE + i * GRANT_SIZE);
        }
    }

    function _unpackGrant(bytes memory args, uint256 offset) private pure returns (Grant memory) {
        uint256 head = _read(args, offset);
        uint256 window = _read(args, offset + 32);
        return Grant({
            user: address(uint160(head >> 96)),
            userClasses: uint8(head >> 88),
            dataClasses: uint8(head >> 80),
            operations: uint64(head >> 16),
            usages: uint8(head >> 8),
            anomalies: uint8(head),
            start: uint40(window >> 216),
            end: uint40(window >> 176)
        });
    }

    // ---------------------------------------------------------------- reading a licence

    /// @notice A buffer that {load} can be given again and again, so that a batch does not grow memory.
    function newBuffer() internal pure returns (bytes memory buffer) {
        // A word of slack: fields are read as whole words. Not cleaned: {load} says how much of it counts.
        assembly ("memory-safe") {
            buffer := mload(0x40)
            mstore(0x40, add(buffer, 0x280))
        }
    }

    /// @notice Copies the arguments of `account`, whatever it is, into `buffer`.
    /// @return ok False when the code cannot be that of a licence; the buffer then holds nothing of use.
    function load(address account, bytes memory buffer) internal view returns (bool ok) {
        uint256 size = account.code.length;
        if (size < PROXY_SIZE + HEAD_SIZE || size > PROXY_SIZE + MAX_ARGS) return false;
        load(account, size - PROXY_SIZE, buffer);
        return buffer.length == termsSize(buffer) || isDerived(buffer);
    }

    /// @notice Copies the arguments of a licence whose size is known into `buffer`.
    function load(address licence, uint256 size, bytes memory buffer) internal view {
        assembly ("memory-safe") {
            mstore(buffer, size)
            extcodecopy(licence, add(buffer, 32), PROXY_SIZE, size)
        }
    }

    function itemOfRoot(bytes memory args) internal pure returns (bytes32) {
        return bytes32(_read(args, 0));
    }

    function endUserOf(bytes memory args) internal pure returns (address) {
        return address(uint160(_read(args, 64) >> 96));
    }

    function grantCount(bytes memory args) internal pure returns (uint256) {
        return uint8(_read(args, TAIL) >> 80);
    }

    /// @notice Size in bytes of the packed terms, without the trailer of a derived licence.
    function termsSize(bytes memory args) internal pure returns (uint256) {
        return HEAD_SIZE + grantCount(args) * GRANT_SIZE;
    }

    function isDerived(bytes memory args) internal pure returns (bool) {
        return args.length == termsSize(args) + TRAILER_SIZE;
    }

    /// @notice The data item the licence is for.
    function itemOf(bytes memory args) internal pure returns (bytes32) {
        return isDerived(args) ? bytes32(_read(args, args.length - 72)) : itemOfRoot(args);
    }

    function statusOf(bytes memory args) internal pure returns (uint8) {
        return isDerived(args) ? uint8(_read(args, args.length - TRAILER_SIZE) >> 248) : Codes.STATUS_IDENTIFIED;
    }

    function rootOf(bytes memory args) internal pure returns (address) {
        return isDerived(args) ? address(uint160(_read(args, args.length - 40) >> 96)) : address(0);
    }

    function parentOf(bytes memory args) internal pure returns (address) {
        return isDerived(args) ? address(uint160(_read(args, args.length - 20) >> 96)) : address(0);
    }

    /// @dev Every offset used lies within {MAX_ARGS}, and buffers have a word of slack.
    function _read(bytes memory args, uint256 offset) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(args, 32), offset))
        }
    }

    // ---------------------------------------------------------------- the rule

    /// @notice Notes who asks and how they stand.
    /// @param classes Set holding their class, empty when none is recorded.
    function setRequester(Requester memory requester, address user, bool isBackEnd, uint256 classes, bool active)
        internal
        pure
    {
        requester.user = user;
        requester.classes = classes;
        requester.inactive = isBackEnd || active ? 0 : Codes.USER_INACTIVE;
        requester.isBackEnd = isBackEnd;
    }

    /// @notice Whether what has this state is over: revoked for everyone, renounced for the Back End.
    function hasEnded(uint256 state, bool isBackEnd) internal pure returns (bool) {
        unchecked {
            return state + _bit(isBackEnd, 1) >= Codes.STATE_REVOKED;
        }
    }

    /// @notice The verdict of the licence with these arguments: 0, or the set of failing terms.
    /// @param at Intended time, Unix seconds.
    /// @param status Status of the data item.
    /// @param ended The licence or its root is over, for this requester.
    function verdict(
        bytes memory args,
        Requester memory requester,
        uint256 operation,
        uint256 usage,
        uint256 at,
        uint256 status,
        bool ended
    ) internal view returns (uint256 failing) {
        failing = requester.inactive;
        // The End User is not bound by their own licence.
        if (requester.user == endUserOf(args)) return failing;

        uint256 tail = _read(args, TAIL);
        (uint256 earliest, uint256 latest) = _timesOf(at);
        failing |= _bit(ended, Codes.REVOKED) | _bit(earliest < (tail >> 208) & TIME_MASK, Codes.NOT_YET_VALID)
        | _bit(latest >= (tail >> 168) & TIME_MASK, Codes.EXPIRED);
        uint256 lacking = _bit(status < (tail >> 160) & 0xff, Codes.DATA_STATUS);
        // De-identification is exempt: it is how data reaches the status asked for.
        if (operation == Codes.OPERATION_DE_ID_AND_ANONYM) lacking = 0;
        // Codes above 63 shift to nothing, and licensed sets hold valid bits only: an unknown operation fails.
        uint256 asked = (1 << operation) & OPERATIONS_MASK;
        uint256 covering = _coveringUsages(usage, status);
        if (!requester.isBackEnd) {
            return failing | _judgeGrants(args, requester, tail, asked, covering, lacking, earliest, latest);
        }
        if ((tail >> 96) & OPERATIONS_MASK == 0) return failing | Codes.NOT_LICENSED;
        return failing | lacking | _bit((tail >> 96) & asked == 0, Codes.PROCESS)
            | _bit((tail >> 88) & covering == 0, Codes.USAGE);
    }

    /// @dev The failing terms of the grant that names the requester with the fewest of them, the first of equals.
    /// In assembly because every confirmation pays for it; the tests write the rule a second time, plainly.
    /// @param tail The word of terms from the data class on.
    /// @param asked Set holding the operation asked for.
    /// @param covering Set of usages any of which covers the one asked for.
    /// @param lacking DATA_STATUS when the data is not de-identified enough, else 0.
    function _judgeGrants(
        bytes memory args,
        Requester memory requester,
        uint256 tail,
        uint256 asked,
        uint256 covering,
        uint256 lacking,
        uint256 earliest,
        uint256 latest
    ) private pure returns (uint256 best) {
        best = Codes.NOT_LICENSED;
        assembly ("memory-safe") {
            let user := mload(requester)
            let classes := mload(add(requester, 0x20))
            let dataClass := shl(shr(248, tail), 1)
            // More than any grant can fail: seven terms are a grant's own.
            let fewest := 16

            let grant := add(args, add(32, HEAD_SIZE))
            let end := add(grant, mul(and(shr(80, tail), 0xff), GRANT_SIZE))
            for {} lt(grant, end) { grant := add(grant, GRANT_SIZE) } {
                let head := mload(grant)
                let named := shr(96, head)
                let foreign := iszero(and(shr(88, head), classes))
                // Considered are grants to this very account, and grants to no account whose classes have theirs.
                if iszero(or(mul(named, eq(named, user)), iszero(or(named, foreign)))) { continue }

                let window := mload(add(grant, 32))
                let failing := or(lacking, shl(USER_TYPE_BIT, foreign))
                failing := or(failing, shl(NOT_YET_VALID_BIT, lt(earliest, shr(216, window))))
                failing := or(failing, shl(EXPIRED_BIT, iszero(lt(latest, and(shr(176, window), TIME_MASK)))))
                failing := or(failing, shl(DATA_CLASS_BIT, iszero(and(shr(80, head), dataClass))))
                failing := or(failing, shl(PROCESS_BIT, iszero(and(shr(16, head), asked))))
                failing := or(failing, shl(USAGE_BIT, iszero(and(shr(8, head), covering))))
                if iszero(failing) {
                    best := 0
                    break
                }
                let count := 0
                for { let left := failing } left { left := and(left, sub(left, 1)) } { count := add(count, 1) }
                if lt(count, fewest) {
                    fewest := count
                    best := failing
                }
            }
        }
    }

    /// @dev The earlier and the later of the intended time and the block's: both must lie in a window.
    function _timesOf(uint256 at) private view returns (uint256 earliest, uint256 latest) {
        unchecked {
            uint256 ahead = _bit(at > block.timestamp, at - block.timestamp);
            return (at - ahead, block.timestamp + ahead);
        }
    }

    /// @dev The set of usages any of which, when licensed, covers `usage` of data of this status: Unrestricted;
    /// Pseudonymised and Anonymised by status; Research and what follows by name. Nothing covers an unknown usage.
    function _coveringUsages(uint256 usage, uint256 status) private pure returns (uint256) {
        unchecked {
            uint256 byStatus = (((1 << status) - 1) & 3) << Codes.USAGE_PSEUDONYMISED;
            return _bit(usage <= Codes.LAST_USAGE, 1 | byStatus | ((1 << usage) & Codes.USAGES_BY_NAME));
        }
    }

    /// @dev `bit` if the condition holds, else 0, without a jump.
    function _bit(bool condition, uint256 bit) private pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := mul(bit, condition)
        }
    }

    // forge-lint: disable-end(unsafe-typecast)
}
