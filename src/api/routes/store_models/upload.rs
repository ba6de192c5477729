//! `POST /v1/store/models`: an operator puts a model or a scoring file into the Store, as multipart: the message, then the
//! bytes.

use axum::{
    extract::{FromRequest, Multipart, Request, State},
    response::{IntoResponse, Response},
};

use super::super::{
    aih_data::meter::Meter,
    federated_learn::answer::{payload_in, read_part},
};
use crate::{
    aims::federated_learning::message,
    api::{
        Bearer, Door, Kind, Problem, Reply,
        once::{Once, digest},
        problem::contradiction,
    },
    domain::ids::UserId,
    mpai_store::models::MOST_MODEL_BYTES,
    schema::{
        self,
        wire::{HeldPayload, MlModelObject, Payload},
    },
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
    responses((status = 201, description = "The ML Model Object as the Store tells it.", body = Object)))]
pub async fn upload(
    State(door): State<Door>,
    bearer: Bearer,
    once: Once,
    request: Request,
) -> Result<Response, Problem> {
    bearer.must_operate()?;
    let (meter, request) = Meter::install(request);
    let parts = Multipart::from_request(request, &door).await?;
    let answer = in_parts(door, bearer.user(), once, (parts, meter.clone())).await;
    meter.discard_rest().await;
    answer
}

async fn in_parts(
    door: Door,
    sender: UserId,
    once: Once,
    (mut parts, meter): (Multipart, Meter),
) -> Result<Response, Problem> {
    let first = parts.next_field().await?.filter(|part| part.name() == Some("message"));
    let first = first.ok_or_else(|| Problem::new(Kind::MalformedRequest, "The first part must be `message`."))?;
    let bytes = read_part(first, &meter, door.limits.most_message_bytes).await?;
    let message = schema::read::<MlModelObject>(&bytes, door.limits.most_message_bytes)?.message;
    let length = announced(&message)?;
    let arriving = door.aims.examine_upload(message, sender)?;
    let work = {
        let door = door.clone();
        async move {
            let row = door.aims.take_upload(&arriving, Box::pin(payload_in(parts, meter, length))).await?;
            let place = format!("/v1/store/models/urn:uuid:{}", row.id);
            Ok(Reply::created(message::model(&row, true)?, &place).into_response())
        }
    };
    once.run(&door, sender, ROUTE, digest(&bytes), work).await
}

/// How many bytes follow the message.
fn announced(message: &MlModelObject) -> Result<u64, Problem> {
    let [HeldPayload::Carried(Payload::Remote { length, uri })] = &message.ml_model_data[..] else {
        return Err(contradiction(DATA, "a model of the Store is one part, announced by DataLength and DataURI"));
    };
    if uri != "cid:payload" {
        return Err(contradiction(DATA, "the model follows in this message: DataURI must be cid:payload"));
    }
    match *length <= MOST_MODEL_BYTES {
        true => Ok(*length),
        false => Err(Problem::new(Kind::PayloadTooLarge, format!("A model has at most {MOST_MODEL_BYTES} bytes."))),
    }
}
