//! A database, a clerk that copies the register into it, and things that happen on the registry.

use std::sync::Mutex;

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B128, B256},
    providers::{Provider, ProviderBuilder, ext::AnvilApi},
    rpc::types::anvil::{ReorgOptions, TransactionData},
};
use futures_util::TryStreamExt;
use health_back_end::{
    chain::{bindings::LicenceRegistry, convert::ConfirmRequest, node::Node},
    clock::Clock,
    db::{
        Database,
        chain_events::ChainEventRow,
        data_items::{NewDataItem, ObjectFacts},
        operations::{Answer as RowAnswer, Evidence as RowEvidence, NewOperation, OperationKind},
        users::NewUser,
    },
    domain::{
        ids::{AihDataId, UserId},
        licence_event::{Evidence, LicenceEvent, LicenceEventKind, Position},
        operation::Operation,
        taxonomy::{DataClass, DataStatus, Usage, UserClass},
        verdict::Verdict,
    },
    indexer::Indexer,
    licensing::{
        Licensing,
        confirm::{Answer, Question},
        derive::Lineage,
        vigil::Vigil,
    },
};
use serde_json::json;
use uuid::Uuid;

use super::{Chain, INSTITUTE, OPERATOR, PATIENT, house::House, item, key, offer, premises::Premises};

/// A fresh database and what watches over it.
pub struct Copy {
    pub database: Database,
    pub vigil: Vigil,
    pub clock: Clock,
    node: Node,
    first_block: u64,
    _premises: Option<Premises>,
    items: Mutex<u64>,
}

impl Copy {
    pub async fn new(chain: &Chain) -> Self {
        let premises = Premises::new().await;
        let copy = Self::with(chain.node(), chain.deployment.block, premises.database().await).await;
        Self { _premises: Some(premises), ..copy }
    }

    pub async fn at(node: Node, first_block: u64, url: &str) -> Self {
        Self::with(node, first_block, Database::connect(url, 4).await.unwrap()).await
    }

    async fn with(node: Node, first_block: u64, database: Database) -> Self {
        let (vigil, clock) = (Vigil::new(), Clock::system());
        vigil.verify(&node, &clock).await;
        Self { database, vigil, clock, node, first_block, _premises: None, items: Mutex::new(0) }
    }

    /// The copy that belongs to a whole house.
    pub fn of(house: &House) -> Self {
        Self {
            database: house.database.clone(),
            vigil: house.door.aims.licensing.vigil().clone(),
            clock: house.clock.clone(),
            node: house.chain.node(),
            first_block: house.chain.deployment.block,
            _premises: None,
            items: Mutex::new(0),
        }
    }

    /// A row for an operation that says the chain permitted it there; `change` makes it say something else.
    pub async fn record(
        &self,
        question: &Question,
        at: &Evidence,
        change: impl FnOnce(&mut (NewOperation, RowAnswer)),
    ) -> Uuid {
        let operation = NewOperation {
            id: Uuid::now_v7(),
            kind: OperationKind::Process,
            message_id: None,
            requester: self.user(question.requester),
            user_class: Some(UserClass::NonProfitEntity),
            aih_data_id: question.item,
            owner: Some(self.user(key(PATIENT).address())),
            operation: question.operation,
            usage: question.usage,
            intended_at_s: question.at as i64,
            parameters: json!({}),
            confirm_id: Some(B128::from(question.confirm_id)),
            created_at_us: self.clock.micros(),
        };
        let evidence = RowEvidence {
            tx_hash: at.transaction,
            block_number: at.position.block,
            block_hash: at.block_hash,
            log_index: at.position.log_index,
            confirmed_at_s: at.block_time as i64,
        };
        let answer = RowAnswer { verdict: Verdict::PERMITTED, licence: at.licence, evidence };
        let mut both = (operation, answer);
        change(&mut both);
        let (operation, answer) = both;
        let _ = self.database.insert_operation(&operation).await.unwrap();
        let now = self.clock.micros();
        self.database.answer_operation(operation.id, &answer, now).await.unwrap().required().unwrap();
        operation.id
    }

    pub fn indexer(&self) -> Indexer {
        self.indexer_on(self.node.clone())
    }

    pub fn indexer_on(&self, node: Node) -> Indexer {
        Indexer::new(node, self.database.clone(), self.vigil.clone(), self.clock.clone(), self.first_block)
    }

    pub fn user(&self, address: Address) -> UserId {
        UserId::new(self.node.chain_id(), address)
    }

    /// A row for a user, pending until the register says otherwise.
    pub async fn register(&self, address: Address, class: UserClass) {
        let user = NewUser {
            address: self.user(address),
            requested_class: class,
            profile_sealed: "sealed".to_owned(),
            user_key_wrapped: "wrapped".to_owned(),
            registered_at_us: self.clock.micros(),
        };
        let _ = self.database.insert_user(&user).await.unwrap();
    }

    /// A row for an item of an owner, licensed.
    pub async fn keep(&self, id: AihDataId, owner: Address, licence: Address, parent: Option<AihDataId>) {
        let number = {
            let mut items = self.items.lock().unwrap();
            *items += 1;
            *items as i64
        };
        let now = self.clock.micros() + number;
        let item = NewDataItem {
            id,
            owner: self.user(owner),
            data_class: DataClass::PhysiologicalSignal,
            status: DataStatus::Identified,
            qualifier: json!({}),
            data_time: json!({}),
            descr_metadata: None,
            root: parent,
            parent,
            object_name: id.to_string(),
            item_key_wrapped: "wrapped".to_owned(),
            created_at_us: now,
        };
        self.database.insert_data_item(&item).await.unwrap();
        let facts = ObjectFacts { plain_length: 1, stored_length: 2, sha256: B256::ZERO };
        self.database.mark_data_item_licensed(id, licence, now).await.unwrap().required().unwrap();
        self.database.mark_data_item_stored(id, &facts, now).await.unwrap().required().unwrap();
    }

    /// What the copy holds.
    pub async fn events(&self) -> Vec<LicenceEvent> {
        let rows: Vec<ChainEventRow> = self.database.events().try_collect().await.unwrap();
        rows.into_iter()
            .map(|row| LicenceEvent {
                position: Position { block: row.block_number, log_index: row.log_index },
                block_hash: row.block_hash,
                transaction: row.tx_hash,
                kind: LicenceEventKind::from_arguments(health_back_end::db::State::word(row.event), &row.data).unwrap(),
            })
            .collect()
    }

    /// Compares the copy with a new scan of the whole chain, and its cursor with the chain's newest block.
    pub async fn is_a_full_scan(&self) {
        let head = self.node.head().await.unwrap();
        let scan = self.node.events(0, head.number).await.unwrap();
        let copied = self.events().await;
        assert_eq!(copied.len(), scan.len());
        assert_eq!(copied, scan);
        let cursor = self.database.find_copied_chain().await.unwrap().unwrap();
        assert_eq!((cursor.block.number, cursor.block.hash), (head.number, head.hash));
        assert_eq!(cursor.event_count, scan.len() as u64);
    }
}

/// What third parties ask for here.
pub fn question(item: AihDataId, requester: Address) -> Question {
    Question {
        item,
        requester,
        operation: Operation::PhysiologicalParameterQuantification,
        usage: Usage::Research,
        at: Clock::system().seconds(),
        confirm_id: uuid::Uuid::new_v4().into_bytes(),
    }
}

impl Chain {
    /// Issues a licence for a new item of the patient's.
    pub async fn license(&self, gate: &Licensing) -> (AihDataId, Address) {
        let item = item();
        let offer = offer(item);
        (item, gate.issue(item, &offer, &self.sign(&offer)).await.unwrap().licence.address())
    }

    /// Everything that can happen, `rounds` times, in an order that differs from run to run.
    pub async fn live(&self, gate: &Licensing, rounds: usize) {
        for _ in 0..rounds {
            let (item, licence) = self.license(gate).await;
            let lineage = Lineage {
                parent: item,
                item: super::item(),
                status: DataStatus::Pseudonymised,
                requester: key(INSTITUTE).address(),
            };
            match rand::random_range(0..6) {
                0 => _ = gate.derive(&lineage).await.unwrap(),
                1 => _ = gate.renounce(item).await.unwrap(),
                2 => _ = gate.revoke(item, &self.sign_withdrawal(item, licence)).await.unwrap(),
                3 => self.vouch(Address::random(), UserClass::Caregiver).await,
                4 => self.mine(rand::random_range(1..40)).await,
                _ => _ = gate.confirm(&question(item, key(PATIENT).address())).await.unwrap(),
            }
            let many = (0..rand::random_range(1..6)).map(|_| {
                let question = question(item, key(INSTITUTE).address());
                async move { gate.confirm(&question).await.unwrap() }
            });
            futures_util::future::join_all(many).await;
        }
    }

    /// Records answers as the operator, past the gate.
    pub async fn confirm(&self, requests: &[ConfirmRequest]) {
        let wallet = EthereumWallet::from(key(OPERATOR));
        let provider = ProviderBuilder::new().wallet(wallet).connect_provider(self.provider.clone());
        let registry = LicenceRegistry::new(self.deployment.registry, provider);
        for some in requests.chunks(200) {
            let call = registry.confirm(some.iter().map(Into::into).collect());
            assert!(call.send().await.unwrap().get_receipt().await.unwrap().status());
        }
    }

    /// Empty blocks.
    pub async fn mine(&self, blocks: u64) {
        self.provider.anvil_mine(Some(blocks), None).await.unwrap();
    }

    /// Replaces the newest blocks by others, which hold these transactions (the block counted from the first one
    /// replaced).
    pub async fn reorganise(&self, depth: u64, again: Vec<(B256, u64)>) {
        let mut tx_block_pairs = Vec::new();
        for (hash, block) in again {
            let raw = self.provider.get_raw_transaction_by_hash(hash).await.unwrap().unwrap();
            tx_block_pairs.push((TransactionData::Raw(raw), block));
        }
        self.provider.anvil_reorg(ReorgOptions { depth, tx_block_pairs }).await.unwrap();
    }
}

/// The evidence of a permitted question.
pub async fn permitted(gate: &Licensing, question: &Question) -> Evidence {
    match gate.confirm(question).await.unwrap() {
        Answer::Permitted(permit) => permit.grounds().evidence,
        Answer::Denied(denial) => panic!("denied: {:?}", denial.verdict),
    }
}
