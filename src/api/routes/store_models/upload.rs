//! `POST /v1/store/models`: an operator puts a model or a scoring file into the Store, as multipart: the message, then the
//! bytes.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use crate::{
    aims::federated_learning::{message, upload::Upload},
    api::{
        Bearer, Door, Problem, Reply,
        extract::carried::{self, Carried, Carrier, Load, told},
        once::Once,
        problem::contradiction,
    },
    domain::ids::UserId,
    mpai_store::models::MOST_MODEL_BYTES,
    schema::wire::{HeldPayload, MlModelObject, Payload},
};

const ROUTE: &str = "POST /v1/store/models";
const DATA: &str = "/MLModelData";

/// Puts a model into the Store
///
/// For operators. The part `message` holds an ML Model Object: its ID, `MLModelData` with `DataLength` and the `DataURI`
/// `cid:payload`, and an `MLModelQualifier` with `Name`, `Format` (`safetensors`, `ONNX`, or `PGSCatalog` for a scoring file
/// of the PGS Catalog), `Digest`, `SignedBy` and `Signature`: the operator's, over Back End, ID and digest. With
/// `ParentMLModelObjectID` it is the next version of another. The part `payload` follows. A child process reads the file;
/// nothing is kept of one that is refused.
#[utoipa::path(post, path = "/store/models", tag = "store", security(("token" = [])),
    request_body(content((Object = "multipart/form-data")), description = "ML Model Object, then its bytes."),
    responses((status = 201, description = "The ML Model Object as the Store tells it.", body = ref("#/components/schemas/MLModelObject"))))]
pub async fn upload(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    request: Request,
) -> Result<Response, Problem> {
    bearer.must_operate()?;
    let sender = bearer.user();
    let carrier = Carrier { place: DATA, payload: announced, sender, most_bytes: MOST_MODEL_BYTES, inline: false };
    let taken_by = door.clone();
    let work = |carried| take_in(taken_by, sender, once, carried);
    carried::receive(&door, request, carrier, work).await
}

async fn take_in(door: Door, sender: UserId, once: Once, carried: Carried<MlModelObject>) -> Result<Response, Problem> {
    let Carried { message, digest, payload } = carried;
    let carried = Carried { message: door.aims.examine_upload(message, sender)?, digest, payload };
    let house = door.clone();
    let work = move |arriving, payload| keep(house, arriving, payload);
    once.run_carried(&door, sender, ROUTE, carried, work).await
}

async fn keep(door: Door, arriving: Upload, payload: Load) -> Result<Response, Problem> {
    let row = door.aims.take_upload(&arriving, payload.begun().await?).await.map_err(told)?;
    let place = format!("/v1/store/models/urn:uuid:{}", row.id);
    Ok(Reply::created(message::model(&row, true)?, &place).into_response())
}

/// The bytes that follow the message.
fn announced(message: &mut MlModelObject) -> Result<&mut Payload, Problem> {
    match &mut message.ml_model_data[..] {
        [HeldPayload::Carried(payload @ Payload::Remote { .. })] => Ok(payload),
        _ => Err(contradiction(DATA, "a model of the Store is one part, announced by DataLength and DataURI")),
    }
}
