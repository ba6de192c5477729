//! **The rule, twice.** The licence rule stands in Solidity and in Rust; here both judge the same generated licences
//! and requests, the contract on revm in this process, and no difference is allowed.
//!
//! ```text
//! seed ─▶ histories of licences ─▶ contract ─▶ check, confirm, Licence.check ─┐
//!                     └──────────▶ mirror ───▶ domain::rule::judge ───────────┴─▶ equal?
//! ```
//!
//! 100,000 pairs by default, ten million with `HBE_DEEP=1`; `HBE_SEED` repeats a run.

mod codes;
mod differential;
mod generate;
mod mirror;
mod mutants;
mod registry;
mod tally;
mod withdrawal;
