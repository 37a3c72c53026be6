//! The `latchkey` command: reads the command line, does it, ends with the number that `--help` promises.

use std::process::ExitCode;

use clap::Parser as _;
use latchkey::args::Cli;
use latchkey::output::Output;

#[tokio::main]
async fn main() -> ExitCode {
    runtime::install_crypto();
    let cli = Cli::parse();
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
