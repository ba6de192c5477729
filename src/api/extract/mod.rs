//! What a handler takes. Each extractor refuses with a problem document; none lets anything unchecked through.
//!
//! | Extractor | Gives |
//! | --- | --- |
//! | [`Message`] | a message of the standard, schema-valid and typed, with its document and bytes |
//! | [`carried`] | a message with a payload, inside it or behind it; `meter` bounds what is held of such a body, [`imprint`] tells what passed |
//! | [`Plain`] | a small JSON body that is no message of the standard |
//! | [`Bearer`] | the authenticated caller and the services their Token opens |
//! | [`PathId`] | an identifier in the path |
//! | [`Params`] | the query |
//! | [`PageAsked`] | of a query, which page of a list |

mod bearer;
mod body;
pub mod carried;
pub mod imprint;
mod message;
mod meter;
mod page;
mod path;

pub use bearer::Bearer;
pub use body::Plain;
pub use message::Message;
pub use page::PageAsked;
pub use path::{Params, PathId};
