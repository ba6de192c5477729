//! `hbe chain restore`: an empty chain is given its register again, from what this Back End kept. The Back End itself must
//! not run meanwhile: there is one operator key, and nothing may be permitted while a withdrawal has not been repeated. A
//! restoration that broke off is noted in the cellar, and until it is finished no Back End starts on it. Where several
//! instances share a database server, one that runs all the same hears of it there and permits nothing: see
//! [`restoring`].

use std::path::Path;

use super::{
    holdings,
    house::{self, StartError},
    keys::Office,
    restoring, vouch,
};
use crate::{
    aims::{
        Aims, Shared,
        ai_modules::worker::Worker,
        anomaly_and_risk::{rules::Rules, webhooks::courier::Courier},
        restore::{RestoreError, Restored},
    },
    chain::operator::Operator,
    clock::Clock,
    config::settings::Settings,
    db::{Database, users::UserRow, users::UserStanding},
    domain::{taxonomy::UserClass, user::Registration},
    licensing::{Licensing, queue::Queue, vigil::Vigil},
    mpai_store::models::shelf::Shelf,
};

const PAGE: u32 = 200;

/// Why nothing, or not everything, was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreRefused {
    /// A part of the house.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The licences.
    #[error(transparent)]
    Licences(#[from] RestoreError),
    /// What was kept is of another registry.
    #[error("this database keeps licences of the registry {kept}, and the chain has {found}; nothing was written")]
    OtherRegistry {
        /// As kept.
        kept: String,
        /// As found.
        found: String,
    },
}

/// What was restored, and where.
#[derive(Debug)]
pub struct Outcome {
    /// Users registered again, or found registered.
    pub users: u64,
    /// Licences.
    pub licences: Restored,
}

/// Restores the chain that the settings name, or the devnet, which is started for that and stopped again.
///
/// # Errors
/// [`RestoreRefused`].
pub async fn restore(settings: &Settings, program: &Path) -> Result<Outcome, RestoreRefused> {
    let _lock = holdings::lock(settings)?;
    let ground = house::Ground::reach(settings, program).await?;
    let outcome = on_ground(settings, &ground, program).await;
    ground.leave().await;
    outcome
}

async fn on_ground(settings: &Settings, ground: &house::Ground, program: &Path) -> Result<Outcome, RestoreRefused> {
    let database = Database::connect(&settings.database(), 4).await.map_err(StartError::from)?;
    let outcome = restore_from(settings, ground, (&database, program)).await;
    database.close().await;
    outcome
}

async fn restore_from(
    settings: &Settings,
    ground: &house::Ground,
    (database, program): (&Database, &Path),
) -> Result<Outcome, RestoreRefused> {
    let back_end = ground.deployment.back_end();
    if let Some(kept) = database.find_foreign_licence(back_end).await.map_err(StartError::from)? {
        return Err(RestoreRefused::OtherRegistry { kept: kept.to_string(), found: back_end.to_string() });
    }
    let clock = Clock::system();
    let resumed = database.begin_restoration(clock.micros()).await.map_err(StartError::from)?;
    if !settings.is_alone() {
        tracing::info!(seconds = restoring::HEARD_OF.as_secs(), "restore.waits_until_other_instances_permit_nothing");
        tokio::time::sleep(restoring::HEARD_OF).await;
    }
    // They were sent to a chain that is gone, and must not reach this one.
    database.drop_transactions().await.map_err(StartError::from)?;
    let (aims, queue) = rooms(settings, ground, (database, program)).await?;
    let users = restore_users(&aims, ground).await?;
    let operator = Office::Operator.key(ground.deployment.chain_id).map_err(StartError::from)?.address();
    let licences = aims.restore_licences(operator).await?;
    drop(aims);
    // The queue ends when nobody holds a way into it; its last notes are then in the cellar.
    let _ = queue.await;
    let something = resumed || users.sent > 0 || licences.sent > 0;
    database.end_restoration(clock.micros(), something).await.map_err(StartError::from)?;
    Ok(Outcome { users: users.known, licences })
}

/// The rooms as far as restoring needs them: nothing is read or processed.
async fn rooms(
    settings: &Settings,
    ground: &house::Ground,
    (database, program): (&Database, &Path),
) -> Result<(Aims, tokio::task::JoinHandle<()>), StartError> {
    let (clock, vigil) = (Clock::system(), Vigil::new());
    let node = ground.deployment.node(ground.provider.clone());
    vigil.verify(&node, &clock).await;
    // There is no copy yet that could be behind.
    vigil.report_indexed(u64::MAX);
    let key = Office::Operator.key(ground.deployment.chain_id)?;
    let models = Shelf::open(&settings.data.join("models"), key.clone())?;
    let operator = Operator::start(node.clone(), key).await?;
    let (queue, task) = Queue::start(operator, database.clone(), vigil.clone());
    let aims = Aims::new(Shared {
        licensing: Licensing::new(node, queue, vigil, clock.clone()),
        database: database.clone(),
        objects: holdings::objects(settings)?,
        root_key: holdings::root_key(settings, database).await?,
        models,
        worker: Worker::new(program.to_owned()),
        rules: Rules::load()?,
        targets: house::targets(settings)?,
        courier: Courier::default(),
        clock,
    });
    Ok((aims, task))
}

/// Users who are registered on chain now, and how many of them had to be.
#[derive(Default)]
struct Users {
    known: u64,
    sent: u64,
}

async fn restore_users(aims: &Aims, ground: &house::Ground) -> Result<Users, RestoreRefused> {
    let mut users = Users::default();
    for standing in [UserStanding::Pending, UserStanding::Active, UserStanding::Suspended] {
        let mut after = None;
        loop {
            let page = aims.database.list_users(standing, after.as_ref(), PAGE).await.map_err(StartError::from)?;
            for user in &page.rows {
                restore_user(aims, ground, user, &mut users).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(users)
}

/// Whoever had a class has it again, and whoever was suspended stays so. The clerk may have seen the empty chain already
/// and taken both out of the row; what was vouched for last stays there. Never what somebody only asked for.
async fn restore_user(
    aims: &Aims,
    ground: &house::Ground,
    user: &UserRow,
    users: &mut Users,
) -> Result<(), RestoreRefused> {
    let Some((class, active)) = user.vouched else {
        if user.approved_at_us.is_some() {
            tracing::warn!(user = %user.address, "restore.vouch_again");
        }
        return Ok(());
    };
    users.known += 1;
    let wanted = Registration::Known { class, active };
    let found = aims.licensing.node().user(user.address.address()).await.map_err(StartError::from)?;
    if found == wanted {
        return Ok(());
    }
    users.sent += 1;
    if found == Registration::Unknown && class == UserClass::EndUser && active {
        aims.licensing.register_end_user(user.address.address()).await.map_err(RestoreError::from)?;
    } else {
        let _ = vouch::set_class(&ground.provider, &aims.back_end(), user.address, class, active).await?;
    }
    Ok(())
}
