// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Codes
/// @notice The numbers that stand for the standard's words. The program has the same table; a test compares the two.
///
/// Operations (a set of them is a 64-bit mask, bit = code):
///
/// | code  | operation                                                   |
/// | ----- | ----------------------------------------------------------- |
/// | 0–39  | the processing types, in the order of the standard          |
/// | 48–52 | Store, Auditing, DeIDAndAnonym, AIHDataProcessing, LicenceChange |
/// | 56–58 | Retrieve, AnomalyAndRiskAlerting, FederatedLearning         |
library Codes {
    uint8 internal constant OPERATION_DE_ID_AND_ANONYM = 50;
    uint64 internal constant OPERATIONS = 0x071f_00ff_ffff_ffff;

    /// @dev BehaviouralSignal, ClinicalRecord, MedicalImaging, NeurophysiologicalSignal, Omics, PhysiologicalSignal.
    uint8 internal constant LAST_DATA_CLASS = 5;
    uint8 internal constant DATA_CLASSES = 0x3f;

    /// @dev End User, Non-Profit Entity, Profit Entity, Clinical Entity, Authorised Entity, Caregiver.
    uint8 internal constant USER_CLASS_END_USER = 0;
    uint8 internal constant LAST_USER_CLASS = 5;
    uint8 internal constant USER_CLASSES = 0x3f;

    /// @dev Unrestricted, Pseudonymised, Anonymised, Research, Patient Use, Health Care.
    uint8 internal constant USAGE_PSEUDONYMISED = 1;
    uint8 internal constant USAGE_ANONYMISED = 2;
    uint8 internal constant LAST_USAGE = 5;
    uint8 internal constant USAGES = 0x3f;
    /// @dev Those licensed by asking for exactly them: all but the two that are about the status of the data.
    uint8 internal constant USAGES_BY_NAME = 0x39;

    /// @dev Point, Contextual, Collective, Medical Condition.
    uint8 internal constant ANOMALIES = 0x0f;

    uint8 internal constant STATUS_IDENTIFIED = 0;
    uint8 internal constant STATUS_PSEUDONYMISED = 1;
    uint8 internal constant STATUS_ANONYMISED = 2;

    // Verdict bits; 0 = permitted.
    uint16 internal constant NO_LICENCE = 1 << 0;
    uint16 internal constant REVOKED = 1 << 1;
    uint16 internal constant NOT_YET_VALID = 1 << 2;
    uint16 internal constant EXPIRED = 1 << 3;
    uint16 internal constant NOT_LICENSED = 1 << 4;
    uint16 internal constant USER_TYPE = 1 << 5;
    uint16 internal constant DATA_CLASS = 1 << 6;
    uint16 internal constant PROCESS = 1 << 7;
    uint16 internal constant USAGE = 1 << 8;
    uint16 internal constant DATA_STATUS = 1 << 9;
    uint16 internal constant USER_INACTIVE = 1 << 10;

    // State of a data item's licence.
    uint8 internal constant STATE_ACTIVE = 0;
    uint8 internal constant STATE_BACK_END_RENOUNCED = 1;
    uint8 internal constant STATE_REVOKED = 2;

    // Scope of a revocation.
    uint8 internal constant SCOPE_BACK_END = 1;
    uint8 internal constant SCOPE_WHOLE = 2;
}
