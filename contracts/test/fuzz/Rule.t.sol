// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Licence} from "../../src/Licence.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";
import {Generator} from "../utils/Generator.sol";
import {Oracle} from "../utils/Oracle.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice The rule against the oracle that says it a second time.
contract RuleFuzzTest is Base {
    address[] private users;

    function setUp() public override {
        super.setUp();
        users.push(patient);
        users.push(institute);
        users.push(company);
        users.push(stranger);
        users.push(address(0x5059));
        users.push(address(registry));
        vm.prank(registrar);
        registry.setUserClass({user: address(0x5059), class: CLINICAL, active: false});
    }

    /// @dev check, confirm and the licence's own check all say what the oracle says, through a whole life: signed,
    /// derived, given up, changed or revoked, at any time.
    function testFuzz_VerdictIsTheOracles(uint256 seed, uint8 usage, uint8 operation, uint8 life) external {
        Generator.Random memory random = Generator.Random(seed, 0);
        Oracle.Item memory item;
        item.licensed = true;
        item.terms = Generator.terms(random, ITEM, patient, users, NOW);
        issue(item.terms);
        bytes32 asked = ITEM;
        if (life & 1 != 0) {
            item.status = uint8(Generator.draw(random, 3));
            derive(ITEM, CHILD, item.status);
            asked = CHILD;
        }
        if (life & 2 != 0) {
            renounce(life & 4 != 0 ? ITEM : asked);
            item.renounced = true;
        }
        if (life & 24 == 24) {
            revokeWhole(life & 32 != 0 ? ITEM : asked);
            item.ended = true;
        }
        vm.warp(NOW - 70 + Generator.draw(random, 200));
        for (uint256 i = 0; i < users.length; i++) {
            Request memory r = request(asked, users[i]);
            // Half the codes are near the known ones.
            r.operation = i % 2 == 0 ? operation : operation % 60;
            r.usage = i % 3 == 0 ? usage : usage % 6;
            r.at = uint40(NOW - 70 + Generator.draw(random, 200));
            compare(item, r);
        }
    }

    function compare(Oracle.Item memory item, Request memory r) private {
        Oracle.Asker memory asker;
        asker.isBackEnd = r.user == address(registry);
        // As set up here, not as the registry says.
        asker.known = r.user != stranger && !asker.isBackEnd;
        asker.active = asker.known && r.user != address(0x5059);
        if (r.user == institute) asker.class = NON_PROFIT;
        if (r.user == company) asker.class = PROFIT;
        if (r.user == address(0x5059)) asker.class = CLINICAL;
        uint16 expected = Oracle.verdict(item, asker, r, block.timestamp);

        vm.assertEq(registry.check(r), expected, "check");
        Licence licence = Licence(registry.licenceOf(r.aihData));
        vm.assertEq(licence.check(r.user, r.operation, r.usage, r.at), expected, "the licence's own check");
        vm.recordLogs();
        vm.prank(operator);
        registry.confirm(one(r));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        (,,,, uint16 recorded) = abi.decode(logs[0].data, (bytes16, uint8, uint8, uint40, uint16));
        vm.assertEq(recorded, expected, "confirm");
    }

    /// @dev A derived licence permits nothing its root would not permit for data of that status.
    function testFuzz_DerivedIsNeverWider(uint256 seed, uint8 usage, uint8 operation, uint8 status) external {
        Generator.Random memory random = Generator.Random(seed, 0);
        Terms memory terms = Generator.terms(random, ITEM, patient, users, NOW);
        // With a status that asks nothing and usages that do not depend on it, root and derived must agree to the bit.
        terms.requiredStatus = 0;
        terms.usages &= 0x39;
        for (uint256 i = 0; i < terms.grants.length; i++) {
            terms.grants[i].usages &= 0x39;
        }
        issue(terms);
        derive(ITEM, CHILD, uint8(bound(status, 0, 2)));
        for (uint256 i = 0; i < users.length; i++) {
            Request memory r = request(ITEM, users[i]);
            (r.operation, r.usage) = (operation, usage);
            uint16 ofRoot = registry.check(r);
            r.aihData = CHILD;
            vm.assertEq(registry.check(r), ofRoot, "the same terms");
        }
    }
}
