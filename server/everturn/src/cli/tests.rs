//! What can be written on the command line.

use super::*;
use clap::CommandFactory as _;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn commands_take_their_flags_in_any_place() {
    for line in [
        "everturn serve --partitions 8 --flush-interval 250ms --log-format json",
        "everturn config show --config x.toml",
        "everturn conversation --output json submit c-1 --type support hello",
        "everturn conversation submit c-1 --type support hello --label a=b -o json",
        "everturn conversation submit c-1 hello --customer-address jo@example.org --on-busy steer",
        "everturn conversation event c-1 order-delayed --payload {} --channel-address sms=+49",
        "everturn conversation watch c-1 --after 3 --address 127.0.0.1:1 --no-outputs",
        "everturn conversation update c-1 --on-event interrupt --debounce 2s --label a=",
        "everturn conversation update c-1 --budget-cost 2.50EUR --frequency-cap 2/7d",
        "everturn conversation update c-1 --no-quiet-hours",
        "everturn conversation pause c-1 --reason audit",
        "everturn conversation resume c-1",
        "everturn conversation hand-off c-1 --team refunds --context {}",
        "everturn conversation hand-off c-1 --person Kim",
        "everturn conversation hand-back c-1 --name Kim --note done",
        "everturn conversation say c-1 --name Kim hello",
        "everturn conversation erase c-1 --yes",
        "everturn conversation type show",
        "everturn conversation type set support --retention 30d --quiet-hours 22:00-07:00",
        "everturn conversation close c-1 --grace 5s",
        "everturn approval list --status pending --of c-1",
        "everturn approval decide c-1/turn-1/refund --approve --by Kim --hash ab01",
        "everturn approval decide c-1/turn-1/refund --change {} --by Kim",
        "everturn delivery report c-1 --message 4 --status delivered",
        "everturn delivery report c-1 --provider-id x --status failed --detail no",
        "everturn workflow start w --type order --input {} --wait",
        "everturn workflow history w --after 10",
        "everturn workflow pause w --reason later",
        "everturn workflow resume w",
        "everturn store compact --store a.db -o json",
        "everturn chat c-1 --type support --name Jo --wait 5s",
        "everturn bench turns --in-flight 8 --rate 50 --seconds 3 --json",
        "everturn bench pipeline --worker python --target 127.0.0.1:7400",
        "everturn bench stream --watchers 1000 --rate 20 --seconds 5 --json",
    ] {
        if let Err(error) = parse(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn wrong_use_is_refused() {
    for line in [
        "everturn",
        "everturn conversation submit c-1",
        "everturn conversation hand-off c-1",
        "everturn conversation hand-off c-1 --team a --person b",
        "everturn conversation erase c-1",
        "everturn conversation update c-1 --debounce-max-messages 3",
        "everturn conversation update c-1 --quiet-hours 25:00-26:00",
        "everturn conversation update c-1 --quiet-hours 22:00-07:00 --no-quiet-hours",
        "everturn approval decide a --by Kim",
        "everturn approval decide a --by Kim --approve --reject",
        "everturn delivery report c-1 --status delivered",
        "everturn delivery report c-1 --message 4 --status pending",
        "everturn workflow start w --type t --input not-json",
        "everturn workflow start w --type t --label nothing",
        "everturn serve --flush-interval 15",
        "everturn bench turns --in-flight 0",
        "everturn bench turns --worker go",
        "everturn bench stream --watchers 0",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn every_command_explains_itself() {
    fn check(command: &clap::Command, path: &str) {
        for sub in command
            .get_subcommands()
            .filter(|it| it.get_name() != "help")
        {
            let path = format!("{path} {}", sub.get_name());
            assert!(sub.get_about().is_some(), "{path} has no description");
            for argument in sub.get_arguments() {
                let name = argument.get_id();
                let is_builtin = matches!(name.as_str(), "help" | "version");
                assert!(
                    is_builtin || argument.get_help().is_some(),
                    "{path}: {name} has no help"
                );
            }
            check(sub, &path);
        }
    }
    check(&Cli::command(), "everturn");
}
