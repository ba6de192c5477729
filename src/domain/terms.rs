//! Licence terms: what a Model Licence compiles to, exactly as the contract holds it.
//!
//! The packed form (big endian, no padding) stands in the licence contract's code and in the registry's events:
//!
//! ```text
//! aihData 32 | modelLicence 32 | endUser 20 | dataClass 1 | start 5 | end 5 | requiredStatus 1
//!            | operations 8 | usages 1 | grantCount 1 | grant 42 × grantCount
//! grant      = user 20 | userClasses 1 | dataClasses 1 | operations 8 | usages 1 | anomalies 1 | start 5 | end 5
//! derivation = status 1 | dataItem 32 | root 20 | parent 20      (only in a derived licence's code)
//! ```

use alloy::primitives::{Address, B256};

use super::{
    operation::Operations,
    taxonomy::{AnomalyType, DataClass, DataStatus, Usage, UserClass, Word, WordSet},
    window::Window,
};

/// Most grants to third parties one licence holds.
pub const MOST_GRANTS: usize = 8;

const HEAD_BYTES: usize = 106;
const GRANT_BYTES: usize = 42;
const DERIVATION_BYTES: usize = 73;

/// A sub-licence for one account or for classes of users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The account named; `None` is a grant to every user of `user_classes`.
    pub user: Option<Address>,
    /// Classes the requester must belong to.
    pub user_classes: WordSet<UserClass>,
    /// Data classes licensed.
    pub data_classes: WordSet<DataClass>,
    /// Operations licensed.
    pub operations: Operations,
    /// Usages licensed.
    pub usages: WordSet<Usage>,
    /// Anomaly types whose findings the requester receives.
    pub anomalies: WordSet<AnomalyType>,
    /// When the grant holds, besides the licence's own window.
    pub window: Window,
}

/// The terms of a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceTerms {
    /// keccak256 of the AIH Data ID the End User licensed (in a derived licence: the root's).
    pub aih_data: B256,
    /// keccak256 of the Model Licence in canonical form (RFC 8785).
    pub model_licence: B256,
    /// The End User who signed.
    pub end_user: Address,
    /// Class of the data.
    pub data_class: DataClass,
    /// When the licence holds.
    pub window: Window,
    /// `AIHDataStatus` of the `BackEndLicence`: data less de-identified than this is not licensed.
    pub required_status: DataStatus,
    /// What the Back End may do on its own initiative; empty when there is no `BackEndLicence`.
    pub operations: Operations,
    /// For which uses the Back End may do it.
    pub usages: WordSet<Usage>,
    /// Sub-licences, at most [`MOST_GRANTS`].
    pub grants: Vec<Grant>,
}

/// Where a derived licence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Derivation {
    /// Status of the derived item.
    pub status: DataStatus,
    /// keccak256 of the derived item's own AIH Data ID.
    pub data_item: B256,
    /// The licence the End User signed.
    pub root: Address,
    /// The licence it was derived from.
    pub parent: Address,
}

/// Terms an End User signs, with their place in the history of the data item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The terms.
    pub terms: LicenceTerms,
    /// How many licence events (issue, change, revocation) the chain has seen for this item before; it makes older
    /// signatures worthless.
    pub sequence: u64,
}

/// Why bytes from the chain are not packed terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// Shorter or longer than the grant count says.
    #[error("packed terms of {found} bytes, where {expected} were expected")]
    Length {
        /// Bytes found.
        found: usize,
        /// Bytes expected.
        expected: usize,
    },
    /// A code or mask that names nothing.
    #[error("packed terms hold an unknown {0}")]
    Unknown(&'static str),
    /// A window that is empty or beyond the year 9999.
    #[error("packed terms hold a window that is none: {0}")]
    Window(#[from] super::window::WindowError),
}

impl LicenceTerms {
    /// The packed form.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD_BYTES + GRANT_BYTES * self.grants.len());
        out.extend_from_slice(self.aih_data.as_slice());
        out.extend_from_slice(self.model_licence.as_slice());
        out.extend_from_slice(self.end_user.as_slice());
        out.push(self.data_class.code());
        pack_window(&mut out, &self.window);
        out.push(self.required_status.code());
        out.extend_from_slice(&self.operations.bits().to_be_bytes());
        out.push(self.usages.byte());
        // At most MOST_GRANTS by construction of the compiler and of the contract.
        out.push(self.grants.len() as u8);
        self.grants.iter().for_each(|g| g.pack(&mut out));
        out
    }

    /// Reads the packed form of a root licence, or the part before the derivation of a derived one.
    ///
    /// # Errors
    /// When the bytes are not exactly packed terms.
    pub fn unpack(bytes: &[u8]) -> Result<Self, UnpackError> {
        match Self::unpack_code(bytes)? {
            (terms, None) => Ok(terms),
            (_, Some(_)) => Err(UnpackError::Length { found: bytes.len(), expected: bytes.len() - DERIVATION_BYTES }),
        }
    }

    /// Reads a licence contract's arguments: terms, and for a derived licence where it comes from.
    ///
    /// # Errors
    /// When the bytes are not exactly that.
    pub fn unpack_code(bytes: &[u8]) -> Result<(Self, Option<Derivation>), UnpackError> {
        let mut reader = Reader(bytes);
        if bytes.len() < HEAD_BYTES {
            return Err(UnpackError::Length { found: bytes.len(), expected: HEAD_BYTES });
        }
        let mut terms = reader.head();
        let count = usize::from(reader.take::<1>()[0]);
        let expected = HEAD_BYTES + GRANT_BYTES * count;
        let derived = bytes.len() == expected + DERIVATION_BYTES;
        if count > MOST_GRANTS || (bytes.len() != expected && !derived) {
            return Err(UnpackError::Length { found: bytes.len(), expected });
        }
        if let Ok(terms) = &mut terms {
            terms.grants = (0..count).map(|_| reader.grant()).collect::<Result<_, _>>()?;
        }
        let derivation = if derived { Some(reader.derivation()?) } else { None };
        Ok((terms?, derivation))
    }
}

impl Grant {
    fn pack(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.user.unwrap_or(Address::ZERO).as_slice());
        out.push(self.user_classes.byte());
        out.push(self.data_classes.byte());
        out.extend_from_slice(&self.operations.bits().to_be_bytes());
        out.push(self.usages.byte());
        out.push(self.anomalies.byte());
        pack_window(out, &self.window);
    }
}

fn pack_window(out: &mut Vec<u8>, window: &Window) {
    out.extend_from_slice(&window.start().to_be_bytes()[3..]);
    out.extend_from_slice(&window.end().to_be_bytes()[3..]);
}

/// Reads fixed-size fields from the front; the caller has checked the length.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut field = [0; N];
        let (front, rest) = self.0.split_at(N);
        field.copy_from_slice(front);
        self.0 = rest;
        field
    }

    fn word<W: Word>(&mut self) -> Result<W, UnpackError> {
        W::from_code(self.take::<1>()[0]).ok_or(UnpackError::Unknown(W::LIST))
    }

    fn byte_set<W: Word>(&mut self) -> Result<WordSet<W>, UnpackError> {
        WordSet::from_bits(self.take::<1>()[0].into()).map_err(|_| UnpackError::Unknown(W::LIST))
    }

    fn operations(&mut self) -> Result<Operations, UnpackError> {
        Operations::from_bits(u64::from_be_bytes(self.take())).map_err(|_| UnpackError::Unknown("operation"))
    }

    fn seconds(&mut self) -> u64 {
        self.take::<5>().iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
    }

    fn window(&mut self) -> Result<Window, UnpackError> {
        let (start, end) = (self.seconds(), self.seconds());
        Ok(Window::new(start, end)?)
    }

    /// Reads everything before the grant count; always consumes the same number of bytes, also when a field is wrong.
    fn head(&mut self) -> Result<LicenceTerms, UnpackError> {
        let (aih_data, model_licence, end_user) = (self.take().into(), self.take().into(), self.take().into());
        let (data_class, window, required_status) = (self.word(), self.window(), self.word());
        let (operations, usages) = (self.operations(), self.byte_set());
        Ok(LicenceTerms {
            aih_data,
            model_licence,
            end_user,
            data_class: data_class?,
            window: window?,
            required_status: required_status?,
            operations: operations?,
            usages: usages?,
            grants: Vec::new(),
        })
    }

    fn grant(&mut self) -> Result<Grant, UnpackError> {
        let user = Address::from(self.take::<20>());
        Ok(Grant {
            user: (user != Address::ZERO).then_some(user),
            user_classes: self.byte_set()?,
            data_classes: self.byte_set()?,
            operations: self.operations()?,
            usages: self.byte_set()?,
            anomalies: self.byte_set()?,
            window: self.window()?,
        })
    }

    fn derivation(&mut self) -> Result<Derivation, UnpackError> {
        Ok(Derivation {
            status: self.word()?,
            data_item: self.take().into(),
            root: self.take::<20>().into(),
            parent: self.take::<20>().into(),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::operation::Operation;

    /// Terms with one grant by class, for tests.
    pub(crate) fn sample() -> LicenceTerms {
        let window = Window::new(1_000, 2_000).unwrap();
        LicenceTerms {
            aih_data: B256::repeat_byte(1),
            model_licence: B256::repeat_byte(2),
            end_user: Address::repeat_byte(3),
            data_class: DataClass::PhysiologicalSignal,
            window,
            required_status: DataStatus::Identified,
            operations: [Operation::PhysiologicalEventDetection].into_iter().collect(),
            usages: [Usage::HealthCare].into_iter().collect(),
            grants: vec![Grant {
                user: None,
                user_classes: [UserClass::NonProfitEntity].into_iter().collect(),
                data_classes: [DataClass::PhysiologicalSignal].into_iter().collect(),
                operations: [Operation::PhysiologicalParameterQuantification].into_iter().collect(),
                usages: [Usage::Research].into_iter().collect(),
                anomalies: WordSet::EMPTY,
                window,
            }],
        }
    }

    #[test]
    fn packing_round_trips() {
        let terms = sample();
        let packed = terms.pack();
        assert_eq!(packed.len(), 148);
        assert_eq!(LicenceTerms::unpack(&packed).unwrap(), terms);
    }

    #[test]
    fn a_derived_licence_says_where_it_comes_from() {
        let mut code = sample().pack();
        code.push(1);
        code.extend([7; 32]);
        code.extend([8; 20]);
        code.extend([9; 20]);
        let (terms, derivation) = LicenceTerms::unpack_code(&code).unwrap();
        assert_eq!(terms, sample());
        let derivation = derivation.unwrap();
        assert_eq!((derivation.status, derivation.root), (DataStatus::Pseudonymised, Address::repeat_byte(8)));
        assert!(LicenceTerms::unpack(&code).is_err());
    }

    #[test]
    fn every_other_length_and_unknown_word_is_refused() {
        let packed = sample().pack();
        for length in 0..packed.len() {
            assert!(LicenceTerms::unpack(&packed[..length]).is_err(), "{length} bytes");
        }
        let mut strange = packed.clone();
        strange[84] = 6;
        assert_eq!(LicenceTerms::unpack(&strange), Err(UnpackError::Unknown("data class")));
        let mut crowded = packed;
        crowded[105] = 9;
        assert!(LicenceTerms::unpack(&crowded).is_err());
    }
}
