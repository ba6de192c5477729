// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Terms} from "../../src/interfaces/ILicence.sol";
import {ILicenceRegistry} from "../../src/interfaces/ILicenceRegistry.sol";
import {LicenceTerms} from "../../src/libraries/LicenceTerms.sol";
import {Base} from "../utils/Base.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice See change.tree.
contract ChangeTest is Base {
    address private first;

    function setUp() public override {
        super.setUp();
        first = issueDefault();
    }

    function expectRefusal(Terms memory terms, uint256 key, bytes memory refusal) private {
        bytes memory signature = signTerms(key, terms);
        vm.expectRevert(refusal);
        vm.prank(operator);
        registry.change(terms, signature);
    }

    function expectStale(Terms memory terms, uint64 expected) private {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_StaleSequence.selector;
        expectRefusal(terms, PATIENT_KEY, abi.encodeWithSelector(selector, terms.aihData, expected, terms.sequence));
    }

    function test_RevertWhen_CallerIsNotAnOperator() external {
        Terms memory terms = termsOf(ITEM, 1);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.expectRevert(
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, patient, OPERATOR_ROLE)
        );
        vm.prank(patient);
        registry.change(terms, signature);
    }

    function test_RevertWhen_TermsAreNotValid() external {
        Terms memory terms = withGrants(termsOf(ITEM, 1), 9);
        expectRefusal(terms, PATIENT_KEY, abi.encodeWithSelector(LicenceTerms.LicenceTerms_TooManyGrants.selector, 9));
    }

    function test_RevertWhen_TheSignatureIsNotTheEndUsers() external {
        Terms memory terms = termsOf(ITEM, 1);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_InvalidSignature.selector;
        expectRefusal(terms, OTHER_KEY, abi.encodeWithSelector(selector, patient, registry.hashTerms(terms)));
    }

    function test_RevertGiven_TheItemNeverHadALicence() external {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_NoLicence.selector;
        expectRefusal(termsOf(CHILD, 0), PATIENT_KEY, abi.encodeWithSelector(selector, CHILD));
    }

    function test_RevertGiven_TheItemIsDerived() external {
        derive(ITEM, CHILD, 1);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_DerivedItem.selector;
        expectRefusal(termsOf(CHILD, 0), PATIENT_KEY, abi.encodeWithSelector(selector, CHILD, first));
    }

    function test_RevertWhen_TheEndUserIsAnother() external {
        Terms memory terms = termsOf(ITEM, 1);
        terms.endUser = other;
        bytes4 selector = ILicenceRegistry.LicenceRegistry_OtherEndUser.selector;
        expectRefusal(terms, OTHER_KEY, abi.encodeWithSelector(selector, ITEM, patient, other));
    }

    function test_RevertWhen_TheSequenceIsNotTheItems() external {
        expectStale(termsOf(ITEM, 0), 1);
        expectStale(termsOf(ITEM, 2), 1);
        change(termsOf(ITEM, 1));
        expectStale(termsOf(ITEM, 0), 2);
        expectStale(termsOf(ITEM, 1), 2);
        revokeWhole(ITEM);
        expectStale(termsOf(ITEM, 2), 3);
    }

    function test_DeploysRecordsAndEmits() external {
        Terms memory terms = termsOf(ITEM, 1);
        address predicted = registry.predict(terms);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.recordLogs();
        vm.prank(operator);
        vm.assertEq(registry.change(terms, signature), predicted, "predicted address");

        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].topics[0], ILicenceRegistry.LicenceChanged.selector, "LicenceChanged");
        vm.assertEq(logs[0].topics[1], ITEM, "aihData");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(predicted))), "licence");
        vm.assertEq(logs[0].topics[3], bytes32(uint256(uint160(first))), "previous");
        (bytes32 model, uint64 sequence, bytes memory packed) = abi.decode(logs[0].data, (bytes32, uint64, bytes));
        vm.assertEq(model, terms.modelLicence, "modelLicence");
        vm.assertEq(sequence, 1, "sequence");
        vm.assertEq(packed.length, 106 + 42, "packed terms");

        (address licence, uint64 next, uint8 state) = registry.itemOf(ITEM);
        vm.assertEq(licence, predicted, "current");
        vm.assertEq(next, 2, "one event more");
        vm.assertEq(state, 0, "active");
        vm.assertEq(registry.termsOf(licence).sequence, 1, "its terms know their place");
        vm.assertEq(registry.termsOf(first).sequence, 0, "as do those of the one before");
    }

    function test_MakesThePreviousLicenceAndAllBelowItFall() external {
        address child = derive(ITEM, CHILD, 1);
        address grandchild = derive(CHILD, GRANDCHILD, 2);
        vm.assertTrue(registry.standing(grandchild), "stood before");
        change(termsOf(ITEM, 1));
        vm.assertFalse(registry.standing(first), "previous");
        vm.assertFalse(registry.standing(child), "child");
        vm.assertFalse(registry.standing(grandchild), "grandchild");
        vm.assertTrue(registry.isLicence(first), "still a licence of this registry");
        vm.assertEq(verdictOf(CHILD, institute), 2, "Revoked");
        vm.assertEq(verdictOf(GRANDCHILD, institute), 2, "Revoked");
        vm.assertEq(verdictOf(ITEM, institute), 0, "the item itself goes on");
    }

    function test_LicensesARevokedItemAgain() external {
        revokeWhole(ITEM);
        vm.assertEq(verdictOf(ITEM, institute), 2, "Revoked");
        change(termsOf(ITEM, 2));
        vm.assertEq(verdictOf(ITEM, institute), 0, "licensed again");
        vm.assertEq(registry.sequenceOf(ITEM), 3, "three events");
    }

    function test_BringsBackTheBackEndsRight() external {
        renounce(ITEM);
        change(termsOf(ITEM, 1));
        (,, uint8 state) = registry.itemOf(ITEM);
        vm.assertEq(state, 0, "what the new terms say holds");
    }
}
