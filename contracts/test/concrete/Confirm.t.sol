// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Licence} from "../../src/Licence.sol";
import {Grant, Terms} from "../../src/interfaces/ILicence.sol";
import {ILicenceRegistry, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice See confirm.tree.
contract ConfirmTest is Base {
    uint16 private constant NO_LICENCE = 1;
    uint16 private constant REVOKED = 2;
    uint16 private constant NOT_YET_VALID = 4;
    uint16 private constant EXPIRED = 8;
    uint16 private constant NOT_LICENSED = 16;
    uint16 private constant USER_TYPE = 32;
    uint16 private constant DATA_CLASS = 64;
    uint16 private constant PROCESS = 128;
    uint16 private constant USAGE = 256;
    uint16 private constant DATA_STATUS = 512;
    uint16 private constant USER_INACTIVE = 1024;

    /// @dev Confirms and compares with what is expected, with `check`, and with the licence's own `check`.
    function expect(Request memory r, uint16 verdict, string memory reason) private {
        address licence = registry.licenceOf(r.aihData);
        vm.assertEq(registry.check(r), verdict, reason);
        if (licence != address(0)) {
            vm.assertEq(Licence(licence).check(r.user, r.operation, r.usage, r.at), verdict, reason);
        }
        vm.expectEmit(true, true, true, true, address(registry));
        emit ILicenceRegistry.LicenceConfirmed(
            r.aihData, licence, r.user, r.confirmId, r.operation, r.usage, r.at, verdict
        );
        vm.prank(operator);
        registry.confirm(one(r));
    }

    function expectFor(bytes32 item, address user, uint16 verdict, string memory reason) private {
        expect(request(item, user), verdict, reason);
    }

    function backEnd(bytes32 item) private view returns (Request memory r) {
        r = request(item, address(registry));
        r.usage = HEALTH_CARE;
    }

    function suspend(address user, uint8 class) private {
        vm.prank(registrar);
        registry.setUserClass({user: user, class: class, active: false});
    }

    // ------------------------------------------------------------ caller and input

    function test_RevertWhen_CallerIsNotAnOperator() external {
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, registrar, OPERATOR_ROLE)
        );
        vm.prank(registrar);
        registry.confirm(new Request[](0));
    }

    function test_RevertWhen_AFieldIsTooWide() external {
        issueDefault();
        bytes memory data = abi.encodeCall(registry.confirm, (one(request(ITEM, institute))));
        bytes memory checkData = abi.encodeCall(registry.check, (request(ITEM, institute)));
        // The last byte before each field, and the byte after the 16 of the identifier.
        uint256[5] memory at = [uint256(32 + 11), 64 + 30, 96 + 30, 128 + 26, 160 + 16];
        for (uint256 i = 0; i < at.length; i++) {
            expectDirtyRefused(data, 4 + 64 + at[i]);
            expectDirtyRefused(checkData, 4 + at[i]);
        }
    }

    function expectDirtyRefused(bytes memory data, uint256 at) private {
        bytes memory dirty = bytes.concat(data);
        dirty[at] = 0x01;
        vm.prank(operator);
        (bool done, bytes memory answer) = address(registry).call(dirty);
        vm.assertFalse(done, "refused");
        vm.assertEq(answer.length, 0, "as the decoder would");
    }

    // ------------------------------------------------------------ without licence

    function test_GivenNoLicence() external {
        expectFor(ITEM, institute, NO_LICENCE, "registered");
        expectFor(ITEM, stranger, NO_LICENCE | USER_INACTIVE, "unregistered");
        expectFor(ITEM, address(0), NO_LICENCE | USER_INACTIVE, "zero address");
        expectFor(ITEM, address(registry), NO_LICENCE, "Back End");
        suspend(institute, NON_PROFIT);
        expectFor(ITEM, institute, NO_LICENCE | USER_INACTIVE, "suspended");
        expectFor(bytes32(0), patient, NO_LICENCE, "no item");
    }

    // ------------------------------------------------------------ the End User

    function test_GivenTheEndUserAsks() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.requiredStatus = 2;
        issue(terms);
        Request memory r = request(ITEM, patient);
        (r.operation, r.usage, r.at) = (255, 255, 0);
        expect(r, 0, "not bound by operation, usage, status, window");
        vm.warp(END + 1);
        expect(r, 0, "nor by block time");
        revokeWhole(ITEM);
        expect(r, 0, "nor by revocation");
        suspend(patient, END_USER);
        expect(r, USER_INACTIVE, "but must be active");
    }

    // ------------------------------------------------------------ common part

    function test_RevokedAndFallen() external {
        issueDefault();
        derive(ITEM, CHILD, 1);
        expectFor(CHILD, institute, 0, "stands");
        change(termsOf(ITEM, 1));
        expectFor(CHILD, institute, REVOKED, "root replaced");
        expect(backEnd(CHILD), REVOKED, "for the Back End too");
        revokeWhole(ITEM);
        expectFor(ITEM, institute, REVOKED, "revoked");
        expectFor(ITEM, stranger, REVOKED | NOT_LICENSED | USER_INACTIVE, "with everything else that fails");
    }

    function test_WindowIsHalfOpen() external {
        Terms memory terms = termsOf(ITEM, 0);
        (terms.start, terms.end) = (NOW, NOW + 100);
        issue(terms);
        Request memory r = request(ITEM, institute);
        expect(r, 0, "first second");
        r.at = NOW - 1;
        expect(r, NOT_YET_VALID, "intended before");
        r.at = NOW + 99;
        expect(r, 0, "intended last second");
        r.at = NOW + 100;
        expect(r, EXPIRED, "intended at the end");
        vm.warp(NOW + 100);
        r.at = NOW + 99;
        expect(r, EXPIRED, "block at the end");
        r.at = NOW - 1;
        expect(r, NOT_YET_VALID | EXPIRED, "intended before, block after");
        vm.warp(NOW - 1);
        r.at = NOW;
        expect(r, NOT_YET_VALID, "block before");
        r.at = type(uint40).max;
        expect(r, NOT_YET_VALID | EXPIRED, "far future");
        r.at = 0;
        expect(r, NOT_YET_VALID, "no time at all");
        expect(backEnd(ITEM), NOT_YET_VALID, "the Back End is bound by it");
    }

    function test_Inactive() external {
        Terms memory terms = withGrants(termsOf(ITEM, 0), 2);
        terms.grants[1] = grantTo(stranger, NON_PROFIT);
        issue(terms);
        expectFor(ITEM, stranger, USER_TYPE | USER_INACTIVE, "unregistered, named by account");
        suspend(institute, NON_PROFIT);
        expectFor(ITEM, institute, USER_INACTIVE, "suspended, else permitted");
        vm.prank(registrar);
        registry.setUserClass({user: institute, class: NON_PROFIT, active: true});
        expectFor(ITEM, institute, 0, "active again");
    }

    function test_DataStatus() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.requiredStatus = 1;
        terms.operations |= uint64(1) << DE_ID_AND_ANONYM;
        terms.grants[0].operations |= uint64(1) << DE_ID_AND_ANONYM;
        issue(terms);
        expectFor(ITEM, institute, DATA_STATUS, "third party");
        expect(backEnd(ITEM), DATA_STATUS, "Back End");
        Request memory r = request(ITEM, institute);
        r.operation = DE_ID_AND_ANONYM;
        expect(r, 0, "de-identification is exempt");
        r = backEnd(ITEM);
        r.operation = DE_ID_AND_ANONYM;
        expect(r, 0, "for the Back End too");
        derive(ITEM, CHILD, 1);
        expectFor(CHILD, institute, 0, "pseudonymised enough");
    }

    // ------------------------------------------------------------ the Back End

    function test_BackEnd() external {
        issueDefault();
        Request memory r = backEnd(ITEM);
        expect(r, 0, "licensed");
        r.operation = OTHER_OPERATION;
        expect(r, PROCESS, "operation");
        r.usage = RESEARCH;
        expect(r, PROCESS | USAGE, "and usage");
    }

    function test_BackEndWithoutLicence() external {
        Terms memory terms = termsOf(ITEM, 0);
        (terms.operations, terms.usages) = (0, 0);
        issue(terms);
        Request memory r = backEnd(ITEM);
        expect(r, NOT_LICENSED, "nothing licensed");
        r.at = END;
        expect(r, NOT_LICENSED | EXPIRED, "with the common part");
    }

    function test_GrantsAreNotForTheBackEnd() external {
        Terms memory terms = termsOf(ITEM, 0);
        (terms.operations, terms.usages) = (0, 0);
        terms.grants[0].user = address(registry);
        issue(terms);
        expectFor(ITEM, address(registry), NOT_LICENSED, "judged by the BackEndLicence alone");
    }

    // ------------------------------------------------------------ third parties

    function test_NotLicensed() external {
        issueDefault();
        expectFor(ITEM, company, NOT_LICENSED, "other class");
        expectFor(ITEM, stranger, NOT_LICENSED | USER_INACTIVE, "no class");
        expectFor(ITEM, address(0), NOT_LICENSED | USER_INACTIVE, "the zero address is not a grant by class");
        issue(withGrants(termsOf(CHILD, 0), 0));
        expectFor(CHILD, institute, NOT_LICENSED, "no grant at all");
    }

    function test_UserType() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.grants[0] = grantTo(company, NON_PROFIT);
        issue(terms);
        expectFor(ITEM, company, USER_TYPE, "named, but of another class");
        expectFor(ITEM, institute, NOT_LICENSED, "of the class, but not named");
    }

    function test_TermsOfTheGrant() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.grants[0].dataClasses = 0x1f;
        (terms.grants[0].start, terms.grants[0].end) = (NOW + 10, NOW + 20);
        issue(terms);
        Request memory r = request(ITEM, institute);
        expect(r, DATA_CLASS | NOT_YET_VALID, "data class, window of the grant");
        vm.warp(NOW + 10);
        r.at = NOW + 20;
        r.operation = OTHER_OPERATION;
        expect(r, DATA_CLASS | EXPIRED | PROCESS, "operation");
        r.usage = HEALTH_CARE;
        expect(r, DATA_CLASS | EXPIRED | PROCESS | USAGE, "usage");
    }

    function test_FewestFailingTermsTheFirstOfEquals() external {
        Terms memory terms = withGrants(termsOf(ITEM, 0), 4);
        for (uint256 i = 0; i < 4; i++) {
            terms.grants[i] = grantTo(address(0), NON_PROFIT);
        }
        (terms.grants[0].operations, terms.grants[0].usages) = (1, uint8(1) << HEALTH_CARE);
        terms.grants[1].dataClasses = 0;
        terms.grants[2].operations = 2;
        terms.grants[3] = grantTo(company, PROFIT);
        issue(terms);
        expectFor(ITEM, institute, DATA_CLASS, "two fail one term: the first of them");
        Request memory r = request(ITEM, institute);
        r.operation = 0;
        expect(r, USAGE, "other two fail one term now: the first of them");
        r = request(ITEM, institute);
        r.at = END;
        expect(r, EXPIRED | DATA_CLASS, "the common part does not count");
    }

    function test_AnyGrantWithoutFailingTermPermits() external {
        Terms memory terms = withGrants(termsOf(ITEM, 0), 8);
        for (uint256 i = 0; i < 7; i++) {
            terms.grants[i].operations = 0;
        }
        terms.grants[7] = grantTo(address(0), NON_PROFIT);
        issue(terms);
        expectFor(ITEM, institute, 0, "the last");
    }

    // ------------------------------------------------------------ usages

    function test_CoveredUsages() external {
        // licensed, asked, status, covered
        checkUsage(0x01, 3, 0, true);
        checkUsage(0x01, 0, 0, true);
        checkUsage(0x02, 3, 0, false);
        checkUsage(0x02, 3, 1, true);
        checkUsage(0x02, 0, 1, true);
        checkUsage(0x02, 1, 0, false);
        checkUsage(0x02, 1, 2, true);
        checkUsage(0x04, 5, 1, false);
        checkUsage(0x04, 5, 2, true);
        checkUsage(0x04, 2, 1, false);
        checkUsage(0x08, 3, 0, true);
        checkUsage(0x08, 4, 2, false);
        checkUsage(0x3e, 0, 0, false);
        checkUsage(0x3f, 6, 2, false);
        checkUsage(0x3f, 255, 2, false);
        checkUsage(0x00, 0, 2, false);
    }

    function checkUsage(uint8 licensed, uint8 asked, uint8 status, bool covered) private {
        bytes32 item = keccak256(abi.encode(licensed, asked, status));
        Terms memory terms = termsOf(item, 0);
        terms.usages = licensed;
        terms.grants[0].usages = licensed;
        issue(terms);
        if (status > 0) {
            bytes32 child = keccak256(abi.encode(item));
            derive(item, child, status);
            item = child;
        }
        Request memory r = request(item, institute);
        r.usage = asked;
        expect(r, covered ? 0 : USAGE, "third party");
        r.user = address(registry);
        expect(r, covered ? 0 : USAGE, "Back End");
    }

    // ------------------------------------------------------------ unknown codes

    function test_EveryCodeIsAnsweredNeverReverted() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.operations = 0x071f00ffffffffff;
        terms.usages = 0x3f;
        terms.grants[0].operations = 0x071f00ffffffffff;
        terms.grants[0].usages = 0x3f;
        issue(terms);
        Request[] memory all = new Request[](512);
        for (uint256 i = 0; i < 256; i++) {
            all[i] = request(ITEM, institute);
            // forge-lint: disable-next-line(unsafe-typecast) i is below 256
            all[i].operation = uint8(i);
            bool known = i < 40 || (i >= 48 && i <= 52) || (i >= 56 && i <= 58);
            vm.assertEq(registry.check(all[i]), known ? 0 : PROCESS, "operation");
            all[256 + i] = request(ITEM, institute);
            // forge-lint: disable-next-line(unsafe-typecast) i is below 256
            all[256 + i].usage = uint8(i);
            vm.assertEq(registry.check(all[256 + i]), i < 6 ? 0 : USAGE, "usage");
        }
        vm.recordLogs();
        vm.prank(operator);
        registry.confirm(all);
        vm.assertEq(vm.getRecordedLogs().length, 512, "one event each");
    }

    // ------------------------------------------------------------ batches

    function test_OneEventPerRequestInOrderAndNoStateChange() external {
        issueDefault();
        issue(withGrants(termsOf(GRANDCHILD, 0), 8));
        derive(GRANDCHILD, CHILD, 1);
        // Other licences, users and sizes next to each other: nothing of one may be left for the next.
        address[6] memory users = [institute, company, address(0), patient, address(registry), institute];
        bytes32[4] memory items = [ITEM, CHILD, keccak256("none"), GRANDCHILD];
        Request[] memory requests = new Request[](24);
        for (uint256 i = 0; i < 24; i++) {
            requests[i] = request(items[i % 4], users[i / 4]);
            requests[i].usage = i % 3 == 0 ? HEALTH_CARE : RESEARCH;
        }
        vm.recordLogs();
        vm.record();
        vm.prank(operator);
        registry.confirm(requests);
        (, bytes32[] memory writes) = vm.accesses(address(registry));
        vm.assertEq(writes.length, 0, "no state change");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 24, "one event each");
        for (uint256 i = 0; i < 24; i++) {
            Request memory r = requests[i];
            vm.assertEq(logs[i].topics[1], r.aihData, "in order: item");
            vm.assertEq(logs[i].topics[3], bytes32(uint256(uint160(r.user))), "in order: user");
            vm.assertEq(
                logs[i].data,
                abi.encode(r.confirmId, r.operation, r.usage, r.at, registry.check(r)),
                "as check says for it alone"
            );
        }
    }

    function test_EmptyBatch() external {
        vm.recordLogs();
        vm.prank(operator);
        registry.confirm(new Request[](0));
        vm.assertEq(vm.getRecordedLogs().length, 0, "nothing to answer");
    }

    function test_AGrantWithTheEndUsersOwnAccountDoesNotBindThem() external {
        Terms memory terms = termsOf(ITEM, 0);
        Grant memory own = grantTo(patient, END_USER);
        own.operations = 0;
        terms.grants[0] = own;
        issue(terms);
        expectFor(ITEM, patient, 0, "not bound");
    }
}
