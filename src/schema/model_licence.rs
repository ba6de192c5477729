//! From the Model Licence as a document to the Model Licence as the domain means it.
//!
//! Every label of the seed is either carried over or refused; none is dropped in silence:
//!
//! | Label | Becomes |
//! | --- | --- |
//! | `Header` | checked |
//! | `ModelLicenceID`, `EndUserID`, `AIHDataID`, `AIHDataType`, `ModelLicenceTime` | fields of the same name |
//! | `BackEndLicence`, `ThirdPartyUserLicence` with all their labels | blocks of the same name |
//! | `MInstanceID`, `DescrMetadata` | part of the hash only: they name no right and limit none |
//!
//! Whether the parts agree with one another (the same End User and data item throughout, at most eight grants, a grant
//! inside the licence's time) is for the compiler of terms to judge, which gives the same kind of refusal.

use serde::Deserialize;
use serde_json::Value;

use super::{canonical, message::MessageType, validators::validate, wire};
use crate::domain::{
    model_licence::{BackEndLicence, LicensableEndUser, ModelLicence, ThirdPartyUserLicence},
    window::{Window, WindowError},
};

/// Why terms cannot be expressed: they are refused, never rounded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}")]
pub struct TermsRefused {
    /// JSON pointer of the offending place in the Model Licence.
    pub pointer: String,
    /// Why, without the content.
    pub reason: String,
}

impl TermsRefused {
    fn at(pointer: &str, reason: impl Into<String>) -> Self {
        Self { pointer: pointer.to_owned(), reason: reason.into() }
    }
}

/// Reads a Model Licence as the domain means it. The hash is that of the document as given.
///
/// # Errors
/// The first place that does not validate or that the domain cannot express.
pub fn into_domain(document: &Value) -> Result<ModelLicence, TermsRefused> {
    validate(MessageType::ModelLicence, document).map_err(|violations| match violations.into_iter().next() {
        Some(first) => TermsRefused { pointer: first.pointer, reason: first.message },
        None => TermsRefused::at("", "not a valid Model Licence"),
    })?;
    // The reader's own text would show content, so it goes no further than here.
    let licence = wire::ModelLicence::deserialize(document)
        .map_err(|_| TermsRefused::at("", "holds values that this Back End cannot hold"))?;
    let third_parties = match &licence.model_licence_data.third_party_user_licence {
        None => Vec::new(),
        Some(wire::ThirdPartyUserLicences::One(block)) => vec![third_party(block, THIRD_PARTY.to_owned())?],
        Some(wire::ThirdPartyUserLicences::Several(blocks)) => {
            let numbered = blocks.iter().enumerate();
            numbered.map(|(n, block)| third_party(block, format!("{THIRD_PARTY}/{n}"))).collect::<Result<_, _>>()?
        }
    };
    Ok(ModelLicence {
        id: licence.model_licence_id.to_string(),
        hash: canonical::hash(document),
        end_user: licence.end_user_id,
        aih_data: licence.aih_data_id,
        data_class: licence.aih_data_type,
        window: window(licence.model_licence_time, "/ModelLicenceTime")?,
        back_end: licence.model_licence_data.back_end_licence.map(back_end),
        third_parties,
    })
}

const THIRD_PARTY: &str = "/ModelLicenceData/ThirdPartyUserLicence";

fn back_end(block: wire::BackEndLicence) -> BackEndLicence {
    // Taken apart by name, so that a label added to the wire type cannot be forgotten here.
    let wire::BackEndLicence {
        end_user_id,
        backend_id,
        aih_data_id,
        aih_data_status,
        aih_data_process,
        aih_data_usage,
    } = block;
    BackEndLicence {
        end_user: end_user_id,
        back_end: backend_id,
        aih_data: aih_data_id,
        status: aih_data_status,
        processes: aih_data_process,
        usages: aih_data_usage.into_iter().collect(),
    }
}

fn third_party(block: &wire::ThirdPartyUserLicence, pointer: String) -> Result<ThirdPartyUserLicence, TermsRefused> {
    let wire::ThirdPartyUserLicence {
        backend_id,
        third_party_user_id,
        licensable_end_users,
        aih_data_id,
        time,
        user_types,
        process_types,
        anomaly_types,
        usage_types,
    } = block;
    let licensable = |user: &wire::LicensableEndUser| LicensableEndUser {
        user: user.user_id,
        data_classes: user.aih_data_classes.iter().copied().collect(),
    };
    Ok(ThirdPartyUserLicence {
        back_end: *backend_id,
        third_party: *third_party_user_id,
        licensable_end_users: licensable_end_users.iter().flatten().map(licensable).collect(),
        aih_data: *aih_data_id,
        window: window(*time, &format!("{pointer}/Time"))?,
        user_types: user_types.iter().copied().collect(),
        processes: process_types.clone(),
        anomalies: anomaly_types.iter().flatten().copied().collect(),
        usages: usage_types.iter().copied().collect(),
        pointer,
    })
}

fn window(interval: wire::LicenceInterval, pointer: &str) -> Result<Window, TermsRefused> {
    interval.window().map_err(|error| {
        let reason = match error {
            WindowError::Time(_) => "not a time in RFC 3339 UTC",
            WindowError::Fraction(_) => "a fraction of a second cannot be expressed",
            WindowError::Range(_) => "outside the years 1970 to 9999",
            WindowError::Empty => "ends at or before its start",
        };
        TermsRefused::at(pointer, reason)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        operation::Operation,
        taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass},
    };

    const PATIENT: &str = "eip155:31337:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    const CLINIC: &str = "eip155:31337:0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
    const BACK_END: &str = "eip155:31337:0x5FbDB2315678afecb367f032d93F642f64180aa3";
    const ITEM: &str = "urn:uuid:0190f3c4-5b7a-7c31-9d2e-0b8f6a1c2d3e";

    fn third_party() -> Value {
        json!({
            "BackendID": BACK_END, "ThirdPartyUserID": CLINIC, "AIHDataID": ITEM,
            "LicensableEndUsers": [{"UserID": PATIENT, "AIHDataClasses": ["Omics", "PhysiologicalSignal"]}],
            "Time": {"StartTime": "2026-02-01T00:00:00Z", "EndTime": "2026-03-01T00:00:00Z"},
            "UserTypes": ["Clinical Entity", "Caregiver"], "ProcessTypes": ["Retrieve", "AIHDataProcessing"],
            "AnomalyTypes": ["Point Anomaly"], "UsageTypes": ["Health Care"],
        })
    }

    fn document() -> Value {
        json!({
            "Header": "AIH-MDL-V1.0", "ModelLicenceID": "urn:uuid:5b7a0190-f3c4-4c31-9d2e-0b8f6a1c2d3e",
            "EndUserID": PATIENT, "AIHDataID": ITEM, "AIHDataType": "PhysiologicalSignal",
            "ModelLicenceTime": {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2027-01-01T00:00:00Z"},
            "ModelLicenceData": {
                "BackEndLicence": {
                    "EndUserID": PATIENT, "BackendID": BACK_END, "AIHDataID": ITEM, "AIHDataStatus": "Pseudonymised",
                    "AIHDataProcess": ["HealthStateMonitoring"], "AIHDataUsage": ["Research"],
                },
                "ThirdPartyUserLicence": [third_party()],
            },
        })
    }

    fn refused(change: impl Fn(&mut Value)) -> TermsRefused {
        let mut changed = document();
        change(&mut changed);
        into_domain(&changed).unwrap_err()
    }

    #[test]
    fn every_label_arrives() {
        let licence = into_domain(&document()).unwrap();
        assert_eq!((licence.end_user.to_string(), licence.aih_data.to_string()), (PATIENT.into(), ITEM.into()));
        assert_eq!(licence.data_class, DataClass::PhysiologicalSignal);
        assert_eq!((licence.window.start(), licence.window.end()), (1_767_225_600, 1_798_761_600));
        let back_end = licence.back_end.unwrap();
        assert_eq!((back_end.end_user.to_string(), back_end.back_end.to_string()), (PATIENT.into(), BACK_END.into()));
        assert_eq!(
            (back_end.status, back_end.processes),
            (DataStatus::Pseudonymised, vec![Operation::HealthStateMonitoring])
        );
        assert_eq!(back_end.usages, [Usage::Research].into_iter().collect());
        let block = &licence.third_parties[0];
        assert_eq!(block.pointer, "/ModelLicenceData/ThirdPartyUserLicence/0");
        assert_eq!(block.third_party, Some(CLINIC.parse().unwrap()));
        assert_eq!(block.licensable_end_users[0].data_classes.iter().count(), 2);
        assert_eq!(block.user_types, [UserClass::ClinicalEntity, UserClass::Caregiver].into_iter().collect());
        assert_eq!(block.processes, [Operation::Retrieve, Operation::AihDataProcessing]);
        assert_eq!(block.anomalies, [AnomalyType::Point].into_iter().collect());
        assert_eq!(block.usages, [Usage::HealthCare].into_iter().collect());
        assert_eq!(block.window.start(), 1_769_904_000);
    }

    #[test]
    fn free_text_is_carried_by_the_hash_alone() {
        let mut noted = document();
        noted["DescrMetadata"] = "for my daughter".into();
        let (plain, noted) = (into_domain(&document()).unwrap(), into_domain(&noted).unwrap());
        assert_ne!(plain.hash, noted.hash);
        assert_eq!(ModelLicence { hash: noted.hash, ..plain }, noted);
    }

    #[test]
    fn one_block_needs_no_list_and_absent_blocks_license_nothing() {
        let mut one = document();
        one["ModelLicenceData"] = json!({"ThirdPartyUserLicence": third_party()});
        let licence = into_domain(&one).unwrap();
        assert_eq!((licence.back_end, licence.third_parties.len()), (None, 1));
        assert_eq!(licence.third_parties[0].pointer, "/ModelLicenceData/ThirdPartyUserLicence");
    }

    #[test]
    fn an_interval_that_runs_backwards_is_refused_where_it_stands() {
        let whole = refused(|d| d["ModelLicenceTime"]["EndTime"] = "2026-01-01T00:00:00Z".into());
        assert_eq!(whole.to_string(), "/ModelLicenceTime: expected EndTime after StartTime");
        let block = refused(|d| {
            d["ModelLicenceData"]["ThirdPartyUserLicence"] = json!([third_party(), third_party()]);
            d["ModelLicenceData"]["ThirdPartyUserLicence"][1]["Time"]["EndTime"] = "2025-01-01T00:00:00Z".into();
        });
        assert_eq!(block.pointer, "/ModelLicenceData/ThirdPartyUserLicence/1/Time");
    }

    #[test]
    fn what_the_standard_does_not_know_is_refused_and_not_shown() {
        let price = refused(|d| d["ModelLicenceData"]["Price"] = "F32.1".into());
        let word = refused(|d| d["ModelLicenceData"]["BackEndLicence"]["AIHDataUsage"] = json!(["F32.1"]));
        let account = refused(|d| d["EndUserID"] = "eip155:01:0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".into());
        assert_eq!(price.pointer, "/ModelLicenceData");
        assert_eq!(word.pointer, "/ModelLicenceData/BackEndLicence/AIHDataUsage/0");
        assert_eq!(account.pointer, "/EndUserID");
        assert!(![price, word, account].iter().any(|r| r.reason.contains("F32") || r.reason.contains("0xf39")));
        assert!(into_domain(&Value::Null).is_err());
    }
}
