//! Putting the registry on a chain, and verifying at every start that it is the one we put there.
//!
//! The registry is deployed through the deterministic deployer (CREATE2; the keyless proxy at
//! `0x4e59…956C`) where the chain has it, so the same admin gets the same registry address on a reset devnet and the
//! signed Model Licences keep their Licence IDs.

use std::path::{Path, PathBuf};

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256, address, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol_types::{SolCall, SolConstructor},
};
use serde::{Deserialize, Serialize};

use super::{
    ChainError,
    bindings::LicenceRegistry,
    node::{Node, call_error, in_time},
};
use crate::domain::ids::BackEndId;

/// The deterministic deployment proxy, present on anvil and most public chains.
const DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
/// Salt of the registry; a new version of the contracts has other bytecode and so another address anyway.
const SALT: B256 = B256::ZERO;

/// Where a registry stands; written to `deployments/<chain id>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The `LicenceRegistry`.
    pub registry: Address,
    /// keccak256 of its code.
    pub code_hash: B256,
    /// Block it was found or put in: the register begins here.
    pub block: u64,
    /// Account that may give roles.
    pub admin: Address,
}

/// What a deployment needs to know.
#[derive(Debug, Clone)]
pub struct Roles {
    /// Key that deploys, becomes admin, and gives the roles.
    pub admin: PrivateKeySigner,
    /// Accounts that become OPERATOR.
    pub operators: Vec<Address>,
    /// Accounts that become REGISTRAR.
    pub registrars: Vec<Address>,
    /// Seconds an admin transfer must wait.
    pub admin_delay_seconds: u64,
}

/// Why a deployment failed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The record could not be read or written.
    #[error("the deployment record {path}: {source}")]
    Record {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The record is not one of ours.
    #[error("the deployment record {path} cannot be read: {source}")]
    Malformed {
        /// Its path.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
}

impl Deployment {
    /// The Back End ID.
    pub fn back_end(&self) -> BackEndId {
        BackEndId::new(self.chain_id, self.registry)
    }

    /// A reader of this registry.
    pub fn node(&self, provider: DynProvider) -> Node {
        Node::new(provider, self.back_end(), self.code_hash)
    }

    /// Reads `<folder>/<chain id>.json`, when there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load(folder: &Path, chain_id: u64) -> Result<Option<Self>, DeployError> {
        let path = record_path(folder, chain_id);
        match std::fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map(Some).map_err(|source| DeployError::Malformed { path, source })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DeployError::Record { path, source }),
        }
    }

    /// Writes `<folder>/<chain id>.json` whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), DeployError> {
        let path = record_path(folder, self.chain_id);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            std::io::Write::write_all(&mut file, b"\n")?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|source| DeployError::Record { path: path.clone(), source })
    }
}

fn record_path(folder: &Path, chain_id: u64) -> PathBuf {
    folder.join(format!("{chain_id}.json"))
}

/// Deploys the registry and gives the roles; does only what is missing, so it can be run again.
///
/// # Errors
/// When the chain does not answer or a transaction fails.
pub async fn deploy(provider: &DynProvider, roles: &Roles) -> Result<Deployment, ChainError> {
    let chain_id = in_time(async { provider.get_chain_id().await }).await?;
    let wallet = EthereumWallet::from(roles.admin.clone());
    let writer = ProviderBuilder::new().wallet(wallet).connect_provider(provider.clone()).erased();
    let code = init_code(roles);
    let registry = DEPLOYER.create2(SALT, keccak256(&code));
    if in_time(async { provider.get_code_at(registry).await }).await?.is_empty() {
        let input: Bytes = [SALT.as_slice(), &code].concat().into();
        send(&writer, TransactionRequest::default().with_to(DEPLOYER).with_input(input)).await?;
    }
    let found = in_time(async { provider.get_code_at(registry).await }).await?;
    if found.is_empty() {
        return Err(ChainError::Contradiction(format!("no registry at {registry} after deploying it")));
    }
    give_roles(&writer, registry, roles).await?;
    let block = first_block(provider, registry).await?;
    Ok(Deployment { chain_id, registry, code_hash: keccak256(&found), block, admin: roles.admin.address() })
}

fn init_code(roles: &Roles) -> Vec<u8> {
    let arguments = LicenceRegistry::constructorCall {
        admin: roles.admin.address(),
        adminDelay: alloy::primitives::aliases::U48::from(roles.admin_delay_seconds),
    };
    [LicenceRegistry::BYTECODE.as_ref(), &arguments.abi_encode()].concat()
}

async fn give_roles(writer: &DynProvider, registry: Address, roles: &Roles) -> Result<(), ChainError> {
    let contract = LicenceRegistry::new(registry, writer);
    let operator = contract.OPERATOR_ROLE().call().await.map_err(call_error)?;
    let registrar = contract.REGISTRAR_ROLE().call().await.map_err(call_error)?;
    let wanted = roles.operators.iter().map(|a| (operator, *a)).chain(roles.registrars.iter().map(|a| (registrar, *a)));
    for (role, account) in wanted {
        if !contract.hasRole(role, account).call().await.map_err(call_error)? {
            let input: Bytes = LicenceRegistry::grantRoleCall { role, account }.abi_encode().into();
            send(writer, TransactionRequest::default().with_to(registry).with_input(input)).await?;
        }
    }
    Ok(())
}

async fn send(writer: &DynProvider, request: TransactionRequest) -> Result<(), ChainError> {
    let pending = in_time(async { writer.send_transaction(request.with_value(U256::ZERO)).await }).await?;
    let hash = *pending.tx_hash();
    let receipt = pending.get_receipt().await.map_err(|_| ChainError::Pending(hash))?;
    if receipt.status() { Ok(()) } else { Err(ChainError::Failed(hash)) }
}

/// Finds the first block with code at an address by halving; a node without old states gives block 0.
async fn first_block(provider: &DynProvider, registry: Address) -> Result<u64, ChainError> {
    let (mut below, mut above) = (0, in_time(async { provider.get_block_number().await }).await?);
    while below < above {
        let middle = below + (above - below) / 2;
        match in_time(async { provider.get_code_at(registry).number(middle).await }).await {
            Ok(code) if code.is_empty() => below = middle + 1,
            Ok(_) => above = middle,
            Err(_) => return Ok(0),
        }
    }
    Ok(below)
}
