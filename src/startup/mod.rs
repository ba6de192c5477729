//! Putting the house together and taking it down again.
//!
//! | File | What |
//! | --- | --- |
//! | [`house`] | the parts in their order |
//! | [`devnet`] | anvil as a child process |
//! | `holdings` | its folder, root key and objects |
//! | [`keeper`] | what ends anvil when the Back End is killed |
//! | [`keys`] | the chain keys of the three offices |
//! | [`restore`] | a reset chain is given its register again |
//! | [`vouch`] | a REGISTRAR's act |

pub mod devnet;
mod holdings;
pub mod house;
pub mod keeper;
pub mod keys;
pub mod restore;
mod restoring;
pub mod vouch;
