//! `tokens`: Tokens given to users, so that they can be withdrawn before they expire. The Token itself is not kept.

use sqlx::any::AnyRow;

use super::{
    Database, Result,
    columns::{Columns, is_storable, storable},
};
use crate::domain::{ids::UserId, operation::Operation, taxonomy::Word};

/// A Token given out, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// `jti`.
    pub token_id: String,
    /// To whom.
    pub user: UserId,
    /// For which services.
    pub services: Vec<Operation>,
    /// Seconds since 1970.
    pub issued_at_s: i64,
    /// First second since 1970 at which it is worthless.
    pub expires_at_s: i64,
}

/// A row of `tokens`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// `jti`.
    pub token_id: String,
    /// Whom it was given to.
    pub user: UserId,
    /// For which services.
    pub services: Vec<Operation>,
    /// Seconds since 1970.
    pub issued_at_s: i64,
    /// First second since 1970 at which it is worthless.
    pub expires_at_s: i64,
    /// When it was withdrawn, seconds since 1970.
    pub revoked_at_s: Option<i64>,
}

impl TokenRow {
    fn read(row: &AnyRow) -> Result<Self> {
        let columns = Columns::new(row, "tokens", "token_id");
        let services = columns.text("services")?;
        let services = services.split(',').filter(|word| !word.is_empty()).map(|word| {
            let unknown = || columns.corrupt("services", format_args!("`{word}` is no service"));
            Operation::from_word(word).ok_or_else(unknown)
        });
        Ok(Self {
            services: services.collect::<Result<_>>()?,
            token_id: columns.text("token_id")?,
            user: columns.parsed("user_address")?,
            issued_at_s: columns.integer("issued_at_s")?,
            expires_at_s: columns.integer("expires_at_s")?,
            revoked_at_s: columns.optional_integer("revoked_at_s")?,
        })
    }

    /// Neither expired nor withdrawn at this second since 1970.
    pub fn is_valid_at(&self, now_s: i64) -> bool {
        self.revoked_at_s.is_none() && now_s < self.expires_at_s
    }
}

impl Database {
    /// Remembers a Token.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] for an ID given out before, [`super::DbError::Unrelated`] for an unknown user.
    pub async fn insert_token(&self, token: &NewToken) -> Result<()> {
        let services: Vec<_> = token.services.iter().map(|service| service.word()).collect();
        sqlx::query(
            "INSERT INTO tokens (token_id, user_address, services, issued_at_s, expires_at_s)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(storable("token_id", &token.token_id)?)
        .bind(token.user.to_string())
        .bind(services.join(","))
        .bind(token.issued_at_s)
        .bind(token.expires_at_s)
        .execute(&self.writers)
        .await?;
        Ok(())
    }

    /// Remembers a Token of an account that operates this Back End and need not be registered.
    ///
    /// # Errors
    /// [`super::DbError::Taken`] for an ID given out before.
    pub async fn insert_operator_token(&self, token: &NewToken) -> Result<()> {
        let services: Vec<_> = token.services.iter().map(|service| service.word()).collect();
        sqlx::query(
            "INSERT INTO operator_tokens (token_id, user_address, services, issued_at_s, expires_at_s)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(token.token_id.clone())
        .bind(token.user.to_string())
        .bind(services.join(","))
        .bind(token.issued_at_s)
        .bind(token.expires_at_s)
        .execute(&self.writers)
        .await?;
        Ok(())
    }

    /// The Token with this ID, a user's or an operator's.
    ///
    /// # Errors
    /// When the database fails or the row is corrupt.
    pub async fn find_token(&self, token_id: &str) -> Result<Option<TokenRow>> {
        if !is_storable(token_id) {
            return Ok(None);
        }
        let row = sqlx::query(
            "SELECT token_id, user_address, services, issued_at_s, expires_at_s, revoked_at_s
             FROM tokens WHERE token_id = $1
             UNION ALL SELECT token_id, user_address, services, issued_at_s, expires_at_s, revoked_at_s
             FROM operator_tokens WHERE token_id = $1",
        )
        .bind(token_id)
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(TokenRow::read).transpose()
    }

    /// Withdraws a Token of this user. False when they have no such Token or it was withdrawn before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_token(&self, token_id: &str, user: UserId, at_s: i64) -> Result<bool> {
        if !is_storable(token_id) {
            return Ok(false);
        }
        let result = sqlx::query(
            "UPDATE tokens SET revoked_at_s = $3 WHERE token_id = $1 AND user_address = $2 AND revoked_at_s IS NULL",
        )
        .bind(token_id)
        .bind(user.to_string())
        .bind(at_s)
        .execute(&self.writers)
        .await?;
        if result.rows_affected() == 1 {
            return Ok(true);
        }
        let result = sqlx::query(
            "UPDATE operator_tokens SET revoked_at_s = $3
             WHERE token_id = $1 AND user_address = $2 AND revoked_at_s IS NULL",
        )
        .bind(token_id)
        .bind(user.to_string())
        .bind(at_s)
        .execute(&self.writers)
        .await?;
        Ok(result.rows_affected() == 1)
    }

    /// Withdraws every Token of a user, when they are suspended for instance; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revoke_tokens_of(&self, user: UserId, at_s: i64) -> Result<u64> {
        let result =
            sqlx::query("UPDATE tokens SET revoked_at_s = $2 WHERE user_address = $1 AND revoked_at_s IS NULL")
                .bind(user.to_string())
                .bind(at_s)
                .execute(&self.writers)
                .await?;
        Ok(result.rows_affected())
    }

    /// Forgets Tokens that expired before this second since 1970; returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn purge_tokens(&self, expired_before_s: i64) -> Result<u64> {
        let mut purged = 0;
        for delete in
            ["DELETE FROM tokens WHERE expires_at_s < $1", "DELETE FROM operator_tokens WHERE expires_at_s < $1"]
        {
            purged += sqlx::query(delete).bind(expired_before_s).execute(&self.writers).await?.rows_affected();
        }
        Ok(purged)
    }
}
