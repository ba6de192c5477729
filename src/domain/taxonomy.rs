//! The standard's closed word lists (AIH Taxonomies) with the codes they have on chain.
//!
//! Codes follow the order of the lists and never change meaning; `LicenceTerms.sol` carries the same numbers and a
//! test compares the two.

use std::{fmt, marker::PhantomData};

/// A word of a closed list: a code (bit number on chain) and its spelling in the standard.
pub trait Word: Copy + Eq + fmt::Debug + 'static {
    /// Every word, in the order of the codes.
    const ALL: &'static [Self];
    /// What the list is called in messages to people.
    const LIST: &'static str;

    /// The number on chain.
    fn code(self) -> u8;
    /// The spelling in the standard.
    fn word(self) -> &'static str;

    /// The word with this code.
    fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|w| w.code() == code)
    }

    /// The word with this exact spelling.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|w| w.word() == word)
    }
}

/// Declares a taxonomy: an enum whose discriminants are the chain codes.
macro_rules! taxonomy {
    ($(#[$doc:meta])* $name:ident as $list:literal { $($(#[$vdoc:meta])* $variant:ident = $code:literal, $word:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[repr(u8)]
        pub enum $name {
            $(#[doc = concat!("`", $word, "`")] $(#[$vdoc])* #[serde(rename = $word)] $variant = $code,)+
        }

        impl $crate::domain::taxonomy::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            const LIST: &'static str = $list;

            fn code(self) -> u8 {
                self as u8
            }

            fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::domain::taxonomy::Word::word(*self))
            }
        }
    };
}

taxonomy! {
    /// Class of AIH Data.
    DataClass as "data class" {
        BehaviouralSignal = 0, "BehaviouralSignal";
        ClinicalRecord = 1, "ClinicalRecord";
        MedicalImaging = 2, "MedicalImaging";
        NeurophysiologicalSignal = 3, "NeurophysiologicalSignal";
        Omics = 4, "Omics";
        PhysiologicalSignal = 5, "PhysiologicalSignal";
    }
}

taxonomy! {
    /// Class of User, which a REGISTRAR vouches for (End Users declare themselves).
    UserClass as "user class" {
        EndUser = 0, "End User";
        NonProfitEntity = 1, "Non-Profit Entity";
        ProfitEntity = 2, "Profit Entity";
        ClinicalEntity = 3, "Clinical Entity";
        AuthorisedEntity = 4, "Authorised Entity";
        Caregiver = 5, "Caregiver";
    }
}

taxonomy! {
    /// Use made of a result.
    Usage as "usage" {
        Unrestricted = 0, "Unrestricted";
        Pseudonymised = 1, "Pseudonymised";
        Anonymised = 2, "Anonymised";
        Research = 3, "Research";
        PatientUse = 4, "Patient Use";
        HealthCare = 5, "Health Care";
    }
}

taxonomy! {
    /// Type of anomaly; a licence's anomaly types filter which findings a requester receives.
    AnomalyType as "anomaly type" {
        Point = 0, "Point Anomaly";
        Contextual = 1, "Contextual Anomaly";
        Collective = 2, "Collective Anomaly";
        MedicalCondition = 3, "Medical Condition Anomaly";
    }
}

taxonomy! {
    /// How far data has been de-identified; ordered from least to most.
    DataStatus as "data status" {
        Identified = 0, "Identified";
        Pseudonymised = 1, "Pseudonymised";
        Anonymised = 2, "Anonymised";
    }
}

/// A set of words of one list as a bit mask, bit = code.
#[derive(PartialEq, Eq, Hash)]
pub struct WordSet<W> {
    bits: u64,
    list: PhantomData<W>,
}

impl<W> Clone for WordSet<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for WordSet<W> {}

impl<W: Word> WordSet<W> {
    /// No word.
    pub const EMPTY: Self = Self { bits: 0, list: PhantomData };

    /// Every word of the list.
    pub fn all() -> Self {
        W::ALL.iter().copied().collect()
    }

    /// From a mask.
    ///
    /// # Errors
    /// The bits that are no word of the list.
    pub fn from_bits(bits: u64) -> Result<Self, u64> {
        match bits & !Self::all().bits {
            0 => Ok(Self { bits, list: PhantomData }),
            unknown => Err(unknown),
        }
    }

    /// The mask.
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The mask of a list of at most eight words.
    pub fn byte(self) -> u8 {
        debug_assert!(W::ALL.iter().all(|w| w.code() < 8), "{} does not fit a byte", W::LIST);
        (self.bits & 0xff) as u8
    }

    /// Whether the word is in the set.
    pub fn contains(self, word: W) -> bool {
        self.bits >> word.code() & 1 == 1
    }

    /// Adds a word.
    pub fn insert(&mut self, word: W) {
        self.bits |= 1 << word.code();
    }

    /// The set without a word.
    pub fn without(self, word: W) -> Self {
        Self { bits: self.bits & !(1 << word.code()), list: PhantomData }
    }

    /// Whether there is no word.
    pub fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The words in the order of their codes.
    pub fn iter(self) -> impl Iterator<Item = W> {
        W::ALL.iter().copied().filter(move |w| self.contains(*w))
    }
}

impl<W: Word> FromIterator<W> for WordSet<W> {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut set = Self::EMPTY;
        words.into_iter().for_each(|w| set.insert(w));
        set
    }
}

impl<W: Word> fmt::Debug for WordSet<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_words_round_trip() {
        for class in UserClass::ALL {
            assert_eq!(UserClass::from_code(class.code()), Some(*class));
            assert_eq!(UserClass::from_word(class.word()), Some(*class));
        }
        assert_eq!(UserClass::from_code(6), None);
        assert_eq!(Usage::from_word("research"), None);
    }

    #[test]
    fn a_mask_with_a_stranger_is_refused() {
        assert_eq!(WordSet::<Usage>::from_bits(0b100_0000), Err(0b100_0000));
        let set = WordSet::<Usage>::from_bits(0b1001).unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Usage::Unrestricted, Usage::Research]);
    }
}
