//! The tar archive a WFDB record arrives in: one header file and its signal files, nothing else that counts.
//!
//! The archive is only listed, never unpacked. Member names must be plain file names; links, directories,
//! devices, sparse files and long-name extensions are refused, so that no name can point elsewhere.
//! Extended (pax) headers are accepted as long as they change neither name nor size nor kind of a member:
//! ordinary archivers write them for fractions of a second.

use std::io::{Read, Seek, SeekFrom};

use tar::{Archive, Entry, EntryType};

use super::error::EcgError;
use super::limits::{MAX_ARCHIVE_ENTRIES, MAX_PAX_HEADER_BYTES, MAX_WFDB_HEADER_BYTES};

/// Where a member lies in the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: String,
    at: u64,
    bytes: u64,
}

/// A listed archive: the text of the header file and the places of the others.
#[derive(Debug)]
pub(in crate::aims) struct WfdbArchive<R> {
    payload: R,
    payload_bytes: u64,
    header: String,
    members: Vec<Member>,
}

impl<R: Read + Seek> WfdbArchive<R> {
    /// Lists the archive and reads its one header file.
    ///
    /// # Errors
    ///
    /// [`EcgError::Archive`] for forbidden members, none or several header files, [`EcgError::Limit`] for too
    /// many members or too large a header, [`EcgError::Truncated`] when a member reaches beyond the payload.
    pub(in crate::aims) fn open(mut payload: R) -> Result<Self, EcgError> {
        let payload_bytes = payload.seek(SeekFrom::End(0))?;
        payload.seek(SeekFrom::Start(0))?;
        let members = list(&mut payload, payload_bytes)?;
        let mut headers = members.iter().filter(|m| m.name.ends_with(".hea"));
        let (Some(header), None) = (headers.next(), headers.next()) else {
            return Err(EcgError::Archive { reason: "it must hold exactly one .hea file" });
        };
        if header.bytes > MAX_WFDB_HEADER_BYTES {
            return Err(EcgError::limit("the header file in bytes", header.bytes, MAX_WFDB_HEADER_BYTES));
        }
        payload.seek(SeekFrom::Start(header.at))?;
        let mut bytes = Vec::new();
        payload.by_ref().take(header.bytes).read_to_end(&mut bytes)?;
        // Only names and comments may hold other characters; numbers are checked when they are parsed.
        let header = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { payload, payload_bytes, header, members })
    }

    /// Text of the header file.
    pub(in crate::aims) fn header(&self) -> &str {
        &self.header
    }

    /// Names of all members, in the order of the archive.
    pub(in crate::aims) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|m| m.name.as_str())
    }

    /// Size of a signal file, in bytes.
    pub(in crate::aims) fn size_of(&self, name: &str) -> Result<u64, EcgError> {
        self.member(name).map(|m| m.bytes)
    }

    /// A reader over a signal file from `offset` bytes on.
    pub(in crate::aims) fn file(&mut self, name: &str, offset: u64) -> Result<impl Read + '_, EcgError> {
        let (at, bytes) = self.member(name).map(|m| (m.at, m.bytes))?;
        let rest = bytes.saturating_sub(offset);
        self.payload.seek(SeekFrom::Start(at.saturating_add(offset).min(self.payload_bytes)))?;
        Ok(self.payload.by_ref().take(rest))
    }

    fn member(&self, name: &str) -> Result<&Member, EcgError> {
        let missing = EcgError::Archive { reason: "a signal file named in the header is not in it" };
        self.members.iter().find(|m| m.name == name).ok_or(missing)
    }
}

fn list<R: Read + Seek>(payload: &mut R, payload_bytes: u64) -> Result<Vec<Member>, EcgError> {
    let mut archive = Archive::new(payload);
    let mut members: Vec<Member> = Vec::new();
    // Raw entries: the library must not gather long names of any claimed length for us.
    for (count, entry) in archive.entries_with_seek()?.raw(true).enumerate() {
        if count >= MAX_ARCHIVE_ENTRIES {
            let limit = MAX_ARCHIVE_ENTRIES as u64;
            return Err(EcgError::limit("the number of archive members", limit + 1, limit));
        }
        let mut entry = entry.map_err(|_| EcgError::Archive { reason: "a member header is damaged" })?;
        match entry.header().entry_type() {
            EntryType::Regular => members.push(plain_file(&entry, payload_bytes)?),
            EntryType::XHeader | EntryType::XGlobalHeader => check_extended_header(&mut entry)?,
            _ => {
                return Err(EcgError::Archive { reason: "it may hold plain files only" });
            }
        }
    }
    let twice = |(i, m): (usize, &Member)| members[..i].iter().any(|other| other.name == m.name);
    if members.iter().enumerate().any(twice) {
        return Err(EcgError::Archive { reason: "two members have the same name" });
    }
    Ok(members)
}

fn plain_file<R: Read>(entry: &Entry<'_, R>, payload_bytes: u64) -> Result<Member, EcgError> {
    let name = entry.path_bytes();
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if name.is_empty() || name.starts_with(b".") || !name.iter().all(plain) {
        return Err(EcgError::Archive { reason: "member names must be plain file names" });
    }
    let (at, bytes) = (entry.raw_file_position(), entry.size());
    if at.checked_add(bytes).is_none_or(|end| end > payload_bytes) {
        let found = payload_bytes.saturating_sub(at);
        return Err(EcgError::Truncated { what: "a file in the archive", described: bytes, found });
    }
    Ok(Member { name: String::from_utf8_lossy(&name).into_owned(), at, bytes })
}

fn check_extended_header<R: Read>(entry: &mut Entry<'_, R>) -> Result<(), EcgError> {
    const HARMLESS: [&str; 9] = ["mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment", "charset"];
    let damaged = || EcgError::Archive { reason: "an extended member header is damaged" };
    if entry.size() > MAX_PAX_HEADER_BYTES {
        return Err(EcgError::limit("an extended member header in bytes", entry.size(), MAX_PAX_HEADER_BYTES));
    }
    let Some(extensions) = entry.pax_extensions().map_err(|_| damaged())? else {
        return Ok(());
    };
    for extension in extensions {
        let extension = extension.map_err(|_| damaged())?;
        let key = extension.key().map_err(|_| damaged())?;
        if !HARMLESS.contains(&key) && !key.starts_with("LIBARCHIVE.") && !key.starts_with("SCHILY.") {
            return Err(EcgError::Archive { reason: "an extended header changes a member" });
        }
    }
    Ok(())
}
