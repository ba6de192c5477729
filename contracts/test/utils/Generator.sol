// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Grant, Terms} from "../../src/interfaces/ILicence.sol";

/// @title Generator
/// @notice Valid terms from a seed. Sets are dense and windows near the asked times, so that permits and each kind of
/// refusal all come up often.
library Generator {
    uint64 private constant OPERATIONS = 0x071f00ffffffffff;

    struct Random {
        uint256 seed;
        uint256 drawn;
    }

    function draw(Random memory random, uint256 below) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(random.seed, random.drawn++))) % below;
    }

    function terms(Random memory random, bytes32 item, address endUser, address[] memory users, uint40 around)
        internal
        pure
        returns (Terms memory t)
    {
        t.aihData = item;
        t.modelLicence = keccak256(abi.encode(random.seed, item));
        t.endUser = endUser;
        t.dataClass = uint8(draw(random, 6));
        (t.start, t.end) = window(random, around);
        if (draw(random, 4) != 0) {
            t.operations = operations(random);
            t.requiredStatus = uint8(t.operations == 0 ? 0 : draw(random, 3));
        }
        t.usages = uint8(draw(random, 64));
        t.grants = new Grant[](draw(random, 9));
        for (uint256 i = 0; i < t.grants.length; i++) {
            t.grants[i] = grant(random, users, around);
        }
    }

    function grant(Random memory random, address[] memory users, uint40 around) private pure returns (Grant memory g) {
        if (draw(random, 3) == 0) g.user = users[draw(random, users.length)];
        g.userClasses = uint8(draw(random, 64));
        if (g.user == address(0) && g.userClasses == 0) g.userClasses = 1;
        g.dataClasses = uint8(draw(random, 64)) | uint8(draw(random, 64));
        g.operations = operations(random);
        g.usages = uint8(draw(random, 64));
        g.anomalies = uint8(draw(random, 16));
        (g.start, g.end) = window(random, around);
    }

    function operations(Random memory random) private pure returns (uint64) {
        return uint64(draw(random, 2 ** 64) | draw(random, 2 ** 64)) & OPERATIONS;
    }

    function window(Random memory random, uint40 around) private pure returns (uint40 start, uint40 end) {
        start = around - 60 + uint40(draw(random, 80));
        end = start + 1 + uint40(draw(random, 100));
    }
}
