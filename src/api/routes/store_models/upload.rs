//! `POST /v1/store/models`: an operator puts a model or a scoring file into the Store, as multipart: the message, then the
//! bytes.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};

use crate::{
    aims::federated_learning::message,
    api::{
        Bearer, Door, Problem, Reply,
        extract::carried::{self, Carried, Carrier, told},
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
    let carrier = Carrier { place: DATA, payload: announced, most_bytes: MOST_MODEL_BYTES, inline: false };
    let taken_by = door.clone();
    let work = |carried| take_in(taken_by, sender, once, carried);
    carried::receive(&door, request, carrier, work).await
}

async fn take_in(door: Door, sender: UserId, once: Once, carried: Carried<MlModelObject>) -> Result<Response, Problem> {
    let arriving = door.aims.examine_upload(carried.message, sender)?;
    let work = {
        let door = door.clone();
        async move {
            let payload = carried.payload.begun().await?;
            let row = door.aims.take_upload(&arriving, payload).await.map_err(told)?;
            let place = format!("/v1/store/models/urn:uuid:{}", row.id);
            Ok(Reply::created(message::model(&row, true)?, &place).into_response())
        }
    };
    once.run(&door, sender, ROUTE, carried.digest, work).await
}

/// The bytes that follow the message.
fn announced(message: &MlModelObject) -> Result<Payload, Problem> {
    match &message.ml_model_data[..] {
        [HeldPayload::Carried(payload @ Payload::Remote { .. })] => Ok(payload.clone()),
        _ => Err(contradiction(DATA, "a model of the Store is one part, announced by DataLength and DataURI")),
    }
}
