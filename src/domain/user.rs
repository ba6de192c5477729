//! A user as the registry on chain knows them.

use super::taxonomy::UserClass;

/// Standing of an account in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// Never registered.
    Unknown,
    /// Registered in a class; a suspended user keeps the class and may do nothing.
    Known {
        /// The class vouched for.
        class: UserClass,
        /// False when suspended.
        active: bool,
    },
}

impl Registration {
    /// The class, when there is one.
    pub fn class(self) -> Option<UserClass> {
        match self {
            Self::Unknown => None,
            Self::Known { class, .. } => Some(class),
        }
    }

    /// Registered and not suspended.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Known { active: true, .. })
    }
}
