//! `hfe licence new|sign|show|sign-withdrawal`.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::{super::Outcome, account::key};
use crate::{
    clock::Clock,
    domain::{
        ids::{AihDataId, BackEndId, LicenceId, UserId},
        window,
    },
    front_end::paperwork::{self, Wish},
    schema,
};

/// Longest Model Licence, in bytes.
const MOST_BYTES: usize = 1 << 20;
const DAY: u64 = 86_400;

#[derive(Debug, Subcommand)]
pub(super) enum Licence {
    /// Write a Model Licence as JSON on standard output.
    New(Box<New>),
    /// Sign a Model Licence with the key in HFE_KEY; prints the signature for ModelLicenceSignature.
    Sign {
        /// The Model Licence, a JSON file.
        file: PathBuf,
        /// Back End ID it is for.
        #[arg(long)]
        back_end: BackEndId,
        /// Licence events the chain has seen for the item; 0 for a first licence.
        #[arg(long, default_value_t = 0)]
        sequence: u64,
    },
    /// Sign the withdrawal of a whole licence with the key in HFE_KEY; prints the signature.
    SignWithdrawal {
        /// The item.
        #[arg(long)]
        item: AihDataId,
        /// Licence ID.
        #[arg(long)]
        licence: LicenceId,
        /// Back End ID it is at.
        #[arg(long)]
        back_end: BackEndId,
    },
    /// Read a Model Licence aloud, in plain language.
    Show {
        /// The Model Licence, a JSON file.
        file: PathBuf,
        /// Back End ID it is for.
        #[arg(long)]
        back_end: BackEndId,
    },
}

/// What a Model Licence says. Words are those of the standard's taxonomies.
#[derive(Debug, clap::Args)]
pub(super) struct New {
    /// The End User's account.
    #[arg(long)]
    end_user: UserId,
    /// Back End ID.
    #[arg(long)]
    back_end: BackEndId,
    /// The item; a new ID when not given.
    #[arg(long)]
    item: Option<AihDataId>,
    /// Class of the data.
    #[arg(long, default_value = "PhysiologicalSignal")]
    data_class: String,
    /// First moment, RFC 3339 UTC; now when not given.
    #[arg(long)]
    start: Option<String>,
    /// Days it holds.
    #[arg(long, default_value_t = 365)]
    days: u64,
    /// Least status of data that may be used.
    #[arg(long, default_value = "Identified")]
    status: String,
    /// What the Back End may do on its own initiative (repeat for more).
    #[arg(long)]
    back_end_process: Vec<String>,
    /// For which uses.
    #[arg(long)]
    back_end_usage: Vec<String>,
    /// Class of third parties that may be sub-licensed (repeat for more).
    #[arg(long)]
    user_type: Vec<String>,
    /// What they may ask for.
    #[arg(long)]
    process: Vec<String>,
    /// For which uses.
    #[arg(long)]
    usage: Vec<String>,
}

impl Licence {
    pub(super) fn run(self) -> Outcome {
        match self {
            Self::New(new) => new.write(),
            Self::Sign { file, back_end, sequence } => {
                println!("{}", paperwork::sign(&read(&file)?, &back_end, sequence, &key()?)?);
                Ok(true)
            }
            Self::SignWithdrawal { item, licence, back_end } => {
                println!("{}", paperwork::sign_withdrawal(&item, licence.address(), &back_end, &key()?)?);
                Ok(true)
            }
            Self::Show { file, back_end } => {
                for sentence in paperwork::read_aloud(&read(&file)?, &back_end)? {
                    println!("{sentence}");
                }
                Ok(true)
            }
        }
    }
}

impl New {
    fn write(self) -> Outcome {
        let start =
            self.start.as_deref().map(window::seconds).transpose()?.unwrap_or_else(|| Clock::system().seconds());
        let wish = Wish {
            item: self.item.unwrap_or_else(|| AihDataId::from_uuid(uuid::Uuid::now_v7())),
            data_class: self.data_class,
            start,
            end: start.saturating_add(self.days.saturating_mul(DAY)),
            status: self.status,
            back_end_processes: self.back_end_process,
            back_end_usages: self.back_end_usage,
            user_types: self.user_type,
            processes: self.process,
            usages: self.usage,
        };
        let document = paperwork::write(&wish, &self.end_user, &self.back_end);
        // Refused here rather than at the Back End's door.
        paperwork::offer(&document, &self.back_end, 0)?;
        println!("{}", serde_json::to_string_pretty(&json!(document))?);
        Ok(true)
    }
}

fn read(file: &Path) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(schema::strict::read(&std::fs::read(file)?, MOST_BYTES)?)
}
