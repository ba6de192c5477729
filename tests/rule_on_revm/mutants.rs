//! Rules that are wrong in one way each. The generated pairs must tell every one of them from the right one, or they
//! would not notice the same mistake in the contract.

use alloy::primitives::Address;
use health_back_end::domain::{
    operation::{Operation, Operations},
    rule::{Request, Requester, Standing, judge},
    taxonomy::{DataStatus, Usage, Word, WordSet},
    terms::LicenceTerms,
    user::Registration,
    verdict::Verdict,
    window::Window,
};

/// Everything the rule sees, to be altered.
#[derive(Clone)]
pub struct View {
    pub terms: LicenceTerms,
    pub status: DataStatus,
    pub revoked: bool,
    pub renounced: bool,
    pub request: Request,
    pub now: u64,
}

impl View {
    pub fn new(standing: &Standing<'_>, request: Request, now: u64) -> Self {
        let terms = standing.terms.clone();
        Self { terms, status: standing.status, revoked: standing.revoked, renounced: standing.renounced, request, now }
    }

    /// Asks by code. A code that names nothing is asked for as what nobody is licensed: an operation that is taken out
    /// of the terms first, or a usage when none is left in them.
    pub fn ask(&mut self, operation: u8, usage: u8) {
        match Operation::from_code(operation) {
            Some(known) => self.request.operation = known,
            None => self.take_out_an_operation(),
        }
        match Usage::from_code(usage) {
            Some(known) => self.request.usage = known,
            None => each_usages(self, |_| WordSet::EMPTY),
        }
    }

    fn take_out_an_operation(&mut self) {
        let alone = self.terms.operations.without(Operation::Retrieve).is_empty();
        let absent = if alone { Operation::Store } else { Operation::Retrieve };
        self.request.operation = absent;
        self.terms.operations = self.terms.operations.without(absent);
        self.terms.grants.iter_mut().for_each(|grant| grant.operations = grant.operations.without(absent));
    }

    pub fn judge(&self) -> Verdict {
        let standing =
            Standing { terms: &self.terms, status: self.status, revoked: self.revoked, renounced: self.renounced };
        judge(Some(&standing), &self.request, self.now)
    }
}

/// A mistake and what makes it.
pub type Mutant = (&'static str, fn(&mut View));

/// One for each part of the rule.
pub const MUTANTS: &[Mutant] = &[
    ("the intended time is not looked at", |v| v.request.at = v.now),
    ("the chain's time is not looked at", |v| v.now = v.request.at),
    ("the end of a licence is inside", |v| v.terms.window = later_end(v.terms.window)),
    ("the start of a licence is outside", |v| v.terms.window = later_start(v.terms.window)),
    ("the end of a grant is inside", |v| v.terms.grants.iter_mut().for_each(|g| g.window = later_end(g.window))),
    ("the start of a grant is outside", |v| v.terms.grants.iter_mut().for_each(|g| g.window = later_start(g.window))),
    ("the window of a grant is not looked at", |v| v.terms.grants.iter_mut().for_each(|g| g.window = v.terms.window)),
    ("of equals the last counts", |v| v.terms.grants.reverse()),
    ("only the first grant counts", |v| v.terms.grants.truncate(1)),
    ("the eighth grant is lost", |v| v.terms.grants.truncate(7)),
    ("every item is identified", |v| v.status = DataStatus::Identified),
    ("every item is anonymised", |v| v.status = DataStatus::Anonymised),
    ("pseudonymised counts as anonymised", |v| v.status = stretch(v.status)),
    ("no status is required", |v| v.terms.required_status = DataStatus::Identified),
    ("de-identification is not exempt", rename_de_identification),
    ("suspended users pass", |v| set_active(&mut v.request.requester)),
    ("giving up a right binds nobody", |v| v.renounced = false),
    ("giving up a right binds everyone", |v| v.revoked |= v.renounced),
    ("revoking binds nobody", |v| v.revoked = false),
    ("the End User is bound", |v| v.terms.end_user = Address::repeat_byte(0xee)),
    ("Unrestricted covers itself only", |v| each_usages(v, |usages| usages.without(Usage::Unrestricted))),
    ("Pseudonymised covers nothing", |v| each_usages(v, |usages| usages.without(Usage::Pseudonymised))),
    ("Anonymised covers nothing", |v| each_usages(v, |usages| usages.without(Usage::Anonymised))),
    ("a grant to an account is for every class", |v| {
        v.terms.grants.iter_mut().filter(|g| g.user.is_some()).for_each(|g| g.user_classes = WordSet::all());
    }),
    ("grants to classes do not count", |v| v.terms.grants.retain(|g| g.user.is_some())),
    ("grants to accounts do not count", |v| v.terms.grants.retain(|g| g.user.is_none())),
    ("the class of the data is not looked at", |v| {
        v.terms.grants.iter_mut().for_each(|g| g.data_classes = WordSet::all());
    }),
    ("the Back End is a third party", |v| {
        if v.request.requester == Requester::BackEnd {
            v.terms.operations = Operations::EMPTY;
        }
    }),
    ("no BackEndLicence licenses everything", |v| {
        if v.terms.operations.is_empty() {
            v.terms.operations = Operations::all();
        }
    }),
];

fn later_end(window: Window) -> Window {
    Window::new(window.start(), window.end() + 1).unwrap_or(window)
}

fn later_start(window: Window) -> Window {
    Window::new(window.start() + 1, window.end()).unwrap_or(window)
}

fn stretch(status: DataStatus) -> DataStatus {
    if status == DataStatus::Pseudonymised { DataStatus::Anonymised } else { status }
}

/// Asks for another operation, which the licence allows exactly where it allows de-identification.
fn rename_de_identification(view: &mut View) {
    if view.request.operation != Operation::DeIdAndAnonym {
        return;
    }
    view.request.operation = Operation::Auditing;
    let rename = |operations: Operations| {
        if operations.is_empty() {
            return operations;
        }
        let mut others = operations.without(Operation::Auditing);
        // Never emptied: no operation at all means another thing. Store is not asked for here.
        others.insert(Operation::Store);
        if operations.contains(Operation::DeIdAndAnonym) {
            others.insert(Operation::Auditing);
        }
        others
    };
    view.terms.operations = rename(view.terms.operations);
    view.terms.grants.iter_mut().for_each(|grant| grant.operations = rename(grant.operations));
}

fn set_active(requester: &mut Requester) {
    if let Requester::User { registration: Registration::Known { active, .. }, .. } = requester {
        *active = true;
    }
}

fn each_usages(view: &mut View, change: fn(WordSet<Usage>) -> WordSet<Usage>) {
    view.terms.usages = change(view.terms.usages);
    view.terms.grants.iter_mut().for_each(|grant| grant.usages = change(grant.usages));
}
