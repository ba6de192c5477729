//! Which class of user may ask for which service. A Token opens the door of a service; what happens to an item of data
//! behind it is decided by its licence alone.
//!
//! | Service | End User | Third Party Users | Operator |
//! | --- | --- | --- | --- |
//! | Store, Auditing, LicenceChange | ✓ | | |
//! | Retrieve, AIHDataProcessing, DeIDAndAnonym, AnomalyAndRiskAlerting | ✓ | ✓ | ✓ |
//! | FederatedLearning | ✓ | | ✓ |
//!
//! Only who the data is about stores it, licenses it and has its use audited; Third Party Users work with it; a Health
//! Front End takes part in federated learning, which an operator starts.

use std::{fmt, str::FromStr};

use crate::domain::{
    operation::Operation,
    taxonomy::{UserClass, Word},
};

/// What a Token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A service of the standard, or one of our additions.
    Service(Operation),
    /// Operating this Back End: the account holds the OPERATOR role on chain.
    Operator,
}

const OPERATOR: &str = "operator";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => f.write_str(service.word()),
            Self::Operator => f.write_str(OPERATOR),
        }
    }
}

/// A text that is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoScope;

impl FromStr for Scope {
    type Err = NoScope;

    fn from_str(text: &str) -> Result<Self, NoScope> {
        match text {
            OPERATOR => Ok(Self::Operator),
            word => Operation::from_word(word).filter(|o| is_service(*o)).map(Self::Service).ok_or(NoScope),
        }
    }
}

/// Whether Tokens are given for this.
pub fn is_service(operation: Operation) -> bool {
    operation.is_service()
        || matches!(operation, Operation::Retrieve | Operation::AnomalyAndRiskAlerting | Operation::FederatedLearning)
}

/// Whether a service is open to a class of users.
pub fn is_open_to(service: Operation, class: UserClass) -> bool {
    match service {
        Operation::Store | Operation::Auditing | Operation::LicenceChange | Operation::FederatedLearning => {
            class == UserClass::EndUser
        }
        other => is_service(other),
    }
}

/// Whether a service is open to an operator of this Back End.
pub fn is_open_to_operators(service: Operation) -> bool {
    is_service(service) && !matches!(service, Operation::Store | Operation::Auditing | Operation::LicenceChange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_end_users_store_license_and_audit() {
        for service in [Operation::Store, Operation::Auditing, Operation::LicenceChange] {
            assert!(is_open_to(service, UserClass::EndUser) && !is_open_to_operators(service));
            for class in UserClass::ALL.iter().filter(|class| **class != UserClass::EndUser) {
                assert!(!is_open_to(service, *class), "{service} {class}");
            }
        }
    }

    #[test]
    fn a_processing_type_is_no_service() {
        assert!(!is_open_to(Operation::HealthStateDetection, UserClass::EndUser));
        assert_eq!("HealthStateDetection".parse::<Scope>(), Err(NoScope));
        assert_eq!("operator".parse::<Scope>(), Ok(Scope::Operator));
    }

    #[test]
    fn scopes_round_trip() {
        for operation in Operation::ALL.iter().copied().filter(|o| is_service(*o)) {
            let scope = Scope::Service(operation);
            assert_eq!(scope.to_string().parse(), Ok(scope));
            assert!(!scope.to_string().contains(' '));
        }
    }
}
