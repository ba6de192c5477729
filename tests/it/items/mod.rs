//! Items of AIH Data over HTTP: the whole life of one, everything that may be wrong with a request, and a Back End that
//! is killed, starved and lied to.
//!
//! | File | What |
//! | --- | --- |
//! | [`flow`] | upload, read, process, withdraw, erase; for a synthetic recording and the real one |
//! | [`retries`] | the same request again |
//! | [`refusals`] [`parts`] [`recordings`] [`signatures`] | requests that are wrong, each in its own way |
//! | [`endless`] | bodies that never end |
//! | [`licence_life`] | withdrawn, changed and expired in the middle of things |
//! | [`reading`] | a download whose licence falls |
//! | [`attempts`] | an upload that was kept and not acknowledged |
//! | [`starts`] | starts that must not succeed |
//! | [`bids`] | what is sent, and sent again, to the chain |
//! | [`erasure`] | what is left of an erased item, and of anything on chain |
//! | [`reset`] [`restored`] [`reset_doubts`] | a chain that was reset, and restored; what is told of the time before; what restoring must not do |
//! | [`mutations`] | thousands of mutated messages: no 5xx |
//! | [`storage`] [`restart`] | a Back End in a process of its own: memory, crashes, a full disk, the end |
//! | [`tampering`] | rows changed behind the house's back, in the audit |
//! | [`acts`] | what the house does without being asked by a Licence Confirm, in the audit |
//! | [`every_class`] | each class of data in each declared format, each declared processing type, and those that nobody declares |
//! | [`bad_payloads`] | payloads and models that are wrong, in each format |
//! | [`keeper`] | anvil ends with the Back End, however that ends |
//! | [`cut_off`] | what a killed Back End left, seen by another; who fills all places |
//! | [`doubt`] | a chain that is away, another, changed, or ahead of time |
//! | [`taking_away`] | withdrawing and erasing in doubt; an erasure that is cut off |
//! | [`stuck`] | transactions that are stuck, lost, or overtaken |
//!
//! [`paper`] writes the messages, [`caught`] catches works in the middle, [`server`] runs the Back End as a process, [`relay`] cuts its line to the chain.

mod acts;
mod attempts;
mod bad_payloads;
mod bids;
pub mod caught;
mod cut_off;
mod doubt;
mod endless;
mod erasure;
pub mod every_class;
mod flow;
mod keeper;
mod licence_life;
mod mutations;
pub mod paper;
mod parts;
mod reading;
mod recordings;
mod refusals;
pub mod relay;
mod reset;
mod reset_doubts;
mod restart;
mod restored;
mod retries;
pub mod server;
mod signatures;
mod starts;
mod storage;
mod stuck;
mod taking_away;
mod tampering;
