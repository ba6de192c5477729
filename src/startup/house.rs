//! Putting the house together, in the order in which one part needs another, and taking it down again.
//!
//! ```text
//! devnet? ─▶ node ─▶ registry verified ─▶ cellar ─▶ keys ─▶ queue recovered ─▶ rooms ─▶ what was begun taken back
//! ```

use std::{fs::File, path::Path, time::Duration};

use alloy::providers::DynProvider;
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    devnet::{self, Devnet, DevnetError},
    holdings,
    keys::{DEVNET, KeyError, Office},
    restoring, vouch,
};
use crate::{
    access::{Access, AccessError, Origin, SigningKey},
    aims::{
        AimError, Aims, Shared,
        ai_modules::worker::Worker,
        anomaly_and_risk::{
            rules::{RuleError, Rules},
            webhooks::{
                courier::Courier,
                target::{Network, NotANetwork, Targets},
            },
        },
    },
    chain::{
        ChainError,
        deploy::{DeployError, Deployment, Roles, deploy},
        node::{Node, connect},
        operator::Operator,
    },
    clock::Clock,
    config::{ConfigError, anvil::AnvilConfig, settings::Settings},
    db::{Database, DbError},
    indexer::Indexer,
    licensing::{
        Licensing,
        queue::Queue,
        settle::{self, RecoveryError},
        vigil::Vigil,
    },
    mpai_store::models::{ModelError, shelf::Shelf},
    store,
};

/// Connections to the database.
const DATABASE_CONNECTIONS: u32 = 16;
/// Seconds a transfer of the admin role must wait, outside the devnet: two days.
const ADMIN_DELAY_SECONDS: u64 = 172_800;

/// Why the house does not stand.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each names its part")]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Aim(#[from] AimError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    SigningKey(#[from] crate::access::signing_key::KeyError),
    #[error(transparent)]
    Rules(#[from] RuleError),
    #[error("the setting webhook_networks: {0}")]
    Network(#[from] NotANetwork),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the chain at this URL has no registry of this Back End: run `hbe deploy` first")]
    NotDeployed,
    #[error("another Back End runs on this data folder")]
    Running,
    #[error(
        "the root key is not the one this data was sealed under: nothing in it could be opened, and what came new could \
         be opened by no other; put the right root.key, or HBE_ROOT_KEY, back"
    )]
    OtherRootKey,
    #[error("a restoration of this chain broke off, and a withdrawal may be missing: run `hbe chain restore` again")]
    Restoring,
}

/// The chain that a house stands on.
pub(super) struct Ground {
    devnet: Option<Devnet>,
    rpc_url: String,
    /// The chain's provider.
    pub(super) provider: DynProvider,
    /// Where the registry stands.
    pub(super) deployment: Deployment,
}

impl Ground {
    /// Reaches the node, or starts the devnet, and finds the registry.
    pub(super) async fn reach(settings: &Settings, program: &Path) -> Result<Self, StartError> {
        let (devnet, rpc_url) = reach_chain(settings, program).await?;
        let provider = connect(&rpc_url).await?;
        let deployment = find_registry(settings, &provider, devnet.is_some()).await?;
        Ok(Self { devnet, rpc_url, provider, deployment })
    }

    /// Stops the devnet, when it was started here.
    pub(super) async fn leave(self) {
        if let Some(devnet) = self.devnet {
            devnet.stop().await;
        }
    }
}

/// A standing house, without its door.
pub struct House {
    /// The rooms.
    pub aims: Aims,
    /// Where the registry stands.
    pub deployment: Deployment,
    /// The node's URL for reading along.
    pub rpc_url: String,
    /// The chain's provider.
    pub provider: DynProvider,
    devnet: Option<Devnet>,
    vigil: JoinHandle<()>,
    queue: JoinHandle<()>,
    indexer: JoinHandle<()>,
    courier: JoinHandle<()>,
    rounds: JoinHandle<()>,
    settling: JoinHandle<()>,
    arrivals: JoinHandle<()>,
    watching: JoinHandle<()>,
    stop: CancellationToken,
    data: std::path::PathBuf,
    quiet: Duration,
    /// Released when the house is down.
    _lock: Option<File>,
}

impl House {
    /// Builds the house. `program` is what runs AI Modules: this very program, mostly.
    ///
    /// # Errors
    /// [`StartError`], naming the part.
    pub async fn build(settings: &Settings, program: &Path) -> Result<Self, StartError> {
        let lock = holdings::lock(settings)?;
        let Ground { devnet, rpc_url, provider, deployment } = Ground::reach(settings, program).await?;
        let clock = Clock::system();
        let node = deployment.node(provider.clone());
        node.verify().await?;
        let vigil = Vigil::new().with_block_age(settings.most_block_age.map(Duration::from_secs));
        vigil.verify(&node, &clock).await;
        let database = database(settings).await?;
        let asked = Instant::now();
        if database.is_restoring().await? {
            return Err(StartError::Restoring);
        }
        if !settings.is_alone() {
            vigil.report_restoring(false, asked);
        }
        let root_key = holdings::root_key(settings, &database).await?;
        let key = Office::Operator.key(deployment.chain_id)?;
        let models = Shelf::open(&settings.data.join("models"), key.clone())?;
        let operator = recovered(Operator::start(node.clone(), key).await?, &database).await?;
        let stop = CancellationToken::new();
        let given_up = stop.clone().drop_guard();
        let (queue, queue_task) = Queue::start(operator, database.clone(), vigil.clone());
        // It ends by itself when nobody holds a way into it any more, which is after `stop`.
        let queue_task = vigil.resting_on("the queue", stop.clone(), to_its_end(queue_task));
        let licensing = Licensing::new(node.clone(), queue, vigil.clone(), clock.clone()).remembering(database.clone());
        let aims = Aims::new(Shared {
            licensing,
            database,
            objects: holdings::objects(settings)?,
            root_key,
            models,
            worker: Worker::new(program.to_owned()),
            rules: Rules::load()?,
            targets: targets(settings)?,
            courier: Courier::default(),
            clock: clock.clone(),
        });
        take_back(&aims, settings).await?;
        if deployment.chain_id == DEVNET {
            vouch::in_advance(&aims, &provider, &settings.vouched).await?;
        }
        if !settings.is_alone() {
            let asking = restoring::keep_asking(aims.database.clone(), vigil.clone(), stop.clone());
            drop(vigil.resting_on("the look-out for restorations", stop.clone(), asking));
        }
        let listening = listening_node(&deployment, &rpc_url, &node).await;
        let clerk = Indexer::new(listening, aims.database.clone(), vigil.clone(), clock.clone(), deployment.block);
        let indexer = vigil.resting_on("the copy of the register", stop.clone(), clerk.run(stop.clone()));
        let keep_rounds = aims.clone().keep_rounds(quiet_time(settings), stop.clone());
        let rounds = Vigil::watched("the keeper of rounds", stop.clone(), keep_rounds);
        let courier = Vigil::watched("the courier", stop.clone(), aims.clone().deliver(stop.clone()));
        let settling = Vigil::watched("settling", stop.clone(), aims.clone().keep_settled(stop.clone()));
        let alone = quiet_time(settings).is_zero();
        let arrivals = aims.clone().keep_looking(alone, stop.clone());
        let arrivals = Vigil::watched("the looks at what arrived", stop.clone(), arrivals);
        let watching = vigil.resting_on("the watch over works", stop.clone(), aims.clone().keep_watch(stop.clone()));
        let looking = vigil.clone().keep(node, clock);
        let vigil = vigil.resting_on("the watch over the chain", stop.clone(), looking);
        let data = settings.data.clone();
        given_up.disarm();
        Ok(Self {
            aims,
            deployment,
            rpc_url,
            provider,
            devnet,
            vigil,
            queue: queue_task,
            indexer,
            courier,
            rounds,
            settling,
            arrivals,
            watching,
            stop,
            data,
            quiet: quiet_time(settings),
            _lock: lock,
        })
    }

    /// The doorkeeper, for a door that is reached under an address.
    ///
    /// # Errors
    /// When the key that signs Tokens cannot be read or made.
    pub async fn access(&self, origin: Origin) -> Result<Access, StartError> {
        let key = SigningKey::load_or_create(&self.data.join("tokens.key"))?;
        let Shared { licensing, database, clock, .. } = &*self.aims;
        let access = Access::new(licensing.clone(), database.clone(), clock.clone(), key, origin);
        // Microseconds of minutes fit.
        access.recover(clock.micros() - self.quiet.as_micros() as i64).await?;
        Ok(access)
    }

    /// Takes the house down: what is in flight ends, then the chain.
    pub async fn close(self) {
        let Self {
            aims,
            devnet,
            vigil,
            queue,
            indexer,
            courier,
            rounds,
            settling,
            arrivals,
            watching,
            stop,
            _lock,
            ..
        } = self;
        vigil.abort();
        stop.cancel();
        // What runs in children is not waited for: it is undone, and may be asked for again.
        aims.end_works();
        let tasks = [
            (indexer, "indexer"),
            (settling, "settling"),
            (arrivals, "arrivals"),
            (watching, "watching"),
            (courier, "courier"),
            (rounds, "rounds"),
        ];
        for (task, name) in tasks {
            if task.await.is_err() {
                tracing::warn!(name, "task.panicked");
            }
        }
        let database = aims.database.clone();
        drop(aims);
        // The queue ends when nobody holds a way into it; a job that still runs is not waited for longer than this.
        const LAST_JOBS: Duration = Duration::from_secs(10);
        if tokio::time::timeout(LAST_JOBS, queue).await.is_err() {
            tracing::warn!("shutdown.jobs_left");
        }
        // What is committed is durable without this, and a job that was left behind may be in the middle of a statement.
        const LAST_STATEMENTS: Duration = Duration::from_secs(5);
        if tokio::time::timeout(LAST_STATEMENTS, database.close()).await.is_err() {
            tracing::warn!("shutdown.connections_left");
        }
        if let Some(devnet) = devnet {
            devnet.stop().await;
        }
    }
}

/// The operator, when it is known how everything it sent before has ended.
async fn recovered(mut operator: Operator, database: &Database) -> Result<Operator, StartError> {
    let recovered = settle::recover(&mut operator, database).await?;
    if recovered > 0 {
        tracing::info!(transactions = recovered, "transactions.recovered");
    }
    Ok(operator)
}

/// Takes back what an earlier run left half done.
async fn take_back(aims: &Aims, settings: &Settings) -> Result<(), StartError> {
    let taken_back = aims.take_back(quiet_time(settings)).await?;
    aims.settle_signed_licences().await?;
    tracing::info!(?taken_back, "restart.taken_back");
    // Before the sweep, to which the objects would be strangers.
    let erased = aims.finish_erasures().await?;
    tracing::info!(erased, "restart.erasures_finished");
    let swept = aims.sweep(quiet_objects(settings)).await?;
    tracing::info!(removed = swept.removed, orphans = swept.orphans.len(), "restart.swept");
    let sealed = aims.seal_descriptions().await?;
    if sealed > 0 {
        tracing::info!(sealed, "restart.descriptions_sealed");
    }
    // What the keys of erased items lay in may still be in the files.
    aims.scrub().await;
    let removed = aims.sweep_models().await?;
    tracing::info!(removed, "restart.models_swept");
    Ok(())
}

/// Ends as a task does, by a panic too.
async fn to_its_end(task: JoinHandle<()>) {
    if let Err(error) = task.await
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

/// The database the settings name.
///
/// # Errors
/// When it does not open.
pub async fn database(settings: &Settings) -> Result<Database, DbError> {
    Database::connect(&settings.database(), DATABASE_CONNECTIONS).await
}

async fn reach_chain(settings: &Settings, program: &Path) -> Result<(Option<Devnet>, String), StartError> {
    if let Some(url) = &settings.rpc_url {
        return Ok((None, url.clone()));
    }
    let config = AnvilConfig::read(&settings.anvil)?.within(&settings.data);
    let devnet = Devnet::kept(program, &devnet::binary(&settings.tools), &config, &settings.data.join("anvil")).await?;
    let url = devnet.url();
    Ok((Some(devnet), url))
}

/// Questions and transactions go over HTTP, where each answer comes at once; a WebSocket delays small messages by tens of
/// milliseconds. The clerk gets one all the same, where the node offers it under the same address, because there the node
/// tells of new blocks; elsewhere it looks for itself.
async fn listening_node(deployment: &Deployment, rpc_url: &str, node: &Node) -> Node {
    let Some(rest) = rpc_url.strip_prefix("http") else { return node.clone() };
    match connect(&format!("ws{rest}")).await {
        Ok(provider) => deployment.node(provider),
        Err(_) => node.clone(),
    }
}

/// Our own devnet is given its registry; any other chain must have been given one by `hbe deploy`.
async fn find_registry(settings: &Settings, provider: &DynProvider, ours: bool) -> Result<Deployment, StartError> {
    if ours {
        return put_registry(settings, provider).await;
    }
    let chain_id = crate::chain::node::chain_id(provider).await?;
    Deployment::load(&settings.deployments, chain_id)?.ok_or(StartError::NotDeployed)
}

/// Deploys the registry where it is missing and records where it stands.
///
/// # Errors
/// When the chain refuses or the record cannot be written.
pub async fn put_registry(settings: &Settings, provider: &DynProvider) -> Result<Deployment, StartError> {
    let chain_id = crate::chain::node::chain_id(provider).await?;
    let roles = Roles {
        admin: Office::Admin.key(chain_id)?,
        operators: vec![Office::Operator.key(chain_id)?.address()],
        registrars: vec![Office::Registrar.key(chain_id)?.address()],
        admin_delay_seconds: if chain_id == DEVNET { 0 } else { ADMIN_DELAY_SECONDS },
    };
    let deployment = deploy(provider, &roles).await?;
    deployment.save(&settings.deployments)?;
    Ok(deployment)
}

/// Where webhooks may point.
pub(super) fn targets(settings: &Settings) -> Result<Targets, NotANetwork> {
    let networks = settings.webhook_networks.iter().map(|text| text.parse::<Network>());
    Ok(Targets::new(networks.collect::<Result<_, _>>()?))
}

/// What instances work on longer than this, they do only when they hang.
const LONGEST_WORK: Duration = Duration::from_secs(15 * 60);

/// How long nothing must have happened to what a start sweeps from the objects: a bucket may be shared, and has a clock
/// of its own.
fn quiet_objects(settings: &Settings) -> Duration {
    if settings.objects_url.is_some() { LONGEST_WORK } else { quiet_time(settings) }
}

/// How long nothing must have happened to what a start takes back. Where there is one instance, that is this one; on a
/// database server there may be others.
fn quiet_time(settings: &Settings) -> Duration {
    if settings.is_alone() { Duration::ZERO } else { LONGEST_WORK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::licensing::vigil::Doubt;

    #[tokio::test]
    async fn a_queue_that_panics_breaks_the_house_down() {
        let (vigil, stop) = (Vigil::new(), CancellationToken::new());
        vigil.note(Ok(()));
        let clerk = tokio::spawn(async { panic!("of a test") });
        vigil.resting_on("the queue", stop, to_its_end(clerk)).await.unwrap();
        assert_eq!(vigil.pass(), Err(Doubt::BrokenDown("the queue")));
    }
}
