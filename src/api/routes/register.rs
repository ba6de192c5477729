//! `POST /v1/register`: an account that proves itself becomes a User.
//!
//! | Answer | When |
//! | --- | --- |
//! | 201 with Tokens | an End User, new here |
//! | 200 with Tokens | registered before |
//! | 202, no Tokens | another class: a registrar has to vouch for it on chain; then `POST /v1/tokens` gives Tokens |
//! | problem with a Register message, `Success` false | the proof is none, or the account is suspended |

use axum::{extract::State, http::StatusCode};

use super::tokens;
use crate::{
    access::registration::{Admission, Applicant},
    api::{
        Door, Kind, Message, Problem, Reply,
        problem::{contradiction, outgoing},
    },
    domain::taxonomy::UserClass,
    schema::wire::{self, Exchange, Register, RegisterRequest, RegisterResponse},
};

const PENDING: &str = "Registered. A registrar has to vouch for the class on chain; then POST /v1/tokens gives Tokens.";
const NOTHING_OPEN: &str = "Registered. None of the services asked for is open to this class of User.";

/// Registers a User
#[utoipa::path(post, path = "/register", tag = "access",
    request_body(content = ref("#/components/schemas/Register")),
    responses(
        (status = 200, description = "Registered before.", body = ref("#/components/schemas/Register")),
        (status = 201, description = "Registered now.", body = ref("#/components/schemas/Register")),
        (status = 202, description = "Registered; a registrar has to vouch.", body = ref("#/components/schemas/Register"))
    ))]
pub async fn register(State(door): State<Door>, body: Message<Register>) -> Result<Reply<Register>, Problem> {
    let asked = body.message;
    let Exchange::Request(request) = asked.register_data.clone() else {
        return Err(contradiction("/RegisterData", "a request is expected"));
    };
    match admit(&door, &request).await {
        Ok(admission) => answer(&door, &asked, &request, admission),
        Err(problem) if problem.status().is_server_error() => Err(problem),
        Err(problem) => {
            let no = RegisterResponse { success: false, tokens: None };
            Err(problem.carrying(&message(&door, &asked, no, None)?))
        }
    }
}

async fn admit(door: &Door, request: &RegisterRequest) -> Result<Admission, Problem> {
    let profile = &request.user_profile;
    let proof = tokens::proof(request.proof.as_ref())?;
    let user = door.access.prove(proof.message.reveal(), &proof.signature).await?;
    if user != profile.user_id {
        return Err(Problem::new(Kind::Forbidden, "The proof is by another account than UserProfile/UserID."));
    }
    let applicant = Applicant {
        user,
        class: profile.user_profile_data.claimed_class().unwrap_or(UserClass::EndUser),
        services: request.requested_services.iter().map(|service| (*service).into()).collect(),
        profile: outgoing(profile)?.to_string(),
    };
    Ok(door.access.register(&door.aims.root_key, &applicant).await?)
}

fn answer(
    door: &Door,
    asked: &Register,
    request: &RegisterRequest,
    admission: Admission,
) -> Result<Reply<Register>, Problem> {
    let user = request.user_profile.user_id;
    let (status, note) = match (admission.class, &admission.token) {
        (None, _) => (StatusCode::ACCEPTED, Some(PENDING)),
        (Some(_), None) => (StatusCode::OK, Some(NOTHING_OPEN)),
        (Some(_), Some(_)) if admission.is_new => (StatusCode::CREATED, None),
        (Some(_), Some(_)) => (StatusCode::OK, None),
    };
    let tokens = admission.token.map(|issued| tokens::message(door, user, issued)).transpose()?;
    let yes = RegisterResponse { success: true, tokens };
    Ok(Reply::ok(message(door, asked, yes, note)?).with_status(status))
}

fn message(door: &Door, asked: &Register, response: RegisterResponse, note: Option<&str>) -> Result<Register, Problem> {
    Ok(Register {
        header: wire::Header::new(),
        m_instance_id: asked.m_instance_id.clone(),
        register_id: asked.register_id,
        register_time: door.now()?,
        register_data: Exchange::Response(response),
        descr_metadata: note.map(Into::into),
    })
}
