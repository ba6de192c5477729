//! What most tests begin with: a house, somebody whose data it keeps, and somebody who wants to use them.

use super::{
    INSTITUTE, PATIENT,
    house::{Client, House},
};
use health_back_end::domain::{
    ids::{AihDataId, BackEndId},
    taxonomy::UserClass,
};

/// A house with a patient and an institute, a non-profit entity. Each room's tests say in functions what happens in it.
pub struct Scene {
    pub house: House,
    pub patient: Client,
    pub institute: Client,
}

impl Scene {
    pub async fn set() -> Self {
        let house = House::start().await;
        let patient = house.end_user(PATIENT).await;
        let institute = house.third_party(INSTITUTE, UserClass::NonProfitEntity).await;
        Self { house, patient, institute }
    }

    pub fn back_end(&self) -> BackEndId {
        self.house.chain.deployment.back_end()
    }

    /// The row of an item that is there.
    pub async fn row(&self, item: AihDataId) -> health_back_end::db::data_items::DataItemRow {
        self.house.database.find_data_item(item).await.unwrap().unwrap()
    }
}
