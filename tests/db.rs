//! The database adapter, every test on SQLite and on PostgreSQL: the same calls, the same answers.

#[path = "environment/postgres.rs"]
mod postgres;

#[path = "db/fixture.rs"]
mod fixture;

/// Runs each test twice: `sqlite::<name>` and `postgres::<name>`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::fixture::Place::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(place) = crate::fixture::Place::postgres().await {
                    super::$name(&place).await;
                }
            })+
        }
    };
}

#[path = "db/alerting.rs"]
mod alerting;
#[path = "db/arrivals.rs"]
mod arrivals;
#[path = "db/chain.rs"]
mod chain;
#[path = "db/crash.rs"]
mod crash;
#[path = "db/data_items.rs"]
mod data_items;
#[path = "db/federated.rs"]
mod federated;
#[path = "db/migration.rs"]
mod migration;
#[path = "db/model_licences.rs"]
mod model_licences;
#[path = "db/operations.rs"]
mod operations;
#[path = "db/schema.rs"]
mod schema;
#[path = "db/service.rs"]
mod service;
#[path = "db/transactions.rs"]
mod transactions;
#[path = "db/treatments.rs"]
mod treatments;
#[path = "db/users.rs"]
mod users;
