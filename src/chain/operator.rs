//! Writing to the chain: one operator key, its nonces and its transactions.
//!
//! Signing and sending are two steps, so that the caller can make the transaction hash durable before anything waits
//! for it. A transaction once signed is sent again as it is until it is mined or its nonce is used: sending the same
//! bytes twice cannot do anything twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    network::TxSignerSync,
    primitives::{Address, B256, Bytes, TxKind},
    providers::{DynProvider, Provider},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::{SignerSync, local::PrivateKeySigner},
    transports::{RpcError, TransportErrorKind},
};

use super::{ChainError, logs, node::Node};
use crate::domain::licence_event::LicenceEvent;

/// How often a receipt is asked for where the node cannot answer a transaction with its receipt.
const RECEIPT_INTERVAL: Duration = Duration::from_millis(100);
/// JSON-RPC "method not found".
const METHOD_NOT_FOUND: i64 = -32_601;
/// What a node says that has a transaction and no receipt of it yet (EIP-7966): not mined in the node's own time, held
/// back, or ahead of a nonce that is missing.
const NOT_MINED_YET: [i64; 3] = [4, 5, 6];
/// Tip per gas, in wei.
const TIP: u128 = 1_000_000_000;

/// A call of the registry to be sent.
#[derive(Debug, Clone)]
pub struct Call {
    /// ABI-encoded call data.
    pub data: Bytes,
    /// Most gas it may use.
    pub gas_limit: u64,
}

/// A signed transaction.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Its hash.
    pub hash: B256,
    /// Its bytes, EIP-2718.
    pub raw: Bytes,
    /// The operator's nonce it uses.
    pub nonce: u64,
    call: Call,
    /// Most wei per gas, and the tip in it.
    price: (u128, u128),
}

/// A mined transaction.
#[derive(Debug, Clone)]
pub struct Mined {
    /// Its hash.
    pub transaction: B256,
    /// Number of the block it stands in.
    pub block: u64,
    /// Hash of that block.
    pub block_hash: B256,
    /// Time of that block, seconds since 1970.
    pub block_time: u64,
    /// Gas it used.
    pub gas_used: u64,
    /// What it did to the register, in order.
    pub events: Vec<LicenceEvent>,
}

/// An operator key on one registry. Owned by one task: it hands out nonces.
#[derive(Debug)]
pub struct Operator {
    signer: PrivateKeySigner,
    next_nonce: u64,
    fee: u128,
    transmitter: Transmitter,
}

/// The part that sends and waits; copies may be in flight at once.
#[derive(Debug, Clone)]
pub struct Transmitter {
    node: Node,
    answers_with_receipt: Arc<AtomicBool>,
}

/// Signs texts with an operator's key, so that anyone with a node can see who vouches for them: the registry knows the
/// account as an operator.
#[derive(Debug, Clone)]
pub struct Attestor {
    signer: PrivateKeySigner,
}

impl Attestor {
    /// The account that signs.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// The signature of a text (EIP-191, version `E`).
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&self, text: &[u8]) -> Result<Bytes, ChainError> {
        Ok(Bytes::copy_from_slice(&self.signer.sign_message_sync(text)?.as_bytes()))
    }
}

impl Operator {
    /// Takes up a key where the chain left it.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn start(node: Node, signer: PrivateKeySigner) -> Result<Self, ChainError> {
        let transmitter = Transmitter { node, answers_with_receipt: Arc::new(AtomicBool::new(true)) };
        let mut operator = Self { signer, next_nonce: 0, fee: 0, transmitter };
        operator.resume().await?;
        Ok(operator)
    }

    /// The operator's address.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// The part that signs texts.
    pub fn attestor(&self) -> Attestor {
        Attestor { signer: self.signer.clone() }
    }

    /// A copy of the part that sends.
    pub fn transmitter(&self) -> Transmitter {
        self.transmitter.clone()
    }

    /// Asks the chain again for nonce and fee, after something went wrong.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn resume(&mut self) -> Result<(), ChainError> {
        let provider = self.transmitter.node.provider();
        let address = self.signer.address();
        self.next_nonce =
            super::node::in_time(async { provider.get_transaction_count(address).pending().await }).await?;
        self.refresh_fee().await
    }

    /// Asks the chain what gas costs by now.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn refresh_fee(&mut self) -> Result<(), ChainError> {
        let provider = self.transmitter.node.provider();
        let price = super::node::in_time(async { provider.get_gas_price().await }).await?;
        // Twice the price of now: the base fee may rise by an eighth a block, six times over.
        self.fee = price.saturating_mul(2).max(TIP * 2);
        Ok(())
    }

    /// Nonces the chain has used of this key.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn used_nonces(&self) -> Result<u64, ChainError> {
        let (provider, address) = (self.transmitter.node.provider(), self.signer.address());
        super::node::in_time(async { provider.get_transaction_count(address).await }).await
    }

    /// Signs a call under the next nonce.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn sign(&mut self, call: Call) -> Result<Signed, ChainError> {
        let signed = self.sign_at(call, self.next_nonce, (self.fee, TIP))?;
        self.next_nonce += 1;
        Ok(signed)
    }

    /// Signs the same call under the same nonce for a quarter more, to replace one that is stuck. Nodes want fee and tip
    /// raised, each by a tenth at least.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub fn outbid(&self, stuck: &Signed) -> Result<Signed, ChainError> {
        let raised = |wei: u128| wei.saturating_add(wei / 4);
        let (fee, tip) = stuck.price;
        self.sign_at(stuck.call.clone(), stuck.nonce, (raised(fee).max(self.fee), raised(tip)))
    }

    fn sign_at(&self, call: Call, nonce: u64, (fee, tip): (u128, u128)) -> Result<Signed, ChainError> {
        let mut transaction = TxEip1559 {
            chain_id: self.transmitter.node.chain_id(),
            nonce,
            gas_limit: call.gas_limit,
            max_fee_per_gas: fee,
            max_priority_fee_per_gas: tip.min(fee),
            to: TxKind::Call(self.transmitter.node.registry()),
            input: call.data.clone(),
            ..TxEip1559::default()
        };
        let signature = self.signer.sign_transaction_sync(&mut transaction)?;
        let envelope = TxEnvelope::from(transaction.into_signed(signature));
        Ok(Signed { hash: *envelope.tx_hash(), raw: envelope.encoded_2718().into(), nonce, call, price: (fee, tip) })
    }
}

impl Transmitter {
    /// Sends a transaction and waits until it is mined, at most for `patience`.
    ///
    /// # Errors
    /// [`ChainError::Pending`] when it is not mined in time (it may be later), [`ChainError::Refused`] or
    /// [`ChainError::Failed`] when it was mined and the contract refused, [`ChainError::Declined`] when the node did not
    /// take it for that reason, otherwise what the node said.
    pub async fn send(&self, signed: &Signed, patience: Duration) -> Result<Mined, ChainError> {
        let sending = async {
            if self.answers_with_receipt.load(Ordering::Relaxed) {
                match self.node.provider().send_raw_transaction_sync(&signed.raw).await {
                    Ok(receipt) => return self.mined(&receipt, signed).await,
                    Err(error) if is_unknown_method(&error) => {
                        self.answers_with_receipt.store(false, Ordering::Relaxed)
                    }
                    Err(error) if is_seen_before(&error) || is_not_mined_yet(&error) => {}
                    Err(error) => return Err(not_taken(error)),
                }
            }
            self.send_and_poll(signed).await
        };
        match tokio::time::timeout(patience, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ChainError::Pending(signed.hash)),
        }
    }

    async fn send_and_poll(&self, signed: &Signed) -> Result<Mined, ChainError> {
        match self.node.provider().send_raw_transaction(&signed.raw).await {
            Ok(_) => {}
            Err(error) if is_seen_before(&error) => {}
            Err(error) => return Err(not_taken(error)),
        }
        loop {
            if let Some(mined) = self.find(signed).await? {
                return Ok(mined);
            }
            tokio::time::sleep(RECEIPT_INTERVAL).await;
        }
    }

    /// Looks whether a transaction is mined by now.
    ///
    /// # Errors
    /// When it was mined and failed, or the node does not answer.
    pub async fn find(&self, signed: &Signed) -> Result<Option<Mined>, ChainError> {
        match self.receipt(signed.hash).await? {
            Some(receipt) => self.mined(&receipt, signed).await.map(Some),
            None => Ok(None),
        }
    }

    /// Looks for a transaction by hash alone, as after a restart; a failed one counts as mined without events.
    ///
    /// # Errors
    /// When the node does not answer.
    pub async fn find_by_hash(&self, hash: B256) -> Result<Option<Mined>, ChainError> {
        match self.receipt(hash).await? {
            Some(receipt) => self.read(&receipt).await.map(Some),
            None => Ok(None),
        }
    }

    /// Sends raw bytes again without waiting until they are mined, as after a restart.
    ///
    /// # Errors
    /// When the node refuses them for another reason than having seen them, or does not answer in time.
    pub async fn resend(&self, raw: &[u8]) -> Result<(), ChainError> {
        let provider: &DynProvider = self.node.provider();
        let sending = async {
            match provider.send_raw_transaction(raw).await {
                Err(error) if !is_seen_before(&error) => Err(error),
                _ => Ok(()),
            }
        };
        super::node::in_time(sending).await
    }

    /// The newest block of the node that transactions are sent to.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn head(&self) -> Result<u64, ChainError> {
        Ok(self.node.head().await?.number)
    }

    async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, ChainError> {
        let provider: &DynProvider = self.node.provider();
        super::node::in_time(async { provider.get_transaction_receipt(hash).await }).await
    }

    async fn mined(&self, receipt: &TransactionReceipt, signed: &Signed) -> Result<Mined, ChainError> {
        if !receipt.status() {
            return Err(self.reason(receipt, signed).await);
        }
        self.read(receipt).await
    }

    async fn read(&self, receipt: &TransactionReceipt) -> Result<Mined, ChainError> {
        let contradiction = |what: &str| ChainError::Contradiction(format!("a receipt without {what}"));
        let block = receipt.block_number.ok_or_else(|| contradiction("block number"))?;
        let found = receipt.logs().iter().filter(|log| log.address() == self.node.registry());
        let block_time = match receipt.logs().first().and_then(|log| log.block_timestamp) {
            Some(time) => time,
            None => self.node.block(block).await?.ok_or_else(|| contradiction("its block"))?.timestamp,
        };
        Ok(Mined {
            transaction: receipt.transaction_hash,
            block,
            block_hash: receipt.block_hash.ok_or_else(|| contradiction("block hash"))?,
            block_time,
            gas_used: receipt.gas_used,
            events: found.filter_map(|log| logs::decode(log).transpose()).collect::<Result<_, _>>()?,
        })
    }

    /// A receipt says only that a transaction failed; running the call again on the state before it says why.
    async fn reason(&self, receipt: &TransactionReceipt, signed: &Signed) -> ChainError {
        let call = TransactionRequest::default()
            .from(receipt.from)
            .to(self.node.registry())
            .input(signed.call.data.clone().into());
        let before = receipt.block_number.unwrap_or_default().saturating_sub(1);
        let again = super::node::in_time(async { self.node.provider().call(call).block(before.into()).await });
        match again.await {
            Err(refused @ ChainError::Refused(_)) => refused,
            _ => ChainError::Failed(signed.hash),
        }
    }
}

fn is_unknown_method(error: &RpcError<TransportErrorKind>) -> bool {
    error.as_error_resp().is_some_and(|response| response.code == METHOD_NOT_FOUND)
}

/// A reason given to whoever sends is the node's guess at what the contract would say; no transaction failed by it.
fn not_taken(error: RpcError<TransportErrorKind>) -> ChainError {
    match ChainError::from(error) {
        ChainError::Refused(refusal) => ChainError::Declined(refusal),
        other => other,
    }
}

fn is_not_mined_yet(error: &RpcError<TransportErrorKind>) -> bool {
    error.as_error_resp().is_some_and(|response| NOT_MINED_YET.contains(&response.code))
}

/// The node has these bytes already, or the nonce is used: by this very transaction or by one that replaced it. Nodes
/// agree on no code for this, only on the words.
fn is_seen_before(error: &RpcError<TransportErrorKind>) -> bool {
    const WORDS: [&str; 3] = ["already known", "already imported", "nonce too low"];
    error.as_error_resp().is_some_and(|response| {
        let message = response.message.to_lowercase();
        WORDS.iter().any(|words| message.contains(words))
    })
}
