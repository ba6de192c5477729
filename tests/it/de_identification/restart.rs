//! De-identifications that the end of the process, or of the licence, cuts off.

use health_back_end::domain::taxonomy::UserClass;

use super::cohort::{PATH, copy_of, parcel, people, request, treat, under_pseudonyms, wish};
use crate::{
    environment::{Chain, INSTITUTE, PATIENT, premises::Premises},
    items::{
        caught::{Caught, catch_at},
        paper::new_item,
        server::Server,
    },
};

/// Begins a de-identification and stops its child, so that it stays begun.
async fn catch(chain: &Chain, server: &Server) -> Caught {
    let patient = server.end_user(PATIENT).await;
    let institute = server.third_party(chain, INSTITUTE, UserClass::NonProfitEntity).await;
    let wish = wish(new_item(), &["DeIDAndAnonym"]);
    let parcel = parcel(&patient, &server.back_end, &wish, "CSV", people(20_000).into_bytes());
    let item = parcel.id;
    let message = || request(&institute, item, "De-Identify", under_pseudonyms());
    catch_at(server, (&patient, &institute), parcel, (PATH, message)).await
}

#[tokio::test]
async fn what_a_kill_cut_off_is_undone_and_done_when_asked_again() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    let server = caught.is_undone_when_killed(server, &chain, folder.path()).await;
    let institute = server.again(INSTITUTE).await;
    let done = treat(&institute, &caught.message).await;
    let report = format!("/v1/aih-data/{}/de-identification", copy_of(done.expect(200)));
    institute.get(&report).await.expect(200);
    assert_eq!(server.again(PATIENT).await.items().await.len(), caught.items + 1);
    institute.get(&caught.place).await.expect(503);
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}

#[tokio::test]
async fn what_was_made_of_a_licence_withdrawn_meanwhile_is_withheld() {
    let chain = Chain::start().await;
    let folder = Premises::new().await;
    let server = Server::start(&chain, &chain.devnet.ws_url(), folder.path()).await;
    let caught = catch(&chain, &server).await;
    caught.is_withheld_when_withdrawn(&server).await;
    assert_eq!(server.terminate().await, Some(0));
    chain.devnet.stop().await;
}
