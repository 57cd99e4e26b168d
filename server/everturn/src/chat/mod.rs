//! `everturn chat`: a terminal client for one conversation. Lines that are
//! typed become messages; replies, partial output and what happens to the
//! conversation are shown as they come.

mod follow;
mod input;
mod screen;
mod talk;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::client_args::ClientArgs;
use crate::config::parse_span;

use screen::{Look, Screen};
use talk::Talk;

/// Flags of `everturn chat`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  everturn chat customer-7 --type support --name Jo
  printf 'where is my parcel?\\nmy order is 7\\n' | everturn chat customer-8 --type support

Type a line to send it; /help lists the commands, /quit, Ctrl-D or Ctrl-C ends.
Without a terminal it ends when the last message was answered, or after --wait
with exit code 5. A restart of the coordinator is survived; nothing is sent
twice. With --output json updates are printed as by `conversation watch`.")]
pub(crate) struct ChatArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// Id of the conversation
    conversation_id: String,
    /// Type of the conversation, required when it opens
    #[arg(long = "type", value_name = "TYPE", default_value = "")]
    conversation_type: String,
    /// Channel that you write by
    #[arg(long, default_value = "chat")]
    channel: String,
    /// Your name
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Task queue of its turns, used when it opens [default: default]
    #[arg(long, value_name = "NAME", default_value = "")]
    task_queue: String,
    /// Longest wait for the last answer when the input is not a terminal
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_span)]
    wait: Duration,
}

/// Talks until the user, the input or the conversation ends.
pub(crate) async fn run(args: ChatArgs) -> anyhow::Result<ExitCode> {
    let client = args.client.client()?;
    let look = if args.client.output().is_json() {
        Look::Json
    } else if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        let size = terminal_size::terminal_size();
        Look::Terminal {
            width: size.map_or(80, |(width, _)| usize::from(width.0)),
        }
    } else {
        Look::Plain
    };
    let screen = Screen::new(look, &args.name, &args.channel);
    let mut talk = Talk::new(client, args, screen, std::io::stdout());
    talk.run(input::lines()).await
}
