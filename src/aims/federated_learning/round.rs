//! A round is opened: what is asked of Front Ends, and what the answers will be put through.
//!
//! | Parameter | Means |
//! | --- | --- |
//! | `Epochs`, `LearningRate`, `BatchSize` | how a Front End trains |
//! | `Attackers` | answers that may be an attacker's: trimmed at each end, or assumed by Krum; these rules need it, no other takes it |
//! | `ClipNorm` | L2 norm to which updates are clipped; else the median of the round |
//! | `NoiseMultiplier`, `EpsilonBudget`, `Delta` | differential privacy; all three or none |
//! | `Usage` | the usage the licences are asked for; `Research` when not said |
//!
//! Any other name is refused: a round that means more than it does would be worse than none.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    accountant::{Budget, rho_of_round},
    aggregation::{Plan, screen::Limits},
};
use crate::{
    aims::{AimError, Aims},
    db::{
        DbError, Unique,
        federated_rounds::{RoundRow, RoundState},
        models::{ModelRow, StoredFormat},
        notices::{Audience, Call},
    },
    domain::{
        ids::UserId,
        operation::Operation,
        taxonomy::{Usage, Word},
        window,
    },
    schema::wire::{Aggregation, FederatedLearnRequest, FrontEnd},
};

/// How long a round may last.
const LONGEST_SECONDS: i64 = 30 * 24 * 3_600;
/// How long one lasts when its request does not say.
const USUAL_SECONDS: i64 = 24 * 3_600;
/// Most answers of a round.
pub const MOST_ANSWERS: u32 = 1_000;

/// How a Front End may be asked to train; the reference Front End does no other training, its machine being its own.
pub static TRAINABLE: [(&str, RangeInclusive<f64>); 3] =
    [("Epochs", 1.0..=100.0), ("LearningRate", f64::MIN_POSITIVE..=1.0), ("BatchSize", 1.0..=65_536.0)];

const PARAMETERS: [&str; 9] = [
    "Epochs",
    "LearningRate",
    "BatchSize",
    "Attackers",
    "ClipNorm",
    "NoiseMultiplier",
    "EpsilonBudget",
    "Delta",
    "Usage",
];

/// What a round's parameters mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// How answers are combined.
    pub plan: Plan,
    /// The privacy budget of the lineage.
    pub budget: Option<Budget>,
    /// Usage the licences are asked for.
    pub usage: Usage,
}

/// A round to be opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its ID.
    pub id: Uuid,
    /// The request.
    pub request: FederatedLearnRequest,
    /// Who opens it.
    pub by: UserId,
}

impl Opening {
    fn rule_and_parameters(&self) -> (Aggregation, Map<String, Value>) {
        let parameters = self.request.parameters.as_ref().map(|parameters| parameters.0.clone()).unwrap_or_default();
        (self.request.aggregation.unwrap_or(Aggregation::WeightedMean), parameters)
    }

    fn front_end(&self) -> Option<UserId> {
        match self.request.hfe_id {
            FrontEnd::Any => None,
            FrontEnd::Of(user) => Some(user),
        }
    }

    /// Whether a round is the one asked for. What the request leaves open, the round has settled.
    fn asks_for(&self, round: &RoundRow) -> bool {
        let (rule, parameters) = self.rule_and_parameters();
        let request = &self.request;
        round.base_model == request.pre_learn_nn_model_id.uuid()
            && round.front_end == self.front_end()
            && round.aggregation == word(rule)
            && round.parameters == Value::Object(parameters)
            && request.round.is_none_or(|number| number == round.number)
            && request.minimum_responses.is_none_or(|least| least == round.least)
            && (round.front_end.is_some() || request.maximum_responses.is_none_or(|most| most == round.most))
            && request.deadline.as_ref().is_none_or(|at| at.at().unix_timestamp() == round.deadline_s)
    }
}

/// A rule as rows keep it.
fn word(rule: Aggregation) -> String {
    // A closed word list serialises to its words.
    serde_json::to_value(rule).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn refuse(pointer: &'static str, reason: &'static str) -> AimError {
    AimError::Refused { pointer, reason }
}

impl Settings {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`AimError::Refused`] for one that is unknown, out of range, or does not go with the rule.
    pub fn read(rule: Aggregation, parameters: &Map<String, Value>) -> Result<Self, AimError> {
        const AT: &str = "/FederatedLearn/Request/Parameters";
        if parameters.keys().any(|name| !PARAMETERS.contains(&name.as_str())) {
            return Err(refuse(AT, "a round does not take a parameter of this name"));
        }
        let number = |name: &str, low: f64, high: f64| match parameters.get(name).map(Value::as_f64) {
            None => Ok(None),
            Some(Some(value)) if value > low && value <= high => Ok(Some(value)),
            Some(_) => Err(refuse(AT, "a number is out of its range")),
        };
        number("LearningRate", 0.0, 10.0)?;
        for whole in ["Epochs", "BatchSize", "Attackers"] {
            if number(whole, -0.5, 100_000.0)?.is_some_and(|value| value.fract() != 0.0) {
                return Err(refuse(AT, "Epochs, BatchSize and Attackers are whole numbers"));
            }
        }
        let noise_multiplier = number("NoiseMultiplier", 0.0, 1e6)?;
        let (epsilon, delta) = (number("EpsilonBudget", 0.0, 1e3)?, number("Delta", 0.0, 0.5)?);
        let clip_norm = number("ClipNorm", 0.0, 1e9)?;
        let budget = match (noise_multiplier, epsilon, delta) {
            (Some(_), Some(epsilon), Some(delta)) => Some(Budget { epsilon, delta }),
            (None, None, None) => None,
            _ => return Err(refuse(AT, "NoiseMultiplier, EpsilonBudget and Delta come together or not at all")),
        };
        if budget.is_some() && (rule != Aggregation::WeightedMean || clip_norm.is_none()) {
            return Err(refuse(AT, "differential privacy needs the aggregation WeightedMean and a ClipNorm"));
        }
        let usage = match parameters.get("Usage") {
            None => Usage::Research,
            Some(word) => {
                word.as_str().and_then(Usage::from_word).ok_or(refuse(AT, "Usage is no word of the taxonomy"))?
            }
        };
        let attackers = parameters.get("Attackers").and_then(Value::as_f64).unwrap_or_default() as usize;
        let limits = Limits { clip_norm, screens: true };
        Ok(Self { plan: Plan { rule, attackers, limits, noise_multiplier }, budget, usage })
    }

    /// Reads those of a round to be opened, where nothing may be said in vain: a robust rule without attackers is the plain
    /// mean under another name, and the other rules bear what they bear.
    ///
    /// # Errors
    /// As [`Settings::read`].
    pub fn asked(rule: Aggregation, parameters: &Map<String, Value>) -> Result<Self, AimError> {
        const AT: &str = "/FederatedLearn/Request/Parameters/Attackers";
        let settings = Self::read(rule, parameters)?;
        let is_trainable = |(name, range): &(&str, RangeInclusive<f64>)| {
            parameters.get(*name).is_none_or(|value| value.as_f64().is_some_and(|value| range.contains(&value)))
        };
        if !TRAINABLE.iter().all(is_trainable) {
            let reason =
                "Epochs is 1 to 100, LearningRate at most 1, BatchSize 1 to 65,536: nobody would train otherwise";
            return Err(refuse("/FederatedLearn/Request/Parameters", reason));
        }
        let is_told = matches!(rule, Aggregation::TrimmedMean | Aggregation::Krum | Aggregation::MultiKrum);
        match (is_told, settings.plan.attackers) {
            (true, 0) => Err(refuse(AT, "this aggregation needs Attackers: how many answers may be an attacker's")),
            (false, 1..) => Err(refuse(AT, "Attackers goes with TrimmedMean, Krum and MultiKrum")),
            _ => Ok(settings),
        }
    }

    /// zCDP that a round with these settings spends.
    pub fn rho(&self) -> f64 {
        self.plan.noise_multiplier.map_or(0.0, rho_of_round)
    }

    /// Fewest answers for which the rule is defined.
    pub fn least_answers(&self) -> u32 {
        let attackers = u32::try_from(self.plan.attackers).unwrap_or(MOST_ANSWERS);
        match self.plan.rule {
            Aggregation::Krum | Aggregation::MultiKrum => attackers.saturating_mul(2).saturating_add(3),
            Aggregation::TrimmedMean => attackers.saturating_mul(2).saturating_add(1),
            Aggregation::WeightedMean | Aggregation::Median => 1,
        }
    }

    /// The settings of a round that was opened.
    ///
    /// # Errors
    /// When its row holds something else.
    pub fn of(round: &RoundRow) -> Result<Self, AimError> {
        let rule = serde_json::from_value(Value::String(round.aggregation.clone()));
        let rule = rule.map_err(|_| AimError::Index("the rule of a round cannot be read".to_owned()))?;
        Self::read(rule, round.parameters.as_object().unwrap_or(&Map::new()))
    }
}

/// What is told when a round opens: to the Front End asked, or to every Front End that may hear of rounds.
fn opened(round: &RoundRow) -> Call {
    let (audience, asked) = match round.front_end {
        Some(user) => (Audience::User(user), user.to_string()),
        None => (Audience::Service(Operation::FederatedLearning), "*".to_owned()),
    };
    Call {
        audience,
        kind: "federated-learn.opened".to_owned(),
        data: json!({
            "FederatedLearnID": format!("urn:uuid:{}", round.id),
            "Round": round.number,
            "HFEID": asked,
            "PreLearnNNModelID": format!("urn:uuid:{}", round.base_model),
            "Deadline": window::rfc3339(round.deadline_s.cast_unsigned()),
        }),
        created_at_us: round.created_at_us,
    }
}

impl Aims {
    /// Opens a round and tells who is asked. The same request again finds the first, and tells nobody.
    ///
    /// # Errors
    /// When the model is not the newest of its lineage or has no held-out data, a parameter is refused, the privacy budget
    /// would be exceeded, or the lineage has a round under way.
    pub async fn open_round(&self, opening: &Opening) -> Result<RoundRow, AimError> {
        if let Some(round) = self.database.find_round(opening.id).await? {
            return match opening.asks_for(&round) {
                true => Ok(round),
                false => Err(AimError::Conflict("this FederatedLearnID was used for another round")),
            };
        }
        let round = self.round_of(opening).await?;
        match self.database.insert_round(&round, &opened(&round)).await {
            Ok(()) => Ok(round),
            Err(DbError::Taken(Unique::RoundOpen | Unique::RoundNumber)) => {
                Err(AimError::Conflict("this model has a round under way"))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The model a round is to start from, when one may.
    async fn base_of_round(&self, model: Uuid) -> Result<ModelRow, AimError> {
        const MODEL: &str = "/FederatedLearn/Request/PreLearnNNModelID";
        let base = self.database.find_model(model).await?;
        let base = base.ok_or(refuse(MODEL, "there is no such model in the Store"))?;
        let newest = self.database.find_newest_model(base.lineage, StoredFormat::Safetensors).await?;
        if newest.is_none_or(|newest| newest.id != base.id) {
            return Err(refuse(MODEL, "a round starts from the newest safetensors model of its lineage"));
        }
        if self.database.find_evaluation_set(base.lineage).await?.is_none() {
            return Err(refuse(MODEL, "the model has no held-out data by which its successor could be judged"));
        }
        Ok(base)
    }

    async fn round_of(&self, opening: &Opening) -> Result<RoundRow, AimError> {
        let request = &opening.request;
        let (rule, parameters) = opening.rule_and_parameters();
        let settings = Settings::asked(rule, &parameters)?;
        let base = self.base_of_round(request.pre_learn_nn_model_id.uuid()).await?;
        let before = self.database.list_rounds_of_lineage(base.lineage, MOST_ANSWERS).await?;
        let number = before.first().map_or(1, |round| round.number + 1);
        if request.round.is_some_and(|asked| asked != number) {
            return Err(refuse("/FederatedLearn/Request/Round", "this is not the number of the next round"));
        }
        self.must_be_affordable(&settings, &before).await?;
        let (least, most, deadline_s) = self.bounds(request, &settings)?;
        Ok(RoundRow {
            id: opening.id,
            lineage: base.lineage,
            number,
            base_model: base.id,
            front_end: opening.front_end(),
            least,
            most,
            deadline_s,
            aggregation: word(rule),
            usage: settings.usage,
            parameters: Value::Object(parameters),
            state: RoundState::Open,
            rho: 0.0,
            result_model: None,
            score_before: None,
            score_after: None,
            reason: None,
            opened_by: opening.by,
            created_at_us: self.clock.micros(),
            updated_at_us: self.clock.micros(),
        })
    }

    fn bounds(&self, request: &FederatedLearnRequest, settings: &Settings) -> Result<(u32, u32, i64), AimError> {
        let least = request.minimum_responses.unwrap_or_else(|| settings.least_answers());
        if least < settings.least_answers() {
            let reason = "the aggregation is not defined for so few answers";
            return Err(refuse("/FederatedLearn/Request/MinimumResponses", reason));
        }
        let most = match request.hfe_id {
            FrontEnd::Any => request.maximum_responses.unwrap_or(MOST_ANSWERS),
            FrontEnd::Of(_) => 1,
        };
        if !(least..=MOST_ANSWERS).contains(&most) {
            let reason = "it is less than MinimumResponses, or more than 1,000";
            return Err(refuse("/FederatedLearn/Request/MaximumResponses", reason));
        }
        let now = self.clock.seconds().cast_signed();
        let deadline = request.deadline.as_ref().map_or(now + USUAL_SECONDS, |at| at.at().unix_timestamp());
        if deadline <= now || deadline > now + LONGEST_SECONDS {
            return Err(refuse("/FederatedLearn/Request/Deadline", "it lies in the past, or more than 30 days ahead"));
        }
        Ok((least, most, deadline))
    }

    /// The budget is the lineage's: its first private round names it, and no later one widens it or goes without.
    async fn must_be_affordable(&self, settings: &Settings, before: &[RoundRow]) -> Result<(), AimError> {
        let mut named = None;
        for round in before.iter().rev() {
            // One that cannot be read may have named a budget: then nobody knows what binds this one.
            named = named.or(Settings::of(round)?.budget);
        }
        if let Some(named) = named
            && settings.budget != Some(named)
        {
            return Err(AimError::Conflict("this model has a privacy budget, and the round does not name the same"));
        }
        match self.exceeds_budget(settings, before.first().map(|round| round.lineage)).await? {
            true => Err(AimError::Conflict("the privacy budget of this model is spent")),
            false => Ok(()),
        }
    }

    /// Whether one more round with these settings would tell more than the lineage may.
    pub(super) async fn exceeds_budget(&self, settings: &Settings, lineage: Option<Uuid>) -> Result<bool, AimError> {
        let (Some(budget), Some(multiplier)) = (settings.budget, settings.plan.noise_multiplier) else {
            return Ok(false);
        };
        let spent = match lineage {
            Some(lineage) => self.database.spent_rho(lineage).await?,
            None => 0.0,
        };
        Ok(!budget.is_one() || !budget.allows(spent, multiplier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rule: Aggregation, parameters: Value) -> Result<Settings, AimError> {
        Settings::asked(rule, parameters.as_object().unwrap())
    }

    #[test]
    fn no_round_is_opened_for_a_training_that_nobody_does() {
        for bad in [
            json!({"Epochs": 0}),
            json!({"Epochs": 101}),
            json!({"LearningRate": 1.5}),
            json!({"BatchSize": 0}),
            json!({"BatchSize": 65_537}),
        ] {
            let said = read(Aggregation::Median, bad.clone());
            assert!(matches!(said, Err(AimError::Refused { reason, .. }) if reason.contains("nobody would")), "{bad}");
        }
        let most = json!({"Epochs": 100, "LearningRate": 1, "BatchSize": 65_536});
        assert!(read(Aggregation::Median, most).is_ok());
    }

    #[test]
    fn rules_that_bear_attackers_are_told_how_many_and_others_are_not() {
        use Aggregation::{Krum, Median, MultiKrum, TrimmedMean, WeightedMean};
        for rule in [TrimmedMean, Krum, MultiKrum] {
            for none in [json!({}), json!({"Attackers": 0})] {
                assert!(matches!(read(rule, none), Err(AimError::Refused { reason, .. }) if reason.contains("needs")));
            }
            assert_eq!(read(rule, json!({"Attackers": 2})).unwrap().plan.attackers, 2);
        }
        for rule in [WeightedMean, Median] {
            let told = read(rule, json!({"Attackers": 2}));
            assert!(matches!(told, Err(AimError::Refused { reason, .. }) if reason.contains("goes with")));
            assert!(read(rule, json!({"Attackers": 0})).is_ok());
        }
    }
}
