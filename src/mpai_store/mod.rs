//! **The MPAI Store** of this Back End: what its AI Modules declare of themselves.
//!
//! | File | What |
//! | --- | --- |
//! | [`processing`] | declarations of the processing AIMs: one JSON file each below `processing/` |

pub mod processing;
