//! **Places** for children, given in turn: of those that wait, every user gets one before anybody gets a second. First come,
//! first served would let one user's thirty jobs keep another's only one waiting until they are done.
//!
//! ```text
//! free ─take─▶ taken            waiting:  A ▸ a1 a2 a3      a place comes back: a1, then b1, then a2, a3
//!   ▲            │ dropped                B ▸ b1
//!   └────────────┴── nobody waits
//! ```

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::primitives::Address;
use tokio::sync::oneshot;

/// The places of a worker; copies share them.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    /// Whose turn it is next stands first. Nobody stands here twice, or with nothing that waits.
    waiting: VecDeque<(Address, VecDeque<oneshot::Sender<Place>>)>,
}

/// A place for a child, given on when dropped.
#[derive(Debug)]
pub struct Place(Option<Places>);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(State { free: count, waiting: VecDeque::new() })))
    }

    /// Waits for a place in a user's name.
    pub(super) async fn take(&self, user: Address) -> Place {
        let coming = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Place(Some(self.clone()));
            }
            let (sender, coming) = oneshot::channel();
            match state.waiting.iter_mut().find(|(other, _)| *other == user) {
                Some((_, own)) => own.push_back(sender),
                None => state.waiting.push_back((user, VecDeque::from([sender]))),
            }
            coming
        };
        // Senders are dropped with the list alone, and the list lives as long as `self`.
        coming.await.unwrap_or(Place(None))
    }

    /// Gives a place on to whose turn it is; to the next when they do not wait any more.
    fn give_on(&self) {
        let mut state = self.lock();
        while let Some((user, mut own)) = state.waiting.pop_front() {
            let Some(sender) = own.pop_front() else { continue };
            if !own.is_empty() {
                state.waiting.push_back((user, own));
            }
            match sender.send(Place(Some(self.clone()))) {
                Ok(()) => return,
                // Taken apart, so that it does not give itself on while the list is locked.
                Err(mut unwanted) => unwanted.0 = None,
            }
        }
        state.free += 1;
    }

    /// A panic elsewhere leaves the list as good as it was.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.0.take() {
            places.give_on();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::Pin, task::Poll};

    use futures_util::poll;

    use super::*;

    const ONE: Address = Address::repeat_byte(1);
    const OTHER: Address = Address::repeat_byte(2);

    impl Places {
        /// Free places, and users who wait.
        fn left(&self) -> (usize, usize) {
            let state = self.lock();
            (state.free, state.waiting.len())
        }
    }

    type Taking<'a> = Pin<Box<dyn Future<Output = Place> + 'a>>;

    /// Somebody who stands in the line.
    async fn standing(places: &Places, user: Address) -> Taking<'_> {
        let mut taking: Taking<'_> = Box::pin(places.take(user));
        assert!(poll!(taking.as_mut()).is_pending());
        taking
    }

    async fn is_served(taking: &mut Taking<'_>) -> Option<Place> {
        match poll!(taking.as_mut()) {
            Poll::Ready(place) => Some(place),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn one_users_thirty_jobs_delay_anothers_first_by_one_turn_at_most() {
        let places = Places::new(1);
        let running = places.take(ONE).await;
        let mut many = Vec::new();
        for _ in 0..30 {
            many.push(standing(&places, ONE).await);
        }
        let mut first = standing(&places, OTHER).await;
        drop(running);
        let one = is_served(&mut many[0]).await.unwrap();
        assert!(is_served(&mut first).await.is_none());
        drop(one);
        let other = is_served(&mut first).await.expect("after one turn of the other's");
        let mut again = standing(&places, OTHER).await;
        drop(other);
        // From now on by turns.
        let one = is_served(&mut many[1]).await.unwrap();
        drop(one);
        let other = is_served(&mut again).await.unwrap();
        drop(other);
        for taking in &mut many[2..] {
            drop(is_served(taking).await.unwrap());
        }
        assert_eq!(places.left(), (1, 0));
    }

    #[tokio::test]
    async fn who_goes_away_before_or_after_being_served_keeps_no_place() {
        let places = Places::new(2);
        let taken = (places.take(ONE).await, places.take(OTHER).await);
        let gone = standing(&places, ONE).await;
        let served_and_gone = standing(&places, OTHER).await;
        let mut waits = standing(&places, ONE).await;
        drop(gone);
        drop(taken.0);
        // The place is on its way to somebody who never looks.
        drop(served_and_gone);
        let place = is_served(&mut waits).await.unwrap();
        drop((place, taken.1));
        assert_eq!(places.left(), (2, 0));
    }
}
