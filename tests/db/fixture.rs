//! A fresh database and rows to put into it.

use std::ops::Deref;

use alloy::primitives::{Address, B128, B256, Bytes};
use health_back_end::{
    db::{
        Database,
        data_items::{NewDataItem, ObjectFacts},
        model_licences::NewModelLicence,
        operations::{Answer, Evidence, NewOperation, OperationKind},
        users::NewUser,
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
        taxonomy::{DataClass, DataStatus, Usage, UserClass},
        verdict::Verdict,
    },
};
use serde_json::json;
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::postgres::TestDatabase;

/// A database of one test and what must be removed after it.
pub struct Place {
    db: Database,
    pub url: String,
    _remains: Remains,
}

#[allow(dead_code, reason = "held for what their drop does")]
enum Remains {
    Folder(tempfile::TempDir),
    Database(TestDatabase),
}

impl Place {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("hbe.sqlite").display());
        Self { db: Database::connect(&url, 4).await.unwrap(), url, _remains: Remains::Folder(folder) }
    }

    pub async fn postgres() -> Option<Self> {
        let database = TestDatabase::create().await?;
        let url = database.url();
        Some(Self { db: Database::connect(&url, 6).await.unwrap(), url, _remains: Remains::Database(database) })
    }

    /// A handle of its own, as another instance would have.
    pub async fn other_instance(&self) -> Database {
        Database::connect(&self.url, 4).await.unwrap()
    }

    /// A connection that knows nothing of the adapter, to damage rows with.
    pub async fn raw(&self) -> AnyConnection {
        use sqlx::Connection;
        AnyConnection::connect(&self.url).await.unwrap()
    }

    pub fn handle(&self) -> Database {
        self.db.clone()
    }
}

impl Deref for Place {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.db
    }
}

pub fn user(n: u8) -> UserId {
    UserId::new(31337, Address::repeat_byte(n))
}

pub fn new_user(n: u8) -> NewUser {
    NewUser {
        address: user(n),
        requested_class: UserClass::NonProfitEntity,
        profile_sealed: "{\"sealed\":true}".into(),
        user_key_wrapped: format!("key {n}"),
        registered_at_us: 1_000 + i64::from(n),
    }
}

/// An item ID that sorts by its number.
pub fn item(n: u128) -> AihDataId {
    AihDataId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n))
}

pub fn new_item(n: u128, owner: u8) -> NewDataItem {
    NewDataItem {
        id: item(n),
        owner: user(owner),
        data_class: DataClass::PhysiologicalSignal,
        status: DataStatus::Identified,
        qualifier: json!({"Format": "EDF+", "Rate": 256.5}),
        data_time: json!({"StartTime": "2026-01-01T00:00:00Z"}),
        descr_metadata: Some("night 1".into()),
        root: None,
        parent: None,
        object_name: format!("objects/{n}"),
        item_key_wrapped: "wrapped".into(),
        created_at_us: 5_000 + n as i64,
    }
}

pub const FACTS: ObjectFacts =
    ObjectFacts { plain_length: 1 << 40, stored_length: (1 << 40) + 16, sha256: B256::repeat_byte(7) };

pub fn licence(n: u8) -> Address {
    Address::repeat_byte(n)
}

pub fn new_licence(n: u8, data: AihDataId, sequence: u64) -> NewModelLicence {
    NewModelLicence {
        licence: licence(n),
        aih_data_id: data,
        document: "{\"b\":1,\"a\":\"ü\"}".into(),
        signature: Bytes::from(vec![n; 65]),
        sequence,
        chain_id: 31337,
        registry: Address::repeat_byte(0xee),
        created_at_us: 9_000 + i64::from(n),
    }
}

/// An owner and an item that has come to `stored` under `licence(100)`.
pub async fn stored_item(db: &Database, n: u128, owner: u8) -> AihDataId {
    db.insert_user(&new_user(owner)).await.unwrap();
    db.insert_data_item(&new_item(n, owner)).await.unwrap();
    db.mark_data_item_licensed(item(n), licence(100), 6_001).await.unwrap().required().unwrap();
    db.mark_data_item_stored(item(n), (&format!("objects/{n}"), &FACTS), 6_002).await.unwrap().required().unwrap();
    item(n)
}

pub fn operation_id(n: u128) -> Uuid {
    Uuid::from_u128(0x4000_8000_0000_0000_0000 + n)
}

pub fn confirm_id(n: u8) -> B128 {
    B128::repeat_byte(n)
}

pub fn new_operation(n: u8, data: u128, requester: u8, owner: u8) -> NewOperation {
    NewOperation {
        id: operation_id(n.into()),
        kind: OperationKind::Process,
        message_id: Some(format!("message {n}")),
        requester: user(requester),
        user_class: Some(UserClass::ClinicalEntity),
        aih_data_id: item(data),
        owner: Some(user(owner)),
        operation: Operation::PhysiologicalEventDetection,
        usage: Usage::Research,
        intended_at_s: 1_700_000_000,
        parameters: json!({"Threshold": 0.25}),
        confirm_id: Some(confirm_id(n)),
        created_at_us: 20_000 + i64::from(n),
    }
}

pub fn answer(verdict: Verdict) -> Answer {
    Answer {
        verdict,
        licence: Some(licence(100)),
        evidence: Evidence {
            tx_hash: B256::repeat_byte(0xaa),
            block_number: 12,
            block_hash: B256::repeat_byte(0xbb),
            log_index: 3,
            confirmed_at_s: 1_700_000_001,
        },
    }
}
