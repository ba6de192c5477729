//! Federated learning: requests to Front Ends, their answers, and rounds.

pub mod answer;
pub mod requests;
pub mod round;
pub mod start;
