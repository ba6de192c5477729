//! The language everyone in this house speaks: the standard's words as Rust types, and the licence rule.
//!
//! Nothing here reads a clock, a network, a file or a random source; whatever depends on those comes in as an
//! argument. Nothing here imports another module of ours.
//!
//! | File | Word |
//! | --- | --- |
//! | [`ids`] | accounts, Licence IDs, AIH Data IDs |
//! | [`taxonomy`] | the standard's closed word lists and their codes on chain |
//! | [`operation`] | what may be asked for: processing types, services, our additions |
//! | [`window`] | half-open intervals of seconds |
//! | [`model_licence`] | what the End User signs |
//! | [`licence_event`] | what the chain says happened |
//! | [`event_arguments`] | its arguments as they are stored |
//! | [`register`] | the registry's state, rebuilt from events alone |
//! | [`terms`] | what it compiles to, and its packed form in the licence contract's code |
//! | [`rule`] | the licence rule, mirrored by `LicenceTerms.sol` |
//! | [`verdict`] | the answer: a set of failing terms |
//! | [`reading`] | terms in plain language |
//! | [`user`] | a registered user as the chain knows them |

// First: the modules below use its macro.
#[macro_use]
pub mod taxonomy;

pub mod event_arguments;
pub mod ids;
pub mod licence_event;
pub mod model_licence;
pub mod operation;
pub mod reading;
pub mod register;
pub mod rule;
pub mod terms;
pub mod user;
pub mod verdict;
pub mod window;
