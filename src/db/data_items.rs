//! `data_items`: what the Back End holds of each item of AIH Data, apart from its payload.
//!
//! ```text
//! insert ─▶ announced ─▶ licensed ─▶ stored
//!               │            │          │
//!               ▼            └▶ erased ◀┘   key destroyed, row kept for the audit
//!        (row removed: undone)
//! ```
//!
//! Nothing of a payload is kept before the chain has the item's licence. An item that stays `licensed` lost its upload;
//! sending it again goes on from there. Moves are in
//! [`super::data_item_steps`].

use alloy::primitives::{Address, B256};
use futures_util::Stream;
use serde_json::Value;
use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Cursor, Database, Page, Result,
    columns::{Columns, Hex},
    state::states,
};
use crate::domain::{
    ids::{AihDataId, UserId},
    taxonomy::{DataClass, DataStatus},
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT aih_data_id, hash, owner, data_class, status, qualifier, data_time, descr_metadata, licence, \
             root_id, parent_id, object_name, plain_length, stored_length, sha256, item_key_wrapped, state, \
             created_at_us, updated_at_us, fallen_at_us, descr_is_sealed, erased_by \
             FROM data_items ",
            $tail
        )
    };
}

states! {
    /// How far an item has come.
    DataItemState in "data_items" {
        /// Known by name; the chain has no licence for it yet.
        Announced = "announced",
        /// The chain has its licence.
        Licensed = "licensed",
        /// Its payload lies sealed in the object store, acknowledged.
        Stored = "stored",
        /// Its key is destroyed.
        Erased = "erased",
    }
}

states! {
    /// By whom an item was erased.
    Eraser in "data_items" {
        /// By its End User.
        EndUser = "end_user",
        /// By the Back End itself: it made it, and nobody was told.
        BackEnd = "back_end",
    }
}

/// An item whose payload is about to arrive.
#[derive(Debug, Clone)]
pub struct NewDataItem {
    /// Its ID; the hash follows from it.
    pub id: AihDataId,
    /// The End User.
    pub owner: UserId,
    /// Class.
    pub data_class: DataClass,
    /// De-identification status.
    pub status: DataStatus,
    /// `AIHDataQualifier` of the message.
    pub qualifier: Value,
    /// `AIHDataTime` of the message.
    pub data_time: Value,
    /// `DescrMetadata` of the message.
    pub descr_metadata: Option<String>,
    /// The item the End User licensed; `None` when it is this one.
    pub root: Option<AihDataId>,
    /// The item it is derived from.
    pub parent: Option<AihDataId>,
    /// Where the sealed payload will lie.
    pub object_name: String,
    /// Item key, wrapped by the user's key.
    pub item_key_wrapped: String,
    /// Microseconds since 1970.
    pub created_at_us: i64,
}

/// What is known of a payload once it has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Bytes before sealing.
    pub plain_length: u64,
    /// Bytes in the object store.
    pub stored_length: u64,
    /// SHA-256 of the plain payload.
    pub sha256: B256,
}

/// A row of `data_items`.
#[derive(Debug, Clone, PartialEq)]
pub struct DataItemRow {
    /// AIH Data ID.
    pub id: AihDataId,
    /// keccak256 of the ID, its name on chain.
    pub hash: B256,
    /// The End User.
    pub owner: UserId,
    /// Class.
    pub data_class: DataClass,
    /// De-identification status.
    pub status: DataStatus,
    /// `AIHDataQualifier` of the message.
    pub qualifier: Value,
    /// `AIHDataTime` of the message; `null` when erased.
    pub data_time: Value,
    /// `DescrMetadata` of the message; `None` when erased.
    pub descr_metadata: Option<String>,
    /// Whether that is sealed under the item's key; rows of earlier versions may not be.
    pub descr_is_sealed: bool,
    /// Address of its licence, once licensed.
    pub licence: Option<Address>,
    /// The item the End User licensed; itself for a root.
    pub root: AihDataId,
    /// The item it is derived from.
    pub parent: Option<AihDataId>,
    /// Where the sealed payload lies; `None` when erased and deleted.
    pub object_name: Option<String>,
    /// Bytes before sealing, once stored.
    pub plain_length: Option<u64>,
    /// Bytes in the object store, once stored.
    pub stored_length: Option<u64>,
    /// SHA-256 of the plain payload, once stored; `None` when erased.
    pub sha256: Option<B256>,
    /// Item key, wrapped by the user's key; `None` when erased.
    pub item_key_wrapped: Option<String>,
    /// How far it has come.
    pub state: DataItemState,
    /// Microseconds since 1970.
    pub created_at_us: i64,
    /// Last change of state or licence, microseconds since 1970.
    pub updated_at_us: i64,
    /// When its licence was seen to have fallen, by itself or with its root; `None` while it stands.
    pub fallen_at_us: Option<i64>,
    /// By whom it was erased.
    pub erased_by: Option<Eraser>,
}

impl DataItemRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "data_items", "aih_data_id");
        Ok(Self {
            id: columns.parsed("aih_data_id")?,
            hash: columns.parsed("hash")?,
            owner: columns.parsed("owner")?,
            data_class: columns.word("data_class")?,
            status: columns.word("status")?,
            qualifier: columns.json("qualifier")?,
            data_time: columns.json("data_time")?,
            descr_metadata: columns.optional_text("descr_metadata")?,
            descr_is_sealed: columns.integer("descr_is_sealed")? != 0,
            licence: columns.optional_parsed("licence")?,
            root: columns.parsed("root_id")?,
            parent: columns.optional_parsed("parent_id")?,
            object_name: columns.optional_text("object_name")?,
            plain_length: columns.optional_unsigned("plain_length")?,
            stored_length: columns.optional_unsigned("stored_length")?,
            sha256: columns.optional_parsed("sha256")?,
            item_key_wrapped: columns.optional_text("item_key_wrapped")?,
            state: columns.state("state")?,
            created_at_us: columns.integer("created_at_us")?,
            updated_at_us: columns.integer("updated_at_us")?,
            fallen_at_us: columns.optional_integer("fallen_at_us")?,
            erased_by: columns.optional_text("erased_by")?.map(|_| columns.state("erased_by")).transpose()?,
        })
    }

    fn cursor(at: impl Fn(&Self) -> i64) -> impl Fn(&Self) -> Cursor {
        move |item| Cursor::new(at(item), item.id.to_string())
    }
}

/// An item, and of a root everything derived from it, as far as there are keys to destroy; oldest first. What is being
/// derived has a key before it has a licence.
pub(super) async fn family_with_keys(connection: &mut AnyConnection, id: AihDataId) -> Result<Vec<DataItemRow>> {
    let rows = sqlx::query(select!(
        "WHERE (aih_data_id = $1 OR root_id = $1)
             AND (state IN ('licensed', 'stored') OR (state = 'announced' AND parent_id IS NOT NULL))
         ORDER BY created_at_us, aih_data_id"
    ))
    .bind(id.to_string())
    .fetch_all(connection)
    .await?;
    rows.iter().map(DataItemRow::read).collect()
}

impl Database {
    /// Descriptions of earlier versions, which lie in the clear: so many of them, in no order.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_open_descriptions(&self, limit: u32) -> Result<Vec<DataItemRow>> {
        let rows = sqlx::query(select!("WHERE descr_metadata IS NOT NULL AND descr_is_sealed = 0 LIMIT $1"))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(DataItemRow::read).collect()
    }

    /// Keeps a description sealed that lay in the clear. False when there is none any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn seal_description(&self, id: AihDataId, sealed: Option<&str>) -> Result<bool> {
        let result = sqlx::query(
            "UPDATE data_items SET descr_metadata = $2, descr_is_sealed = 1
             WHERE aih_data_id = $1 AND descr_metadata IS NOT NULL AND descr_is_sealed = 0",
        )
        .bind(id.to_string())
        .bind(sealed.map(str::to_owned))
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// The item with this ID.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_data_item(&self, id: AihDataId) -> Result<Option<DataItemRow>> {
        let row =
            sqlx::query(select!("WHERE aih_data_id = $1")).bind(id.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(DataItemRow::read).transpose()
    }

    /// The item with this hash, its name on chain.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_data_item_by_hash(&self, hash: B256) -> Result<Option<DataItemRow>> {
        let row = sqlx::query(select!("WHERE hash = $1")).bind(hash.hex()).fetch_optional(&self.readers).await?;
        row.as_ref().map(DataItemRow::read).transpose()
    }

    /// A user's own items, newest first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_data_items(
        &self,
        owner: UserId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<DataItemRow>> {
        let after = Cursor::highest(after);
        let query = sqlx::query(select!(
            "WHERE owner = $1 AND (created_at_us, aih_data_id) < ($2, $3)
             ORDER BY created_at_us DESC, aih_data_id DESC LIMIT $4"
        ))
        .bind(owner.to_string());
        self.list_page(query, (after, limit), DataItemRow::read, DataItemRow::cursor(|item| item.created_at_us)).await
    }

    /// A root and everything derived from it, directly or not, oldest first: a parent comes before its children.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_data_items_of_root(
        &self,
        root: AihDataId,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<DataItemRow>> {
        let after = Cursor::lowest(after);
        let query = sqlx::query(select!(
            "WHERE root_id = $1 AND (created_at_us, aih_data_id) > ($2, $3)
             ORDER BY created_at_us, aih_data_id LIMIT $4"
        ))
        .bind(root.to_string());
        self.list_page(query, (after, limit), DataItemRow::read, DataItemRow::cursor(|item| item.created_at_us)).await
    }

    /// Items that are neither stored nor erased and were last touched before a time (so that what another instance is
    /// working on is left alone), longest untouched first.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_unfinished_data_items(
        &self,
        untouched_since_us: i64,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<DataItemRow>> {
        let after = Cursor::lowest(after);
        let query = sqlx::query(select!(
            "WHERE state IN ('announced', 'licensed')
                 AND updated_at_us < $1 AND (updated_at_us, aih_data_id) > ($2, $3)
             ORDER BY updated_at_us, aih_data_id LIMIT $4"
        ))
        .bind(untouched_since_us);
        self.list_page(query, (after, limit), DataItemRow::read, DataItemRow::cursor(|item| item.updated_at_us)).await
    }

    /// As [`Database::list_unfinished_data_items`], of results only.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_unfinished_derived_items(
        &self,
        untouched_since_us: i64,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<DataItemRow>> {
        let after = Cursor::lowest(after);
        let query = sqlx::query(select!(
            "WHERE state IN ('announced', 'licensed') AND parent_id IS NOT NULL
                 AND updated_at_us < $1 AND (updated_at_us, aih_data_id) > ($2, $3)
             ORDER BY updated_at_us, aih_data_id LIMIT $4"
        ))
        .bind(untouched_since_us);
        self.list_page(query, (after, limit), DataItemRow::read, DataItemRow::cursor(|item| item.updated_at_us)).await
    }

    /// Items that are erased, but of which neither the act was noted nor the object deleted for sure: of all, or of one
    /// and what derives from it. In the order of their IDs, after the one named.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_unfinished_erasures(
        &self,
        of: Option<AihDataId>,
        after: Option<AihDataId>,
        limit: u32,
    ) -> Result<Vec<DataItemRow>> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = match of {
            None => sqlx::query(select!(
                "WHERE state = 'erased' AND object_name IS NOT NULL AND aih_data_id > $1 ORDER BY aih_data_id LIMIT $2"
            ))
            .bind(after)
            .bind(i64::from(limit)),
            Some(id) => sqlx::query(select!(
                "WHERE state = 'erased' AND object_name IS NOT NULL AND (aih_data_id = $3 OR root_id = $3)
                     AND aih_data_id > $1 ORDER BY aih_data_id LIMIT $2"
            ))
            .bind(after)
            .bind(i64::from(limit))
            .bind(id.to_string()),
        };
        query.fetch_all(&self.readers).await?.iter().map(DataItemRow::read).collect()
    }

    /// Every object name in use, in order, read in pages so that no transaction stays open. A name taken into use while
    /// the stream runs may be missing: the sweep must leave young objects alone.
    pub fn object_names(&self) -> impl Stream<Item = Result<String>> + Send + '_ {
        async_stream::try_stream! {
            let mut last = String::new();
            loop {
                let rows = sqlx::query(
                    "SELECT object_name FROM data_items WHERE object_name > $1 ORDER BY object_name LIMIT 1000",
                )
                .bind(last.clone())
                .fetch_all(&self.readers)
                .await?;
                if rows.is_empty() {
                    break;
                }
                for row in &rows {
                    last = Columns::new(row, "data_items", "object_name").text("object_name")?;
                    yield last.clone();
                }
            }
        }
    }
}
