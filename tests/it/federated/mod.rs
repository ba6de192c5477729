//! Federated learning over HTTP, with Front Ends as processes: rounds that make a model, answers that are refused, a Back
//! End that is restarted in mid-round.
//!
//! | File | What |
//! | --- | --- |
//! | [`scene`] | a Back End as a process, its operator, Front Ends with recordings of their own |
//! | [`stage`] | a Back End in the test's process, whose clock and rounds the test drives |
//! | [`answers`] | answers made by hand, to be spoilt |
//! | [`opening`] | who hears that a round opens; both directions of the message |
//! | [`endings`] | deadlines, a fall of the accuracy, a budget that is spent, a licence withdrawn or a power failure in the middle |
//! | [`expiry`] | a licence that runs out in the middle |
//! | [`poison`] | updates that are scaled, turned, replayed, sent by three colluders of ten |
//! | [`refusals`] | answers and rounds that are refused; a restart; a spent budget |
//! | [`rounds`] | ten Front Ends, three rounds |

mod answers;
mod endings;
mod expiry;
mod opening;
mod poison;
mod refusals;
mod rounds;
mod scene;
mod stage;
