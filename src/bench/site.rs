//! Where it is measured: an anvil process, the contracts, licences, and a gate as the server has it.

use std::{sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, ext::AnvilApi},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolCall,
};
use uuid::Uuid;

use super::{BenchError, Options};
use crate::{
    chain::{
        ChainError,
        bindings::LicenceRegistry,
        deploy::{Roles, deploy},
        node::{Node, connect},
        operator::{Call, Operator},
        typed_data,
    },
    clock::Clock,
    config::anvil::AnvilConfig,
    db::Database,
    domain::{
        ids::AihDataId,
        operation::Operation,
        taxonomy::{DataClass, DataStatus, Usage, UserClass, Word, WordSet},
        terms::{Grant, LicenceTerms, Offer},
        window::Window,
    },
    licensing::{Licensing, confirm::Question, queue::Queue, vigil::Vigil},
    startup::devnet::Devnet,
};

/// Licences that are asked for in turn.
const LICENCES: usize = 64;
/// Third Party Users who ask.
const USERS: usize = 16;
const LICENCE_SECONDS: u64 = 3_600;
const USER_GAS: u64 = 150_000;
/// How long a transaction that prepares the site may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The site.
pub(super) struct Site {
    pub(super) gate: Licensing,
    pub(super) node: Node,
    pub(super) provider: DynProvider,
    /// Also the gate's.
    pub(super) ledger: Database,
    /// The gate's own key is the gate's while it runs; the other ways sign with this one.
    pub(super) operator: PrivateKeySigner,
    asker: Asker,
    devnet: Devnet,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(super) async fn start(options: &Options) -> Result<Self, BenchError> {
        let folder = tempfile::tempdir().map_err(BenchError::Folder)?;
        let devnet = Devnet::start(&options.anvil, &anvil(&folder), folder.path()).await?;
        let provider = connect(&devnet.url()).await?;
        let [admin, gate_operator, operator, registrar] = std::array::from_fn(|_| PrivateKeySigner::random());
        for key in [&admin, &gate_operator, &operator, &registrar] {
            fund(&provider, key.address()).await?;
        }
        let roles = Roles {
            admin,
            operators: vec![gate_operator.address(), operator.address()],
            registrars: vec![registrar.address()],
            admin_delay_seconds: 0,
        };
        let node = deploy(&provider, &roles).await?.node(provider.clone());
        let users: Vec<Address> = (0..USERS).map(|_| Address::random()).collect();
        vouch(&node, registrar, &users).await?;
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("ledger.db").display());
        let ledger = Database::connect(&url, 2).await?;
        let gate = gate(&node, gate_operator, ledger.clone()).await?;
        let items = license(&gate).await?;
        let asker = Asker { items: items.into(), users: users.into() };
        Ok(Self { gate, node, provider, ledger, operator, asker, devnet, _folder: folder })
    }

    pub(super) fn asker(&self) -> Asker {
        self.asker.clone()
    }

    pub(super) async fn stop(self) {
        self.devnet.stop().await;
    }
}

/// Puts questions that the licences permit, to all of them in turn.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    items: Arc<[AihDataId]>,
    users: Arc<[Address]>,
}

impl Asker {
    /// The `n`th question.
    pub(super) fn question(&self, n: usize) -> Question {
        Question {
            item: self.items[n % self.items.len()],
            requester: self.users[n % self.users.len()],
            operation: Operation::PhysiologicalParameterQuantification,
            usage: Usage::Research,
            at: Clock::system().seconds(),
            confirm_id: rand::random(),
        }
    }
}

fn anvil(folder: &tempfile::TempDir) -> AnvilConfig {
    AnvilConfig {
        chain_id: 31_337,
        host: "127.0.0.1".to_owned(),
        port: 0,
        hardfork: "prague".to_owned(),
        accounts: 1,
        balance: None,
        mnemonic: None,
        order: Some("fifo".to_owned()),
        base_fee: None,
        gas_price: None,
        block_time: None,
        state: None,
        state_interval: None,
        cache_path: Some(folder.path().join("cache")),
        // Nobody asks for old states here, and writing each to disk costs more than a small batch.
        prune_history: Some(64),
        ipc: None,
    }
}

async fn fund(provider: &DynProvider, account: Address) -> Result<(), ChainError> {
    let a_lot = U256::from(10).pow(U256::from(24));
    provider.anvil_set_balance(account, a_lot).await.map_err(ChainError::from)
}

async fn vouch(node: &Node, registrar: PrivateKeySigner, users: &[Address]) -> Result<(), ChainError> {
    let mut registrar = Operator::start(node.clone(), registrar).await?;
    for user in users {
        let class = UserClass::NonProfitEntity.code();
        let data = LicenceRegistry::setUserClassCall { user: *user, class, active: true }.abi_encode();
        let signed = registrar.sign(Call { data: data.into(), gas_limit: USER_GAS })?;
        registrar.transmitter().send(&signed, PATIENCE).await?;
    }
    Ok(())
}

/// The gate with a ledger on disk, as the server has it; only the index of events is taken to be up to date.
async fn gate(node: &Node, operator: PrivateKeySigner, ledger: Database) -> Result<Licensing, BenchError> {
    let (vigil, clock) = (Vigil::new(), Clock::system());
    vigil.verify(node, &clock).await;
    vigil.report_indexed(u64::MAX);
    let operator = Operator::start(node.clone(), operator).await?;
    let (queue, _) = Queue::start(operator, ledger, vigil.clone());
    Ok(Licensing::new(node.clone(), queue, vigil, clock))
}

async fn license(gate: &Licensing) -> Result<Vec<AihDataId>, BenchError> {
    let end_user = PrivateKeySigner::random();
    let mut items = Vec::with_capacity(LICENCES);
    for _ in 0..LICENCES {
        let item = AihDataId::from_uuid(Uuid::now_v7());
        let offer = Offer { terms: terms(item, end_user.address()), sequence: 0 };
        let hash = typed_data::offer_hash(&offer, &gate.node().back_end());
        let signature = end_user.sign_hash_sync(&hash).map_err(ChainError::from)?;
        // The permit to store is not needed: nothing is stored.
        let _ = gate.issue(item, &offer, &signature.as_bytes()).await?;
        items.push(item);
    }
    Ok(items)
}

/// Quantification for research by non-profit entities, and nothing else.
fn terms(item: AihDataId, end_user: Address) -> LicenceTerms {
    let start = Clock::system().seconds() - 60;
    // An hour from now is before the year 9999.
    let window = Window::new(start, start + LICENCE_SECONDS).expect("an hour is a window");
    LicenceTerms {
        aih_data: item.hash(),
        model_licence: B256::random(),
        end_user,
        data_class: DataClass::PhysiologicalSignal,
        window,
        required_status: DataStatus::Identified,
        operations: [Operation::PhysiologicalEventDetection].into_iter().collect(),
        usages: [Usage::HealthCare].into_iter().collect(),
        grants: vec![Grant {
            user: None,
            user_classes: [UserClass::NonProfitEntity].into_iter().collect(),
            data_classes: [DataClass::PhysiologicalSignal].into_iter().collect(),
            operations: [Operation::PhysiologicalParameterQuantification].into_iter().collect(),
            usages: [Usage::Research].into_iter().collect(),
            anomalies: WordSet::EMPTY,
            window,
        }],
    }
}
