// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LicenceRegistry} from "../../src/LicenceRegistry.sol";
import {Grant, Terms} from "../../src/interfaces/ILicence.sol";
import {Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Vm} from "./Vm.sol";

/// @notice A deployed registry, its people, and the words tests are written in.
///
/// The numbers are written out rather than taken from `Codes`: a wrong constant there must fail here.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint40 internal constant NOW = 1_800_000_000;
    uint40 internal constant START = NOW - 1 days;
    uint40 internal constant END = NOW + 30 days;
    uint48 internal constant ADMIN_DELAY = 2 days;

    uint256 internal constant PATIENT_KEY = 0xA11CE;
    uint256 internal constant OTHER_KEY = 0xB0B;

    uint8 internal constant END_USER = 0;
    uint8 internal constant NON_PROFIT = 1;
    uint8 internal constant PROFIT = 2;
    uint8 internal constant CLINICAL = 3;

    uint8 internal constant OPERATION = 12;
    uint8 internal constant OTHER_OPERATION = 13;
    uint8 internal constant DE_ID_AND_ANONYM = 50;
    uint8 internal constant RESEARCH = 3;
    uint8 internal constant HEALTH_CARE = 5;

    bytes32 internal constant ITEM = keccak256("urn:uuid:00000000-0000-4000-8000-000000000001");
    bytes32 internal constant CHILD = keccak256("urn:uuid:00000000-0000-4000-8000-000000000002");
    bytes32 internal constant GRANDCHILD = keccak256("urn:uuid:00000000-0000-4000-8000-000000000003");

    bytes32 internal constant OPERATOR_ROLE = keccak256("OPERATOR");
    bytes32 internal constant REGISTRAR_ROLE = keccak256("REGISTRAR");

    LicenceRegistry internal registry;
    address internal patient = vm.addr(PATIENT_KEY);
    address internal other = vm.addr(OTHER_KEY);
    address internal admin = address(0xAD);
    address internal operator = address(0x0B);
    address internal registrar = address(0x4E6);
    address internal institute = address(0x1257);
    address internal company = address(0xC0);
    address internal stranger = address(0x57);

    function setUp() public virtual {
        vm.warp(NOW);
        registry = newRegistry();
        vm.startPrank(registrar);
        registry.setUserClass({user: patient, class: END_USER, active: true});
        registry.setUserClass({user: institute, class: NON_PROFIT, active: true});
        registry.setUserClass({user: company, class: PROFIT, active: true});
        vm.stopPrank();
    }

    function newRegistry() internal returns (LicenceRegistry fresh) {
        fresh = new LicenceRegistry({admin: admin, adminDelay: ADMIN_DELAY});
        vm.startPrank(admin);
        fresh.grantRole(OPERATOR_ROLE, operator);
        fresh.grantRole(REGISTRAR_ROLE, registrar);
        vm.stopPrank();
    }

    // ------------------------------------------------------------ terms

    /// @dev Non-profit entities may do OPERATION for research; the Back End may do it for health care.
    function termsOf(bytes32 item, uint64 sequence) internal view returns (Terms memory terms) {
        terms.aihData = item;
        terms.modelLicence = keccak256(abi.encode("Model Licence", item, sequence));
        terms.endUser = patient;
        terms.dataClass = 5;
        (terms.start, terms.end) = (START, END);
        terms.operations = uint64(1) << OPERATION;
        terms.usages = uint8(1) << HEALTH_CARE;
        terms.sequence = sequence;
        terms.grants = new Grant[](1);
        terms.grants[0] = grantTo(address(0), NON_PROFIT);
    }

    function grantTo(address user, uint8 class) internal pure returns (Grant memory) {
        return Grant({
            user: user,
            userClasses: uint8(1) << class,
            dataClasses: 0x3f,
            operations: uint64(1) << OPERATION,
            usages: uint8(1) << RESEARCH,
            anomalies: 0x0f,
            start: START,
            end: END
        });
    }

    function withGrants(Terms memory terms, uint256 count) internal pure returns (Terms memory) {
        terms.grants = new Grant[](count);
        for (uint256 i = 0; i < count; i++) {
            // forge-lint: disable-next-line(unsafe-typecast) below 6
            terms.grants[i] = grantTo(address(0), i == 0 ? NON_PROFIT : uint8(1 + i % 5));
        }
        return terms;
    }

    function request(bytes32 item, address user) internal pure returns (Request memory) {
        return Request({
            aihData: item,
            user: user,
            operation: OPERATION,
            usage: RESEARCH,
            at: NOW,
            confirmId: bytes16(keccak256(abi.encode(item, user)))
        });
    }

    // ------------------------------------------------------------ signing and doing

    function signDigest(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function signTerms(uint256 key, Terms memory terms) internal view returns (bytes memory) {
        return signDigest(key, registry.hashTerms(terms));
    }

    function signRevocation(uint256 key, bytes32 item) internal view returns (bytes memory) {
        return signDigest(key, registry.hashRevocation(item, registry.licenceOf(item)));
    }

    function issue(Terms memory terms) internal returns (address) {
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.prank(operator);
        return registry.issue(terms, signature);
    }

    function issueDefault() internal returns (address) {
        return issue(termsOf(ITEM, 0));
    }

    function change(Terms memory terms) internal returns (address) {
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.prank(operator);
        return registry.change(terms, signature);
    }

    function derive(bytes32 parent, bytes32 item, uint8 status) internal returns (address) {
        vm.prank(operator);
        return registry.derive(parent, item, status);
    }

    function revokeWhole(bytes32 item) internal {
        vm.prank(patient);
        registry.revoke(item, "");
    }

    function renounce(bytes32 item) internal {
        vm.prank(operator);
        registry.revoke(item, "");
    }

    function verdictOf(bytes32 item, address user) internal view returns (uint16) {
        return registry.check(request(item, user));
    }

    function one(Request memory r) internal pure returns (Request[] memory list) {
        list = new Request[](1);
        list[0] = r;
    }

    /// @dev Folds `value` into [least, most]; the cheatcode of that name reverts instead.
    function bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        if (least <= value && value <= most) return value;
        uint256 span = most - least + 1;
        if (span == 0) return value;
        return least + value % span;
    }
}
