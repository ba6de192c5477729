//! Table 5 of the Health Back End AIM: the messages it receives and produces.

use super::{Examined, Expectation};
use crate::schema::MessageType;

/// Whether the Back End receives or produces a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// It receives it.
    Receives,
    /// It produces it.
    Produces,
    /// Table 5 does not name it: it is included in messages that the table names, or read beside them.
    Included,
}

/// Which part of a message type a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Messages that hold a request.
    Request,
    /// Messages that hold a response.
    Response,
    /// Messages of a type that knows no request and response.
    Whole,
    /// A message so broken that it cannot be told.
    Unknown,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Received or produced.
    pub direction: Direction,
    /// The type whose schema the message shall validate against.
    pub message: MessageType,
    /// Request or response.
    pub part: Part,
}

/// Table 5, in its order.
pub const TABLE_5: [Row; 15] = {
    use Direction::{Produces, Receives};
    use MessageType::{
        AihDataProcess, Audit, BlockchainLicence, DeIdAndAnonym, FederatedLearn, LicenceConfirm, MlModelObject,
        Register,
    };
    use Part::{Request, Response, Whole};
    [
        Row::new(Receives, FederatedLearn, Request),
        Row::new(Receives, Audit, Request),
        Row::new(Receives, LicenceConfirm, Response),
        Row::new(Receives, DeIdAndAnonym, Request),
        Row::new(Receives, BlockchainLicence, Response),
        Row::new(Receives, AihDataProcess, Request),
        Row::new(Receives, Register, Request),
        Row::new(Produces, MlModelObject, Whole),
        Row::new(Produces, FederatedLearn, Response),
        Row::new(Produces, Audit, Response),
        Row::new(Produces, LicenceConfirm, Request),
        Row::new(Produces, DeIdAndAnonym, Response),
        Row::new(Produces, BlockchainLicence, Request),
        Row::new(Produces, AihDataProcess, Response),
        Row::new(Produces, Register, Response),
    ]
};

/// What each SubAIM receives and produces, as the seed's table of SubAIMs has it.
pub const SUB_AIMS: &[(&str, &[Row])] = {
    use Direction::{Produces, Receives};
    use MessageType::{
        AihData, AihDataProcess, AraData, Audit, BlockchainLicence, DeIdAndAnonym, FederatedLearn, LicenceConfirm,
        MlModelObject, Register,
    };
    use Part::{Request, Response, Whole};
    &[
        (
            "AIH-HFL",
            &[
                Row::new(Receives, FederatedLearn, Response),
                Row::new(Produces, MlModelObject, Whole),
                Row::new(Produces, FederatedLearn, Request),
            ],
        ),
        (
            "AIH-ADT",
            &[
                Row::new(Receives, Audit, Request),
                Row::new(Receives, LicenceConfirm, Response),
                Row::new(Produces, Audit, Response),
                Row::new(Produces, LicenceConfirm, Request),
            ],
        ),
        (
            "AIH-DIA",
            &[
                Row::new(Receives, DeIdAndAnonym, Request),
                Row::new(Receives, AihData, Whole),
                Row::new(Produces, DeIdAndAnonym, Response),
                Row::new(Produces, AihData, Whole),
            ],
        ),
        (
            "AIH-HDP",
            &[
                Row::new(Receives, BlockchainLicence, Response),
                Row::new(Receives, LicenceConfirm, Response),
                Row::new(Receives, AihDataProcess, Request),
                Row::new(Receives, Register, Request),
                Row::new(Receives, AihData, Whole),
                Row::new(Receives, AraData, Whole),
                Row::new(Produces, BlockchainLicence, Request),
                Row::new(Produces, LicenceConfirm, Request),
                Row::new(Produces, AihDataProcess, Response),
                Row::new(Produces, Register, Response),
                Row::new(Produces, AihData, Whole),
            ],
        ),
        ("AIH-ARA", &[Row::new(Receives, AihData, Whole), Row::new(Produces, AraData, Whole)]),
        (
            "AIH-STR",
            &[
                Row::new(Receives, AihDataProcess, Request),
                Row::new(Receives, AihData, Whole),
                Row::new(Produces, AihDataProcess, Response),
                Row::new(Produces, AihData, Whole),
            ],
        ),
    ]
};

impl Row {
    const fn new(direction: Direction, message: MessageType, part: Part) -> Self {
        Self { direction, message, part }
    }

    /// A row for a type that the table does not name.
    pub(super) const fn included(message: MessageType) -> Self {
        Self::new(Direction::Included, message, Part::Whole)
    }

    /// The message's name as the table writes it, such as `Audit Request`.
    pub fn label(&self) -> String {
        match self.part {
            Part::Request => format!("{} Request", self.message),
            Part::Response => format!("{} Response", self.message),
            Part::Whole | Part::Unknown => self.message.to_string(),
        }
    }

    /// Whether a message bears on this row. A message too broken to tell bears on both rows of its type.
    fn concerns(&self, examined: &Examined) -> bool {
        let seen =
            examined.direction.is_none_or(|seen| seen == self.direction || self.direction == Direction::Included);
        seen && examined.message == Some(self.message) && (examined.part == self.part || examined.part == Part::Unknown)
    }
}

/// What came of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// At least one message was accepted, and none went against expectation.
    Conforms,
    /// A message went against expectation.
    Fails,
    /// No message was there to be accepted.
    NotExercised,
}

/// A row with its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowResult {
    /// The row.
    pub row: Row,
    /// Messages accepted as expected.
    pub accepted: usize,
    /// Messages refused as expected.
    pub refused: usize,
    /// Messages that went against expectation.
    pub unexpected: usize,
}

impl RowResult {
    /// Counts the messages that bear on a row.
    pub(super) fn of(row: Row, examined: &[Examined]) -> Self {
        let mut result = Self { row, accepted: 0, refused: 0, unexpected: 0 };
        for message in examined.iter().filter(|e| row.concerns(e)) {
            match (message.is_as_expected(), message.expectation) {
                (false, _) => result.unexpected += 1,
                (true, Expectation::Accept) => result.accepted += 1,
                (true, Expectation::Refuse) => result.refused += 1,
            }
        }
        result
    }

    /// What the counts say.
    pub fn outcome(&self) -> Outcome {
        match (self.unexpected, self.accepted) {
            (0, 0) => Outcome::NotExercised,
            (0, _) => Outcome::Conforms,
            _ => Outcome::Fails,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_seven_messages_received_and_eight_produced() {
        let count = |direction| TABLE_5.iter().filter(|row| row.direction == direction).count();
        assert_eq!((count(Direction::Receives), count(Direction::Produces)), (7, 8));
        assert_eq!(TABLE_5[3].label(), "De-ID and Anonym Request");
        assert_eq!(TABLE_5[7].label(), "ML Model Object");
    }

    #[test]
    fn every_row_with_a_part_is_of_a_type_that_has_parts() {
        for row in TABLE_5 {
            assert_eq!(row.message.exchange_label().is_some(), row.part != Part::Whole, "{}", row.label());
        }
    }
}
