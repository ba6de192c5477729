//! The answer to a Licence Confirm: the set of failing terms. Empty means permitted.

use super::taxonomy::WordSet;
taxonomy! {
    /// A term of the licence, or a condition around it, that fails.
    FailingTerm as "failing term" {
        NoLicence = 0, "NoLicence";
        Revoked = 1, "Revoked";
        NotYetValid = 2, "NotYetValid";
        Expired = 3, "Expired";
        NotLicensed = 4, "NotLicensed";
        UserType = 5, "UserType";
        DataClass = 6, "DataClass";
        Process = 7, "Process";
        Usage = 8, "Usage";
        DataStatus = 9, "DataStatus";
        UserInactive = 10, "UserInactive";
    }
}

impl FailingTerm {
    /// The reason in words, for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NoLicence => "this item of AIH Data has no licence",
            Self::Revoked => "the licence was withdrawn or replaced",
            Self::NotYetValid => "the licence does not hold yet at the intended time",
            Self::Expired => "the licence no longer holds at the intended time",
            Self::NotLicensed => "the licence names neither this user nor their class",
            Self::UserType => "the licence does not extend to this class of user",
            Self::DataClass => "the licence does not give this user data of this class",
            Self::Process => "the licence does not cover this kind of processing",
            Self::Usage => "the licence does not cover this use of the result",
            Self::DataStatus => "the licence asks for data that is further de-identified",
            Self::UserInactive => "the requester is not registered, or is suspended",
        }
    }
}

/// A set of failing terms; empty is a permission.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verdict(WordSet<FailingTerm>);

impl Verdict {
    /// Nothing fails.
    pub const PERMITTED: Self = Self(WordSet::EMPTY);

    /// From the bits the contract recorded.
    ///
    /// # Errors
    /// The bits that name no term this Back End knows: such a verdict must be read as a refusal.
    pub fn from_bits(bits: u16) -> Result<Self, u16> {
        WordSet::from_bits(bits.into()).map(Self).map_err(|unknown| unknown as u16)
    }

    /// The bits as the contract records them.
    pub fn bits(self) -> u16 {
        self.0.bits() as u16
    }

    /// Whether nothing fails.
    pub fn is_permitted(self) -> bool {
        self.0.is_empty()
    }

    /// Whether this term fails.
    pub fn has(self, term: FailingTerm) -> bool {
        self.0.contains(term)
    }

    /// How many terms fail.
    pub fn count(self) -> u32 {
        self.bits().count_ones()
    }

    /// The failing terms in the order of their bits.
    pub fn reasons(self) -> impl Iterator<Item = FailingTerm> {
        self.0.iter()
    }

    /// Both sets of failing terms together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.reasons().chain(other.reasons()).collect()
    }

    /// Adds a term when a condition says that it fails.
    pub(super) fn fail_if(&mut self, failing: bool, term: FailingTerm) {
        if failing {
            self.0.insert(term);
        }
    }
}

impl FromIterator<FailingTerm> for Verdict {
    fn from_iter<I: IntoIterator<Item = FailingTerm>>(terms: I) -> Self {
        Self(terms.into_iter().collect())
    }
}

impl std::fmt::Debug for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_permitted() { f.write_str("Permitted") } else { self.0.fmt(f) }
    }
}
