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
    // Sets of one code are written `1 << code`, which the other rule takes for swapped operands.
    // forge-lint: disable-start(unsafe-typecast, incorrect-shift)

    /// @dev Everything the rule needs to know beside the terms. Whole words throughout: narrower fields would be cut
    /// clean at each use, and this is the path that every confirmation pays for.
    struct Question {
        /// Who asks; the set holding their class, empty when none is recorded; USER_INACTIVE or 0.
        address user;
        uint256 ownClasses;
        uint256 inactive;
        /// The requester is the Back End on its own initiative.
        bool isBackEnd;
        /// Codes of what is asked.
        uint256 operation;
        uint256 usage;
        /// The earlier and the later of intended time and block time: both must lie in a window.
        uint256 earliest;
        uint256 latest;
        /// REVOKED when the licence or its root ended, or the Back End asks and gave up its right; else 0.
        uint256 ended;
        /// Status of the data item.
        uint256 status;
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
    uint256 private constant TIME_MASK = type(uint40).max;
    uint256 private constant OPERATIONS_MASK = type(uint64).max;

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
        uint256 count = terms.grants.length;
        uint256 size = HEAD_SIZE + count * GRANT_SIZE;
        // One word more than needed, for what hangs over at the end.
        packed = new bytes(size + 32);
        _write(packed, 0, uint256(terms.aihData));
        _write(packed, 32, uint256(terms.modelLicence));
        _write(packed, 64, uint256(uint160(terms.endUser)) << 96);
        uint256 tail = (uint256(terms.dataClass) << 40) | terms.start;
        tail = (((tail << 40) | terms.end) << 8) | terms.requiredStatus;
        tail = (((tail << 64) | terms.operations) << 8) | terms.usages;
        _write(packed, TAIL, ((tail << 8) | count) << 80);
        for (uint256 i = 0; i < count; i++) {
            _packGrant(packed, HEAD_SIZE + i * GRANT_SIZE, terms.grants[i]);
        }
        assembly ("memory-safe") {
            mstore(packed, size)
        }
    }

    function _packGrant(bytes memory packed, uint256 offset, Grant calldata grant) private pure {
        uint256 who = (uint256(uint160(grant.user)) << 8) | grant.userClasses;
        uint256 what = (((uint256(grant.dataClasses) << 64) | grant.operations) << 8) | grant.usages;
        _write(packed, offset, (who << 88) | (what << 8) | grant.anomalies);
        _write(packed, offset + 32, ((uint256(grant.start) << 40) | grant.end) << 176);
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

    function _write(bytes memory args, uint256 offset, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(args, 32), offset), word)
        }
    }

    // ---------------------------------------------------------------- the rule

    /// @notice Notes who asks and how they stand.
    /// @param classes Set holding their class, empty when none is recorded.
    function setRequester(Question memory question, address user, bool isBackEnd, uint256 classes, bool active)
        internal
        pure
    {
        question.user = user;
        question.isBackEnd = isBackEnd;
        question.ownClasses = classes;
        question.inactive = isBackEnd || active ? 0 : Codes.USER_INACTIVE;
    }

    /// @notice Notes what is asked, and for when (Unix seconds); it must be allowed both then and now.
    function setAsked(Question memory question, uint256 operation, uint256 usage, uint256 at) internal view {
        question.operation = operation;
        question.usage = usage;
        unchecked {
            // How far ahead of the block the intended time is, 0 if it is not.
            uint256 ahead = _bit(at > block.timestamp, at - block.timestamp);
            question.earliest = at - ahead;
            question.latest = block.timestamp + ahead;
        }
    }

    /// @notice Notes whether the licence, or for the Back End its own right, has ended.
    /// @param state Of the data item; Back End renounced is one before revoked.
    function setEnded(Question memory question, uint256 state) internal pure {
        question.ended = _bit(hasEnded(state, question.isBackEnd), Codes.REVOKED);
    }

    /// @notice Revoked has ended for everyone, renounced for the Back End only.
    function hasEnded(uint256 state, bool isBackEnd) internal pure returns (bool) {
        unchecked {
            return state + _bit(isBackEnd, 1) >= Codes.STATE_REVOKED;
        }
    }

    /// @notice The verdict of the licence with these arguments: 0, or the set of failing terms.
    function verdict(bytes memory args, Question memory question) internal pure returns (uint256 failing) {
        failing = question.inactive;
        // The End User is not bound by their own licence.
        if (question.user == endUserOf(args)) return failing;

        uint256 tail = _read(args, TAIL);
        failing |= question.ended | _outside(question, tail >> 208, tail >> 168);
        uint256 covering = _coveringUsages(question.usage, question.status);
        uint256 lacking = _bit(question.status < (tail >> 160) & 0xff, Codes.DATA_STATUS);
        if (question.operation == Codes.OPERATION_DE_ID_AND_ANONYM) lacking = 0;
        if (!question.isBackEnd) return failing | _judgeGrants(args, question, tail, covering, lacking);

        uint256 operations = (tail >> 96) & OPERATIONS_MASK;
        if (operations == 0) return failing | Codes.NOT_LICENSED;
        return failing | lacking | _judgeUse(operations, (tail >> 88) & covering, question.operation);
    }

    /// @dev The failing terms of the grant that names the requester with the fewest of them, the first of equals.
    function _judgeGrants(bytes memory args, Question memory question, uint256 tail, uint256 covering, uint256 lacking)
        private
        pure
        returns (uint256 best)
    {
        best = Codes.NOT_LICENSED;
        // Worse than any grant can be: seven terms are a grant's own.
        uint256 fewest = 16;
        uint256 dataClass = 1 << (tail >> 248);
        unchecked {
            uint256 end = HEAD_SIZE + ((tail >> 80) & 0xff) * GRANT_SIZE;
            for (uint256 offset = HEAD_SIZE; offset < end; offset += GRANT_SIZE) {
                uint256 head = _read(args, offset);
                bool inClass = (head >> 88) & question.ownClasses != 0;
                uint256 named = head >> 96;
                if (named == 0 ? !inClass : named != uint160(question.user)) continue;

                uint256 window = _read(args, offset + 32);
                uint256 failing = lacking | _outside(question, window >> 216, window >> 176)
                    | _bit(!inClass, Codes.USER_TYPE) | _bit((head >> 80) & dataClass == 0, Codes.DATA_CLASS)
                    | _judgeUse((head >> 16) & OPERATIONS_MASK, (head >> 8) & covering, question.operation);
                if (failing == 0) return 0;
                uint256 count = _countBits(failing);
                if (count < fewest) (fewest, best) = (count, failing);
            }
        }
    }

    /// @dev The window is half open. What stands above `start` and `end` in their words is cut off here.
    function _outside(Question memory question, uint256 start, uint256 end) private pure returns (uint256) {
        return _bit(question.earliest < start & TIME_MASK, Codes.NOT_YET_VALID)
            | _bit(question.latest >= end & TIME_MASK, Codes.EXPIRED);
    }

    /// @dev Codes above 63 shift to nothing, and licensed sets hold valid bits only: an unknown operation fails.
    function _judgeUse(uint256 operations, uint256 covered, uint256 operation) private pure returns (uint256) {
        return _bit((operations >> operation) & 1 == 0, Codes.PROCESS) | _bit(covered == 0, Codes.USAGE);
    }

    /// @dev The set of usages any of which, when licensed, covers `usage` of data of this status.
    function _coveringUsages(uint256 usage, uint256 status) private pure returns (uint256) {
        if (usage > Codes.LAST_USAGE) return 0;
        // Unrestricted; by status Pseudonymised, Anonymised; by name Research and what follows.
        return 1 | _bit(status >= Codes.STATUS_PSEUDONYMISED, 1 << Codes.USAGE_PSEUDONYMISED)
            | _bit(status >= Codes.STATUS_ANONYMISED, 1 << Codes.USAGE_ANONYMISED)
            | ((1 << usage) & Codes.USAGES_BY_NAME);
    }

    /// @dev `bit` if the condition holds, else 0, without a jump.
    function _bit(bool condition, uint256 bit) private pure returns (uint256 result) {
        assembly ("memory-safe") {
            result := mul(bit, condition)
        }
    }

    function _countBits(uint256 bits) private pure returns (uint256 count) {
        unchecked {
            for (; bits != 0; bits &= bits - 1) {
                count++;
            }
        }
    }

    // forge-lint: disable-end(unsafe-typecast, incorrect-shift)
}
