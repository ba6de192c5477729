// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LicenceRegistry} from "../../src/LicenceRegistry.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {Licence} from "../../src/Licence.sol";
import {Vm} from "../utils/Vm.sol";
import {Handler} from "./Handler.sol";

/// @notice What must hold whatever happens, in words first:
///
/// 1. No LicenceConfirmed says yes before issue, after revocation, or outside the window, to anyone a licence binds.
/// 2. A derived licence is never wider, longer or less de-identified than its parent.
/// 3. What `check` says is what `confirm` records in the same block; and both are what the plain rule says.
/// 4. No root licence without a valid signature of the End User, whatever an operator does.
/// 5. A signed licence that was replaced or revoked never comes back: replay, roll-back, other registry. And none ends by
///    a withdrawal its End User did not sign for it.
/// 6. Revoking costs the same whatever hangs below.
/// 7. Every state change announces itself by one event.
contract InvariantsTest {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    /// @dev Gas by which the copy of eight grants differs from that of none: 11 words, copied and held in memory.
    uint256 private constant REVOKE_GAS_TOLERANCE = 100;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    Handler private handler;
    LicenceRegistry private registry;

    function setUp() external {
        handler = new Handler();
        registry = handler.theRegistry();
    }

    /// @dev What forge may call: the handler's actions and nothing else of it.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](11);
        targets[0].selectors[0] = Handler.issueNew.selector;
        targets[0].selectors[1] = Handler.changeTerms.selector;
        targets[0].selectors[2] = Handler.replay.selector;
        targets[0].selectors[3] = Handler.forge.selector;
        targets[0].selectors[4] = Handler.revokeByEndUser.selector;
        targets[0].selectors[5] = Handler.giveUp.selector;
        targets[0].selectors[6] = Handler.deriveItem.selector;
        targets[0].selectors[7] = Handler.confirm.selector;
        targets[0].selectors[8] = Handler.setClass.selector;
        targets[0].selectors[9] = Handler.passTime.selector;
        targets[0].selectors[10] = Handler.forgeRevocation.selector;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_1_NoYesWithoutAStandingLicenceInItsWindow() external view {
        vm.assertEq(handler.wrongPermits(), 0, "permits that should not be");
    }

    function invariant_2_DerivedIsNeverWiderLongerOrLessDeIdentified() external view {
        for (uint256 i = 0; i < handler.ITEMS(); i++) {
            Handler.Ghost memory g = handler.ghost(i);
            if (!g.licensed || !g.derived) continue;
            Licence licence = Licence(registry.licenceOf(handler.itemHash(i)));
            Terms memory terms = licence.terms();
            vm.assertEq(keccak256(abi.encode(terms)), keccak256(abi.encode(g.terms)), "terms of the parent");
            vm.assertEq(licence.status(), g.status, "status asked for");
            vm.assertLe(g.parentStatus, g.status, "not below the parent's");
            vm.assertLe(terms.requiredStatus, 2, "known status");
            if (licence.isStanding()) {
                vm.assertTrue(registry.standing(licence.root()), "stands no longer than its root");
            }
        }
    }

    function invariant_3_CheckSaysWhatConfirmRecords() external view {
        vm.assertEq(handler.checkDiffersFromConfirm(), 0, "check and confirm differ");
        vm.assertEq(handler.differsFromOracle(), 0, "rule and oracle differ");
        vm.assertEq(handler.wronglyRefused(), 0, "derivations that should be");
    }

    function invariant_4_NoRootLicenceWithoutTheEndUsersSignature() external view {
        for (uint256 i = 0; i < handler.ITEMS(); i++) {
            address licence = registry.licenceOf(handler.itemHash(i));
            if (licence == address(0)) continue;
            address root = Licence(licence).root();
            vm.assertTrue(handler.isSigned(root == address(0) ? licence : root), "signed");
        }
    }

    function invariant_5_WhatWasSignedNeverComesBack() external view {
        vm.assertEq(handler.comebacks(), 0, "state changed by a replay");
        for (uint256 i = 0; i < handler.ITEMS(); i++) {
            Handler.Ghost memory g = handler.ghost(i);
            (address licence, uint64 sequence, uint8 state) = registry.itemOf(handler.itemHash(i));
            vm.assertEq(licence, g.licence, "licence");
            vm.assertEq(sequence, g.sequence, "sequence");
            vm.assertEq(state, g.revoked ? 2 : g.renounced ? 1 : 0, "state");
            vm.assertEq(registry.standing(licence), g.licensed && !handler.ended(i), "standing");
        }
    }

    function invariant_6_RevokeCostsTheSame() external view {
        if (handler.mostRevokeGas() == 0) return;
        vm.assertLe(handler.mostRevokeGas() - handler.leastRevokeGas(), REVOKE_GAS_TOLERANCE, "spread");
    }

    function invariant_7_EveryStateChangeEmitsItsEvent() external view {
        vm.assertEq(handler.silentChanges(), 0, "state changes without their event");
    }

    /// @dev An invariant over nothing holds as well. One long sequence, always the same, must have reached all of it.
    function test_ASequenceReachesWhatTheInvariantsAreAbout() external {
        for (uint256 step = 0; step < 400; step++) {
            uint256 seed = uint256(keccak256(abi.encode(step)));
            (uint256 i, uint256 more) = (seed >> 16, seed >> 32);
            uint256 action = seed % 11;
            if (action == 0) handler.issueNew(seed, i % handler.ITEMS());
            if (action == 1) handler.changeTerms(seed, i);
            if (action == 2) handler.replay(i, more, seed >> 48);
            if (action == 3) handler.forge(seed, i, more % 2 == 0, more % 4 < 2);
            if (action == 4) handler.revokeByEndUser(i, more % 2 == 0, more >> 1);
            if (action == 5) handler.giveUp(i);
            // Cut off on purpose: any low bits of the seed will do, and what is left after `%` fits.
            // forge-lint: disable-start(unsafe-typecast)
            if (action == 6) handler.deriveItem(i, more, uint8(seed >> 48), more % 2 == 0);
            if (action == 7) handler.confirm(seed, i, uint8(more % 35), uint8(seed >> 48) % 6);
            if (action == 8) handler.setClass(i, uint8(more % 6), more % 3 != 0);
            // forge-lint: disable-end(unsafe-typecast)
            if (action == 9) handler.passTime(seed);
            if (action == 10) handler.forgeRevocation(i, more, seed >> 48);
        }
        vm.assertTrue(handler.permits() > 0, "permits");
        vm.assertTrue(handler.refusals() > 0, "refusals");
        vm.assertTrue(handler.replays() > 0, "replays");
        vm.assertTrue(handler.forgedRevocations() > 0, "forged revocations");
        vm.assertTrue(handler.mostRevokeGas() > 0, "revocations");
        vm.assertEq(handler.wrongPermits() + handler.differsFromOracle() + handler.checkDiffersFromConfirm(), 0, "yes");
        vm.assertEq(handler.comebacks() + handler.silentChanges() + handler.wronglyRefused(), 0, "changes");
    }

    /// @dev Not an invariant: that the runs did something. Shown with `forge test -vv`.
    function afterInvariant() external {
        emit Lived(handler.permits(), handler.refusals(), handler.replays());
    }

    event Lived(uint256 permits, uint256 refusals, uint256 replays);
}
