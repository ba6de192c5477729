//! **The MPAI Store** of this Back End: what its AI Modules declare of themselves, and the models.
//!
//! | File | What |
//! | --- | --- |
//! | [`metadata`] | AIM metadata of the Back End, its SubAIMs and its processing AIMs |
//! | [`models`] | NN models: their files, what is in them, who signed them |
//! | [`processing`] | declarations of the processing AIMs: one JSON file each below `processing/` |
//! | [`results`] | what they give: a JSON Schema for each type they perform |

pub mod metadata;
pub mod models;
pub mod processing;
pub mod results;
