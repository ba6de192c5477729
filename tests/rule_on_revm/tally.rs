//! What the generated pairs have reached: a comparison of what was never met proves nothing.

use std::collections::BTreeMap;

use health_back_end::domain::{
    rule::{Requester, Standing},
    taxonomy::{DataStatus, UserClass, Word},
    user::Registration,
    verdict::{FailingTerm, Verdict},
    window::Window,
};

use crate::{
    generate::Case,
    mutants::{MUTANTS, View},
};

const TERMS: usize = 11;

/// Counts of what was met.
#[derive(Default)]
pub struct Tally {
    pub pairs: u64,
    pub recorded: u64,
    pub asked_of_licences: u64,
    permits: u64,
    together: [[u64; TERMS]; TERMS],
    situations: BTreeMap<String, u64>,
    noticed: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn count(&mut self, verdict: Verdict) {
        self.pairs += 1;
        self.permits += u64::from(verdict.is_permitted());
        for a in verdict.reasons() {
            for b in verdict.reasons() {
                self.together[usize::from(a.code())][usize::from(b.code())] += 1;
            }
        }
    }

    /// Sees which mistakes in the rule this pair would notice.
    pub fn try_mutants(&mut self, view: &View, verdict: Verdict) {
        for (name, mutate) in MUTANTS {
            let mut mutant = view.clone();
            mutate(&mut mutant);
            *self.noticed.entry(name).or_default() += u64::from(mutant.judge() != verdict);
        }
    }

    pub fn meet(&mut self, situation: impl Into<String>) {
        *self.situations.entry(situation.into()).or_default() += 1;
    }

    /// Notes where this pair stands.
    pub fn place(&mut self, case: &Case, requester: Requester, standing: Option<&Standing<'_>>) {
        self.meet(who(requester));
        let Some(standing) = standing else { return self.meet("an item without licence") };
        let terms = standing.terms;
        self.meet(format!("data {}", standing.status));
        self.meet(format!("{} grants", terms.grants.len()));
        self.meet_edges("licence", &terms.window, case);
        for grant in &terms.grants {
            self.meet_edges("grant", &grant.window, case);
        }
        match requester {
            Requester::BackEnd if terms.operations.is_empty() => self.meet("the Back End without licence"),
            Requester::BackEnd if standing.renounced => self.meet("the Back End after giving up its right"),
            Requester::User { address, .. } if address == terms.end_user => self.meet("the End User themselves"),
            Requester::User { address, .. } if terms.grants.iter().any(|grant| grant.user == Some(address)) => {
                self.meet("an account that is named");
            }
            _ => {}
        }
        if standing.revoked && standing.status > DataStatus::Identified {
            self.meet("a derived licence that fell");
        }
    }

    fn meet_edges(&mut self, of: &str, window: &Window, case: &Case) {
        for (clock, time) in [("intended", case.at), ("chain", case.now)] {
            for (edge, moment) in [("start", window.start()), ("end", window.end())] {
                for (place, met) in
                    [("before", time + 1 == moment), ("at", time == moment), ("after", time == moment + 1)]
                {
                    if met {
                        self.meet(format!("{clock} time {place} the {edge} of a {of}"));
                    }
                }
            }
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.recorded += other.recorded;
        self.asked_of_licences += other.asked_of_licences;
        self.permits += other.permits;
        for (row, others) in self.together.iter_mut().zip(&other.together) {
            row.iter_mut().zip(others).for_each(|(sum, n)| *sum += n);
        }
        for (situation, n) in &other.situations {
            *self.situations.entry(situation.clone()).or_default() += n;
        }
        for (name, n) in &other.noticed {
            *self.noticed.entry(name).or_default() += n;
        }
    }

    /// Every term, every pair of terms that can fail together and no other, every situation, every mistake noticed.
    pub fn assert_complete(&self) {
        for a in FailingTerm::ALL {
            for b in FailingTerm::ALL {
                let met = self.together[usize::from(a.code())][usize::from(b.code())];
                assert_eq!(met > 0, can_fail_together(*a, *b), "{a} with {b}: {met} times");
            }
        }
        let share = self.permits as f64 / self.pairs as f64;
        assert!((0.1..0.6).contains(&share), "{share:.3} of the pairs are permitted");
        for situation in situations() {
            let met = self.situations.get(&situation).copied().unwrap_or_default();
            assert!(met >= 10, "{situation}: met {met} times");
        }
        for (name, _) in MUTANTS {
            let noticed = self.noticed.get(name).copied().unwrap_or_default();
            assert!(noticed >= 3, "a rule in which {name}: noticed {noticed} times");
        }
    }

    pub fn print(&self) {
        let share = 100.0 * self.permits as f64 / self.pairs as f64;
        println!(
            "{} pairs by check ({share:.1} % permitted), {} recorded by confirm, {} asked of the licence itself",
            self.pairs, self.recorded, self.asked_of_licences
        );
        let alone = FailingTerm::ALL.iter().map(|term| {
            let code = usize::from(term.code());
            format!("{term} {}", self.together[code][code])
        });
        println!("failing: {}", alone.collect::<Vec<_>>().join(", "));
        let rarest = self.noticed.iter().min_by_key(|(_, n)| **n);
        println!("{} mistaken rules noticed, the rarest {rarest:?}", MUTANTS.len());
    }
}

fn who(requester: Requester) -> String {
    match requester {
        Requester::BackEnd => "the Back End".to_owned(),
        Requester::User { registration: Registration::Unknown, .. } => "a stranger".to_owned(),
        Requester::User { registration: Registration::Known { class, active }, .. } => {
            format!("{class}, {}", if active { "active" } else { "suspended" })
        }
    }
}

/// What must have been met.
fn situations() -> Vec<String> {
    let mut all: Vec<String> = [
        "an item without licence",
        "the Back End",
        "a stranger",
        "the zero address",
        "the Back End without licence",
        "the Back End after giving up its right",
        "the End User themselves",
        "an account that is named",
        "a derived licence that fell",
        "a licence that was replaced",
        "an unknown operation",
        "an unknown usage",
        "a tie of grants that fail otherwise",
        "0 grants",
        "1 grants",
        "7 grants",
        "8 grants",
    ]
    .map(str::to_owned)
    .into();
    for class in UserClass::ALL {
        all.extend([format!("{class}, active"), format!("{class}, suspended")]);
    }
    all.extend(DataStatus::ALL.iter().map(|status| format!("data {status}")));
    for clock in ["intended", "chain"] {
        for of in ["licence", "grant"] {
            for edge in
                ["before the start", "at the start", "after the start", "before the end", "at the end", "after the end"]
            {
                all.push(format!("{clock} time {edge} of a {of}"));
            }
        }
    }
    all
}

fn can_fail_together(a: FailingTerm, b: FailingTerm) -> bool {
    use FailingTerm as F;
    let of_a_grant = |term| matches!(term, F::UserType | F::DataClass | F::Process | F::Usage | F::DataStatus);
    match (a, b) {
        _ if a == b => true,
        (F::NoLicence, other) | (other, F::NoLicence) => other == F::UserInactive,
        (F::NotLicensed, other) | (other, F::NotLicensed) => !of_a_grant(other),
        _ => true,
    }
}
