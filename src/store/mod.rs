//! The store: payloads of AIH Data at rest, encrypted, one random name each.
//!
//! Nothing here knows a licence, a user or a database. It keeps bytes safe and gives them back whole, or says by name
//! why not. What may be read or written is decided elsewhere, before this module is called.
//!
//! ```text
//!   root key ── wraps ──> End-User key ── wraps ──> item key ── derives ──> content key of one object
//!   (file or environment)  (text in a column)        (text in a column)     (from a salt in the object's header)
//! ```
//!
//! | File | Holds |
//! | --- | --- |
//! | `keys` | the key hierarchy; wrapping, which binds each key to its purpose and owner |
//! | `root_key` | where the root key comes from: a file of mode 0600, or base64 text |
//! | `layout` | arithmetic of the sealed format: plain offsets to stored offsets |
//! | `sealed` | the sealed format: header and chunks, sealing and opening |
//! | `objects` | `put`, `get`, `delete` over any `object_store` |
//! | `place` | which `object_store`: a folder, or a bucket that speaks S3 |
//! | `upload` | one upload: invisible until complete, gone without a trace if not |
//! | `download` | one reading: length proven first, then chunks in order |
//! | `sealed_text` | small texts for columns, sealed under a key of the hierarchy |
//! | `pseudonym_secret` | what the pseudonyms of one End User are made from |
//! | `sweep` | what a crash left behind, and what the database does not know |
//!
//! **Erasure** is the deletion of the wrapped item key by whoever keeps it. From that moment no copy of the object, on
//! this disk or in any backup, can be opened by anyone; [`Objects::delete`] then only frees the space.

mod download;
mod error;
mod keys;
mod layout;
mod objects;
mod place;
mod pseudonym_secret;
mod root_key;
mod sealed;
mod sealed_text;
mod sweep;
mod upload;

#[cfg(test)]
mod tests;

pub use download::Opened;
pub use error::Error;
pub use keys::{EndUserKey, ItemKey, RootKey, WrappedKey};
pub use objects::{Objects, Stored};
pub use pseudonym_secret::PseudonymSecret;
pub use sweep::Swept;
