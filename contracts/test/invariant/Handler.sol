// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LicenceRegistry} from "../../src/LicenceRegistry.sol";
import {Grant, Terms} from "../../src/interfaces/ILicence.sol";
import {Derivation, ILicenceRegistry, Request} from "../../src/interfaces/ILicenceRegistry.sol";
import {Base} from "../utils/Base.sol";
import {Generator} from "../utils/Generator.sol";
import {Oracle} from "../utils/Oracle.sol";
import {Vm} from "../utils/Vm.sol";

/// @notice Lives the life of a registry at random and keeps a second register of it, from what was done and not from
/// what the contract says. What contradicts an invariant is counted as it happens; `Invariants.t.sol` says the words.
contract Handler is Base {
    /// @dev One data item as this handler remembers it.
    struct Ghost {
        bool licensed;
        bool derived;
        bool revoked;
        bool renounced;
        uint8 status;
        uint64 sequence;
        address licence;
        /// Number of the root item, and its licence when this was derived.
        uint256 root;
        address rootLicence;
        /// Licence and status of the item it was derived from, then.
        address parentLicence;
        uint8 parentStatus;
        Terms terms;
    }

    struct Signed {
        Terms terms;
        bytes signature;
        address licence;
    }

    /// @dev A signature by which an item was withdrawn.
    struct Withdrawn {
        uint256 item;
        bytes signature;
    }

    uint256 public constant ITEMS = 8;
    uint256 private constant KEYS = 2;
    uint256 private constant NONE = type(uint256).max;

    Ghost[ITEMS] private ghosts;
    Signed[] private signed;
    Withdrawn[] private withdrawn;
    address[] private users;
    LicenceRegistry private elsewhere;
    mapping(address user => Oracle.Asker asker) private askers;
    mapping(address licence => bool isSigned) private wasSigned;

    // What must stay 0.
    uint256 public wrongPermits;
    uint256 public checkDiffersFromConfirm;
    uint256 public differsFromOracle;
    uint256 public comebacks;
    uint256 public silentChanges;
    uint256 public wronglyRefused;
    // Gas of revocations by the End User, cold.
    uint256 public leastRevokeGas = type(uint256).max;
    uint256 public mostRevokeGas;
    // What must not stay 0, or nothing was tested.
    uint256 public permits;
    uint256 public refusals;
    uint256 public replays;
    uint256 public forgedRevocations;

    constructor() {
        Base.setUp();
        elsewhere = newRegistry();
        users = [patient, other, institute, company, stranger, address(registry)];
        askers[patient] = Oracle.Asker(false, true, END_USER, true);
        askers[institute] = Oracle.Asker(false, true, NON_PROFIT, true);
        askers[company] = Oracle.Asker(false, true, PROFIT, true);
        askers[address(registry)].isBackEnd = true;
    }

    // ------------------------------------------------------------ looking

    function itemHash(uint256 i) public pure returns (bytes32) {
        return keccak256(abi.encode("item", i));
    }

    function ghost(uint256 i) external view returns (Ghost memory) {
        return ghosts[i];
    }

    function isSigned(address licence) external view returns (bool) {
        return wasSigned[licence];
    }

    function theRegistry() external view returns (LicenceRegistry) {
        return registry;
    }

    /// @dev The first licensed item from `i` on, round about.
    function nextLicensed(uint256 i) private view returns (uint256) {
        for (uint256 k = 0; k < ITEMS; k++) {
            uint256 found = (i % ITEMS + k) % ITEMS;
            if (ghosts[found].licensed) return found;
        }
        return NONE;
    }

    /// @dev Whether the item's licence is over for everyone, from memory.
    function ended(uint256 i) public view returns (bool) {
        Ghost storage g = ghosts[i];
        if (g.revoked) return true;
        if (!g.derived) return false;
        return ghosts[g.root].revoked || ghosts[g.root].licence != g.rootLicence;
    }

    // ------------------------------------------------------------ signing

    function sign(uint256 seed, uint256 i, uint64 sequence) private returns (Signed storage) {
        uint256 key = i % KEYS == 0 ? PATIENT_KEY : OTHER_KEY;
        Terms memory terms =
            Generator.terms(Generator.Random(seed, 0), itemHash(i), vm.addr(key), users, uint40(block.timestamp));
        terms.sequence = sequence;
        Signed storage s = signed.push();
        s.terms = terms;
        s.signature = signTerms(key, terms);
        s.licence = registry.predict(terms);
        return s;
    }

    function issueNew(uint256 seed, uint256 i) external {
        i = bound(i, 0, ITEMS - 1);
        if (ghosts[i].licensed) return;
        Signed storage s = sign(seed, i, 0);
        snapshot();
        vm.prank(operator);
        adopt(i, s, registry.issue(s.terms, s.signature));
        expectEvent(ILicenceRegistry.LicenceIssued.selector);
    }

    function changeTerms(uint256 seed, uint256 i) external {
        i = nextLicensed(i);
        if (i == NONE || ghosts[i].derived) return;
        Signed storage s = sign(seed, i, ghosts[i].sequence);
        snapshot();
        vm.prank(operator);
        adopt(i, s, registry.change(s.terms, s.signature));
        expectEvent(ILicenceRegistry.LicenceChanged.selector);
    }

    function adopt(uint256 i, Signed storage s, address licence) private {
        Ghost storage g = ghosts[i];
        (g.licensed, g.revoked, g.renounced) = (true, false, false);
        g.sequence = s.terms.sequence + 1;
        g.licence = licence;
        g.terms = s.terms;
        wasSigned[licence] = true;
    }

    /// @dev Anything signed before, and anything that looks like it, by whichever door.
    function replay(uint256 which, uint256 door, uint256 bit) external {
        if (signed.length == 0) return;
        Signed storage s = signed[which % signed.length];
        bytes memory signature = s.signature;
        Terms memory terms = s.terms;
        if (door % 4 == 1) signature = signDigest(PATIENT_KEY, elsewhere.hashTerms(terms));
        // forge-lint: disable-next-line(unsafe-typecast) below 1001
        if (door % 4 == 2) terms.end += uint40(1 + bit % 1000);
        if (door % 4 == 3) signature[bit % 65] = bytes1(uint8(signature[bit % 65]) ^ 1);
        attempt(terms, signature, door & 4 == 0);
    }

    /// @dev An operator makes up terms for somebody's item and signs them itself, or not at all.
    function forge(uint256 seed, uint256 i, bool first, bool unsigned) external {
        i = bound(i, 0, ITEMS - 1);
        Terms memory terms =
            Generator.terms(Generator.Random(seed, 0), itemHash(i), patient, users, uint40(block.timestamp));
        terms.sequence = first ? 0 : ghosts[i].sequence;
        attempt(terms, unsigned ? new bytes(65) : signTerms(0xBAD, terms), first);
    }

    /// @dev Must revert, or return the current licence and leave all as it is.
    function attempt(Terms memory terms, bytes memory signature, bool first) private {
        replays++;
        bytes32 before = stateOfAll();
        vm.prank(operator);
        if (first) {
            try registry.issue(terms, signature) returns (address licence) {
                if (registry.licenceOf(terms.aihData) != licence || !registry.standing(licence)) comebacks++;
            } catch {}
        } else {
            // There is no place in an item's history for which the same terms could be signed twice.
            try registry.change(terms, signature) {
                comebacks++;
            } catch {}
        }
        if (stateOfAll() != before) comebacks++;
    }

    function stateOfAll() private view returns (bytes32 state) {
        for (uint256 i = 0; i < ITEMS; i++) {
            (address licence, uint64 sequence, uint8 itemState) = registry.itemOf(itemHash(i));
            state = keccak256(abi.encode(state, licence, sequence, itemState, registry.standing(licence)));
        }
    }

    // ------------------------------------------------------------ ending

    /// @dev One call in four, or little would live long enough to be derived from.
    function revokeByEndUser(uint256 i, bool relayed, uint256 chance) external {
        if (chance % 4 != 0) return;
        i = nextLicensed(i);
        if (i == NONE || ghosts[i].revoked) return;
        Ghost storage g = ghosts[i];
        bytes32 item = itemHash(i);
        bytes memory signature;
        if (relayed) signature = signRevocation(g.terms.endUser == patient ? PATIENT_KEY : OTHER_KEY, item);
        snapshot();
        vm.cool(address(registry));
        vm.cool(g.licence);
        vm.prank(relayed ? stranger : g.terms.endUser);
        registry.revoke(item, signature);
        if (!relayed) measure(vm.lastCallGas().gasTotalUsed);
        expectEvent(ILicenceRegistry.LicenceRevoked.selector);
        if (relayed) withdrawn.push(Withdrawn(i, signature));
        g.revoked = true;
        g.sequence++;
    }

    /// @dev A withdrawal that its End User did not sign for this licence of this item at this registry, by anybody. Must
    /// revert and leave all as it is.
    function forgeRevocation(uint256 i, uint256 how, uint256 bit) external {
        i = nextLicensed(i);
        if (i == NONE || ghosts[i].revoked) return;
        bytes32 item = itemHash(i);
        uint256 key = ghosts[i].terms.endUser == patient ? PATIENT_KEY : OTHER_KEY;
        bytes memory signature;
        if (how % 6 == 0) signature = signRevocation(0xBAD, item);
        if (how % 6 == 1) signature = signRevocation(key == PATIENT_KEY ? OTHER_KEY : PATIENT_KEY, item);
        if (how % 6 == 2) signature = signDigest(key, elsewhere.hashRevocation(item, registry.licenceOf(item)));
        // Any address that is not the licence will do, so it may be cut off.
        // forge-lint: disable-next-line(unsafe-typecast)
        if (how % 6 == 3) signature = signDigest(key, registry.hashRevocation(item, address(uint160(bit))));
        if (how % 6 == 4) {
            signature = signRevocation(key, item);
            signature[bit % 65] = bytes1(uint8(signature[bit % 65]) ^ 1);
        }
        if (how % 6 == 5) {
            // One that was good once: of another item, or of a licence this item had before.
            if (withdrawn.length == 0) return;
            signature = withdrawn[bit % withdrawn.length].signature;
        }
        forgedRevocations++;
        bytes32 before = stateOfAll();
        vm.prank(how % 2 == 0 ? stranger : operator);
        try registry.revoke(item, signature) {
            comebacks++;
        } catch {}
        if (stateOfAll() != before) comebacks++;
    }

    function measure(uint256 gas) private {
        if (gas < leastRevokeGas) leastRevokeGas = gas;
        if (gas > mostRevokeGas) mostRevokeGas = gas;
    }

    function giveUp(uint256 i) external {
        i = nextLicensed(i);
        if (i == NONE || ghosts[i].revoked || ghosts[i].renounced) return;
        Ghost storage g = ghosts[i];
        snapshot();
        renounce(itemHash(i));
        expectEvent(ILicenceRegistry.LicenceRevoked.selector);
        g.renounced = true;
    }

    // ------------------------------------------------------------ deriving

    function deriveItem(uint256 from, uint256 to, uint8 status, bool batched) external {
        // Mostly from what is licensed; an item that is not must be refused.
        if (from % 8 != 0 && nextLicensed(from) != NONE) from = nextLicensed(from);
        (from, to) = (bound(from, 0, ITEMS - 1), bound(to, 0, ITEMS - 1));
        status = uint8(bound(status, 0, 3));
        (bytes32 parent, bytes32 item) = (itemHash(from), itemHash(to));
        address before = registry.licenceOf(item);
        bool may = mayDerive(from, to, status);
        if (batched) {
            Derivation[] memory list = new Derivation[](1);
            list[0] = Derivation({parent: parent, aihData: item, status: status});
            snapshot();
            vm.prank(operator);
            registry.execute(new Request[](0), list);
            if (!may) expectRefusal(stands(from, to, status));
        } else {
            snapshot();
            vm.prank(operator);
            try registry.derive(parent, item, status) {} catch {}
        }
        address licence = registry.licenceOf(item);
        if (licence == before) {
            if (may) wronglyRefused++;
            return;
        }
        if (!may) comebacks++;
        if (!batched) expectDerivation(ghosts[from].renounced);
        remember(from, to, status, licence);
    }

    /// @dev The requirements of deriving, from memory; the very same derivation again is not one.
    function mayDerive(uint256 from, uint256 to, uint8 status) private view returns (bool) {
        Ghost storage parent = ghosts[from];
        Ghost storage item = ghosts[to];
        if (!parent.licensed || ended(from) || status > 2 || status < parent.status) return false;
        if (!item.licensed) return true;
        if (!item.derived || item.revoked || !ended(to) || status < item.status) return false;
        return item.root == (parent.derived ? parent.root : from);
    }

    /// @dev Whether this very derivation was made before and holds: asking again changes nothing and says nothing.
    function stands(uint256 from, uint256 to, uint8 status) private view returns (bool) {
        Ghost storage item = ghosts[to];
        return !ended(from) && item.derived && !ended(to) && item.status == status
            && item.parentLicence == ghosts[from].licence;
    }

    function remember(uint256 from, uint256 to, uint8 status, address licence) private {
        Ghost storage parent = ghosts[from];
        Ghost storage item = ghosts[to];
        (item.licensed, item.derived, item.status, item.licence) = (true, true, status, licence);
        item.renounced = parent.renounced;
        (item.parentLicence, item.parentStatus) = (parent.licence, parent.status);
        item.root = parent.derived ? parent.root : from;
        item.rootLicence = ghosts[item.root].licence;
        item.terms = parent.terms;
    }

    // ------------------------------------------------------------ asking

    function confirm(uint256 seed, uint256 i, uint8 operation, uint8 usage) external {
        Generator.Random memory random = Generator.Random(seed, 0);
        Request[] memory requests = new Request[](12);
        for (uint256 k = 0; k < requests.length; k++) {
            Request memory r = request(itemHash((i % ITEMS + k / users.length) % ITEMS), users[k % users.length]);
            r.operation = k % 2 == 0 ? operation : uint8(Generator.draw(random, 60));
            r.usage = k % 3 == 0 ? usage : uint8(Generator.draw(random, 6));
            r.at = uint40(block.timestamp - 30 + Generator.draw(random, 60));
            if (k % 2 == 0) aim(random, ghosts[(i % ITEMS + k / users.length) % ITEMS].terms, r);
            requests[k] = r;
        }
        snapshot();
        vm.prank(operator);
        registry.confirm(requests);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 k = 0; k < requests.length; k++) {
            (,,,, uint16 verdict) = abi.decode(logs[k].data, (bytes16, uint8, uint8, uint40, uint16));
            judge((i % ITEMS + k / users.length) % ITEMS, requests[k], verdict);
        }
    }

    /// @dev Turns a request into one that some grant is likely to permit: random ones seldom are.
    function aim(Generator.Random memory random, Terms storage terms, Request memory r) private view {
        if (terms.grants.length == 0) return;
        Grant memory g = terms.grants[Generator.draw(random, terms.grants.length)];
        r.at = uint40(block.timestamp);
        if (g.user != address(0)) r.user = g.user;
        while (g.operations >> r.operation & 1 == 0 && r.operation < 60) {
            r.operation++;
        }
        for (r.usage = 3; r.usage < 5 && g.usages >> r.usage & 1 == 0;) {
            r.usage++;
        }
    }

    function judge(uint256 i, Request memory r, uint16 verdict) private {
        if (verdict == 0) permits++;
        else refusals++;
        if (registry.check(r) != verdict) checkDiffersFromConfirm++;

        Ghost storage g = ghosts[i];
        bool bound_ = !g.licensed || r.user != g.terms.endUser;
        bool inside = r.at >= g.terms.start && r.at < g.terms.end && block.timestamp >= g.terms.start
            && block.timestamp < g.terms.end;
        if (verdict == 0 && bound_ && (!g.licensed || ended(i) || !inside)) wrongPermits++;

        Oracle.Item memory item = Oracle.Item(g.licensed, ended(i), isRenounced(i), g.status, g.terms);
        if (Oracle.verdict(item, askers[r.user], r, block.timestamp) != verdict) differsFromOracle++;
    }

    function isRenounced(uint256 i) private view returns (bool) {
        Ghost storage g = ghosts[i];
        return g.renounced || (g.derived && ghosts[g.root].renounced);
    }

    // ------------------------------------------------------------ the rest of the world

    function setClass(uint256 who, uint8 class, bool active) external {
        who = bound(who, 0, 4);
        class = uint8(bound(class, 0, 5));
        snapshot();
        vm.prank(registrar);
        registry.setUserClass(users[who], class, active);
        expectEvent(ILicenceRegistry.UserClassSet.selector);
        askers[users[who]] = Oracle.Asker(false, true, class, active);
    }

    function passTime(uint256 seconds_) external {
        vm.warp(block.timestamp + bound(seconds_, 1, 15));
    }

    // ------------------------------------------------------------ events

    function snapshot() private {
        vm.recordLogs();
    }

    /// @dev That event, and no other.
    function expectEvent(bytes32 topic) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        if (logs.length != 1 || logs[0].topics[0] != topic) silentChanges++;
    }

    function expectDerivation(bool renounced) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bool said = logs.length == (renounced ? 2 : 1) && logs[0].topics[0] == ILicenceRegistry.LicenceDerived.selector;
        if (said && renounced) said = logs[1].topics[0] == ILicenceRegistry.LicenceRevoked.selector;
        if (!said) silentChanges++;
    }

    /// @dev A refused derivation says so; the very same once more says nothing.
    function expectRefusal(bool known) private {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bool said = logs.length == (known ? 0 : 1);
        if (said && !known) said = logs[0].topics[0] == ILicenceRegistry.DerivationRefused.selector;
        if (!said) silentChanges++;
    }
}
