// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {Licence} from "../../src/Licence.sol";
import {LicenceRegistry} from "../../src/LicenceRegistry.sol";
import {ILicence, Terms} from "../../src/interfaces/ILicence.sol";
import {ILicenceRegistry, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";

/// @notice What can be read from the registry and from a licence.
///
/// ```text
/// isLicence, termsOf, standing
/// ├── given an address the registry did not deploy: no code, short code, long code, a forged clone, an implementation
/// │   └── it should not take it for a licence; termsOf should revert with NotALicence
/// └── given a licence, current or not
///     └── it should know it, with the sequence it was signed with
/// Licence
/// ├── when the implementation itself is asked
/// │   └── it should revert with Licence_NotALicence
/// └── it should tell its terms, status, root, parent, standing, and answer check for itself alone
/// ```
contract ViewsTest is Base {
    function expectNotALicence(address account, string memory what) private {
        vm.assertFalse(registry.isLicence(account), what);
        vm.assertFalse(registry.standing(account), what);
        vm.expectRevert(abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_NotALicence.selector, account));
        registry.termsOf(account);
    }

    function test_WhatIsNotALicence() external {
        address real = issueDefault();
        address derived = derive(ITEM, CHILD, 1);
        expectNotALicence(stranger, "no code");
        expectNotALicence(address(0), "zero");
        expectNotALicence(registry.IMPLEMENTATION(), "implementation");
        expectNotALicence(address(registry), "registry");
        vm.etch(stranger, hex"00");
        expectNotALicence(stranger, "short code");
        vm.etch(stranger, new bytes(45 + 106));
        expectNotALicence(stranger, "zeros of the right size");
        vm.etch(stranger, new bytes(24_000));
        expectNotALicence(stranger, "long code");
        vm.etch(stranger, real.code);
        expectNotALicence(stranger, "a root's code elsewhere");
        vm.etch(stranger, derived.code);
        expectNotALicence(stranger, "a derived one's code elsewhere");
        // Grant counts that do not fit the size.
        bytes memory code = real.code;
        for (uint256 count = 0; count < 256; count += 5) {
            // forge-lint: disable-next-line(unsafe-typecast) below 256
            code[45 + 105] = bytes1(uint8(count));
            vm.etch(stranger, code);
            expectNotALicence(stranger, "grant count that does not fit");
        }
    }

    function test_AForgedCloneIsNotALicence() external {
        address real = issueDefault();
        address forged = Clones.cloneWithImmutableArgs(registry.IMPLEMENTATION(), Clones.fetchCloneArgs(real));
        expectNotALicence(forged, "somebody else's clone");
        vm.assertFalse(Licence(forged).isStanding(), "does not stand");
        vm.assertEq(Licence(forged).check(institute, OPERATION, RESEARCH, NOW), 2, "Revoked, whatever it says");
        LicenceRegistry elsewhere = newRegistry();
        vm.assertFalse(elsewhere.isLicence(real), "another registry's licence");
    }

    function test_EveryLicenceIsKnownWithItsSequence() external {
        address[4] memory roots;
        roots[0] = issueDefault();
        address child = derive(ITEM, CHILD, 1);
        roots[1] = change(termsOf(ITEM, 1));
        revokeWhole(ITEM);
        roots[3] = change(termsOf(ITEM, 3));
        for (uint64 i = 0; i < 4; i++) {
            if (i == 2) continue;
            vm.assertTrue(registry.isLicence(roots[i]), "licence");
            vm.assertEq(
                keccak256(abi.encode(registry.termsOf(roots[i]))),
                keccak256(abi.encode(termsOf(ITEM, i))),
                "terms and sequence"
            );
        }
        vm.assertTrue(registry.isLicence(child), "derived, fallen");
        vm.assertEq(registry.termsOf(child).sequence, 0, "its root's sequence");
    }

    function test_RevertWhen_TheImplementationIsAsked() external {
        Licence implementation = Licence(registry.IMPLEMENTATION());
        bytes memory refusal = abi.encodeWithSelector(ILicence.Licence_NotALicence.selector, address(implementation));
        vm.expectRevert(refusal);
        implementation.aihData();
        vm.expectRevert(refusal);
        implementation.endUser();
        vm.expectRevert(refusal);
        implementation.status();
        vm.expectRevert(refusal);
        implementation.root();
        vm.expectRevert(refusal);
        implementation.parent();
        vm.expectRevert(refusal);
        implementation.check(patient, 0, 0, 0);
        vm.assertFalse(implementation.isStanding(), "never stands");
    }

    function test_ALicenceTellsItsTerms() external {
        Licence licence = Licence(issueDefault());
        vm.assertEq(licence.registry(), address(registry), "registry");
        vm.assertEq(licence.aihData(), ITEM, "aihData");
        vm.assertEq(licence.endUser(), patient, "endUser");
        vm.assertEq(licence.status(), 0, "status");
        vm.assertEq(licence.root(), address(0), "root");
        vm.assertEq(licence.parent(), address(0), "parent");
        vm.assertTrue(licence.isStanding(), "stands");
        Terms memory terms = licence.terms();
        vm.assertEq(keccak256(abi.encode(terms)), keccak256(abi.encode(termsOf(ITEM, 0))), "terms");
    }

    function test_ALicenceAnswersForItselfAlone() external {
        Licence first = Licence(issueDefault());
        vm.assertEq(first.check(institute, OPERATION, RESEARCH, NOW), 0, "permits");
        change(termsOf(ITEM, 1));
        vm.assertEq(first.check(institute, OPERATION, RESEARCH, NOW), 2, "replaced");
        vm.assertEq(verdictOf(ITEM, institute), 0, "the item's current licence permits");
    }

    function test_ALicenceKnowsWhatTheBackEndGaveUp() external {
        Licence licence = Licence(issueDefault());
        Licence child = Licence(derive(ITEM, CHILD, 1));
        renounce(ITEM);
        vm.assertEq(licence.check(address(registry), OPERATION, HEALTH_CARE, NOW), 2, "given up");
        vm.assertEq(child.check(address(registry), OPERATION, HEALTH_CARE, NOW), 2, "below too");
        vm.assertEq(child.check(institute, OPERATION, RESEARCH, NOW), 0, "third parties keep theirs");
    }

    function test_TheAddressFollowsFromContentAndPlaceInHistory() external {
        address licence = issueDefault();
        vm.assertEq(registry.predict(termsOf(ITEM, 0)), licence, "from content alone");
        vm.assertNotEq(registry.predict(termsOf(ITEM, 1)), licence, "another place in history, another licence");
    }

    function test_InterfaceConstants() external view {
        vm.assertEq(registry.OPERATOR_ROLE(), keccak256("OPERATOR"), "operator");
        vm.assertEq(registry.REGISTRAR_ROLE(), keccak256("REGISTRAR"), "registrar");
        Request memory r = request(ITEM, institute);
        vm.assertEq(registry.check(r), 1, "nothing licensed yet");
    }
}
