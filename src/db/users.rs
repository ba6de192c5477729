//! `users`: everyone who registered, with the class they ask for and the class they were given.
//!
//! ```text
//! insert ──▶ pending ──set_user_class──▶ active ⇄ suspended
//! ```
//!
//! The registry on chain has the last word on classes; these rows follow it, and hold what may not stand on a chain.

use sqlx::{AnyConnection, any::AnyRow};

use super::{Cursor, Database, DbError, Page, Result, Transition, columns::Columns, state::states};
use crate::domain::{
    ids::UserId,
    taxonomy::{UserClass, Word},
};

/// Columns by name: a newer program may add some while this one runs.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT address, requested_class, user_class, standing, profile_sealed, user_key_wrapped, \
             registered_at_us, approved_at_us, vouched_class, vouched_active \
             FROM users ",
            $tail
        )
    };
}

states! {
    /// A user's standing with this Back End.
    UserStanding in "users" {
        /// Registered; nobody has vouched for the class asked for.
        Pending = "pending",
        /// In a class, and may ask.
        Active = "active",
        /// In a class, and may not ask.
        Suspended = "suspended",
    }
}

/// Somebody registers.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Their account.
    pub address: UserId,
    /// The class they say they belong to.
    pub requested_class: UserClass,
    /// Sealed profile, opaque here.
    pub profile_sealed: String,
    /// Their key, wrapped by the root key.
    pub user_key_wrapped: String,
    /// Microseconds since 1970.
    pub registered_at_us: i64,
}

/// A row of `users`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Their account.
    pub address: UserId,
    /// The class they said they belong to.
    pub requested_class: UserClass,
    /// The class vouched for; `None` while pending.
    pub user_class: Option<UserClass>,
    /// Standing.
    pub standing: UserStanding,
    /// Sealed profile, opaque here.
    pub profile_sealed: String,
    /// Their key, wrapped by the root key.
    pub user_key_wrapped: String,
    /// Microseconds since 1970.
    pub registered_at_us: i64,
    /// When a class was first vouched for, microseconds since 1970.
    pub approved_at_us: Option<i64>,
    /// What the registry said last, and whether the user was active. A chain that forgot the user does not change it.
    pub vouched: Option<(UserClass, bool)>,
}

impl UserRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "users", "address");
        let vouched_class = columns.optional_word("vouched_class")?;
        // A class without a standing is as good as none: nobody is vouched for on a guess.
        let vouched_active = columns.optional_integer("vouched_active")?;
        Ok(Self {
            address: columns.parsed("address")?,
            requested_class: columns.word("requested_class")?,
            user_class: columns.optional_word("user_class")?,
            standing: columns.state("standing")?,
            profile_sealed: columns.text("profile_sealed")?,
            user_key_wrapped: columns.text("user_key_wrapped")?,
            registered_at_us: columns.integer("registered_at_us")?,
            approved_at_us: columns.optional_integer("approved_at_us")?,
            vouched: vouched_class.zip(vouched_active.map(|active| active != 0)),
        })
    }

    /// In a class and not suspended.
    pub fn is_active(&self) -> bool {
        self.standing == UserStanding::Active
    }
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// A new row, pending.
    New(UserRow),
    /// The account was registered before; its row, unchanged.
    Existing(UserRow),
}

impl Registered {
    /// The row, new or not.
    pub fn into_row(self) -> UserRow {
        match self {
            Self::New(row) | Self::Existing(row) => row,
        }
    }
}

const STANDING: &str = "SELECT standing AS state FROM users WHERE address = $1";

impl Database {
    /// Registers an account as pending. The same account again finds its first row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn insert_user(&self, user: &NewUser) -> Result<Registered> {
        let changed = sqlx::query(
            "INSERT INTO users (address, requested_class, standing, profile_sealed, user_key_wrapped, registered_at_us)
             VALUES ($1, $2, 'pending', $3, $4, $5) ON CONFLICT (address) DO NOTHING",
        )
        .bind(user.address.to_string())
        .bind(user.requested_class.word())
        .bind(user.profile_sealed.clone())
        .bind(user.user_key_wrapped.clone())
        .bind(user.registered_at_us)
        .execute(&self.writers)
        .await?
        .rows_affected();
        let row = self.find_user(user.address).await?;
        let row = row.ok_or(DbError::Affected { table: "users", changed, expected: 1 })?;
        Ok(if changed == 1 { Registered::New(row) } else { Registered::Existing(row) })
    }

    /// The user with this account.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_user(&self, address: UserId) -> Result<Option<UserRow>> {
        let row =
            sqlx::query(select!("WHERE address = $1")).bind(address.to_string()).fetch_optional(&self.readers).await?;
        row.as_ref().map(UserRow::read).transpose()
    }

    /// Records what the registry says of a user: class and whether active. From any standing; the same again changes
    /// nothing but is `Done`. Never `Refused`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_user_class(
        &self,
        address: UserId,
        class: UserClass,
        active: bool,
        at_us: i64,
    ) -> Result<Transition<UserStanding>> {
        let standing = if active { "active" } else { "suspended" };
        let update = sqlx::query(
            "UPDATE users SET user_class = $2, standing = $3, approved_at_us = COALESCE(approved_at_us, $4),
                 vouched_class = $2, vouched_active = $5
             WHERE address = $1",
        )
        .bind(address.to_string())
        .bind(class.word())
        .bind(standing)
        .bind(at_us)
        .bind(i64::from(active));
        self.step(update, STANDING, &address.to_string()).await
    }

    /// Anyone who is registered.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn first_user(&self) -> Result<Option<UserRow>> {
        let row =
            sqlx::query(select!("WHERE address > '' ORDER BY address LIMIT 1")).fetch_optional(&self.readers).await?;
        row.as_ref().map(UserRow::read).transpose()
    }

    /// Users of one standing, oldest first. `Pending` is the list a REGISTRAR works on.
    ///
    /// # Errors
    /// When the database fails or a row is corrupt.
    pub async fn list_users(
        &self,
        standing: UserStanding,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<UserRow>> {
        let after = Cursor::lowest(after);
        let query = sqlx::query(select!(
            "WHERE standing = $1 AND (registered_at_us, address) > ($2, $3)
             ORDER BY registered_at_us, address LIMIT $4"
        ))
        .bind(super::State::word(standing));
        let cursor = |user: &UserRow| Cursor::new(user.registered_at_us, user.address.to_string());
        self.list_page(query, (after, limit), UserRow::read, cursor).await
    }
}

/// Takes the row of a user, in the caller's transaction, so that of two who count or replace what is theirs one waits for
/// the other. SQLite has one writer; PostgreSQL has not.
pub(super) async fn take_user(connection: &mut AnyConnection, address: UserId) -> Result<()> {
    sqlx::query("UPDATE users SET standing = standing WHERE address = $1")
        .bind(address.to_string())
        .execute(connection)
        .await?;
    Ok(())
}
