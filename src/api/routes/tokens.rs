//! `POST /v1/tokens`: new Tokens for a new proof. Registered Users get the services their class on chain may ask for; an
//! account with the OPERATOR role on chain also gets the scope `operator`, registered or not.

use axum::extract::State;
use uuid::Uuid;

use crate::{
    access::{AccessError, ProofRefused, tokens::Issued},
    api::{Door, Kind, Message, Problem, Reply},
    domain::{ids::UserId, operation::Operation},
    schema::wire::{DateTime, Header, MessageId, Proof, ServiceType, Token, Tokens},
};

/// Gives new Tokens for a new proof
#[utoipa::path(post, path = "/tokens", tag = "access",
    request_body(content = ref("#/components/schemas/Tokens")),
    responses((status = 200, description = "New Tokens.", body = ref("#/components/schemas/Tokens"))))]
pub async fn tokens(State(door): State<Door>, body: Message<Tokens>) -> Result<Reply<Tokens>, Problem> {
    let asked = body.message;
    let proof = proof(asked.proof.as_ref())?;
    let user = door.access.prove(proof.message.reveal(), &proof.signature).await?;
    if user != asked.user_id {
        return Err(Problem::new(Kind::Forbidden, "The proof is by another account than UserID."));
    }
    let mut services: Vec<Operation> =
        asked.tokens.iter().flat_map(|token| &token.service_types).map(|service| (*service).into()).collect();
    services.sort_unstable();
    services.dedup();
    let issued = door.access.renew(user, &services).await?;
    Ok(Reply::ok(message(&door, user, issued)?))
}

/// The proof a message must carry.
pub(super) fn proof(proof: Option<&Proof>) -> Result<&Proof, Problem> {
    proof.ok_or_else(|| AccessError::from(ProofRefused::Absent).into())
}

/// Tokens as the standard's message.
pub(super) fn message(door: &Door, user: UserId, issued: Issued) -> Result<Tokens, Problem> {
    let token = Token {
        service_types: issued.services.iter().filter_map(|service| ServiceType::from_operation(*service)).collect(),
        token_id: Some(MessageId::from_uuid(issued.token_id)),
        token: Some(issued.token.into()),
        expires_at: Some(DateTime::from_seconds(issued.expires_at_s).map_err(Problem::internal)?),
    };
    Ok(Tokens {
        header: Header::new(),
        m_instance_id: None,
        user_id: user,
        tokens_id: MessageId::from_uuid(Uuid::new_v4()),
        tokens_time: door.now()?,
        tokens: vec![token],
        proof: None,
        descr_metadata: None,
    })
}
