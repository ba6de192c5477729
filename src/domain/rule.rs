//! **The licence rule.** The same rule stands in `contracts/src/libraries/LicenceTerms.sol`; a differential test runs
//! both on generated pairs of licence and request and allows no difference.
//!
//! ```text
//! no licence ───────────────▶ NoLicence (+ UserInactive)
//! the End User themselves ──▶ nothing of the licence binds them (+ UserInactive)
//! the Back End itself ──────▶ common ∪ BackEndLicence
//! anyone else ──────────────▶ common ∪ the grant that names them with the fewest failing terms, the first of equals
//!                             common ∪ NotLicensed when no grant names them
//! common = Revoked, NotYetValid, Expired, UserInactive
//! ```

use alloy::primitives::Address;

use super::{
    operation::Operation,
    taxonomy::{AnomalyType, DataStatus, Usage, WordSet},
    terms::{Grant, LicenceTerms},
    user::Registration,
    verdict::{FailingTerm, Verdict},
    window::Window,
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requester {
    /// The Back End on its own initiative.
    BackEnd,
    /// An End User or Third Party User.
    User {
        /// Their address.
        address: Address,
        /// What the registry knows of them.
        registration: Registration,
    },
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub requester: Requester,
    /// For what.
    pub operation: Operation,
    /// For which use of the result.
    pub usage: Usage,
    /// Intended time of execution, seconds since 1970.
    pub at: u64,
}

/// A licence as it stands on chain.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its terms.
    pub terms: &'a LicenceTerms,
    /// Status of the data item.
    pub status: DataStatus,
    /// It, or the root it derives from, was withdrawn or replaced.
    pub revoked: bool,
    /// The Back End gave up its own right to it.
    pub renounced: bool,
}

/// Judges a request at chain time `now` (seconds since 1970). An empty verdict permits.
pub fn judge(licence: Option<&Standing<'_>>, request: &Request, now: u64) -> Verdict {
    let mut common = Verdict::PERMITTED;
    common.fail_if(is_inactive(&request.requester), FailingTerm::UserInactive);
    let Some(licence) = licence else {
        common.fail_if(true, FailingTerm::NoLicence);
        return common;
    };
    let terms = licence.terms;
    match request.requester {
        Requester::User { address, .. } if address == terms.end_user => common,
        Requester::User { address, registration } => {
            common.fail_if(licence.revoked, FailingTerm::Revoked);
            fail_outside(&mut common, &terms.window, request.at, now);
            common.and(judge_grants(licence, address, registration, request, now))
        }
        Requester::BackEnd => {
            common.fail_if(licence.revoked || licence.renounced, FailingTerm::Revoked);
            fail_outside(&mut common, &terms.window, request.at, now);
            common.and(judge_back_end(licence, request))
        }
    }
}

/// Anomaly types whose findings a requester receives with what they ask for at time `now`: for the End User all; for
/// others those of every grant by which the request is permitted; none when nothing permits it.
pub fn receivable(licence: &Standing<'_>, request: &Request, now: u64) -> WordSet<AnomalyType> {
    let Requester::User { address, registration } = request.requester else { return WordSet::EMPTY };
    if address == licence.terms.end_user {
        return WordSet::all();
    }
    let mut common = Verdict::PERMITTED;
    common.fail_if(is_inactive(&request.requester) || licence.revoked, FailingTerm::Revoked);
    fail_outside(&mut common, &licence.terms.window, request.at, now);
    let grants = licence.terms.grants.iter().filter(|grant| names(grant, address, registration));
    let permitting =
        grants.filter(|grant| common.and(judge_grant(licence, grant, registration, request, now)).is_permitted());
    permitting.flat_map(|grant| grant.anomalies.iter()).collect()
}

fn is_inactive(requester: &Requester) -> bool {
    match requester {
        Requester::BackEnd => false,
        Requester::User { registration, .. } => !registration.is_active(),
    }
}

fn fail_outside(verdict: &mut Verdict, window: &Window, at: u64, now: u64) {
    verdict.fail_if(at < window.start() || now < window.start(), FailingTerm::NotYetValid);
    verdict.fail_if(at >= window.end() || now >= window.end(), FailingTerm::Expired);
}

fn judge_back_end(licence: &Standing<'_>, request: &Request) -> Verdict {
    let terms = licence.terms;
    if terms.operations.is_empty() {
        return [FailingTerm::NotLicensed].into_iter().collect();
    }
    let mut verdict = Verdict::PERMITTED;
    verdict.fail_if(!terms.operations.contains(request.operation), FailingTerm::Process);
    verdict.fail_if(!covers(terms.usages, request.usage, licence.status), FailingTerm::Usage);
    verdict.fail_if(lacks_status(licence, request), FailingTerm::DataStatus);
    verdict
}

fn judge_grants(
    licence: &Standing<'_>,
    user: Address,
    registration: Registration,
    request: &Request,
    now: u64,
) -> Verdict {
    licence
        .terms
        .grants
        .iter()
        .filter(|grant| names(grant, user, registration))
        .map(|grant| judge_grant(licence, grant, registration, request, now))
        // min_by_key keeps the first of equals.
        .min_by_key(|verdict| verdict.count())
        .unwrap_or_else(|| [FailingTerm::NotLicensed].into_iter().collect())
}

fn names(grant: &Grant, user: Address, registration: Registration) -> bool {
    match grant.user {
        Some(named) => named == user,
        None => registration.class().is_some_and(|class| grant.user_classes.contains(class)),
    }
}

fn judge_grant(
    licence: &Standing<'_>,
    grant: &Grant,
    registration: Registration,
    request: &Request,
    now: u64,
) -> Verdict {
    let mut verdict = Verdict::PERMITTED;
    fail_outside(&mut verdict, &grant.window, request.at, now);
    let in_class = registration.class().is_some_and(|class| grant.user_classes.contains(class));
    verdict.fail_if(!in_class, FailingTerm::UserType);
    verdict.fail_if(!grant.data_classes.contains(licence.terms.data_class), FailingTerm::DataClass);
    verdict.fail_if(!grant.operations.contains(request.operation), FailingTerm::Process);
    verdict.fail_if(!covers(grant.usages, request.usage, licence.status), FailingTerm::Usage);
    verdict.fail_if(lacks_status(licence, request), FailingTerm::DataStatus);
    verdict
}

/// `Unrestricted` covers all; `Pseudonymised` and `Anonymised` cover any usage of data of at least that status.
fn covers(licensed: WordSet<Usage>, asked: Usage, status: DataStatus) -> bool {
    let by_name = !matches!(asked, Usage::Pseudonymised | Usage::Anonymised) && licensed.contains(asked);
    licensed.contains(Usage::Unrestricted)
        || by_name
        || (licensed.contains(Usage::Pseudonymised) && status >= DataStatus::Pseudonymised)
        || (licensed.contains(Usage::Anonymised) && status >= DataStatus::Anonymised)
}

/// De-identification is exempt: it is how data reaches the status the licence asks for.
fn lacks_status(licence: &Standing<'_>, request: &Request) -> bool {
    licence.status < licence.terms.required_status && request.operation != Operation::DeIdAndAnonym
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{taxonomy::UserClass, terms::tests::sample};

    #[test]
    fn the_windows_of_licence_and_grant_both_hold_and_exclude_their_end() {
        let mut terms = sample();
        terms.window = Window::new(1_000, 2_000).unwrap();
        terms.grants[0].window = Window::new(1_500, 3_000).unwrap();
        let verdict = |at: u64, now: u64| {
            let standing = Standing { terms: &terms, status: DataStatus::Identified, revoked: false, renounced: false };
            let request = Request {
                requester: institute(UserClass::NonProfitEntity),
                operation: Operation::PhysiologicalParameterQuantification,
                usage: Usage::Research,
                at,
            };
            judge(Some(&standing), &request, now).reasons().collect::<Vec<_>>()
        };
        for moment in [1_500, 1_999] {
            assert_eq!(verdict(moment, moment), []);
        }
        // Within the licence and before the grant; within the grant and after the licence.
        assert_eq!(verdict(1_499, 1_499), [FailingTerm::NotYetValid]);
        assert_eq!(verdict(2_000, 2_000), [FailingTerm::Expired]);
        assert_eq!(verdict(1_600, 2_000), [FailingTerm::Expired]);
        assert_eq!(verdict(2_999, 1_600), [FailingTerm::Expired]);
    }

    const NOW: u64 = 1_500;

    fn institute(class: UserClass) -> Requester {
        let registration = Registration::Known { class, active: true };
        Requester::User { address: Address::repeat_byte(9), registration }
    }

    fn research(requester: Requester) -> Request {
        let operation = Operation::PhysiologicalParameterQuantification;
        Request { requester, operation, usage: Usage::Research, at: NOW }
    }

    fn verdict_of(change: impl FnOnce(&mut Standing<'_>, &mut Request)) -> Vec<FailingTerm> {
        let terms = sample();
        let mut standing = Standing { terms: &terms, status: DataStatus::Identified, revoked: false, renounced: false };
        let mut request = research(institute(UserClass::NonProfitEntity));
        change(&mut standing, &mut request);
        judge(Some(&standing), &request, NOW).reasons().collect()
    }

    #[test]
    fn what_the_grant_covers_is_permitted() {
        assert_eq!(verdict_of(|_, _| ()), []);
    }

    #[test]
    fn each_failing_term_is_named() {
        use FailingTerm as F;
        assert_eq!(verdict_of(|s, _| s.revoked = true), [F::Revoked]);
        assert_eq!(verdict_of(|_, r| r.at = 999), [F::NotYetValid]);
        assert_eq!(verdict_of(|_, r| r.at = 2_000), [F::Expired]);
        assert_eq!(verdict_of(|_, r| r.operation = Operation::Retrieve), [F::Process]);
        assert_eq!(verdict_of(|_, r| r.usage = Usage::PatientUse), [F::Usage]);
        assert_eq!(verdict_of(|_, r| r.requester = institute(UserClass::ProfitEntity)), [F::NotLicensed]);
        assert_eq!(
            verdict_of(
                |_, r| r.requester = Requester::User { address: Address::ZERO, registration: Registration::Unknown }
            ),
            [F::NotLicensed, F::UserInactive]
        );
    }

    #[test]
    fn renouncing_binds_the_back_end_alone() {
        assert_eq!(verdict_of(|s, _| s.renounced = true), []);
        let back_end = verdict_of(|s, r| {
            s.renounced = true;
            *r = Request {
                operation: Operation::PhysiologicalEventDetection,
                usage: Usage::HealthCare,
                ..research(Requester::BackEnd)
            };
        });
        assert_eq!(back_end, [FailingTerm::Revoked]);
    }

    #[test]
    fn the_end_user_is_not_bound() {
        let end_user = Requester::User {
            address: sample().end_user,
            registration: Registration::Known { class: UserClass::EndUser, active: true },
        };
        assert_eq!(
            verdict_of(|s, r| {
                s.revoked = true;
                r.requester = end_user;
                r.at = 9_999
            }),
            []
        );
    }

    #[test]
    fn findings_are_received_by_the_grant_that_permits() {
        use AnomalyType as A;
        let mut terms = sample();
        terms.grants[0].anomalies = [A::Collective].into_iter().collect();
        let mut other = terms.grants[0].clone();
        (other.anomalies, other.usages) = (WordSet::all(), [Usage::HealthCare].into_iter().collect());
        terms.grants.push(other);
        let received = |change: &dyn Fn(&mut Standing<'_>, &mut Request)| {
            let (status, revoked, renounced) = (DataStatus::Identified, false, false);
            let mut standing = Standing { terms: &terms, status, revoked, renounced };
            let mut request = research(institute(UserClass::NonProfitEntity));
            change(&mut standing, &mut request);
            receivable(&standing, &request, NOW).iter().collect::<Vec<_>>()
        };
        assert_eq!(received(&|_, _| ()), [A::Collective]);
        assert_eq!(received(&|_, r| r.usage = Usage::HealthCare).len(), 4);
        assert_eq!(received(&|_, r| r.usage = Usage::PatientUse), []);
        assert_eq!(received(&|_, r| r.operation = Operation::Retrieve), []);
        assert_eq!(received(&|_, r| r.requester = institute(UserClass::ProfitEntity)), []);
        assert_eq!(received(&|_, r| r.requester = Requester::BackEnd), []);
        assert_eq!(received(&|s, _| s.revoked = true), []);
        assert_eq!(received(&|_, r| r.at = 5_000), []);
        let suspended = Registration::Known { class: UserClass::NonProfitEntity, active: false };
        let address = Address::repeat_byte(9);
        assert_eq!(received(&|_, r| r.requester = Requester::User { address, registration: suspended }), []);
        let end_user = Requester::User { address: terms.end_user, registration: Registration::Unknown };
        assert_eq!(received(&|_, r| r.requester = end_user).len(), 4);
    }

    #[test]
    fn an_item_without_licence_is_refused_to_everyone() {
        let verdict = judge(None, &research(Requester::BackEnd), NOW);
        assert_eq!(verdict.reasons().collect::<Vec<_>>(), [FailingTerm::NoLicence]);
    }
}
