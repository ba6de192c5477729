//! **Turns**: how many jobs of one requester may wait or work at once. Without this one user fills the places of the AI
//! Modules for everybody.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use alloy::primitives::Address;

use super::AimError;

/// Most jobs of one requester that wait or work.
pub const MOST_TURNS: usize = 32;

/// The turns taken in this process; copies share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    taken: Arc<Mutex<HashMap<Address, usize>>>,
}

/// A turn, given back when dropped.
#[derive(Debug)]
pub(in crate::aims) struct Turn {
    turns: Turns,
    requester: Address,
}

impl Turns {
    /// Takes a turn.
    ///
    /// # Errors
    /// [`AimError::Busy`] when the requester has as many as anybody may.
    pub(super) fn take(&self, requester: Address) -> Result<Turn, AimError> {
        // A panic elsewhere leaves the count as good as it was.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(requester).or_default();
        if *count >= MOST_TURNS {
            return Err(AimError::Busy);
        }
        *count += 1;
        Ok(Turn { turns: self.clone(), requester })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.turns.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.requester) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.requester);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_requester_takes_so_many_turns_and_another_is_not_kept_from_theirs() {
        let turns = Turns::default();
        let (one, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let mut taken: Vec<_> = (0..MOST_TURNS).map(|_| turns.take(one).unwrap()).collect();
        assert!(matches!(turns.take(one), Err(AimError::Busy)));
        let _other = turns.take(other).unwrap();
        taken.pop();
        drop(turns.take(one).unwrap());
        drop(taken);
        assert_eq!(turns.taken.lock().unwrap().len(), 1, "nothing is remembered of whoever has none");
    }
}
