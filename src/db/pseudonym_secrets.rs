//! `pseudonym_secrets`: one secret per End User, wrapped; made once and never changed, or the same recipient would see
//! other pseudonyms than before.

use super::{Database, Result, columns::Columns};
use crate::domain::ids::UserId;

impl Database {
    /// The wrapped secret of an End User; of several callers who bring a new one the first is kept, and all receive it.
    ///
    /// # Errors
    /// [`super::DbError::Unrelated`] for an unknown user; when the database fails.
    pub async fn pseudonym_secret(&self, owner: UserId, new_wrapped: &str, at_us: i64) -> Result<String> {
        sqlx::query(
            "INSERT INTO pseudonym_secrets (owner, secret_wrapped, created_at_us) VALUES ($1, $2, $3)
             ON CONFLICT (owner) DO NOTHING",
        )
        .bind(owner.to_string())
        .bind(new_wrapped.to_owned())
        .bind(at_us)
        .execute(&self.writers)
        .await?;
        let row = sqlx::query("SELECT owner, secret_wrapped FROM pseudonym_secrets WHERE owner = $1")
            .bind(owner.to_string())
            .fetch_one(&self.writers)
            .await?;
        Columns::new(&row, "pseudonym_secrets", "owner").text("secret_wrapped")
    }
}
