//! One environment for all: a fresh anvil with the registry deployed on it, torn down with the test.

pub mod copy;
mod described;
pub mod house;
pub mod ledger;
#[path = "../../environment/postgres.rs"]
pub mod postgres;
pub mod premises;
pub mod scene;

use std::path::Path;

use alloy::{
    primitives::{Address, B256},
    providers::DynProvider,
    signers::{SignerSync, local::PrivateKeySigner},
};
use health_back_end::{
    chain::{
        deploy::{Deployment, Roles, deploy},
        node::{Node, connect},
        operator::Operator,
        typed_data,
    },
    clock::Clock,
    config::anvil::AnvilConfig,
    domain::{
        ids::AihDataId,
        operation::Operation,
        taxonomy::{DataClass, DataStatus, Usage, UserClass, WordSet},
        terms::{Grant, LicenceTerms, Offer},
        window::Window,
    },
    licensing::{Licensing, queue::Queue, vigil::Vigil},
    startup::devnet::{Devnet, binary},
};
use uuid::Uuid;

/// anvil's public development keys, in order. Written out because deriving one from the mnemonic takes 30 ms.
const KEYS: [&str; 6] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
];

/// anvil's public development key with this index.
pub fn key(index: usize) -> PrivateKeySigner {
    KEYS[index].parse().unwrap()
}

/// Who plays whom.
pub const ADMIN: usize = 0;
pub const OPERATOR: usize = 1;
pub const REGISTRAR: usize = 2;
pub const PATIENT: usize = 3;
pub const INSTITUTE: usize = 4;

/// An anvil on a free port that keeps nothing when it ends.
pub fn passing(folder: &Path) -> AnvilConfig {
    AnvilConfig {
        port: 0,
        state: None,
        state_interval: None,
        cache_path: Some(folder.join("cache")),
        ..AnvilConfig::read(Path::new("anvil.toml")).unwrap()
    }
}

/// A chain with our registry on it.
pub struct Chain {
    pub devnet: Devnet,
    pub provider: DynProvider,
    pub deployment: Deployment,
    _folder: Option<tempfile::TempDir>,
}

impl Chain {
    pub async fn start() -> Self {
        Self::start_with_admin(ADMIN).await
    }

    /// Another admin is another registry.
    pub async fn start_with_admin(admin: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let chain = Self::deployed(&passing(folder.path()), folder.path(), admin).await;
        Self { _folder: Some(folder), ..chain }
    }

    /// On an anvil configured by the test, whose files outlive the chain.
    pub async fn with(config: &AnvilConfig, folder: &Path) -> Self {
        Self::deployed(config, folder, ADMIN).await
    }

    /// A chain that ran before.
    pub fn resume(devnet: Devnet, provider: DynProvider, deployment: Deployment) -> Self {
        Self { devnet, provider, deployment, _folder: None }
    }

    async fn deployed(config: &AnvilConfig, folder: &Path, admin: usize) -> Self {
        let devnet = Devnet::start(&binary(Path::new(".")), config, folder).await.unwrap();
        let provider = connect(&devnet.ws_url()).await.unwrap();
        let roles = Roles {
            admin: key(admin),
            operators: vec![key(OPERATOR).address()],
            registrars: vec![key(REGISTRAR).address()],
            admin_delay_seconds: 0,
        };
        let deployment = deploy(&provider, &roles).await.unwrap();
        Self { devnet, provider, deployment, _folder: None }
    }

    pub fn node(&self) -> Node {
        self.deployment.node(self.provider.clone())
    }

    /// A gate on this chain, verified.
    pub async fn licensing(&self) -> Licensing {
        let vigil = Vigil::new();
        let clock = Clock::system();
        vigil.verify(&self.node(), &clock).await;
        vigil.report_indexed(u64::MAX);
        let operator = Operator::start(self.node(), key(OPERATOR)).await.unwrap();
        let (queue, _) = Queue::start(operator, ledger::Memory::default(), vigil.clone());
        Licensing::new(self.node(), queue, vigil, clock)
    }

    /// Registers a user of a class, as the REGISTRAR.
    pub async fn vouch(&self, user: Address, class: UserClass) {
        self.set_class(user, class, true).await;
    }

    /// Suspends a user, as the REGISTRAR.
    pub async fn suspend(&self, user: Address, class: UserClass) {
        self.set_class(user, class, false).await;
    }

    async fn set_class(&self, user: Address, class: UserClass, active: bool) {
        use alloy::{network::EthereumWallet, providers::ProviderBuilder};
        use health_back_end::{chain::bindings::LicenceRegistry, domain::taxonomy::Word};
        let provider =
            ProviderBuilder::new().wallet(EthereumWallet::from(key(REGISTRAR))).connect_provider(self.provider.clone());
        let registry = LicenceRegistry::new(self.deployment.registry, provider);
        let receipt =
            registry.setUserClass(user, class.code(), active).send().await.unwrap().get_receipt().await.unwrap();
        assert!(receipt.status());
    }

    /// The patient's signature of an offer.
    pub fn sign(&self, offer: &Offer) -> Vec<u8> {
        let hash = typed_data::offer_hash(offer, &self.deployment.back_end());
        key(PATIENT).sign_hash_sync(&hash).unwrap().as_bytes().to_vec()
    }

    /// The patient's signature of a withdrawal.
    pub fn sign_withdrawal(&self, item: AihDataId, licence: Address) -> Vec<u8> {
        let hash = typed_data::revocation_hash(item.hash(), licence, &self.deployment.back_end());
        key(PATIENT).sign_hash_sync(&hash).unwrap().as_bytes().to_vec()
    }
}

/// A new item.
pub fn item() -> AihDataId {
    AihDataId::from_uuid(Uuid::now_v7())
}

/// The patient licenses heart-rate quantification to non-profit entities for research, for an hour.
pub fn offer(item: AihDataId) -> Offer {
    let now = Clock::system().seconds();
    let window = Window::new(now - 60, now + 3_600).unwrap();
    let terms = LicenceTerms {
        aih_data: item.hash(),
        model_licence: B256::from(rand::random::<[u8; 32]>()),
        end_user: key(PATIENT).address(),
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
    };
    Offer { terms, sequence: 0 }
}
