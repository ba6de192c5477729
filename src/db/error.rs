//! What can go wrong in the cellar, told apart by what a caller can do about it.

use std::fmt;

use sqlx::error::ErrorKind;

/// An error of the database adapter.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The configured URL is not usable.
    #[error("the database URL is not usable: {0}")]
    Url(String),
    /// The schema could not be brought up to date.
    #[error("the database schema cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// No connection, or no answer in time. Trying later may help.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] sqlx::Error),
    /// Another row already has this value.
    #[error("{0} is already taken")]
    Taken(Unique),
    /// A row that must exist for this one does not (foreign key).
    #[error("a row this one belongs to does not exist: {0}")]
    Unrelated(#[source] sqlx::Error),
    /// A value breaks a rule of the schema (named check); a mistake of this program.
    #[error("a row breaks a rule of the schema: {0}")]
    Rule(#[source] sqlx::Error),
    /// A stored row cannot be read.
    #[error("{table}.{column} of row `{key}` cannot be read: {reason}")]
    Corrupt {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// Primary key of the row, as far as it can be read.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A number the columns cannot hold.
    #[error("{what} {value} does not fit the database")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        value: u64,
    },
    /// A text with a NUL character, which PostgreSQL cannot hold; refused on both.
    #[error("{0} holds a NUL character")]
    Nul(&'static str),
    /// A row was not in the state a step needs, or not there. Made by [`super::Transition::required`].
    #[error("{table}: the step is not possible from state `{found}`")]
    WrongState {
        /// Table.
        table: &'static str,
        /// The state the row is in, or `absent`.
        found: &'static str,
    },
    /// Fewer or more rows changed than there are to change.
    #[error("{table}: {changed} rows changed where {expected} were expected")]
    Affected {
        /// Table.
        table: &'static str,
        /// Rows changed.
        changed: u64,
        /// Rows that should have.
        expected: u64,
    },
    /// Anything else the database says; a mistake of this program or damage to the file.
    #[error("the database refused a statement: {0}")]
    Statement(#[source] sqlx::Error),
}

/// A constraint that makes values unique, by its name in the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unique {
    /// `users_pk`
    User,
    /// `challenges_pk`
    Challenge,
    /// `tokens_pk`
    Token,
    /// `operator_tokens_pk`
    OperatorToken,
    /// `data_items_pk`
    DataItem,
    /// `data_items_hash_unique`
    DataItemHash,
    /// `data_items_object_unique`
    ObjectName,
    /// `model_licences_pk`
    Licence,
    /// `model_licences_one_in_force`
    LicenceInForce,
    /// `revocations_pk`
    Revocation,
    /// `operations_pk`
    Operation,
    /// `operations_message_unique`
    Message,
    /// `operations_confirm_unique`
    ConfirmId,
    /// `transactions_pk`
    Transaction,
    /// `chain_blocks_pk`
    Block,
    /// `chain_events_pk`
    Event,
    /// `chain_cursor_pk`
    ChainCursor,
    /// `earlier_events_pk`
    EarlierEvent,
    /// `restorations_pk`
    Restoration,
    /// `idempotency_pk`
    IdempotencyKey,
    /// `notices_pk`
    Notice,
    /// `arrivals_pk`
    Arrival,
    /// `findings_pk`
    Finding,
    /// `alerts_pk`
    Alert,
    /// `alert_audience_pk`
    AlertAudience,
    /// `alert_recipients_pk`
    AlertRecipient,
    /// `webhooks_pk`
    Webhook,
    /// `deliveries_pk`
    Delivery,
    /// `models_pk`
    Model,
    /// `models_version_unique`
    ModelVersion,
    /// `evaluation_sets_pk`
    EvaluationSet,
    /// `federated_rounds_pk`
    Round,
    /// `federated_rounds_number_unique`
    RoundNumber,
    /// `federated_rounds_one_open`
    RoundOpen,
    /// `federated_answers_pk`
    FederatedAnswer,
    /// `federated_answers_model_unique`
    FederatedModel,
    /// `federated_refusals_pk`
    FederatedRefusal,
    /// `pseudonym_secrets_pk`
    PseudonymSecret,
    /// `treatments_pk`
    Treatment,
    /// `treatments_by_operation`
    TreatmentOperation,
}

impl Unique {
    /// Every constraint: the value, its name (PostgreSQL reports it) and its columns (SQLite reports those).
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::User, "users_pk", "users.address"),
        (Self::Challenge, "challenges_pk", "challenges.nonce"),
        (Self::Token, "tokens_pk", "tokens.token_id"),
        (Self::OperatorToken, "operator_tokens_pk", "operator_tokens.token_id"),
        (Self::DataItem, "data_items_pk", "data_items.aih_data_id"),
        (Self::DataItemHash, "data_items_hash_unique", "data_items.hash"),
        (Self::ObjectName, "data_items_object_unique", "data_items.object_name"),
        (Self::Licence, "model_licences_pk", "model_licences.licence"),
        (Self::LicenceInForce, "model_licences_one_in_force", "model_licences.aih_data_id"),
        (Self::Revocation, "revocations_pk", "revocations.licence, revocations.scope"),
        (Self::Operation, "operations_pk", "operations.operation_id"),
        (Self::Message, "operations_message_unique", "operations.requester, operations.message_id"),
        (Self::ConfirmId, "operations_confirm_unique", "operations.confirm_id"),
        (Self::Transaction, "transactions_pk", "transactions.tx_hash"),
        (Self::Block, "chain_blocks_pk", "chain_blocks.number"),
        (Self::Event, "chain_events_pk", "chain_events.block_number, chain_events.log_index"),
        (Self::ChainCursor, "chain_cursor_pk", "chain_cursor.chain_id, chain_cursor.registry"),
        (
            Self::EarlierEvent,
            "earlier_events_pk",
            "earlier_events.ended_at_us, earlier_events.block_number, earlier_events.log_index",
        ),
        (Self::Restoration, "restorations_pk", "restorations.began_at_us"),
        (
            Self::IdempotencyKey,
            "idempotency_pk",
            "idempotency.user_address, idempotency.route, idempotency.request_key",
        ),
        (Self::Notice, "notices_pk", "notices.seq"),
        (Self::Arrival, "arrivals_pk", "arrivals.aih_data_id"),
        (Self::Finding, "findings_pk", "findings.finding_id"),
        (Self::Alert, "alerts_pk", "alerts.alert_id"),
        (Self::AlertAudience, "alert_audience_pk", "alert_audience.alert_id, alert_audience.user_address"),
        (
            Self::AlertRecipient,
            "alert_recipients_pk",
            "alert_recipients.owner, alert_recipients.scope, alert_recipients.recipient",
        ),
        (Self::Webhook, "webhooks_pk", "webhooks.webhook_id"),
        (Self::Delivery, "deliveries_pk", "deliveries.delivery_id"),
        (Self::Model, "models_pk", "models.model_id"),
        (Self::ModelVersion, "models_version_unique", "models.lineage, models.version, models.format"),
        (Self::EvaluationSet, "evaluation_sets_pk", "evaluation_sets.lineage"),
        (Self::Round, "federated_rounds_pk", "federated_rounds.round_id"),
        (
            Self::RoundNumber,
            "federated_rounds_number_unique",
            "federated_rounds.lineage, federated_rounds.round_number",
        ),
        (Self::RoundOpen, "federated_rounds_one_open", "federated_rounds.lineage"),
        (Self::FederatedAnswer, "federated_answers_pk", "federated_answers.round_id, federated_answers.front_end"),
        (
            Self::FederatedModel,
            "federated_answers_model_unique",
            "federated_answers.round_id, federated_answers.digest",
        ),
        (Self::FederatedRefusal, "federated_refusals_pk", "federated_refusals.refusal_id"),
        (Self::PseudonymSecret, "pseudonym_secrets_pk", "pseudonym_secrets.owner"),
        (Self::Treatment, "treatments_pk", "treatments.aih_data_id"),
        (Self::TreatmentOperation, "treatments_by_operation", "treatments.operation_id"),
    ];

    /// The constraint's name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(unique, ..)| *unique == self).map_or("", |(_, name, _)| name)
    }

    /// PostgreSQL gives the name; SQLite ends its message with the columns.
    fn violated(error: &dyn sqlx::error::DatabaseError) -> Option<Self> {
        let columns = error.message().rsplit_once("UNIQUE constraint failed: ").map(|(_, columns)| columns);
        Self::ALL
            .iter()
            .find(|(_, name, listed)| error.constraint() == Some(*name) || columns == Some(*listed))
            .map(|(unique, ..)| *unique)
    }
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl DbError {
    /// Whether PostgreSQL gave the transaction up so that another could go on: it may simply be run again.
    pub(super) fn is_given_up(&self) -> bool {
        const SERIALIZATION_FAILURE: &str = "40001";
        const DEADLOCK_DETECTED: &str = "40P01";
        let Self::Statement(sqlx::Error::Database(error)) = self else { return false };
        matches!(error.code().as_deref(), Some(SERIALIZATION_FAILURE | DEADLOCK_DETECTED))
    }
}

/// Whether the database says that it cannot serve now, whatever is asked.
fn is_away(error: &dyn sqlx::error::DatabaseError) -> bool {
    const SQLSTATE_LENGTH: usize = 5;
    let code = error.code().unwrap_or_default();
    if code.len() == SQLSTATE_LENGTH {
        // PostgreSQL's classes: connection, resources, operator intervention (shutting down, starting up).
        return ["08", "53", "57"].iter().any(|class| code.starts_with(class));
    }
    // SQLite's extended codes hold the plain one in the low byte: BUSY, LOCKED, IOERR, FULL, CANTOPEN.
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 10 | 13 | 14))
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match &error {
            Error::Database(cause) => match cause.kind() {
                ErrorKind::UniqueViolation => {
                    Unique::violated(cause.as_ref()).map_or(Self::Statement(error), Self::Taken)
                }
                ErrorKind::ForeignKeyViolation => Self::Unrelated(error),
                ErrorKind::NotNullViolation | ErrorKind::CheckViolation => Self::Rule(error),
                _ if is_away(cause.as_ref()) => Self::Unavailable(error),
                _ => Self::Statement(error),
            },
            Error::Configuration(reason) => Self::Url(reason.to_string()),
            Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
                Self::Unavailable(error)
            }
            _ => Self::Statement(error),
        }
    }
}
