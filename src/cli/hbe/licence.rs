//! `hbe licence compile FILE`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::super::Outcome;
use crate::{
    chain::{deploy::Deployment, typed_data},
    config::settings::Settings,
    domain::{ids::BackEndId, reading},
    licensing::terms::compile,
    schema,
    startup::keys::DEVNET,
};

#[derive(Debug, Subcommand)]
pub(super) enum Licence {
    /// Compile a Model Licence: terms, the typed data its End User signs, and what it says in plain language. Nothing
    /// is written.
    Compile {
        /// The Model Licence, a JSON file.
        file: PathBuf,
        /// Back End ID; the one deployed on the devnet when not given.
        #[arg(long)]
        back_end: Option<BackEndId>,
        /// Licence events the chain has seen for the item.
        #[arg(long, default_value_t = 0)]
        sequence: u64,
    },
}

/// Longest Model Licence, in bytes.
const MOST_BYTES: usize = 1 << 20;

impl Licence {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        let Self::Compile { file, back_end, sequence } = self;
        let back_end = match back_end {
            Some(back_end) => back_end,
            None => {
                Deployment::load(&settings.deployments, DEVNET)?.ok_or("--back-end says for which Back End")?.back_end()
            }
        };
        let document = schema::strict::read(&std::fs::read(&file)?, MOST_BYTES)?;
        let offer = compile(&schema::into_domain(&document)?, &back_end, sequence)?;
        let compiled = json!({
            "BackEndID": back_end,
            "ModelLicenceHash": offer.terms.model_licence,
            "PackedTerms": alloy::primitives::hex::encode_prefixed(offer.terms.pack()),
            "PlainLanguage": reading::read(&offer.terms),
            "SigningHash": typed_data::offer_hash(&offer, &back_end),
            "TypedData": typed_data::offer_typed_data(&offer, &back_end),
        });
        println!("{}", serde_json::to_string_pretty(&compiled)?);
        Ok(true)
    }
}
