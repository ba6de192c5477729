//! **The MPAI Store** of this Back End: what its AI Modules declare of themselves.
//!
//! | File | What |
//! | --- | --- |
//! | [`metadata`] | AIM metadata of the Back End, its SubAIMs and its processing AIMs |
//! | [`processing`] | declarations of the processing AIMs: one JSON file each below `processing/` |

pub mod metadata;
pub mod processing;
