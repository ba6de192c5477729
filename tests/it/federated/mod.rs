//! Federated learning over HTTP, with Front Ends as processes: rounds that make a model, answers that are refused, a Back
//! End that is restarted in mid-round.
//!
//! | File | What |
//! | --- | --- |
//! | [`scene`] | a Back End, its operator, Front Ends with recordings of their own |
//! | [`refusals`] | answers and rounds that are refused; a restart; a spent budget |
//! | [`rounds`] | ten Front Ends, three rounds |

mod refusals;
mod rounds;
mod scene;
