//! What is sent to the chain: signatures it would refuse are not, and a transaction that is stuck is sent again for more.

use alloy::{
    consensus::{Transaction, TxEnvelope},
    eips::eip2718::Decodable2718,
    providers::ext::AnvilApi,
};
use health_back_end::{
    chain::{
        ChainError,
        node::connect,
        operator::{Call, Operator, Signed},
    },
    licensing::{
        LicensingError, Refusal,
        ledger::{Entry, Ledger},
        settle,
    },
};

use super::{paper, relay::Relay};
use crate::environment::{Chain, OPERATOR, PATIENT, house::House, key, ledger, offer};

/// Order of the curve's group (secp256k1).
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn prices(signed: &Signed) -> (u128, u128) {
    let transaction = TxEnvelope::decode_2718(&mut signed.raw.as_ref()).unwrap();
    (transaction.max_fee_per_gas(), transaction.max_priority_fee_per_gas().unwrap())
}

fn nothing() -> Call {
    Call { data: alloy::primitives::Bytes::new(), gas_limit: 100_000 }
}

#[tokio::test]
async fn a_higher_bid_raises_fee_and_tip_by_a_tenth_at_least() {
    let chain = Chain::start().await;
    let mut operator = Operator::start(chain.node(), key(OPERATOR)).await.unwrap();
    let mut bid = operator.sign(nothing()).unwrap();
    for _ in 0..8 {
        let higher = operator.outbid(&bid).unwrap();
        let ((fee, tip), (higher_fee, higher_tip)) = (prices(&bid), prices(&higher));
        assert!(higher_fee * 10 >= fee * 11 && higher_tip * 10 >= tip * 11, "{fee} {tip} {higher_fee} {higher_tip}");
        assert!(higher_tip <= higher_fee && higher.nonce == bid.nonce);
        bid = higher;
    }
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_start_finds_two_bids_of_one_nonce_and_stands_all_the_same() {
    let chain = Chain::start().await;
    chain.provider.anvil_set_auto_mine(false).await.unwrap();
    let mut operator = Operator::start(chain.node(), key(OPERATOR)).await.unwrap();
    let first = operator.sign(nothing()).unwrap();
    let second = operator.outbid(&first).unwrap();
    let memory = ledger::Memory::default();
    for bid in [&second, &first] {
        let raw = bid.raw.to_vec();
        memory.sent(Entry { hash: bid.hash, operator: operator.address(), nonce: bid.nonce, raw }).await.unwrap();
    }
    // The node has the higher one: the other is underpriced now.
    operator.transmitter().resend(&second.raw).await.unwrap();
    let mut again = Operator::start(chain.node(), key(OPERATOR)).await.unwrap();
    assert_eq!(settle::recover(&mut again, &memory).await.unwrap(), 2);
    assert!(again.sign(nothing()).unwrap().nonce > first.nonce, "what was sent again is not signed over");
    chain.devnet.stop().await;
}

#[tokio::test]
async fn a_signature_that_is_not_the_end_users_costs_no_transaction() {
    let house = House::start().await;
    let patient = house.end_user(PATIENT).await;
    let back_end = house.chain.deployment.back_end();
    let operator = Operator::start(house.chain.node(), key(OPERATOR)).await.unwrap();
    let forged = |mut parcel: paper::Parcel| {
        parcel.message["ModelLicenceSignature"] = format!("0x{}1b", "ab".repeat(64)).into();
        parcel
    };
    let good = paper::parcel(&patient, &back_end, &paper::ecg());
    let licence = paper::licence_in(&good.send_in_parts(&patient).await.expect(201).body);
    let before = operator.used_nonces().await.unwrap();

    forged(paper::parcel(&patient, &back_end, &paper::ecg())).send_in_parts(&patient).await.expect(422);
    let mut withdrawal = paper::withdrawal(&patient, &back_end, good.id, licence);
    withdrawal["BlockchainLicence"]["Request"]["Revocation"]["Signature"] = format!("0x{}1b", "ab".repeat(64)).into();
    patient.post(&format!("/v1/licences/{licence}/revocation"), &withdrawal).await.expect(422);
    assert_eq!(operator.used_nonces().await.unwrap(), before);
    // Her own, in forms that the registry does not take: another recovery value, the higher of both s.
    let own = house.chain.sign_withdrawal(good.id, licence.address());
    let signature = alloy::primitives::Signature::from_raw(&own).unwrap();
    let order = alloy::primitives::U256::from_str_radix(ORDER, 16).unwrap();
    let higher = alloy::primitives::Signature::new(signature.r(), order - signature.s(), !signature.v());
    let lower = [&own[..64], &[own[64] - 27]].concat();
    for form in [lower, higher.as_bytes().to_vec()] {
        withdrawal["BlockchainLicence"]["Request"]["Revocation"]["Signature"] =
            alloy::hex::encode_prefixed(form).into();
        patient.post(&format!("/v1/licences/{licence}/revocation"), &withdrawal).await.expect(422);
    }
    assert_eq!(operator.used_nonces().await.unwrap(), before);
    let item = paper::new_item();
    let refused = house.door.aims.licensing.issue(item, &offer(item), &[7; 65]).await;
    assert!(matches!(refused, Err(LicensingError::Refused(Refusal::InvalidSignature))), "{refused:?}");
    assert_eq!(operator.used_nonces().await.unwrap(), before);
    paper::withdraw(&patient, &back_end, good.id, licence).await;
    assert!(operator.used_nonces().await.unwrap() > before);
    house.stop().await;
}

/// A node, or what stands before it, that takes a transaction and never says anything.
#[tokio::test]
async fn a_node_that_is_silent_does_not_hold_up_who_sends_again() {
    let chain = Chain::start().await;
    let relay = Relay::to(chain.devnet.url().trim_start_matches("http://")).await;
    let node = chain.deployment.node(connect(&relay.http_url()).await.unwrap());
    let mut operator = Operator::start(node, key(OPERATOR)).await.unwrap();
    let signed = operator.sign(nothing()).unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    relay.lead_to(&silent.local_addr().unwrap().to_string());
    let transmitter = operator.transmitter();
    // The connection of before was cut, and may say so once.
    let mut resent = transmitter.resend(&signed.raw).await;
    if matches!(resent, Err(ChainError::Unavailable(_))) {
        resent = transmitter.resend(&signed.raw).await;
    }
    assert!(matches!(resent, Err(ChainError::Timeout(_))), "{resent:?}");
    chain.devnet.stop().await;
}
