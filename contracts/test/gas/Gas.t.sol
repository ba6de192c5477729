// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Derivation, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {Base} from "../utils/Base.sol";

/// @notice Measures the gas goals. forge runs each call as its own transaction here, so that what is read is the
/// receipt's gas: intrinsic and calldata cost included, everything cold. The numbers go to `contracts/gas/`, where
/// `scripts/gas` compares them with the goals and with the committed ones.
/// forge-config: default.isolate = true
contract GasTest is Base {
    uint256 private constant BATCH = 100;

    function setUp() public override {
        super.setUp();
        // Nobody's first transaction, nor the registry's first licence, is what is measured.
        issue(termsOf(keccak256("warm"), 0));
    }

    function measured(string memory name) private {
        vm.snapshotValue("gas", name, vm.lastCallGas().gasTotalUsed);
    }

    function measuredPer(string memory name, uint256 count) private {
        vm.snapshotValue("gas", name, vm.lastCallGas().gasTotalUsed / count);
    }

    function test_issue() external {
        issueDefault();
        measured("issue, one grant");
    }

    function test_issueEightGrants() external {
        issue(withGrants(termsOf(ITEM, 0), 8));
        measured("issue, eight grants");
    }

    function test_change() external {
        issueDefault();
        change(termsOf(ITEM, 1));
        measured("change, one grant");
    }

    function test_checkRoot() external {
        issueDefault();
        Request memory r = request(ITEM, institute);
        registry.check(r);
        measured("check, root, one grant (execution)");
    }

    function test_checkDerived() external {
        issue(withGrants(termsOf(ITEM, 0), 8));
        derive(ITEM, CHILD, 1);
        // The last grant of eight decides: all are read.
        Request memory r = request(CHILD, company);
        r.operation = OTHER_OPERATION;
        registry.check(r);
        measured("check, derived, eight grants (execution)");
    }

    function test_confirmAlone() external {
        issueDefault();
        vm.prank(operator);
        registry.confirm(one(request(ITEM, institute)));
        measured("confirm, alone");
    }

    function test_confirmAloneDerived() external {
        issue(withGrants(termsOf(ITEM, 0), 8));
        derive(ITEM, CHILD, 1);
        vm.prank(operator);
        registry.confirm(one(request(CHILD, institute)));
        measured("confirm, alone, derived, eight grants");
    }

    function test_confirmBatchOtherLicences() external {
        Request[] memory requests = batch(true, false);
        vm.prank(operator);
        registry.confirm(requests);
        measuredPer("confirm, batch of 100 licences (each)", BATCH);
    }

    function test_confirmBatchOtherLicencesAndUsers() external {
        Request[] memory requests = batch(true, true);
        vm.prank(operator);
        registry.confirm(requests);
        measuredPer("confirm, batch of 100 licences, 100 users (each)", BATCH);
    }

    function test_confirmBatchSameLicence() external {
        Request[] memory requests = batch(false, false);
        vm.prank(operator);
        registry.confirm(requests);
        measuredPer("confirm, batch of 100, same licence (each)", BATCH);
    }

    function batch(bool manyItems, bool manyUsers) private returns (Request[] memory requests) {
        requests = new Request[](BATCH);
        if (!manyItems) issueDefault();
        for (uint256 i = 0; i < BATCH; i++) {
            bytes32 item = manyItems ? keccak256(abi.encode("item", i)) : ITEM;
            if (manyItems) issue(termsOf(item, 0));
            // Full-width address and identifier, as on a real chain.
            address user = address(uint160(uint256(keccak256(abi.encode("user", manyUsers ? i : 0)))));
            if (manyUsers || i == 0) {
                vm.prank(registrar);
                registry.setUserClass({user: user, class: NON_PROFIT, active: true});
            }
            requests[i] = request(item, user);
        }
    }

    function test_revokeByEndUser() external {
        issueDefault();
        revokeWhole(ITEM);
        measured("revoke, by the End User");
    }

    function test_revokeRelayed() external {
        issueDefault();
        bytes memory signature = signRevocation(PATIENT_KEY, ITEM);
        vm.prank(stranger);
        registry.revoke(ITEM, signature);
        measured("revoke, relayed signature");
    }

    function test_revokeRelayedWithManyBelow() external {
        issue(withGrants(termsOf(ITEM, 0), 8));
        for (uint256 i = 0; i < 50; i++) {
            derive(ITEM, keccak256(abi.encode("child", i)), 1);
        }
        bytes memory signature = signRevocation(PATIENT_KEY, ITEM);
        vm.prank(stranger);
        registry.revoke(ITEM, signature);
        measured("revoke, relayed, eight grants, fifty licences below");
    }

    function test_renounce() external {
        issueDefault();
        renounce(ITEM);
        measured("revoke, Back End's own right");
    }

    function test_derive() external {
        issueDefault();
        derive(ITEM, CHILD, 1);
        measured("derive, one grant");
    }

    function test_deriveFromDerived() external {
        issueDefault();
        derive(ITEM, CHILD, 1);
        derive(CHILD, GRANDCHILD, 2);
        measured("derive from derived, one grant");
    }

    function test_deriveInBatch() external {
        issueDefault();
        Derivation[] memory derivations = new Derivation[](10);
        for (uint256 i = 0; i < derivations.length; i++) {
            derivations[i] = Derivation({parent: ITEM, aihData: keccak256(abi.encode("child", i)), status: 1});
        }
        vm.prank(operator);
        registry.execute(new Request[](0), derivations);
        measuredPer("derive, one grant, batch of ten (each)", derivations.length);
    }

    function test_setUserClass() external {
        vm.prank(registrar);
        registry.setUserClass({user: stranger, class: CLINICAL, active: true});
        measured("setUserClass");
    }
}
