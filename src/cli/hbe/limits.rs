//! The operator's limits, held against what the door can keep.

use std::{ops::RangeInclusive, time::Duration};

use crate::{aims::ai_modules::worker::MOST_PAYLOAD_BYTES, api::Limits, config::limits::LimitSettings};

/// A limit that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("the limit {name} must be {must}")]
pub(super) struct BadLimit {
    name: &'static str,
    must: String,
}

/// More than any machine this runs on could work on at once.
const MOST_AT_ONCE: usize = 1_000_000;
/// A second, to an hour.
const SECONDS: RangeInclusive<u64> = 1..=3_600;
/// A message with a Model Licence of some grants, to the most that is read with its data inside.
const MESSAGE_BYTES: RangeInclusive<usize> = (64 << 10)..=(16 << 20);

/// The door's limits where nothing is set, and what is set.
///
/// # Errors
/// Names the first limit that cannot be kept.
pub(super) fn limits(set: &LimitSettings) -> Result<Limits, BadLimit> {
    let usual = Limits::default();
    let seconds = |name, set: Option<u64>, usual| match set {
        Some(seconds) => within(name, seconds, SECONDS).map(Duration::from_secs),
        None => Ok(usual),
    };
    let count = |name, set: Option<usize>, usual| within(name, set.unwrap_or(usual), 1..=MOST_AT_ONCE);
    let rate = |name, set: Option<f64>, usual| within(name, set.unwrap_or(usual), 0.0..=1e6);
    Ok(Limits {
        address_rate: rate("address_rate", set.address_rate, usual.address_rate)?,
        user_rate: rate("user_rate", set.user_rate, usual.user_rate)?,
        burst_seconds: within("burst_seconds", set.burst_seconds.unwrap_or(usual.burst_seconds), 0.1..=3_600.0)?,
        most_requests: count("most_requests", set.most_requests, usual.most_requests)?,
        most_streams: count("most_streams", set.most_streams, usual.most_streams)?,
        most_large_bodies: count("most_large_bodies", set.most_large_bodies, usual.most_large_bodies)?,
        most_connections: count("most_connections", set.most_connections, usual.most_connections)?,
        most_message_bytes: within(
            "most_message_bytes",
            set.most_message_bytes.unwrap_or(usual.most_message_bytes),
            MESSAGE_BYTES,
        )?,
        most_upload_bytes: within(
            "most_upload_bytes",
            set.most_upload_bytes.unwrap_or(usual.most_upload_bytes),
            1..=MOST_PAYLOAD_BYTES,
        )?,
        request_time: seconds("request_seconds", set.request_seconds, usual.request_time)?,
        body_time: seconds("body_seconds", set.body_seconds, usual.body_time)?,
        drain_time: seconds("drain_seconds", set.drain_seconds, usual.drain_time)?,
    })
}

/// A number that is none lies within nothing.
fn within<T: PartialOrd + std::fmt::Display>(
    name: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<T, BadLimit> {
    if range.contains(&value) {
        return Ok(value);
    }
    Err(BadLimit { name, must: format!("from {} to {}", range.start(), range.end()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;

    fn read(table: &str) -> Result<Limits, BadLimit> {
        limits(&toml::from_str::<Settings>(&format!("[limits]\n{table}")).unwrap().limits)
    }

    #[test]
    fn what_is_set_is_kept_and_the_rest_is_as_usual() {
        assert_eq!(read("").unwrap(), Limits::default());
        let set = read(
            "address_rate = 0\nuser_rate = 7.5\nburst_seconds = 2\nmost_requests = 3\nmost_streams = 4\n\
             most_large_bodies = 5\nmost_connections = 6\nmost_message_bytes = 65536\nmost_upload_bytes = 9\n\
             request_seconds = 10\nbody_seconds = 11\ndrain_seconds = 12",
        );
        let expected = Limits {
            address_rate: 0.0,
            user_rate: 7.5,
            burst_seconds: 2.0,
            most_requests: 3,
            most_streams: 4,
            most_large_bodies: 5,
            most_connections: 6,
            most_message_bytes: 65_536,
            most_upload_bytes: 9,
            request_time: Duration::from_secs(10),
            body_time: Duration::from_secs(11),
            drain_time: Duration::from_secs(12),
        };
        assert_eq!(set.unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_name() {
        for (line, name) in [
            ("address_rate = -1", "address_rate"),
            ("user_rate = nan", "user_rate"),
            ("user_rate = inf", "user_rate"),
            ("burst_seconds = 0", "burst_seconds"),
            ("most_requests = 0", "most_requests"),
            ("most_streams = 0", "most_streams"),
            ("most_large_bodies = 0", "most_large_bodies"),
            ("most_connections = 99999999999999", "most_connections"),
            ("most_message_bytes = 16777217", "most_message_bytes"),
            ("most_upload_bytes = 99999999999999", "most_upload_bytes"),
            ("request_seconds = 0", "request_seconds"),
            ("body_seconds = 99999", "body_seconds"),
            ("drain_seconds = 0", "drain_seconds"),
        ] {
            let refused = read(line).unwrap_err().to_string();
            assert!(refused.contains(name), "{line}: {refused}");
        }
        assert!(toml::from_str::<Settings>("[limits]\naddres_rate = 1").is_err());
    }

    #[test]
    fn flags_and_environment_win_over_the_file() {
        let file = LimitSettings { user_rate: Some(1.0), address_rate: Some(2.0), ..LimitSettings::default() };
        let given = LimitSettings { user_rate: Some(3.0), ..LimitSettings::default() };
        let both = limits(&given.over(file)).unwrap();
        assert_eq!((both.user_rate, both.address_rate), (3.0, 2.0));
    }
}
