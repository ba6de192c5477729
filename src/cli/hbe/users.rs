//! `hbe users …`: the REGISTRAR's desk.

use alloy::providers::DynProvider;
use clap::Subcommand;

use super::super::Outcome;
use crate::{
    chain::{
        deploy::Deployment,
        node::{chain_id, connect},
    },
    config::settings::Settings,
    domain::{
        ids::UserId,
        taxonomy::{UserClass, Word},
        user::Registration,
    },
    startup::vouch::set_class,
};

#[derive(Debug, Subcommand)]
pub(super) enum Users {
    /// Vouch that a user belongs to a class, with the REGISTRAR's key.
    Approve {
        /// Their account.
        user: UserId,
        /// Their class, such as "Non-Profit Entity".
        #[arg(value_parser = class)]
        class: UserClass,
    },
    /// Suspend a user: every request of theirs is denied from the next block on.
    Suspend {
        /// Their account.
        user: UserId,
    },
    /// Show what the registry knows of a user.
    Show {
        /// Their account.
        user: UserId,
    },
}

fn class(word: &str) -> Result<UserClass, String> {
    let words = || UserClass::ALL.iter().map(|class| class.word()).collect::<Vec<_>>().join(", ");
    UserClass::from_word(word).ok_or_else(|| format!("the classes are: {}", words()))
}

impl Users {
    pub(super) async fn run(self, settings: Settings) -> Outcome {
        let url = settings.rpc_url.as_deref().ok_or("--rpc-url names a node of the Back End's chain")?;
        let provider = connect(url).await?;
        let id = chain_id(&provider).await?;
        let deployment =
            Deployment::load(&settings.deployments, id)?.ok_or("no registry is recorded for this chain")?;
        match self {
            Self::Approve { user, class } => set(&provider, &deployment, user, class, true).await,
            Self::Suspend { user } => match known(&provider, &deployment, user).await? {
                Registration::Known { class, .. } => set(&provider, &deployment, user, class, false).await,
                Registration::Unknown => Err("this user is not registered".into()),
            },
            Self::Show { user } => {
                match known(&provider, &deployment, user).await? {
                    Registration::Known { class, active: true } => println!("{user}  {class}"),
                    Registration::Known { class, active: false } => println!("{user}  {class}, suspended"),
                    Registration::Unknown => println!("{user}  not registered"),
                }
                Ok(true)
            }
        }
    }
}

async fn known(
    provider: &DynProvider,
    deployment: &Deployment,
    user: UserId,
) -> Result<Registration, Box<dyn std::error::Error>> {
    Ok(deployment.node(provider.clone()).user(user.address()).await?)
}

async fn set(provider: &DynProvider, deployment: &Deployment, user: UserId, class: UserClass, active: bool) -> Outcome {
    if user.chain_id() != deployment.chain_id {
        return Err("the user's account is on another chain".into());
    }
    let transaction = set_class(provider, &deployment.back_end(), user, class, active).await?;
    println!("{user}  {class}{}  (transaction {transaction})", if active { "" } else { ", suspended" });
    Ok(true)
}
