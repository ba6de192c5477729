// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Licence} from "../../src/Licence.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {Derivation, ILicenceRegistry, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice See derive.tree. Each refusal is tried twice: as a revert of `derive`, as an event of `execute`.
contract DeriveTest is Base {
    address private root;

    function setUp() public override {
        super.setUp();
        root = issueDefault();
    }

    function expectRefusal(bytes32 parent, bytes32 item, uint8 status, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(operator);
        registry.derive(parent, item, status);

        Derivation[] memory derivations = new Derivation[](1);
        derivations[0] = Derivation({parent: parent, aihData: item, status: status});
        vm.expectEmit(true, true, true, true, address(registry));
        // forge-lint: disable-next-line(unsafe-typecast) the selector is what is meant
        emit ILicenceRegistry.DerivationRefused(item, parent, status, bytes4(refusal));
        vm.prank(operator);
        registry.execute(new Request[](0), derivations);
    }

    function expectParentNotStanding(bytes32 parent, address licence) private {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_ParentNotStanding.selector;
        expectRefusal(parent, keccak256("new"), 1, abi.encodeWithSelector(selector, parent, licence));
    }

    function expectAlreadyLicensed(bytes32 parent, bytes32 item, uint8 status, address licence) private {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_AlreadyLicensed.selector;
        expectRefusal(parent, item, status, abi.encodeWithSelector(selector, item, licence));
    }

    function test_RevertWhen_CallerIsNotAnOperator() external {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, patient, OPERATOR_ROLE);
        vm.expectRevert(refusal);
        vm.prank(patient);
        registry.derive(ITEM, CHILD, 1);
        vm.expectRevert(refusal);
        vm.prank(patient);
        registry.execute(new Request[](0), new Derivation[](0));
    }

    // ------------------------------------------------------------ parent and status

    function test_RevertGiven_TheParentHasNoLicence() external {
        expectParentNotStanding(CHILD, address(0));
        expectParentNotStanding(bytes32(0), address(0));
    }

    function test_RevertGiven_TheParentIsRevoked() external {
        revokeWhole(ITEM);
        expectParentNotStanding(ITEM, root);
    }

    function test_RevertGiven_TheParentFellWithItsRoot() external {
        address child = derive(ITEM, CHILD, 1);
        change(termsOf(ITEM, 1));
        expectParentNotStanding(CHILD, child);
    }

    function test_RevertGiven_TheDerivedParentIsRevoked() external {
        address child = derive(ITEM, CHILD, 1);
        revokeWhole(CHILD);
        expectParentNotStanding(CHILD, child);
    }

    function test_RevertWhen_TheStatusIsUnknown() external {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_UnknownStatus.selector;
        expectRefusal(ITEM, CHILD, 3, abi.encodeWithSelector(selector, uint8(3)));
        expectRefusal(ITEM, CHILD, 255, abi.encodeWithSelector(selector, uint8(255)));
    }

    function test_RevertWhen_TheStatusIsBelowTheParents() external {
        derive(ITEM, CHILD, 2);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_StatusLowered.selector;
        expectRefusal(CHILD, GRANDCHILD, 1, abi.encodeWithSelector(selector, uint8(2), uint8(1)));
        expectRefusal(CHILD, GRANDCHILD, 0, abi.encodeWithSelector(selector, uint8(2), uint8(0)));
    }

    // ------------------------------------------------------------ the new item

    function test_RevertWhen_TheNewItemIsNotNamed() external {
        expectRefusal(ITEM, bytes32(0), 1, abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_NoData.selector));
    }

    function test_GivenTheVeryDerivationStands_ReturnsItsAddress() external {
        address child = derive(ITEM, CHILD, 1);
        vm.recordLogs();
        vm.assertEq(derive(ITEM, CHILD, 1), child, "same address");
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
    }

    function test_RevertGiven_TheNewItemStandsOtherwise() external {
        address child = derive(ITEM, CHILD, 1);
        expectAlreadyLicensed(ITEM, CHILD, 2, child);
        expectAlreadyLicensed(ITEM, CHILD, 0, child);
        derive(ITEM, GRANDCHILD, 1);
        expectAlreadyLicensed(GRANDCHILD, CHILD, 1, child);
    }

    function test_RevertGiven_TheNewItemIsARoot() external {
        address second = issue(termsOf(CHILD, 0));
        expectAlreadyLicensed(ITEM, CHILD, 1, second);
        expectAlreadyLicensed(ITEM, ITEM, 0, root);
        revokeWhole(CHILD);
        expectAlreadyLicensed(ITEM, CHILD, 1, second);
    }

    function test_RevertGiven_TheEndUserRevokedItByItself() external {
        address child = derive(ITEM, CHILD, 1);
        revokeWhole(CHILD);
        expectAlreadyLicensed(ITEM, CHILD, 1, child);
        change(termsOf(ITEM, 1));
        expectAlreadyLicensed(ITEM, CHILD, 1, child);
    }

    function test_RevertWhen_ItDescendsFromAnotherSignedItem() external {
        derive(ITEM, CHILD, 1);
        change(termsOf(ITEM, 1));
        bytes32 second = keccak256("second");
        issue(termsOf(second, 0));
        bytes4 selector = ILicenceRegistry.LicenceRegistry_OtherRoot.selector;
        expectRefusal(second, CHILD, 1, abi.encodeWithSelector(selector, CHILD, ITEM, second));
    }

    function test_RevertWhen_TheStatusIsBelowTheOneItHad() external {
        derive(ITEM, CHILD, 2);
        change(termsOf(ITEM, 1));
        bytes4 selector = ILicenceRegistry.LicenceRegistry_StatusLowered.selector;
        expectRefusal(ITEM, CHILD, 1, abi.encodeWithSelector(selector, uint8(2), uint8(1)));
    }

    function test_GivenItFellWithItsRoot_DerivesAnew() external {
        address child = derive(ITEM, CHILD, 1);
        change(termsOf(ITEM, 1));
        address anew = derive(ITEM, CHILD, 1);
        vm.assertNotEq(anew, child, "another licence");
        vm.assertTrue(registry.standing(anew), "stands");
        vm.assertFalse(registry.standing(child), "the old one does not come back");
        vm.assertEq(verdictOf(CHILD, institute), 0, "permits");
        // The same through a chain of derivations, and with a status that rose meanwhile.
        change(termsOf(ITEM, 2));
        derive(ITEM, GRANDCHILD, 0);
        vm.assertTrue(registry.standing(derive(GRANDCHILD, CHILD, 2)), "through another parent of the same item");
    }

    // ------------------------------------------------------------ success

    function test_CopiesTheParentsTerms() external {
        Terms memory terms = withGrants(termsOf(GRANDCHILD, 0), 8);
        address eight = issue(terms);
        bytes32 item = keccak256("child of eight");
        Licence child = Licence(derive(GRANDCHILD, item, 1));
        vm.assertEq(child.aihData(), item, "its own item");
        vm.assertEq(child.status(), 1, "status");
        vm.assertEq(child.root(), eight, "root");
        vm.assertEq(child.parent(), eight, "parent");
        vm.assertEq(child.endUser(), patient, "End User");
        vm.assertEq(keccak256(abi.encode(child.terms())), keccak256(abi.encode(terms)), "terms");

        bytes32 next = keccak256("grandchild of eight");
        Licence grandchild = Licence(derive(item, next, 2));
        vm.assertEq(grandchild.root(), eight, "root of all");
        vm.assertEq(grandchild.parent(), address(child), "parent");
        vm.assertEq(keccak256(abi.encode(grandchild.terms())), keccak256(abi.encode(terms)), "terms");

        bytes memory code = address(grandchild).code;
        vm.assertEq(code.length, 45 + 106 + 8 * 42 + 73, "the parent's trailer is not copied");
        bytes memory trailer = abi.encodePacked(uint8(2), next, eight, address(child));
        for (uint256 i = 0; i < 73; i++) {
            vm.assertTrue(code[code.length - 73 + i] == trailer[i], "trailer");
        }
    }

    function test_RecordsAndEmits() external {
        vm.recordLogs();
        address child = derive(ITEM, CHILD, 1);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].topics[0], ILicenceRegistry.LicenceDerived.selector, "LicenceDerived");
        vm.assertEq(logs[0].topics[1], CHILD, "aihData");
        vm.assertEq(logs[0].topics[2], bytes32(uint256(uint160(child))), "licence");
        vm.assertEq(logs[0].topics[3], ITEM, "parentData");
        vm.assertEq(logs[0].data, abi.encode(root, uint8(1)), "parent, status");
        (address licence, uint64 sequence, uint8 state) = registry.itemOf(CHILD);
        vm.assertEq(licence, child, "recorded");
        vm.assertEq(sequence, 0, "derivation is no licence event");
        vm.assertEq(state, 0, "active");
    }

    function test_TheAddressFollowsFromTheContent() external {
        bytes32 salt = keccak256(abi.encode(root, CHILD, uint8(1)));
        bytes memory args = new bytes(root.code.length - 45);
        bytes memory code = root.code;
        for (uint256 i = 0; i < args.length; i++) {
            args[i] = code[i + 45];
        }
        bytes memory full = bytes.concat(
            hex"61",
            abi.encodePacked(uint16(args.length + 73 + 45)),
            hex"3d81600a3d39f3363d3d373d3d3d363d73",
            abi.encodePacked(registry.IMPLEMENTATION()),
            hex"5af43d82803e903d91602b57fd5bf3",
            args,
            abi.encodePacked(uint8(1), CHILD, root, root)
        );
        bytes32 hash = keccak256(abi.encodePacked(hex"ff", address(registry), salt, keccak256(full)));
        vm.assertEq(derive(ITEM, CHILD, 1), address(uint160(uint256(hash))), "CREATE2 of the written layout");
    }

    function test_ARightGivenUpIsHandedDown() external {
        derive(ITEM, CHILD, 0);
        renounce(CHILD);
        vm.recordLogs();
        address grandchild = derive(CHILD, GRANDCHILD, 0);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 2, "two events");
        vm.assertEq(logs[1].topics[0], ILicenceRegistry.LicenceRevoked.selector, "LicenceRevoked");
        vm.assertEq(logs[1].topics[2], bytes32(uint256(uint160(grandchild))), "of the new licence");
        vm.assertEq(logs[1].data, abi.encode(uint8(1)), "scope 1");
        Request memory own = request(GRANDCHILD, address(registry));
        own.usage = HEALTH_CARE;
        vm.assertEq(registry.check(own), 2, "Revoked for the Back End");
        vm.assertEq(verdictOf(GRANDCHILD, institute), 0, "third parties have theirs");
    }

    function test_ABadDerivationDoesNotSpoilTheBatch() external {
        Derivation[] memory derivations = new Derivation[](3);
        derivations[0] = Derivation({parent: ITEM, aihData: CHILD, status: 1});
        derivations[1] = Derivation({parent: ITEM, aihData: ITEM, status: 1});
        derivations[2] = Derivation({parent: CHILD, aihData: GRANDCHILD, status: 2});
        vm.recordLogs();
        vm.prank(operator);
        registry.execute(one(request(ITEM, institute)), derivations);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 4, "four answers");
        vm.assertEq(logs[0].topics[0], ILicenceRegistry.LicenceConfirmed.selector, "confirmed first");
        vm.assertEq(logs[1].topics[0], ILicenceRegistry.LicenceDerived.selector, "derived");
        vm.assertEq(logs[2].topics[0], ILicenceRegistry.DerivationRefused.selector, "refused");
        vm.assertEq(logs[3].topics[0], ILicenceRegistry.LicenceDerived.selector, "derived from the first");
    }
}
