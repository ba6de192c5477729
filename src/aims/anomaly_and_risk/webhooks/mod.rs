//! **Webhooks**: users tell where they want to be told, and get what is theirs to know there, signed.
//!
//! | File | What |
//! | --- | --- |
//! | [`target`] | which addresses are called at all |
//! | [`signature`] | Standard Webhooks |
//! | [`event`] | CloudEvents |
//! | [`register`] | registering, replacing a secret, trying it out, removing |
//! | [`courier`] | delivering, again and again until it is taken or given up |

pub mod courier;
pub mod event;
pub mod register;
pub mod signature;
pub mod target;
