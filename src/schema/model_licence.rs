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
