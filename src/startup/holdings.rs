//! What a house holds on disk: its folder, which one process has at a time, the root key and the objects.

use std::{
    env,
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::DirBuilderExt,
};

use super::house::StartError;
use crate::{
    config::settings::Settings,
    db::Database,
    store::{EndUserKey, Error, Objects, RootKey, WrappedKey},
};

/// Makes the folder when it is not there, for its owner alone, and takes it for this process; released when the file is
/// dropped, however the process ends. What a start takes back, and the operator's nonces, are one process's business; a
/// database server is made for several, and they share no folder.
///
/// # Errors
/// [`StartError::Running`] when another process has it.
pub(super) fn lock(settings: &Settings) -> Result<Option<File>, StartError> {
    DirBuilder::new().recursive(true).mode(0o700).create(&settings.data)?;
    if !settings.is_alone() {
        return Ok(None);
    }
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(settings.data.join("hbe.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StartError::Running),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Where payloads lie: on disk, or where the setting says.
pub(super) fn objects(settings: &Settings) -> Result<Objects, StartError> {
    Ok(match &settings.objects_url {
        Some(url) => Objects::at(url)?,
        None => Objects::local(&settings.data.join("objects"))?,
    })
}

/// The root key: from the environment when it is there, else from a file that the first start makes. Where people are
/// registered it must open the key of one of them.
pub(super) async fn root_key(settings: &Settings, database: &Database) -> Result<RootKey, StartError> {
    let known = database.first_user().await?;
    let file = settings.data.join("root.key");
    let key = match env::var("HBE_ROOT_KEY") {
        Ok(text) => RootKey::from_base64(&text)?,
        Err(env::VarError::NotUnicode(_)) => return Err(Error::MalformedKey("HBE_ROOT_KEY is not text").into()),
        Err(env::VarError::NotPresent) if known.is_some() => RootKey::load(&file)?,
        Err(env::VarError::NotPresent) => RootKey::load_or_create(&file)?,
    };
    if let Some(user) = known {
        let wrapped = WrappedKey::parse(user.user_key_wrapped)?;
        match EndUserKey::unwrap(&wrapped, &key, &user.address.to_string()) {
            Ok(_) => {}
            Err(Error::WrongKey { .. }) => return Err(StartError::OtherRootKey),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(key)
}
