//! **The MPAI Store** of this Back End: the models.
//!
//! | File | What |
//! | --- | --- |
//! | [`models`] | NN models: their files, what is in them, who signed them |

pub mod models;
