//! Logs: one JSON object a line on standard error, names in dots, units in names. Never health data, tokens, keys or
//! bodies. `HBE_LOG` filters them (default `info`), `HBE_LOG_FORMAT=text` makes them readable at a terminal.

use tracing_subscriber::{EnvFilter, fmt};

/// Begins to write logs. A second call does nothing.
pub fn start() {
    let filter = EnvFilter::try_from_env("HBE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that logs are written already.
    let _ = match std::env::var("HBE_LOG_FORMAT").as_deref() {
        Ok("text") => builder.try_init(),
        _ => builder.json().flatten_event(true).try_init(),
    };
}
