//! Putting the house together and taking it down again.
//!
//! | File | What |
//! | --- | --- |
//! | [`house`] | the parts in their order |
//! | [`devnet`] | anvil as a child process |
//! | [`keeper`] | what ends anvil when the Back End is killed |
//! | [`keys`] | the chain keys of the three offices |
//! | [`vouch`] | a REGISTRAR's act |

pub mod devnet;
pub mod house;
pub mod keeper;
pub mod keys;
pub mod vouch;
