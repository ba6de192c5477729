//! The arguments of the registry's events as a JSON object: how the copy of the register keeps them, and how they are
//! read again. What is written is read back as the same event; anything else is an error, never a default.
//!
//! Times are seconds since 1970, hashes and addresses lower-case hex, taxonomies the standard's words, terms the packed
//! bytes of the licence contract.

use alloy::primitives::{Address, B256, Bytes, FixedBytes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    licence_event::{Confirmation, LicenceEventKind as Kind, RevocationScope},
    operation::Operation,
    taxonomy::{DataStatus, Usage, UserClass},
    terms::LicenceTerms,
    verdict::Verdict,
};

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArgumentsError {
    /// Not the arguments of this event.
    #[error("not the arguments of {0}: {1}")]
    Malformed(String, #[source] serde_json::Error),
    /// Terms that are none.
    #[error("the event's terms cannot be read: {0}")]
    Terms(#[from] super::terms::UnpackError),
    /// A verdict with bits that name no term.
    #[error("the event's verdict {0:#x} names unknown terms")]
    Verdict(u16),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licensed {
    aih_data: B256,
    licence: Address,
    /// End User of an issue, previous licence of a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    end_user: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Address>,
    model_licence: B256,
    sequence: u64,
    terms: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Derived {
    aih_data: B256,
    licence: Address,
    parent_data: B256,
    parent: Address,
    status: DataStatus,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoked {
    aih_data: B256,
    licence: Address,
    by: Address,
    scope: Scope,
}

#[derive(Serialize, Deserialize)]
enum Scope {
    BackEnd,
    Whole,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClassSet {
    user: Address,
    class: UserClass,
    active: bool,
    by: Address,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmed {
    aih_data: B256,
    licence: Address,
    user: Address,
    confirm_id: FixedBytes<16>,
    operation: Operation,
    usage: Usage,
    at: u64,
    verdict: u16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    aih_data: B256,
    parent_data: B256,
    status: u8,
    reason: FixedBytes<4>,
}

fn write(arguments: impl Serialize) -> Value {
    // Structs of numbers, texts and bytes always have a JSON form.
    serde_json::to_value(arguments).unwrap_or(Value::Null)
}

impl Kind {
    /// The event's arguments as a JSON object.
    pub fn arguments(&self) -> Value {
        match self {
            Self::Issued { aih_data, licence, end_user, model_licence, sequence, terms } => write(Licensed {
                aih_data: *aih_data,
                licence: *licence,
                end_user: Some(*end_user),
                previous: None,
                model_licence: *model_licence,
                sequence: *sequence,
                terms: terms.pack().into(),
            }),
            Self::Changed { aih_data, licence, previous, model_licence, sequence, terms } => write(Licensed {
                aih_data: *aih_data,
                licence: *licence,
                end_user: None,
                previous: Some(*previous),
                model_licence: *model_licence,
                sequence: *sequence,
                terms: terms.pack().into(),
            }),
            Self::Derived { aih_data, licence, parent_data, parent, status } => write(Derived {
                aih_data: *aih_data,
                licence: *licence,
                parent_data: *parent_data,
                parent: *parent,
                status: *status,
            }),
            Self::Revoked { aih_data, licence, by, scope } => {
                write(Revoked { aih_data: *aih_data, licence: *licence, by: *by, scope: (*scope).into() })
            }
            Self::UserClassSet { user, class, active, by } => {
                write(ClassSet { user: *user, class: *class, active: *active, by: *by })
            }
            Self::Confirmed(confirmation) => write(Confirmed::from(confirmation)),
            Self::DerivationRefused { aih_data, parent_data, status, reason } => write(Refused {
                aih_data: *aih_data,
                parent_data: *parent_data,
                status: *status,
                reason: reason.into(),
            }),
        }
    }

    /// Reads an event by its name and arguments.
    ///
    /// # Errors
    /// When they are not exactly those of an event of this name.
    pub fn from_arguments(name: &str, arguments: &Value) -> Result<Self, ArgumentsError> {
        match name {
            "LicenceIssued" | "LicenceChanged" => licensed(name, read(name, arguments)?),
            "LicenceDerived" => {
                let Derived { aih_data, licence, parent_data, parent, status } = read(name, arguments)?;
                Ok(Self::Derived { aih_data, licence, parent_data, parent, status })
            }
            "LicenceRevoked" => {
                let Revoked { aih_data, licence, by, scope } = read(name, arguments)?;
                Ok(Self::Revoked { aih_data, licence, by, scope: scope.into() })
            }
            "UserClassSet" => {
                let ClassSet { user, class, active, by } = read(name, arguments)?;
                Ok(Self::UserClassSet { user, class, active, by })
            }
            "LicenceConfirmed" => read::<Confirmed>(name, arguments)?.try_into().map(Self::Confirmed),
            "DerivationRefused" => {
                let Refused { aih_data, parent_data, status, reason } = read(name, arguments)?;
                Ok(Self::DerivationRefused { aih_data, parent_data, status, reason: reason.0 })
            }
            other => Err(missing(other, "name of an event")),
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(name: &str, arguments: &Value) -> Result<T, ArgumentsError> {
    T::deserialize(arguments).map_err(|source| ArgumentsError::Malformed(name.to_owned(), source))
}

fn missing(name: &str, field: &'static str) -> ArgumentsError {
    ArgumentsError::Malformed(name.to_owned(), serde::de::Error::missing_field(field))
}

fn licensed(name: &str, event: Licensed) -> Result<Kind, ArgumentsError> {
    let terms = LicenceTerms::unpack(&event.terms)?;
    let Licensed { aih_data, licence, model_licence, sequence, .. } = event;
    match (name, event.end_user, event.previous) {
        ("LicenceIssued", Some(end_user), None) => {
            Ok(Kind::Issued { aih_data, licence, end_user, model_licence, sequence, terms })
        }
        ("LicenceChanged", None, Some(previous)) => {
            Ok(Kind::Changed { aih_data, licence, previous, model_licence, sequence, terms })
        }
        _ => Err(missing(name, "end_user or previous")),
    }
}

impl From<&Confirmation> for Confirmed {
    fn from(confirmation: &Confirmation) -> Self {
        Self {
            aih_data: confirmation.aih_data,
            licence: confirmation.licence,
            user: confirmation.user,
            confirm_id: confirmation.confirm_id.into(),
            operation: confirmation.operation,
            usage: confirmation.usage,
            at: confirmation.at,
            verdict: confirmation.verdict.bits(),
        }
    }
}

impl TryFrom<Confirmed> for Confirmation {
    type Error = ArgumentsError;

    fn try_from(event: Confirmed) -> Result<Self, ArgumentsError> {
        Ok(Self {
            aih_data: event.aih_data,
            licence: event.licence,
            user: event.user,
            confirm_id: event.confirm_id.0,
            operation: event.operation,
            usage: event.usage,
            at: event.at,
            verdict: Verdict::from_bits(event.verdict).map_err(ArgumentsError::Verdict)?,
        })
    }
}

impl From<RevocationScope> for Scope {
    fn from(scope: RevocationScope) -> Self {
        match scope {
            RevocationScope::BackEnd => Self::BackEnd,
            RevocationScope::Whole => Self::Whole,
        }
    }
}

impl From<Scope> for RevocationScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::BackEnd => Self::BackEnd,
            Scope::Whole => Self::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::terms::tests::sample;

    fn every_kind() -> Vec<Kind> {
        let (aih_data, licence, user) = (B256::repeat_byte(1), Address::repeat_byte(2), Address::repeat_byte(3));
        let terms = sample();
        vec![
            Kind::Issued {
                aih_data,
                licence,
                end_user: user,
                model_licence: terms.model_licence,
                sequence: 0,
                terms: terms.clone(),
            },
            Kind::Changed {
                aih_data,
                licence,
                previous: user,
                model_licence: terms.model_licence,
                sequence: u64::MAX,
                terms,
            },
            Kind::Derived {
                aih_data,
                licence,
                parent_data: B256::ZERO,
                parent: user,
                status: DataStatus::Pseudonymised,
            },
            Kind::Revoked { aih_data, licence, by: user, scope: RevocationScope::BackEnd },
            Kind::Revoked { aih_data, licence, by: user, scope: RevocationScope::Whole },
            Kind::UserClassSet { user, class: UserClass::NonProfitEntity, active: false, by: licence },
            Kind::Confirmed(Confirmation {
                aih_data,
                licence,
                user,
                confirm_id: [7; 16],
                operation: Operation::Retrieve,
                usage: Usage::PatientUse,
                at: (1 << 40) - 1,
                verdict: Verdict::from_bits(0x7ff).unwrap(),
            }),
            Kind::DerivationRefused { aih_data, parent_data: B256::ZERO, status: 255, reason: [1, 2, 3, 4] },
        ]
    }

    #[test]
    fn every_event_is_read_back_as_it_was_written() {
        for kind in every_kind() {
            let text = kind.arguments().to_string();
            let read = Kind::from_arguments(kind.name(), &serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(read, kind);
        }
    }

    #[test]
    fn anything_else_is_an_error() {
        for kind in every_kind() {
            let mut arguments = kind.arguments();
            arguments["stranger"] = 1.into();
            assert!(Kind::from_arguments(kind.name(), &arguments).is_err(), "{arguments}");
            assert!(Kind::from_arguments("LicenceStolen", &kind.arguments()).is_err());
        }
        let issued = every_kind().remove(0);
        assert!(Kind::from_arguments("LicenceChanged", &issued.arguments()).is_err());
    }
}
