//! The sealed format: a payload as a header and a row of encrypted chunks, any of which can be opened alone.
//!
//! | Header | Bytes | |
//! | --- | --- | --- |
//! | magic, version | 7 + 1 | `HBESEAL`, 1 |
//! | chunk size | 4 | 65536, big-endian; no other is accepted in version 1 |
//! | nonce prefix | 7 | random |
//! | salt | 32 | random |
//! | commitment | 32 | second half of the derived bytes |
//!
//! 1. HKDF-SHA256 over the item key, with the salt, gives 64 bytes: content key and commitment. Its context is the rest
//!    of the header, the object's name and the item's ID. So no two objects share a content key, a changed header or a
//!    wrong key is noticed before the first chunk, and an object can be opened by one key only (AES-GCM alone does not
//!    promise that).
//! 2. Chunks are AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015):
//!    nonce = prefix 7 · chunk number 4 · last? 1. The number refuses reordering, the flag truncation and appending.
//! 3. Associated data of each chunk: version, object name, item ID. With the content key this refuses a chunk or a
//!    whole object brought from elsewhere.
//!
//! A reader must open the last chunk before it trusts the length; see `download`.

use aws_lc_rs::{
    aead::{Aad, LessSafeKey, NONCE_LEN, Nonce},
    constant_time::verify_slices_are_equal,
    hkdf, rand,
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    error::Error,
    keys::{ItemKey, KEY_BYTES, cipher},
    layout::{CHUNK_BYTES, HEADER_BYTES, MOST_CHUNKS, TAG_BYTES},
};

const MAGIC: &[u8; 7] = b"HBESEAL";
const VERSION: u8 = 1;
const PREFIX_BYTES: usize = 7;
const SALT_BYTES: usize = 32;
/// Magic, version, chunk size and prefix: what the derivation takes as context.
const LEAD_BYTES: usize = MAGIC.len() + 1 + 4 + PREFIX_BYTES;
const CHUNK: usize = CHUNK_BYTES as usize;
const TAG: usize = TAG_BYTES as usize;

/// Length of the derived bytes: content key and commitment.
struct Derived;

impl hkdf::KeyType for Derived {
    fn len(&self) -> usize {
        2 * KEY_BYTES
    }
}

/// Derives content key and commitment of one object.
fn derive(
    key: &ItemKey,
    object: Uuid,
    lead: &[u8; LEAD_BYTES],
    salt: &[u8; SALT_BYTES],
) -> Result<Zeroizing<[u8; 2 * KEY_BYTES]>, Error> {
    let mut derived = Zeroizing::new([0; 2 * KEY_BYTES]);
    // All parts but the last have fixed lengths, so the concatenation is unambiguous.
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(key.bytes())
        .expand(&[lead, object.as_bytes(), key.item().as_bytes()], Derived)
        .and_then(|okm| okm.fill(&mut derived[..]))
        .map_err(|_| Error::Crypto("deriving a content key"))?;
    Ok(derived)
}

/// What sealing and opening a chunk of one object share.
struct Chunks {
    cipher: LessSafeKey,
    prefix: [u8; PREFIX_BYTES],
    binding: Vec<u8>,
    object: Uuid,
}

impl Chunks {
    fn new(content: &[u8], lead: &[u8; LEAD_BYTES], object: Uuid, item: &str) -> Result<Self, Error> {
        let content = content.try_into().map_err(|_| Error::Crypto("deriving a content key"))?;
        let mut prefix = [0; PREFIX_BYTES];
        prefix.copy_from_slice(&lead[LEAD_BYTES - PREFIX_BYTES..]);
        let binding = [&[VERSION], &object.as_bytes()[..], item.as_bytes()].concat();
        Ok(Self { cipher: cipher(content)?, prefix, binding, object })
    }

    /// Nothing when the chunk number does not fit the counter.
    fn nonce(&self, chunk: u64, last: bool) -> Option<Nonce> {
        let mut nonce = [0; NONCE_LEN];
        nonce[..7].copy_from_slice(&self.prefix);
        nonce[7..11].copy_from_slice(&u32::try_from(chunk).ok()?.to_be_bytes());
        nonce[11] = u8::from(last);
        Some(Nonce::assume_unique_for_key(nonce))
    }
}

/// Seals one payload, chunk by chunk, holding one chunk in memory.
pub(super) struct Sealer {
    chunks: Chunks,
    next: u64,
    filling: BytesMut,
}

impl Sealer {
    /// A sealer for object `object` of the key's item, and the header to store first.
    ///
    /// # Errors
    /// [`Error::Crypto`] when the system gives no randomness.
    pub(super) fn new(key: &ItemKey, object: Uuid) -> Result<(Self, Bytes), Error> {
        let (mut lead, mut salt) = ([0; LEAD_BYTES], [0; SALT_BYTES]);
        lead[..7].copy_from_slice(MAGIC);
        lead[7] = VERSION;
        lead[8..12].copy_from_slice(&(CHUNK as u32).to_be_bytes());
        rand::fill(&mut lead[12..]).map_err(|_| Error::Crypto("making a nonce prefix"))?;
        rand::fill(&mut salt).map_err(|_| Error::Crypto("making a salt"))?;
        let derived = derive(key, object, &lead, &salt)?;
        let (content, commitment) = derived.split_at(KEY_BYTES);
        let chunks = Chunks::new(content, &lead, object, key.item())?;
        let header = [&lead[..], &salt, commitment].concat();
        Ok((Self { chunks, next: 0, filling: BytesMut::with_capacity(CHUNK + TAG) }, header.into()))
    }

    /// Takes bytes off the front of `data`; gives a sealed chunk whenever one is full and known not to be the last.
    /// Call until `data` is empty.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond 2³² chunks.
    pub(super) fn push(&mut self, data: &mut Bytes) -> Result<Option<Bytes>, Error> {
        let full = self.filling.len() == CHUNK && !data.is_empty();
        let sealed = if full { Some(self.seal(false)?) } else { None };
        let taken = data.len().min(CHUNK - self.filling.len());
        self.filling.put(data.split_to(taken));
        Ok(sealed)
    }

    /// The last chunk.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub(super) fn finish(mut self) -> Result<Bytes, Error> {
        self.seal(true)
    }

    fn seal(&mut self, last: bool) -> Result<Bytes, Error> {
        let too_large = Error::TooLarge { limit_bytes: MOST_CHUNKS * CHUNK_BYTES };
        let nonce = self.chunks.nonce(self.next, last).ok_or(too_large)?;
        let mut chunk = std::mem::take(&mut self.filling);
        let tag = (self.chunks.cipher)
            .seal_in_place_separate_tag(nonce, Aad::from(&self.chunks.binding), &mut chunk)
            .map_err(|_| Error::Crypto("sealing a chunk"))?;
        chunk.extend_from_slice(tag.as_ref());
        self.next += 1;
        if !last {
            self.filling.reserve(CHUNK + TAG);
        }
        Ok(chunk.freeze())
    }
}

/// Opens the chunks of one object, in any order.
pub(super) struct Opener(Chunks);

impl Opener {
    /// Reads a header.
    ///
    /// # Errors
    /// [`Error::NotSealed`] when it is no header of this format, [`Error::WrongKey`] when the key, its item or the
    /// object is not the one it was sealed with and for, or the header was altered.
    pub(super) fn new(header: &[u8], key: &ItemKey, object: Uuid) -> Result<Self, Error> {
        let refuse = |reason| Error::NotSealed { object, reason };
        let mut rest = header.get(..HEADER_BYTES as usize).ok_or(refuse("shorter than a header"))?;
        let (mut lead, mut salt) = ([0; LEAD_BYTES], [0; SALT_BYTES]);
        rest.copy_to_slice(&mut lead);
        rest.copy_to_slice(&mut salt);
        if lead[..7] != MAGIC[..] {
            return Err(refuse("does not begin like one"));
        }
        if lead[7] != VERSION || lead[8..12] != (CHUNK as u32).to_be_bytes() {
            return Err(refuse("unknown version or chunk size"));
        }
        let derived = derive(key, object, &lead, &salt)?;
        let (content, commitment) = derived.split_at(KEY_BYTES);
        verify_slices_are_equal(commitment, rest).map_err(|_| Error::WrongKey { what: "object" })?;
        Ok(Self(Chunks::new(content, &lead, object, key.item())?))
    }

    /// The plain bytes of a chunk.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when this is not what was sealed as chunk number `chunk`, or not as the last one or as one
    /// before the last.
    pub(super) fn open(&self, chunk: u64, last: bool, mut sealed: BytesMut) -> Result<Bytes, Error> {
        let corrupt = Error::Corrupt { object: self.0.object, chunk };
        let Some(nonce) = self.0.nonce(chunk, last) else { return Err(corrupt) };
        match self.0.cipher.open_in_place(nonce, Aad::from(&self.0.binding), &mut sealed) {
            Ok(plain) => {
                let length = plain.len();
                sealed.truncate(length);
                Ok(sealed.freeze())
            }
            Err(_) => Err(corrupt),
        }
    }
}
