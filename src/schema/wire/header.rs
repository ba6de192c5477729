//! The `Header` of a message: a constant that its type determines.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Message;

/// The `Header` of a message of type `M`; it holds nothing, and reads nothing but its own constant.
pub struct Header<M>(PhantomData<fn() -> M>);

impl<M> Header<M> {
    /// The header.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<M> Default for Header<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Clone for Header<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Header<M> {}

impl<M> PartialEq for Header<M> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<M> Eq for Header<M> {}

impl<M: Message> fmt::Debug for Header<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(M::TYPE.header())
    }
}

impl<M: Message> Serialize for Header<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(M::TYPE.header())
    }
}

impl<'de, M: Message> Deserialize<'de> for Header<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let header = String::deserialize(deserializer)?;
        if header == M::TYPE.header() { Ok(Self::new()) } else { Err(de::Error::custom("header of another type")) }
    }
}
