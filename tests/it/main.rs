//! Integration tests on the real thing: anvil, the deployed contracts, a fresh database, files, a server.

mod alerting;
mod api_doc;
mod auditing;
mod conformance_kit;
mod de_identification;
mod deploying;
mod door;
mod environment;
mod federated;
mod indexer;
mod items;
mod licensing;
