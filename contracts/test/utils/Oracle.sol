// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Grant, Terms} from "../../src/interfaces/ILicence.sol";
import {Request} from "../../src/interfaces/ILicenceRegistry.sol";

/// @title Oracle
/// @notice The rule a second time, as plainly as it can be said, from the specification and not from the library.
/// Nothing here is shared with the contracts but the structs.
library Oracle {
    /// @dev How the data item stands.
    struct Item {
        bool licensed;
        /// Revoked, replaced, or its root was.
        bool ended;
        /// The Back End gave up its right to it or its root.
        bool renounced;
        uint8 status;
        Terms terms;
    }

    /// @dev How the requester stands.
    struct Asker {
        bool isBackEnd;
        bool known;
        uint8 class;
        bool active;
    }

    function verdict(Item memory item, Asker memory asker, Request memory r, uint256 time)
        internal
        pure
        returns (uint16)
    {
        bool[11] memory fails;
        fails[10] = !asker.isBackEnd && !(asker.known && asker.active);
        if (!item.licensed) {
            fails[0] = true;
            return toBits(fails);
        }
        if (r.user == item.terms.endUser) return toBits(fails);
        fails[1] = item.ended || (asker.isBackEnd && item.renounced);
        fails[2] = r.at < item.terms.start || time < item.terms.start;
        fails[3] = r.at >= item.terms.end || time >= item.terms.end;
        uint16 own = asker.isBackEnd ? backEnd(item, r) : bestGrant(item, asker, r, time);
        return toBits(fails) | own;
    }

    function backEnd(Item memory item, Request memory r) private pure returns (uint16) {
        bool[11] memory fails;
        if (item.terms.operations == 0) {
            fails[4] = true;
            return toBits(fails);
        }
        fails[7] = !hasOperation(item.terms.operations, r.operation);
        fails[8] = !covers(item.terms.usages, r.usage, item.status);
        fails[9] = lacksStatus(item, r);
        return toBits(fails);
    }

    function bestGrant(Item memory item, Asker memory asker, Request memory r, uint256 time)
        private
        pure
        returns (uint16 best)
    {
        bool found;
        for (uint256 i = 0; i < item.terms.grants.length; i++) {
            Grant memory g = item.terms.grants[i];
            bool inClass = asker.known && has(g.userClasses, asker.class);
            bool names = g.user == address(0) ? inClass : g.user == r.user;
            if (!names) continue;
            bool[11] memory fails;
            fails[2] = r.at < g.start || time < g.start;
            fails[3] = r.at >= g.end || time >= g.end;
            fails[5] = !inClass;
            fails[6] = !has(g.dataClasses, item.terms.dataClass);
            fails[7] = !hasOperation(g.operations, r.operation);
            fails[8] = !covers(g.usages, r.usage, item.status);
            fails[9] = lacksStatus(item, r);
            uint16 own = toBits(fails);
            if (!found || count(own) < count(best)) best = own;
            found = true;
        }
        if (!found) best = 16;
    }

    function lacksStatus(Item memory item, Request memory r) private pure returns (bool) {
        if (r.operation == 50) return false;
        return item.status < item.terms.requiredStatus;
    }

    function covers(uint8 licensed, uint8 usage, uint8 status) private pure returns (bool) {
        if (usage > 5) return false;
        if (has(licensed, 0)) return true;
        if (usage >= 3 && has(licensed, usage)) return true;
        if (has(licensed, 1) && status >= 1) return true;
        return has(licensed, 2) && status >= 2;
    }

    function hasOperation(uint64 set, uint8 code) private pure returns (bool) {
        return code <= 63 && (set / 2 ** uint256(code)) % 2 == 1;
    }

    function has(uint8 set, uint8 code) private pure returns (bool) {
        return (uint256(set) / 2 ** uint256(code)) % 2 == 1;
    }

    function toBits(bool[11] memory fails) private pure returns (uint16 bits) {
        uint16 weight = 1;
        for (uint256 i = 0; i < 11; i++) {
            if (fails[i]) bits += weight;
            weight *= 2;
        }
    }

    function count(uint16 bits) private pure returns (uint256 n) {
        while (bits > 0) {
            n += bits % 2;
            bits /= 2;
        }
    }
}
