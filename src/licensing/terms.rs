//! Compiling a Model Licence: pure and total. Every field either becomes a term or is refused with the place and the
//! reason; nothing is rounded and nothing is left out silently.
//!
//! | Model Licence | Terms |
//! | --- | --- |
//! | `ModelLicenceTime` | the licence's window |
//! | `BackEndLicence` | what the Back End may do itself; `AIHDataStatus` is the least status for everybody |
//! | `ThirdPartyUserLicence` with `ThirdPartyUserID` | a grant to that account, in a class of `UserTypes` |
//! | … without | a grant to the classes of `UserTypes`; with `LicensableEndUsers` the class `End User` is left to them |
//! | each of `LicensableEndUsers` | a grant to that End User, with their own data classes |

use crate::domain::{
    ids::{AihDataId, BackEndId, UserId},
    model_licence::{BackEndLicence, LicensableEndUser, ModelLicence, ThirdPartyUserLicence},
    operation::{self, Operations},
    taxonomy::{DataStatus, UserClass, WordSet},
    terms::{Grant, LicenceTerms, MOST_GRANTS, Offer},
    window::Window,
};

/// A Model Licence asks for something a licence cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {reason}")]
pub struct TermsRefused {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// Why, in words.
    pub reason: String,
}

const BACK_END: &str = "/ModelLicenceData/BackEndLicence";

/// Compiles a Model Licence for a Back End; `sequence` is the number of licence events the chain has seen for the item.
///
/// # Errors
/// When the licence is for another Back End, names other items or persons in its parts, or cannot be expressed.
pub fn compile(licence: &ModelLicence, back_end: &BackEndId, sequence: u64) -> Result<Offer, TermsRefused> {
    same_chain(&licence.end_user, back_end, "/EndUserID".to_owned())?;
    let (operations, usages, required_status) = match &licence.back_end {
        Some(block) => compile_back_end(licence, block, back_end)?,
        None => (Operations::EMPTY, WordSet::EMPTY, DataStatus::Identified),
    };
    let mut grants = Vec::new();
    for block in &licence.third_parties {
        compile_third_party(licence, block, back_end, &mut grants)?;
    }
    if grants.len() > MOST_GRANTS {
        let reason = format!("it makes {} grants, a licence holds at most {MOST_GRANTS}", grants.len());
        return refuse("/ModelLicenceData/ThirdPartyUserLicence".to_owned(), reason);
    }
    let terms = LicenceTerms {
        aih_data: licence.aih_data.hash(),
        model_licence: licence.hash,
        end_user: licence.end_user.address(),
        data_class: licence.data_class,
        window: licence.window,
        required_status,
        operations,
        usages,
        grants,
    };
    Ok(Offer { terms, sequence })
}

fn compile_back_end(
    licence: &ModelLicence,
    block: &BackEndLicence,
    back_end: &BackEndId,
) -> Result<(Operations, WordSet<crate::domain::taxonomy::Usage>, DataStatus), TermsRefused> {
    same_back_end(&block.back_end, back_end, format!("{BACK_END}/BackendID"))?;
    same_item(&block.aih_data, licence, format!("{BACK_END}/AIHDataID"))?;
    if block.end_user != licence.end_user {
        return refuse(format!("{BACK_END}/EndUserID"), "it names another End User than the licence");
    }
    Ok((operation::licensed(block.processes.iter().copied()), block.usages, block.status))
}

fn compile_third_party(
    licence: &ModelLicence,
    block: &ThirdPartyUserLicence,
    back_end: &BackEndId,
    grants: &mut Vec<Grant>,
) -> Result<(), TermsRefused> {
    let at = |label: &str| format!("{}/{label}", block.pointer);
    same_back_end(&block.back_end, back_end, at("BackendID"))?;
    same_item(&block.aih_data, licence, at("AIHDataID"))?;
    within(&block.window, &licence.window, at("Time"))?;
    let main = Grant {
        user: None,
        user_classes: block.user_types,
        data_classes: [licence.data_class].into_iter().collect(),
        operations: operation::licensed(block.processes.iter().copied()),
        usages: block.usages,
        anomalies: block.anomalies,
        window: block.window,
    };
    match &block.third_party {
        Some(user) => {
            same_chain(user, back_end, at("ThirdPartyUserID"))?;
            grants.push(Grant { user: Some(user.address()), ..main.clone() });
        }
        None => grants.extend(grant_to_classes(block, &main)),
    }
    for (index, named) in block.licensable_end_users.iter().enumerate() {
        same_chain(&named.user, back_end, at(&format!("LicensableEndUsers/{index}/UserID")))?;
        grants.push(grant_to_end_user(named, &main));
    }
    Ok(())
}

/// Naming End Users one by one would mean nothing if the same block licensed their whole class.
fn grant_to_classes(block: &ThirdPartyUserLicence, main: &Grant) -> Option<Grant> {
    let classes = match block.licensable_end_users.is_empty() {
        true => block.user_types,
        false => block.user_types.without(UserClass::EndUser),
    };
    (!classes.is_empty()).then(|| Grant { user_classes: classes, ..main.clone() })
}

fn grant_to_end_user(named: &LicensableEndUser, main: &Grant) -> Grant {
    Grant {
        user: Some(named.user.address()),
        user_classes: [UserClass::EndUser].into_iter().collect(),
        data_classes: named.data_classes,
        ..main.clone()
    }
}

fn within(grant: &Window, licence: &Window, pointer: String) -> Result<(), TermsRefused> {
    match grant.intersection(licence) {
        Some(_) => Ok(()),
        None => refuse(pointer, "it lies wholly outside ModelLicenceTime and could never permit anything"),
    }
}

fn same_back_end(named: &BackEndId, ours: &BackEndId, pointer: String) -> Result<(), TermsRefused> {
    if named == ours { Ok(()) } else { refuse(pointer, format!("it is for another Back End; this one is {ours}")) }
}

fn same_item(named: &AihDataId, licence: &ModelLicence, pointer: String) -> Result<(), TermsRefused> {
    if *named == licence.aih_data {
        Ok(())
    } else {
        refuse(pointer, "it names another item than the licence's AIHDataID")
    }
}

fn same_chain(user: &UserId, back_end: &BackEndId, pointer: String) -> Result<(), TermsRefused> {
    match (user.chain_id() == back_end.chain_id(), user.address().is_zero()) {
        (true, false) => Ok(()),
        (true, true) => refuse(pointer, "the zero address is nobody's"),
        (false, _) => {
            refuse(pointer, format!("the account is on another chain than the Back End ({})", back_end.chain_id()))
        }
    }
}

fn refuse<T>(pointer: String, reason: impl Into<String>) -> Result<T, TermsRefused> {
    Err(TermsRefused { pointer, reason: reason.into() })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use uuid::Uuid;

    use super::*;
    use crate::domain::{
        operation::Operation,
        taxonomy::{DataClass, Usage},
    };

    fn user(byte: u8) -> UserId {
        UserId::new(31337, Address::repeat_byte(byte))
    }

    fn back_end() -> BackEndId {
        BackEndId::new(31337, Address::repeat_byte(0xbe))
    }

    fn licence() -> ModelLicence {
        let window = Window::new(1_000, 2_000).unwrap();
        let aih_data = AihDataId::from_uuid(Uuid::from_u128(7));
        ModelLicence {
            id: "licence-1".to_owned(),
            hash: B256::repeat_byte(1),
            end_user: user(1),
            aih_data,
            data_class: DataClass::PhysiologicalSignal,
            window,
            back_end: Some(BackEndLicence {
                end_user: user(1),
                back_end: back_end(),
                aih_data,
                status: DataStatus::Identified,
                processes: vec![Operation::AihDataProcessing],
                usages: [Usage::HealthCare].into_iter().collect(),
            }),
            third_parties: vec![ThirdPartyUserLicence {
                pointer: "/ModelLicenceData/ThirdPartyUserLicence".to_owned(),
                back_end: back_end(),
                third_party: None,
                licensable_end_users: Vec::new(),
                aih_data,
                window,
                user_types: [UserClass::NonProfitEntity, UserClass::EndUser].into_iter().collect(),
                processes: vec![Operation::PhysiologicalParameterQuantification],
                anomalies: WordSet::EMPTY,
                usages: [Usage::Research].into_iter().collect(),
            }],
        }
    }

    fn refusal(change: impl FnOnce(&mut ModelLicence)) -> String {
        let mut licence = licence();
        change(&mut licence);
        compile(&licence, &back_end(), 0).unwrap_err().pointer
    }

    #[test]
    fn a_licence_compiles() {
        let offer = compile(&licence(), &back_end(), 3).unwrap();
        assert_eq!(offer.sequence, 3);
        assert!(offer.terms.operations.contains(Operation::HealthStateDetection));
        assert_eq!(offer.terms.grants.len(), 1);
    }

    #[test]
    fn naming_end_users_takes_the_class_out() {
        let mut licence = licence();
        licence.third_parties[0].licensable_end_users =
            vec![LicensableEndUser { user: user(5), data_classes: [DataClass::Omics].into_iter().collect() }];
        let grants = compile(&licence, &back_end(), 0).unwrap().terms.grants;
        assert_eq!(grants.len(), 2);
        assert!(!grants[0].user_classes.contains(UserClass::EndUser));
        assert_eq!(grants[1].user, Some(user(5).address()));
        assert!(grants[1].data_classes.contains(DataClass::Omics));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let third = "/ModelLicenceData/ThirdPartyUserLicence";
        let stranger = BackEndId::new(31337, Address::repeat_byte(0xbb));
        let other_item = AihDataId::from_uuid(Uuid::from_u128(8));
        assert_eq!(refusal(|l| l.end_user = UserId::new(1, Address::repeat_byte(1))), "/EndUserID");
        assert_eq!(refusal(|l| l.back_end.as_mut().unwrap().back_end = stranger), format!("{BACK_END}/BackendID"));
        assert_eq!(refusal(|l| l.back_end.as_mut().unwrap().aih_data = other_item), format!("{BACK_END}/AIHDataID"));
        assert_eq!(refusal(|l| l.back_end.as_mut().unwrap().end_user = user(2)), format!("{BACK_END}/EndUserID"));
        assert_eq!(refusal(|l| l.third_parties[0].back_end = stranger), format!("{third}/BackendID"));
        assert_eq!(
            refusal(|l| l.third_parties[0].third_party = Some(UserId::new(31337, Address::ZERO))),
            format!("{third}/ThirdPartyUserID")
        );
        assert_eq!(
            refusal(|l| l.third_parties[0].window = Window::new(2_000, 3_000).unwrap()),
            format!("{third}/Time")
        );
        let crowd = |l: &mut ModelLicence| {
            let named = |n| LicensableEndUser { user: user(n), data_classes: WordSet::all() };
            l.third_parties[0].licensable_end_users = (10..18).map(named).collect();
        };
        assert_eq!(refusal(crowd), third);
    }
}
