// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Terms} from "../../src/interfaces/ILicence.sol";
import {ILicenceRegistry, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";

/// @notice See users.tree.
contract UsersTest is Base {
    function refused(address account, bytes32 role) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, account, role);
    }

    function expectRefusal(address caller, address user, uint8 class, bool active, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(caller);
        registry.setUserClass({user: user, class: class, active: active});
    }

    function test_RevertWhen_CallerHasNoRole() external {
        expectRefusal(patient, stranger, END_USER, true, refused(patient, OPERATOR_ROLE));
        expectRefusal(patient, stranger, NON_PROFIT, true, refused(patient, REGISTRAR_ROLE));
        expectRefusal(admin, stranger, CLINICAL, true, refused(admin, REGISTRAR_ROLE));
    }

    function test_RevertWhen_AnOperatorWantsMoreThanAnActiveEndUser() external {
        for (uint8 class = 1; class < 6; class++) {
            expectRefusal(operator, stranger, class, true, refused(operator, REGISTRAR_ROLE));
        }
        expectRefusal(operator, stranger, END_USER, false, refused(operator, REGISTRAR_ROLE));
        expectRefusal(operator, institute, NON_PROFIT, false, refused(operator, REGISTRAR_ROLE));
    }

    function test_RevertWhen_AnOperatorChangesAKnownAccount() external {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_UserClassKnown.selector;
        expectRefusal(operator, institute, END_USER, true, abi.encodeWithSelector(selector, institute, NON_PROFIT));
        vm.prank(registrar);
        registry.setUserClass({user: patient, class: END_USER, active: false});
        expectRefusal(operator, patient, END_USER, true, abi.encodeWithSelector(selector, patient, END_USER));
    }

    function test_AnOperatorRegistersAnEndUser() external {
        expectSet(operator, stranger, END_USER, true);
    }

    function test_RevertWhen_TheAccountIsZero() external {
        bytes memory refusal = abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_NoUser.selector);
        expectRefusal(registrar, address(0), NON_PROFIT, true, refusal);
        expectRefusal(operator, address(0), END_USER, true, refusal);
    }

    function test_RevertWhen_TheClassIsUnknown() external {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_UnknownUserClass.selector;
        expectRefusal(registrar, stranger, 6, true, abi.encodeWithSelector(selector, uint8(6)));
        expectRefusal(registrar, stranger, 255, false, abi.encodeWithSelector(selector, uint8(255)));
    }

    function test_ARegistrarRecordsSuspendsAndReinstates() external {
        (bool known,,) = registry.userClassOf(stranger);
        vm.assertFalse(known, "unknown before");
        for (uint8 class = 0; class < 6; class++) {
            expectSet(registrar, stranger, class, true);
            expectSet(registrar, stranger, class, false);
            expectSet(registrar, stranger, class, true);
        }
    }

    function expectSet(address caller, address user, uint8 class, bool active) private {
        vm.expectEmit(true, true, true, true, address(registry));
        emit ILicenceRegistry.UserClassSet(user, class, active, caller);
        vm.prank(caller);
        registry.setUserClass({user: user, class: class, active: active});
        (bool known, uint8 found, bool foundActive) = registry.userClassOf(user);
        vm.assertTrue(known, "known");
        vm.assertEq(found, class, "class");
        vm.assertEq(foundActive, active, "active");
    }

    // ------------------------------------------------------------ roles

    function test_OnlyTheAdminGrantsRoles() external {
        address[3] memory callers = [operator, registrar, stranger];
        for (uint256 i = 0; i < 3; i++) {
            vm.expectRevert(refused(callers[i], bytes32(0)));
            vm.prank(callers[i]);
            registry.grantRole(OPERATOR_ROLE, stranger);
        }
        vm.prank(admin);
        registry.grantRole(REGISTRAR_ROLE, stranger);
        vm.assertTrue(registry.hasRole(REGISTRAR_ROLE, stranger), "granted");
    }

    function test_TheAdminChangesOnlyAfterTheDelay() external {
        vm.prank(admin);
        registry.beginDefaultAdminTransfer(stranger);
        vm.warp(NOW + ADMIN_DELAY);
        vm.expectRevert(
            abi.encodeWithSignature("AccessControlEnforcedDefaultAdminDelay(uint48)", uint48(NOW + ADMIN_DELAY))
        );
        vm.prank(stranger);
        registry.acceptDefaultAdminTransfer();
        vm.warp(NOW + ADMIN_DELAY + 1);
        vm.prank(stranger);
        registry.acceptDefaultAdminTransfer();
        vm.assertEq(registry.defaultAdmin(), stranger, "new admin");
    }

    function test_AnOperatorWhoseRoleIsTakenIsStopped() external {
        issueDefault();
        vm.prank(admin);
        registry.revokeRole(OPERATOR_ROLE, operator);
        Request[] memory requests = one(request(ITEM, institute));
        vm.expectRevert(refused(operator, OPERATOR_ROLE));
        vm.prank(operator);
        registry.confirm(requests);
        vm.expectRevert(abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_NotEntitled.selector, operator));
        vm.prank(operator);
        registry.revoke(ITEM, "");
    }

    function test_NoRoleMakesARootLicence() external {
        vm.startPrank(admin);
        registry.grantRole(OPERATOR_ROLE, admin);
        registry.grantRole(REGISTRAR_ROLE, admin);
        Terms memory terms = termsOf(ITEM, 0);
        bytes32 digest = registry.hashTerms(terms);
        vm.expectRevert(
            abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_InvalidSignature.selector, patient, digest)
        );
        registry.issue(terms, "");
        vm.stopPrank();
    }
}
