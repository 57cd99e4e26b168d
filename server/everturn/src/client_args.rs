//! What every command takes that calls a coordinator.

use clap::{Args, ValueEnum};
use everturn_client::{Client, ConnectOptions, RetryOptions};

use crate::render::Output;

/// Form of what a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people; may change between versions.
    Text,
    /// For programs: one JSON object per line, names as in the API.
    Json,
}

/// What every client command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClientArgs {
    /// Address of the coordinator
    #[arg(
        long,
        global = true,
        env = "EVERTURN_ADDRESS",
        value_name = "HOST:PORT",
        default_value = everturn_client::DEFAULT_ADDRESS
    )]
    address: String,
    /// Namespace
    #[arg(
        long,
        global = true,
        env = "EVERTURN_NAMESPACE",
        value_name = "NAME",
        default_value = everturn_client::DEFAULT_NAMESPACE
    )]
    namespace: String,
    /// Form of the output
    #[arg(
        long,
        short,
        global = true,
        value_name = "FORMAT",
        default_value = "text"
    )]
    output: OutputFormat,
    /// The same as --output json
    #[arg(long, global = true)]
    json: bool,
}

impl ClientArgs {
    /// A client that gives up after about a second without a coordinator.
    pub(crate) fn client(&self) -> Result<Client, everturn_client::Error> {
        Client::new(ConnectOptions {
            address: self.address.clone(),
            namespace: self.namespace.clone(),
            retry: RetryOptions {
                maximum_attempts: 5,
                ..RetryOptions::default()
            },
            ..ConnectOptions::default()
        })
    }

    pub(crate) fn output(&self) -> Output {
        Output::new(self.json || self.output == OutputFormat::Json)
    }
}
