// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Licence} from "../../src/Licence.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {Base} from "../utils/Base.sol";
import {Generator} from "../utils/Generator.sol";

/// @notice Packing, addresses and signatures for any valid terms; and anything as a signature.
contract SigningFuzzTest is Base {
    address[] private users;

    function setUp() public override {
        super.setUp();
        users.push(institute);
        users.push(stranger);
    }

    function generated(uint256 seed) private view returns (Terms memory) {
        return Generator.terms(Generator.Random(seed, 0), ITEM, patient, users, NOW);
    }

    /// @dev Packing loses nothing, and the address is the one predicted.
    function testFuzz_TermsComeBackAsSigned(uint256 seed, uint8 status) external {
        Terms memory terms = generated(seed);
        address predicted = registry.predict(terms);
        Licence licence = Licence(issue(terms));
        vm.assertEq(address(licence), predicted, "predicted");
        vm.assertEq(keccak256(abi.encode(licence.terms())), keccak256(abi.encode(terms)), "terms");
        vm.assertEq(registry.hashTerms(licence.terms()), registry.hashTerms(terms), "what was signed");
        vm.assertEq(address(licence).code.length, 45 + 106 + 42 * terms.grants.length, "size");
        Licence child = Licence(derive(ITEM, CHILD, uint8(bound(status, 0, 2))));
        vm.assertEq(keccak256(abi.encode(child.terms())), keccak256(abi.encode(terms)), "derived terms");
        vm.assertTrue(registry.isLicence(address(child)), "known");
    }

    /// @dev No bytes but the End User's signature make a licence, from whoever they come.
    function testFuzz_NoOtherBytesMakeALicence(bytes calldata signature, uint256 key) external {
        Terms memory terms = termsOf(ITEM, 0);
        expectRefused(terms, signature);
        key = bound(key, 1, type(uint128).max);
        vm.assume(key != PATIENT_KEY);
        expectRefused(terms, signTerms(key, terms));
        vm.assertEq(registry.licenceOf(ITEM), address(0), "no licence");
    }

    function expectRefused(Terms memory terms, bytes memory signature) private {
        vm.expectRevert();
        vm.prank(operator);
        registry.issue(terms, signature);
    }

    /// @dev A bit turned anywhere in a good signature makes it worthless.
    function testFuzz_ATurnedBitIsRefused(uint256 bit) external {
        Terms memory terms = termsOf(ITEM, 0);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        bit = bound(bit, 0, 65 * 8 - 1);
        signature[bit / 8] = bytes1(uint8(signature[bit / 8]) ^ uint8(1 << (bit % 8)));
        expectRefused(terms, signature);
    }

    /// @dev Any calldata at all: the registry answers or refuses, and no licence comes of it.
    function testFuzz_AnyCalldataMakesNoLicence(bytes calldata data, bool asIssue) external {
        bytes4 selector = asIssue ? registry.issue.selector : registry.change.selector;
        vm.prank(operator);
        (bool done,) = address(registry).call(bytes.concat(selector, data));
        vm.assertFalse(done, "refused");
    }
}
