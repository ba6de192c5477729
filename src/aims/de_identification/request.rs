//! **A request to de-identify.** As with processing, the same message of the same requester is the same operation, and
//! what cannot be done is refused before the chain records anything, to whoever may know of the item (decision 0034).

use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    job::Treatment,
    table::{TYPE_PARAMETER, VOUCHED_PARAMETER},
    techniques::{self, Algorithm, Named},
};
use crate::{
    aims::{
        AimError, Aims,
        ai_modules::{
            table,
            task::{Purpose as TaskPurpose, Task},
        },
        aih_data_processing::request::Accepted,
        asking::{Ahead, Begun, ProcessRequest},
        turns::Turn,
    },
    db::{
        data_items::{DataItemRow, DataItemState},
        operations::OperationKind,
    },
    domain::{
        ids::{AihDataId, UserId},
        operation::Operation,
        taxonomy::{DataClass, Usage},
    },
    licensing::{
        confirm::Answer,
        permit::{Permit, Purpose},
    },
    schema::wire::{DataFormat, DeIdAndAnonymType, Qualifier},
};

/// The parameter that names whose pseudonyms the copy shall hold.
pub const RECIPIENT_PARAMETER: &str = "Recipient";
/// Under which the operation's row keeps the algorithm asked for.
const ALGORITHM_PARAMETER: &str = "DeIDAndAnonymAlgoID";

/// Which only algorithms of tables take: the columns that are kept as they are.
const KEPT_PARAMETER: &str = "KeptColumns";

/// A request to de-identify an item.
#[derive(Debug, Clone)]
pub struct DeIdRequest {
    /// ID of the message.
    pub message_id: Uuid,
    /// Who asks; the registry's account is the Back End itself.
    pub requester: UserId,
    /// The item.
    pub item: AihDataId,
    /// What is asked for.
    pub asked: DeIdAndAnonymType,
    /// Technique or algorithm; `None`: chosen by the format.
    pub algorithm: Option<String>,
    /// Use of the copy.
    pub usage: Usage,
    /// Parameters of the algorithm.
    pub parameters: Map<String, Value>,
}

impl Aims {
    /// Asks the chain and, on a yes, starts the job.
    ///
    /// # Errors
    /// When nobody here performs what is named, the message ID was used for something else, or the chain gives no
    /// answer.
    pub async fn request_de_identification(&self, request: DeIdRequest) -> Result<Accepted, AimError> {
        let named = request.algorithm.as_deref().map(techniques::read).transpose().map_err(AimError::NotOffered)?;
        let recipient = self.recipient(&request)?;
        let turn = self.turns.take(request.requester.address())?;
        let item = self.database.find_data_item(request.item).await?;
        let noted = noted(&request)?;
        let operation = match self.begin(&noted, OperationKind::DeIdentify, item.as_ref()).await? {
            Begun::New(operation) => operation,
            Begun::Known(row) => return Ok(Accepted::Known(*row)),
        };
        let plan = item.as_ref().ok_or(AimError::NotFound).and_then(|item| self.plan(&request, named, recipient, item));
        let Ahead { plan, .. } = self.look_ahead(&operation, None, plan).await?;
        let treated = match self.ask(&operation).await {
            Ok(Answer::Permitted(permit)) => self.begin_treatment(operation.id, plan, (permit, turn)).await,
            Ok(Answer::Denied(_)) => return Ok(Accepted::Denied(self.operation(operation.id).await?)),
            Err(error) => Err(error),
        };
        if let Err(error) = &treated {
            self.give_up(operation.id, error).await;
        }
        treated
    }

    /// What was permitted becomes a job; only now is a key made.
    async fn begin_treatment(
        &self,
        id: Uuid,
        plan: Result<Plan, AimError>,
        (permit, turn): (Permit, Turn),
    ) -> Result<Accepted, AimError> {
        let Plan { owner, recipient, asked, algorithm, purpose, data_class, format, parameters, copy } = plan?;
        let key = self.pseudonym_key(owner, recipient).await?;
        let treat = TaskPurpose::Treat { algorithm: algorithm.name.to_owned(), key };
        let task = Task { purpose: treat, data_class, format, parameters };
        let treatment = Treatment { id, purpose, task, asked, algorithm, recipient, copy };
        Ok(self.start_treatment(treatment, permit, turn))
    }

    /// Whose pseudonyms the copy holds, as far as the message says; without a word, the requester's.
    fn recipient(&self, request: &DeIdRequest) -> Result<UserId, AimError> {
        const REFUSED: AimError = AimError::Refused {
            pointer: "/DeIDAndAnonym/Request/Parameters/Recipient",
            reason: "an account of this chain is expected: eip155:<chain id>:<address>",
        };
        let Some(named) = request.parameters.get(RECIPIENT_PARAMETER) else { return Ok(request.requester) };
        let recipient: UserId = named.as_str().and_then(|account| account.parse().ok()).ok_or(REFUSED)?;
        if recipient.chain_id() == self.back_end().chain_id() { Ok(recipient) } else { Err(REFUSED) }
    }

    /// What is to be done with the item, if it can be.
    fn plan(
        &self,
        request: &DeIdRequest,
        named: Option<Named>,
        recipient: UserId,
        item: &DataItemRow,
    ) -> Result<Plan, AimError> {
        if item.state == DataItemState::Erased {
            return Err(AimError::Erased);
        }
        let own = request.requester == item.owner || request.requester.0 == self.back_end().0;
        if recipient != request.requester && !own {
            return Err(AimError::Refused {
                pointer: "/DeIDAndAnonym/Request/Parameters/Recipient",
                reason: "pseudonyms for somebody else are made for the item's End User and the Back End only",
            });
        }
        let qualifier: Qualifier = serde_json::from_value(item.qualifier.clone()).map_err(|_| AimError::NoModule)?;
        let format = qualifier.format;
        let algorithm = techniques::choose(format, named, request.asked).map_err(AimError::NotOffered)?;
        if table::treatment(item.data_class, format, algorithm.name).is_none() {
            let format = format.word();
            let why = format!("no de-identification is offered for the format {format} of {}", item.data_class);
            return Err(AimError::NotOffered(why));
        }
        must_be_entitled_to_say(request, algorithm, own)?;
        let requester = request.requester.address();
        Ok(Plan {
            owner: item.owner,
            recipient,
            asked: request.asked,
            algorithm,
            purpose: Purpose { item: request.item, operation: Operation::DeIdAndAnonym, requester },
            data_class: item.data_class,
            format,
            parameters: for_the_child(request, algorithm, own).map_err(AimError::NotOffered)?,
            copy: qualifier_of_copy(&qualifier, algorithm),
        })
    }
}

/// What is to be done with an item, as far as it can be told without a permit.
struct Plan {
    owner: UserId,
    recipient: UserId,
    asked: DeIdAndAnonymType,
    algorithm: &'static Algorithm,
    purpose: Purpose,
    data_class: DataClass,
    format: DataFormat,
    parameters: Map<String, Value>,
    copy: Qualifier,
}

/// The same kind of data, in the format the algorithm gives. Attributes describe the original, some of them freely, and are
/// left out.
fn qualifier_of_copy(qualifier: &Qualifier, algorithm: &Algorithm) -> Qualifier {
    let same = Qualifier { attributes: None, ..qualifier.clone() };
    match algorithm.gives {
        Some(format) if format != qualifier.format => {
            let media_type = (format == DataFormat::Csv).then(|| "text/csv".to_owned());
            Qualifier { format, media_type, ..same }
        }
        _ => same,
    }
}

/// The request as the operation's row keeps it, so that the same message with another wish is another request.
fn noted(request: &DeIdRequest) -> Result<ProcessRequest, AimError> {
    let mut parameters = request.parameters.clone();
    let taken = [TYPE_PARAMETER, ALGORITHM_PARAMETER].iter().any(|name| parameters.contains_key(*name));
    if taken {
        return Err(AimError::Refused {
            pointer: "/DeIDAndAnonym/Request/Parameters",
            reason: "DeIDAndAnonymType and DeIDAndAnonymAlgoID stand in the request itself",
        });
    }
    parameters.insert(TYPE_PARAMETER.to_owned(), type_word(request.asked));
    if let Some(algorithm) = &request.algorithm {
        parameters.insert(ALGORITHM_PARAMETER.to_owned(), algorithm.clone().into());
    }
    Ok(ProcessRequest {
        message_id: Some(request.message_id),
        requester: request.requester,
        item: request.item,
        operation: Operation::DeIdAndAnonym,
        usage: request.usage,
        parameters,
    })
}

/// Whoever gains by a higher status does not vouch for it: what rests on a statement about the data is for the item's End
/// User and the Back End to say (decision 0100).
fn must_be_entitled_to_say(request: &DeIdRequest, algorithm: &Algorithm, own: bool) -> Result<(), AimError> {
    let says = algorithm.statements.iter().any(|name| request.parameters.contains_key(*name));
    match says && !own {
        true => Err(AimError::Refused {
            pointer: "/DeIDAndAnonym/Request/Parameters",
            reason: "OneRowPerPerson, QuasiIdentifiers, PixelDataInspected, KeepInfo and KeepFormat are statements about the \
                     data: the item's End User and the Back End make them, and may name you as the Recipient",
        }),
        false => Ok(()),
    }
}

/// The parameters without those that are for this room; tables, which can do both, are told what was asked for, and whether
/// the requester may vouch for the columns.
fn for_the_child(request: &DeIdRequest, algorithm: &Algorithm, own: bool) -> Result<Map<String, Value>, String> {
    let mut parameters = request.parameters.clone();
    parameters.remove(RECIPIENT_PARAMETER);
    techniques::check_names(algorithm, parameters.keys().map(String::as_str))?;
    if algorithm.anonymises {
        parameters.insert(TYPE_PARAMETER.to_owned(), type_word(request.asked));
    }
    if algorithm.parameters.contains(&KEPT_PARAMETER) {
        parameters.insert(VOUCHED_PARAMETER.to_owned(), own.into());
    }
    Ok(parameters)
}

/// What was asked for, in the standard's words.
pub(super) fn type_word(asked: DeIdAndAnonymType) -> Value {
    // A closed word list serialises to its words.
    serde_json::to_value(asked).unwrap_or_default()
}
