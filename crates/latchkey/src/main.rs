//! The `latchkey` command: reads the command line, does it, ends with the number that `--help` promises.

use std::process::ExitCode;

use clap::Parser as _;
use latchkey::args::Cli;
use latchkey::failed::{Exit, Failed};
use latchkey::output::Output;

/// For the gateway in `latchkey up`, as in the gateway's own process.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    runtime::install_crypto();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return wrong_usage(&error),
    };
    let output = Output { json: cli.global.json };
    match Box::pin(latchkey::run(cli)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            if !failed.message.is_empty() {
                eprintln!("latchkey: {failed}");
                output.document(&failed.document());
            }
            ExitCode::from(failed.exit.code())
        }
    }
}

/// clap has its own words for a wrong command line, and for `--help`, which is no error.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    let _closed = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    // The options could not be read, so that this one is looked for by hand.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let message = error.render().to_string();
    let first = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Output { json }.document(&Failed::usage(first).document());
    ExitCode::from(Exit::Usage.code())
}
