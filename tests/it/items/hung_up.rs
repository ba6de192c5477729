//! Clients that hang up while the chain is asked for them: the operation is ended all the same, at once.

use alloy::providers::ext::AnvilApi;
use health_back_end::db::operations::OperationState;
use reqwest::Method;

use super::{paper, server::until};
use crate::environment::{PATIENT, house::House};

#[tokio::test]
async fn an_operation_whose_client_hung_up_is_ended_when_the_chain_has_answered() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let parcel = paper::table(&patient, &house.chain.deployment.back_end(), b"time,pulse\n1,70\n");
    parcel.send_in_parts(&patient).await.expect(201);
    let provider = &house.chain.provider;
    let unfinished = async || {
        let page = house.database.list_unfinished_operations(i64::MAX, None, 10).await.unwrap();
        page.rows.into_iter().next()
    };
    for path in [format!("{}/payload", parcel.path()), "/v1/audit/events".to_owned()] {
        until("nothing is under way", async || unfinished().await.is_none().then_some(())).await;
        provider.anvil_set_auto_mine(false).await.unwrap();
        let request = patient.request(Method::GET, &path);
        let waiting = tokio::spawn(async move { request.send().await });
        let row = until("the chain is asked", unfinished).await;
        assert_eq!(row.state, OperationState::Requested, "{path}");
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        // The house has seen that the client is gone when it has answered another request on that connection's account.
        until("the seat is given back", async || (house.door.load.taken().0 == 0).then_some(())).await;
        provider.anvil_set_auto_mine(true).await.unwrap();
        provider.evm_mine(None).await.unwrap();
        let ended = until("its end is noted", async || {
            let found = house.database.find_operation(row.id).await.unwrap().unwrap();
            (found.state == OperationState::Done).then_some(found)
        });
        assert!(ended.await.answer.is_some(), "{path}");
    }
    house.stop().await;
}
