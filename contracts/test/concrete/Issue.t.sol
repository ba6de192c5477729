// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {Licence} from "../../src/Licence.sol";
import {LicenceRegistry} from "../../src/LicenceRegistry.sol";
import {Terms} from "../../src/interfaces/ILicence.sol";
import {ILicenceRegistry} from "../../src/interfaces/ILicenceRegistry.sol";
import {LicenceTerms} from "../../src/libraries/LicenceTerms.sol";
import {Base} from "../utils/Base.sol";
import {BrokenAccount, SmartAccount} from "../utils/SmartAccount.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice See issue.tree.
contract IssueTest is Base {
    /// @dev Order of secp256k1.
    uint256 private constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function expectRefusal(Terms memory terms, bytes memory signature, bytes memory refusal) private {
        vm.expectRevert(refusal);
        vm.prank(operator);
        registry.issue(terms, signature);
    }

    function expectInvalidTerms(Terms memory terms, bytes memory refusal) private {
        expectRefusal(terms, signTerms(PATIENT_KEY, terms), refusal);
        vm.expectRevert(refusal);
        registry.predict(terms);
    }

    function expectInvalidSignature(Terms memory terms, bytes memory signature) private {
        bytes32 digest = registry.hashTerms(terms);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_InvalidSignature.selector;
        expectRefusal(terms, signature, abi.encodeWithSelector(selector, terms.endUser, digest));
    }

    // ------------------------------------------------------------ caller

    function test_RevertWhen_CallerIsNotAnOperator() external {
        Terms memory terms = termsOf(ITEM, 0);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        address[4] memory callers = [stranger, patient, registrar, admin];
        for (uint256 i = 0; i < callers.length; i++) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    IAccessControl.AccessControlUnauthorizedAccount.selector, callers[i], OPERATOR_ROLE
                )
            );
            vm.prank(callers[i]);
            registry.issue(terms, signature);
        }
    }

    // ------------------------------------------------------------ terms

    function test_RevertWhen_NoData() external {
        expectInvalidTerms(termsOf(bytes32(0), 0), abi.encodeWithSelector(LicenceTerms.LicenceTerms_NoData.selector));
    }

    function test_RevertWhen_NoModelLicence() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.modelLicence = 0;
        expectInvalidTerms(terms, abi.encodeWithSelector(LicenceTerms.LicenceTerms_NoModelLicence.selector));
    }

    function test_RevertWhen_NoEndUser() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.endUser = address(0);
        expectInvalidTerms(terms, abi.encodeWithSelector(LicenceTerms.LicenceTerms_NoEndUser.selector));
    }

    function test_RevertWhen_DataClassUnknown() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.dataClass = 6;
        expectInvalidTerms(terms, abi.encodeWithSelector(LicenceTerms.LicenceTerms_UnknownDataClass.selector, uint8(6)));
    }

    function test_RevertWhen_WindowEmpty() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.end = terms.start;
        bytes4 selector = LicenceTerms.LicenceTerms_EmptyWindow.selector;
        expectInvalidTerms(terms, abi.encodeWithSelector(selector, START, START));
        terms.end = terms.start - 1;
        expectInvalidTerms(terms, abi.encodeWithSelector(selector, START, START - 1));
    }

    function test_RevertWhen_RequiredStatusUnknown() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.requiredStatus = 3;
        expectInvalidTerms(terms, abi.encodeWithSelector(LicenceTerms.LicenceTerms_UnknownStatus.selector, uint8(3)));
    }

    function test_RevertWhen_OperationsUnknown() external {
        // Every code between and beyond the known ones.
        uint8[20] memory unknown = [40, 41, 42, 43, 44, 45, 46, 47, 53, 54, 55, 59, 60, 61, 62, 63, 40, 40, 40, 40];
        for (uint256 i = 0; i < unknown.length; i++) {
            Terms memory terms = termsOf(ITEM, 0);
            terms.operations = uint64(1) << unknown[i];
            bytes4 selector = LicenceTerms.LicenceTerms_UnknownOperations.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, terms.operations));
            terms = termsOf(ITEM, 0);
            terms.grants[0].operations = uint64(1) << unknown[i];
            selector = LicenceTerms.LicenceTerms_UnknownGrantOperations.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, 0, terms.grants[0].operations));
        }
    }

    function test_RevertWhen_UsagesUnknown() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.usages = 0x40;
        expectInvalidTerms(terms, abi.encodeWithSelector(LicenceTerms.LicenceTerms_UnknownUsages.selector, uint8(0x40)));
    }

    function test_RevertWhen_StatusWithoutBackEndLicence() external {
        Terms memory terms = termsOf(ITEM, 0);
        (terms.operations, terms.requiredStatus) = (0, 1);
        bytes4 selector = LicenceTerms.LicenceTerms_StatusWithoutBackEnd.selector;
        expectInvalidTerms(terms, abi.encodeWithSelector(selector, uint8(1)));
    }

    function test_RevertWhen_NineGrants() external {
        bytes4 selector = LicenceTerms.LicenceTerms_TooManyGrants.selector;
        expectInvalidTerms(withGrants(termsOf(ITEM, 0), 9), abi.encodeWithSelector(selector, 9));
    }

    function test_RevertWhen_AGrantIsNotValid() external {
        for (uint256 i = 0; i < 3; i++) {
            Terms memory terms = withGrants(termsOf(ITEM, 0), 3);
            terms.grants[i].userClasses = 0;
            expectInvalidTerms(terms, abi.encodeWithSelector(LicenceTerms.LicenceTerms_GrantToNobody.selector, i));
            terms.grants[i].userClasses = 0x40;
            bytes4 selector = LicenceTerms.LicenceTerms_UnknownUserClasses.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, i, uint8(0x40)));
            terms = withGrants(termsOf(ITEM, 0), 3);
            terms.grants[i].dataClasses = 0x80;
            selector = LicenceTerms.LicenceTerms_UnknownDataClasses.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, i, uint8(0x80)));
            terms = withGrants(termsOf(ITEM, 0), 3);
            terms.grants[i].usages = 0xff;
            selector = LicenceTerms.LicenceTerms_UnknownGrantUsages.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, i, uint8(0xff)));
            terms = withGrants(termsOf(ITEM, 0), 3);
            terms.grants[i].anomalies = 0x10;
            selector = LicenceTerms.LicenceTerms_UnknownAnomalies.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, i, uint8(0x10)));
            terms = withGrants(termsOf(ITEM, 0), 3);
            terms.grants[i].end = START;
            selector = LicenceTerms.LicenceTerms_EmptyGrantWindow.selector;
            expectInvalidTerms(terms, abi.encodeWithSelector(selector, i, START, START));
        }
    }

    /// @dev Bits set beyond the width of a field, in each word of the terms and of a grant.
    function test_RevertWhen_CalldataIsDirty() external {
        Terms memory terms = termsOf(ITEM, 0);
        bytes memory data = abi.encodeCall(registry.issue, (terms, signTerms(PATIENT_KEY, terms)));
        // Words of the head after the two hashes, and those of the grant; each narrower than 32 bytes.
        uint256 head = 4 + 64;
        for (uint256 word = 0; word < 20; word++) {
            if (word < 2 || word == 10 || word == 11) continue;
            bytes memory dirty = bytes.concat(data);
            dirty[head + word * 32] = 0x01;
            vm.prank(operator);
            (bool done,) = address(registry).call(dirty);
            vm.assertFalse(done, vm.toString(word));
        }
        vm.prank(operator);
        (bool clean,) = address(registry).call(data);
        vm.assertTrue(clean, "the same without dirt");
    }

    // ------------------------------------------------------------ signature

    function test_RevertWhen_SignatureIsNotTheEndUsers() external {
        Terms memory terms = termsOf(ITEM, 0);
        bytes memory good = signTerms(PATIENT_KEY, terms);
        expectInvalidSignature(terms, "");
        expectInvalidSignature(terms, hex"00");
        expectInvalidSignature(terms, new bytes(65));
        expectInvalidSignature(terms, bytes.concat(good, hex"00"));
        expectInvalidSignature(terms, signTerms(OTHER_KEY, terms));
        expectInvalidSignature(terms, signDigest(PATIENT_KEY, keccak256("other content")));
    }

    function test_RevertWhen_AnyFieldDiffersFromWhatWasSigned() external {
        bytes memory signature = signTerms(PATIENT_KEY, termsOf(ITEM, 0));
        for (uint256 field = 0; field < 19; field++) {
            expectInvalidSignature(altered(field), signature);
        }
    }

    function altered(uint256 field) private view returns (Terms memory t) {
        t = termsOf(ITEM, 0);
        if (field == 0) t.aihData = CHILD;
        if (field == 1) t.modelLicence = bytes32(uint256(1));
        if (field == 2) t.endUser = other;
        if (field == 3) t.dataClass = 4;
        if (field == 4) t.start -= 1;
        if (field == 5) t.end += 1;
        if (field == 6) t.requiredStatus = 1;
        if (field == 7) t.operations |= 1;
        if (field == 8) t.usages |= 1;
        if (field == 9) t.sequence = 1;
        if (field == 10) t.grants[0].user = stranger;
        if (field == 11) t.grants[0].userClasses |= 1;
        if (field == 12) t.grants[0].dataClasses = 1;
        if (field == 13) t.grants[0].operations |= 1;
        if (field == 14) t.grants[0].usages |= 1;
        if (field == 15) t.grants[0].anomalies = 0;
        if (field == 16) t.grants[0].end += 1;
        if (field == 17) t = withGrants(t, 2);
        if (field == 18) t.grants[0].start -= 1;
    }

    function test_RevertWhen_SignatureIsMalleated() external {
        Terms memory terms = termsOf(ITEM, 0);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PATIENT_KEY, registry.hashTerms(terms));
        bytes memory mirrored = abi.encodePacked(r, bytes32(N - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        expectInvalidSignature(terms, mirrored);
    }

    function test_RevertWhen_SignedForAnotherRegistry() external {
        LicenceRegistry elsewhere = newRegistry();
        Terms memory terms = termsOf(ITEM, 0);
        expectInvalidSignature(terms, signDigest(PATIENT_KEY, elsewhere.hashTerms(terms)));
    }

    function test_RevertWhen_SignedForAnotherChain() external {
        Terms memory terms = termsOf(ITEM, 0);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.chainId(4242);
        expectInvalidSignature(terms, signature);
    }

    // ------------------------------------------------------------ smart accounts

    function test_WhenASmartAccountSigns() external {
        SmartAccount account = new SmartAccount(other);
        Terms memory terms = termsOf(ITEM, 0);
        terms.endUser = address(account);
        bytes memory signature = signTerms(OTHER_KEY, terms);
        vm.prank(operator);
        address licence = registry.issue(terms, signature);
        vm.assertEq(Licence(licence).endUser(), address(account), "its own End User");
    }

    function test_RevertWhen_TheSmartAccountRefuses() external {
        SmartAccount account = new SmartAccount(other);
        Terms memory terms = termsOf(ITEM, 0);
        terms.endUser = address(account);
        expectInvalidSignature(terms, signTerms(PATIENT_KEY, terms));
        expectInvalidSignature(terms, "");
        bytes memory signature = signTerms(OTHER_KEY, terms);
        account.setOwner(patient);
        expectInvalidSignature(terms, signature);
    }

    function test_RevertWhen_TheSmartAccountIsBroken() external {
        Terms memory terms = termsOf(ITEM, 0);
        terms.endUser = address(new BrokenAccount(true));
        expectInvalidSignature(terms, signTerms(PATIENT_KEY, terms));
        terms.endUser = address(new BrokenAccount(false));
        expectInvalidSignature(terms, signTerms(PATIENT_KEY, terms));
        // A contract with no word for signatures at all.
        terms.endUser = address(registry);
        expectInvalidSignature(terms, signTerms(PATIENT_KEY, terms));
    }

    // ------------------------------------------------------------ the item

    function test_GivenTheSameContent_ReturnsItsAddressAndDoesNothing() external {
        address licence = issueDefault();
        vm.recordLogs();
        vm.assertEq(issueDefault(), licence, "same address");
        vm.assertEq(vm.getRecordedLogs().length, 0, "no event");
        vm.assertEq(registry.sequenceOf(ITEM), 1, "no new event in its history");
        renounce(ITEM);
        vm.assertEq(issueDefault(), licence, "also when the Back End gave up its right");
        (,, uint8 state) = registry.itemOf(ITEM);
        vm.assertEq(state, 1, "which stays given up");
    }

    function test_RevertGiven_TheSameContentWasRevoked() external {
        address licence = issueDefault();
        revokeWhole(ITEM);
        expectAlreadyLicensed(termsOf(ITEM, 0), licence);
    }

    function test_RevertGiven_OtherContent() external {
        address licence = issueDefault();
        Terms memory terms = termsOf(ITEM, 0);
        terms.end += 1;
        expectAlreadyLicensed(terms, licence);
        expectAlreadyLicensed(termsOf(ITEM, 1), licence);
    }

    function test_RevertGiven_SomebodyElsesItem() external {
        address licence = issueDefault();
        Terms memory terms = termsOf(ITEM, 0);
        terms.endUser = other;
        bytes memory signature = signTerms(OTHER_KEY, terms);
        bytes4 selector = ILicenceRegistry.LicenceRegistry_AlreadyLicensed.selector;
        expectRefusal(terms, signature, abi.encodeWithSelector(selector, ITEM, licence));
    }

    function test_RevertGiven_TheItemIsDerived() external {
        issueDefault();
        address derived = derive(ITEM, CHILD, 1);
        expectAlreadyLicensed(termsOf(CHILD, 0), derived);
    }

    function expectAlreadyLicensed(Terms memory terms, address licence) private {
        bytes4 selector = ILicenceRegistry.LicenceRegistry_AlreadyLicensed.selector;
        bytes memory refusal = abi.encodeWithSelector(selector, terms.aihData, licence);
        expectRefusal(terms, signTerms(PATIENT_KEY, terms), refusal);
    }

    function test_RevertWhen_TheSequenceIsNotZero() external {
        Terms memory terms = termsOf(ITEM, 1);
        bytes memory refusal =
            abi.encodeWithSelector(ILicenceRegistry.LicenceRegistry_StaleSequence.selector, ITEM, uint64(0), uint64(1));
        expectRefusal(terms, signTerms(PATIENT_KEY, terms), refusal);
    }

    // ------------------------------------------------------------ success

    function test_DeploysAtThePredictedAddressAndRecords() external {
        Terms memory terms = termsOf(ITEM, 0);
        address predicted = registry.predict(terms);
        vm.assertFalse(registry.isLicence(predicted), "not before");
        vm.assertEq(issue(terms), predicted, "predicted address");
        (address licence, uint64 sequence, uint8 state) = registry.itemOf(ITEM);
        vm.assertEq(licence, predicted, "recorded");
        vm.assertEq(registry.licenceOf(ITEM), predicted, "licenceOf");
        vm.assertEq(sequence, 1, "sequence");
        vm.assertEq(state, 0, "active");
        vm.assertTrue(registry.standing(licence), "stands");
        vm.assertTrue(registry.isLicence(licence), "is a licence");
    }

    function test_EmitsLicenceIssuedWithThePackedTerms() external {
        Terms memory terms = withGrants(termsOf(ITEM, 0), 2);
        bytes memory packed = bytes.concat(
            abi.encodePacked(terms.aihData, terms.modelLicence, terms.endUser, terms.dataClass, terms.start),
            abi.encodePacked(terms.end, terms.requiredStatus, terms.operations, terms.usages, uint8(2)),
            packedGrant(terms, 0),
            packedGrant(terms, 1)
        );
        address predicted = registry.predict(terms);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.expectEmit(true, true, true, true, address(registry));
        emit ILicenceRegistry.LicenceIssued(ITEM, predicted, patient, terms.modelLicence, 0, packed);
        vm.prank(operator);
        registry.issue(terms, signature);
        vm.assertEq(codeArgs(predicted), packed, "and they are the arguments in the licence's code");
    }

    function packedGrant(Terms memory t, uint256 i) private pure returns (bytes memory) {
        return abi.encodePacked(
            t.grants[i].user,
            t.grants[i].userClasses,
            t.grants[i].dataClasses,
            t.grants[i].operations,
            t.grants[i].usages,
            t.grants[i].anomalies,
            t.grants[i].start,
            t.grants[i].end
        );
    }

    function codeArgs(address licence) private view returns (bytes memory args) {
        bytes memory code = licence.code;
        args = new bytes(code.length - 45);
        for (uint256 i = 0; i < args.length; i++) {
            args[i] = code[i + 45];
        }
    }

    function test_EmitsOneEventOnly() external {
        Terms memory terms = termsOf(ITEM, 0);
        bytes memory signature = signTerms(PATIENT_KEY, terms);
        vm.recordLogs();
        vm.prank(operator);
        registry.issue(terms, signature);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        vm.assertEq(logs.length, 1, "one event");
        vm.assertEq(logs[0].topics[0], ILicenceRegistry.LicenceIssued.selector, "LicenceIssued");
    }

    function test_NoGrantsAndEightGrants() external {
        address none = issue(withGrants(termsOf(ITEM, 0), 0));
        address eight = issue(withGrants(termsOf(CHILD, 0), 8));
        vm.assertEq(registry.termsOf(none).grants.length, 0, "none");
        vm.assertEq(
            keccak256(abi.encode(registry.termsOf(eight))),
            keccak256(abi.encode(withGrants(termsOf(CHILD, 0), 8))),
            "eight"
        );
    }

    /// @dev The digest a wallet makes from the written type, domain and values.
    function test_DigestIsEIP712() external view {
        Terms memory t = termsOf(ITEM, 0);
        bytes memory grantType =
            "Grant(address user,uint8 userClasses,uint8 dataClasses,uint64 operations,uint8 usages,uint8 anomalies,uint40 start,uint40 end)";
        bytes memory termsType = bytes.concat(
            "Terms(bytes32 aihData,bytes32 modelLicence,address endUser,uint8 dataClass,uint40 start,uint40 end,uint8 requiredStatus,uint64 operations,uint8 usages,uint64 sequence,Grant[] grants)",
            grantType
        );
        bytes32 grant = keccak256(bytes.concat(keccak256(grantType), abi.encode(t.grants[0])));
        bytes memory head = abi.encode(t.aihData, t.modelLicence, t.endUser, t.dataClass, t.start, t.end);
        bytes memory rest = abi.encode(t.requiredStatus, t.operations, t.usages, t.sequence);
        bytes32 structHash =
            keccak256(bytes.concat(keccak256(termsType), head, rest, keccak256(abi.encodePacked(grant))));
        vm.assertEq(registry.hashTerms(t), typed(structHash), "terms");

        bytes32 revocation = keccak256("Revocation(bytes32 aihData,address licence)");
        vm.assertEq(
            registry.hashRevocation(ITEM, stranger),
            typed(keccak256(abi.encode(revocation, ITEM, stranger))),
            "revocation"
        );
    }

    function typed(bytes32 structHash) private view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("AIH Health Back End"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        return keccak256(bytes.concat(hex"1901", domain, structHash));
    }
}
