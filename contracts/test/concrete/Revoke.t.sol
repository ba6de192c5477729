// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LicenceRegistry} from "../../src/LicenceRegistry.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {ILicenceRegistry, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";
import {SmartAccount} from "../utils/SmartAccount.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice See revoke.tree.
contract RevokeTest is Base {
    address private licence;

    function setUp() public override {
        super.setUp();
        licence = issueDefault();
    }

    function expectRefusal(address caller, bytes32 item, bytes memory signature, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(caller);
        registry.revoke(item, signature);
    }

    function expectInvalidSignature(bytes memory signature) private {
        bytes32 digest = registry.hashRevocation(ITEM, registry.licenceOf(ITEM));
        bytes4 selector = ILicenceRegistry.LicenceRegistry_InvalidSignature.selector;
        expectRefusal(stranger, ITEM, signature, abi.encodeWithSelector(selector, patient, digest));
    }

    function expectEvent(bytes32 item, address of_, address by, uint8 scope) private {
        vm.expectEmit(true, true, true, true, address(registry));
        emit ILicenceRegistry.LicenceRevoked(item, of_, by, scope);
    }

    function test_RevertGiven_TheItemNeverHadALicence() external {
        bytes memory refusal = abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_NoLicence.selector, CHILD);
        expectRefusal(patient, CHILD, "", refusal);
        expectRefusal(operator, CHILD, "", refusal);
    }

    function test_RevertGiven_TheLicenceIsRevoked() external {
        bytes memory signature = signRevocation(PATIENT_KEY, ITEM);
        revokeWhole(ITEM);
        bytes memory refusal =
            abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_AlreadyRevoked.selector, ITEM, licence);
        expectRefusal(patient, ITEM, "", refusal);
        expectRefusal(operator, ITEM, "", refusal);
        expectRefusal(stranger, ITEM, signature, refusal);
    }

    // ------------------------------------------------------------ with a signature

    function test_RevertWhen_TheSignatureIsNotTheEndUsers() external {
        expectInvalidSignature(hex"00");
        expectInvalidSignature(new bytes(65));
        expectInvalidSignature(signRevocation(OTHER_KEY, ITEM));
        expectInvalidSignature(signDigest(PATIENT_KEY, registry.hashRevocation(CHILD, licence)));
        expectInvalidSignature(signDigest(PATIENT_KEY, registry.hashRevocation(ITEM, stranger)));
        expectInvalidSignature(signTerms(PATIENT_KEY, termsOf(ITEM, 0)));
        LicenceRegistry elsewhere = newRegistry();
        expectInvalidSignature(signDigest(PATIENT_KEY, elsewhere.hashRevocation(ITEM, licence)));
    }

    function test_RevertWhen_TheOperatorBringsABadSignature() external {
        // Falling back to giving up the Back End's right would not be what was asked for.
        bytes32 digest = registry.hashRevocation(ITEM, licence);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_InvalidSignature.selector;
        expectRefusal(operator, ITEM, hex"00", abi.encodeWithSelector(selector, patient, digest));
    }

    function test_RevertWhen_TheSignatureWasForAnEarlierLicence() external {
        bytes memory signature = signRevocation(PATIENT_KEY, ITEM);
        change(termsOf(ITEM, 1));
        expectInvalidSignature(signature);
    }

    function test_WhenAnyoneRelaysTheEndUsersSignature() external {
        bytes memory signature = signRevocation(PATIENT_KEY, ITEM);
        expectEvent(ITEM, licence, patient, 2);
        vm.prank(stranger);
        registry.revoke(ITEM, signature);
        checkRevoked();
    }

    function checkRevoked() private view {
        (address current, uint64 sequence, uint8 state) = registry.itemOf(ITEM);
        vm.assertEq(current, licence, "still the item's latest");
        vm.assertEq(sequence, 2, "counted");
        vm.assertEq(state, 2, "revoked");
        vm.assertFalse(registry.standing(licence), "does not stand");
        vm.assertEq(verdictOf(ITEM, institute), 2, "Revoked");
    }

    // ------------------------------------------------------------ without

    function test_WhenTheEndUserCalls() external {
        expectEvent(ITEM, licence, patient, 2);
        vm.prank(patient);
        registry.revoke(ITEM, "");
        checkRevoked();
    }

    function test_WhenTheEndUserIsAlsoAnOperator() external {
        vm.prank(admin);
        registry.grantRole(OPERATOR_ROLE, patient);
        revokeWhole(ITEM);
        checkRevoked();
    }

    function test_WhenASmartAccountRevokes() external {
        SmartAccount account = new SmartAccount(other);
        Terms memory terms = termsOf(CHILD, 0);
        terms.endUser = address(account);
        bytes memory signature = signTerms(OTHER_KEY, terms);
        vm.prank(operator);
        registry.issue(terms, signature);
        account.revoke(registry, CHILD);
        vm.assertEq(verdictOf(CHILD, institute), 2, "by calling");

        terms.sequence = 2;
        signature = signTerms(OTHER_KEY, terms);
        vm.prank(operator);
        registry.change(terms, signature);
        registry.revoke(CHILD, signRevocation(OTHER_KEY, CHILD));
        vm.assertEq(verdictOf(CHILD, institute), 2, "by signing");
    }

    function test_WhenTheOperatorGivesUpTheBackEndsRight() external {
        Request memory own = request(ITEM, address(registry));
        own.usage = HEALTH_CARE;
        vm.assertEq(registry.check(own), 0, "had it");
        expectEvent(ITEM, licence, operator, 1);
        renounce(ITEM);
        (, uint64 sequence, uint8 state) = registry.itemOf(ITEM);
        vm.assertEq(sequence, 1, "no licence event");
        vm.assertEq(state, 1, "Back End renounced");
        vm.assertEq(registry.check(own), 2, "Revoked for the Back End");
        vm.assertEq(verdictOf(ITEM, institute), 0, "third parties keep theirs");
        vm.assertTrue(registry.standing(licence), "stands");
    }

    function test_RevertGiven_TheRightWasGivenUp() external {
        renounce(ITEM);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_AlreadyRenounced.selector;
        expectRefusal(operator, ITEM, "", abi.encodeWithSelector(selector, ITEM, licence));
    }

    function test_GivenTheRightWasGivenUp_TheEndUserStillRevokes() external {
        renounce(ITEM);
        revokeWhole(ITEM);
        checkRevoked();
    }

    function test_RevertWhen_TheCallerIsAnyoneElse() external {
        address[4] memory callers = [stranger, registrar, admin, institute];
        bytes4 selector = ILicenceRegistry.LicenceRegistry_NotEntitled.selector;
        for (uint256 i = 0; i < callers.length; i++) {
            expectRefusal(callers[i], ITEM, "", abi.encodeWithSelector(selector, callers[i]));
        }
    }

    // ------------------------------------------------------------ derived

    function test_WhatWasDerivedFallsWithItsRoot() external {
        address child = derive(ITEM, CHILD, 1);
        address grandchild = derive(CHILD, GRANDCHILD, 2);
        revokeWhole(ITEM);
        vm.assertFalse(registry.standing(child), "child");
        vm.assertFalse(registry.standing(grandchild), "grandchild");
        vm.assertEq(verdictOf(GRANDCHILD, institute), 2, "Revoked");
        vm.assertEq(verdictOf(GRANDCHILD, patient), 0, "the End User is not bound");
    }

    function test_ADerivedLicenceCanBeRevokedByItself() external {
        address child = derive(ITEM, CHILD, 1);
        address grandchild = derive(CHILD, GRANDCHILD, 2);
        revokeWhole(CHILD);
        vm.assertFalse(registry.standing(child), "child");
        vm.assertTrue(registry.standing(licence), "parent");
        vm.assertTrue(registry.standing(grandchild), "what was derived from it before");
        vm.assertEq(registry.sequenceOf(CHILD), 1, "a licence event of the child");
    }

    function test_TheBackEndsRightGivenUpAtTheRootIsGivenUpBelow() external {
        derive(ITEM, CHILD, 1);
        Request memory own = request(CHILD, address(registry));
        own.usage = HEALTH_CARE;
        vm.assertEq(registry.check(own), 0, "had it");
        renounce(ITEM);
        vm.assertEq(registry.check(own), 2, "Revoked for the Back End");
        vm.assertEq(verdictOf(CHILD, institute), 0, "third parties keep theirs");
    }

    function test_EmitsOneEventOnly() external {
        vm.recordLogs();
        revokeWhole(ITEM);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
    }
}
