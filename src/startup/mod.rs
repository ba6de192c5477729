//! Putting the house together and taking it down again.

pub mod devnet;
