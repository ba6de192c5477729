//! Where objects lie: a folder of this machine, or a bucket that speaks S3.
//!
//! A bucket must offer create-only puts and multipart completion (`If-None-Match: *`), as Amazon's does; for stores with
//! another way of copying without overwriting, `AWS_COPY_IF_NOT_EXISTS` says which. It also needs a rule that ends
//! unfinished multipart uploads, which a killed process cannot end itself. An answer of the bucket may be lost, so that a
//! put that failed has left its object: it is never acknowledged, and the next attempt removes it. A versioned bucket
//! keeps what is deleted; without its key it is noise, but it takes space.

use std::{env, fs::DirBuilder, os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientConfigKey, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut, S3CopyIfNotExists},
    local::LocalFileSystem,
    path::Path,
    prefix::PrefixStore,
};

use super::error::{Cause, Error};

/// How long one request may take: a part, or the bucket's own copy of a whole object.
const REQUEST_TIME: &str = "120 seconds";
/// The variable by which the operator says otherwise.
const TIMEOUT: &str = "AWS_TIMEOUT";
/// How long a request is repeated while the bucket answers with errors of its own. Somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often at most.
const MOST_RETRIES: usize = 4;

/// A store, and its folder when it is one on this machine: the library hides unfinished files, so they are reached
/// through the folder.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) local_root: Option<PathBuf>,
}

impl Place {
    /// A folder of this machine, made (mode 0700) when absent.
    pub(super) fn folder(folder: &std::path::Path) -> Result<Self, Error> {
        let failed = |cause: Cause| Error::of_io("opening the object folder", cause);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| failed(error.into()))?;
        let root = folder.canonicalize().map_err(|error| failed(error.into()))?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| failed(error.into()))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), local_root: Some(root) })
    }

    /// A bucket, with what stands in `AWS_*`. Nothing is sent yet.
    pub(super) fn bucket(url: &str) -> Result<Self, Error> {
        let failed = |cause: Cause| Error::of_io("opening the bucket", cause);
        let (bucket, prefix) = parts(url).ok_or_else(|| failed("want s3://bucket or s3://bucket/prefix".into()))?;
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(RetryConfig {
                max_retries: MOST_RETRIES,
                retry_timeout: PATIENCE,
                backoff: BackoffConfig::default(),
            });
        // What the operator's environment says comes first. The builder has a time of its own, so it cannot be asked.
        if env::var_os(TIMEOUT).is_none() {
            builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIME);
        }
        if builder.get_config_value(&AmazonS3ConfigKey::CopyIfNotExists).is_none() {
            builder = builder.with_copy_if_not_exists(S3CopyIfNotExists::Multipart);
        }
        let store = builder.build().map_err(|error| failed(error.into()))?;
        let store: Arc<dyn ObjectStore> =
            if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix)) };
        Ok(Self { store, local_root: None })
    }

    /// Removes what may be there. A failure is logged, not returned: the caller is cleaning up after another one.
    pub(super) async fn remove(&self, path: &Path) {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => log_left_behind(path, &error),
        }
    }
}

/// Bucket and prefix of `s3://bucket/prefix`.
fn parts(url: &str) -> Option<(&str, &str)> {
    let (bucket, prefix) = url.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
    let plain = |text: &str| !text.contains(['?', '#', '@', ':']);
    (!bucket.is_empty() && plain(bucket) && plain(prefix)).then_some((bucket, prefix.trim_matches('/')))
}

fn log_left_behind(path: &Path, error: &object_store::Error) {
    tracing::warn!(name: "store.left_behind", %path, %error, "could not remove {path}; the next sweep will find it");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bucket_and_a_prefix_are_understood() {
        assert_eq!(parts("s3://payloads"), Some(("payloads", "")));
        assert_eq!(parts("s3://payloads/one/house/"), Some(("payloads", "one/house")));
        for wrong in
            ["", "payloads", "https://payloads", "s3://", "s3:///prefix", "s3://key:secret@payloads", "s3://b?x=1"]
        {
            assert_eq!(parts(wrong), None, "{wrong}");
            assert!(Place::bucket(wrong).is_err());
        }
    }
}
