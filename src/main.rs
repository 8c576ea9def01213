//! Parses the command line, runs a command, prints what went wrong, and exits.

mod cli;
mod commands;
mod log;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use pressrun::causes::chain;
use pressrun::error::RunError;
#[cfg(not(feature = "torch"))]
use pressrun::model::ModelError;

fn main() -> ExitCode {
    // Tests inject faults by the environment variable `FAILPOINTS`. A release has no fail points, and does not read it.
    let _faults = fail::has_failpoints().then(fail::FailScenario::setup);
    let cli = Cli::parse();
    let screen = progress::Screen::new(cli.is_quiet());
    cli.start_log(&screen);
    let outcome = match &cli.command {
        Command::Init(arguments) => commands::init::init(arguments),
        Command::Validate(arguments) => commands::validate::validate(arguments),
        Command::Plan(arguments) => commands::plan::plan(arguments),
        Command::Run(arguments) => commands::run::run(arguments, &screen),
        Command::Merge(arguments) => commands::merge::merge(arguments, &screen),
        Command::Read(arguments) => commands::read::print_documents(arguments, &screen),
        Command::Nights(arguments) => commands::nights::nights(arguments),
        Command::Status(arguments) => commands::status::status(arguments),
        Command::Verify(arguments) => commands::verify::verify(arguments),
        Command::Export(arguments) => commands::export::export(arguments, &screen),
        Command::Report(arguments) => commands::report::report(arguments, &screen),
        Command::Forget(arguments) => commands::forget::forget(arguments, &screen),
        Command::Retry(arguments) => commands::run::retry(arguments, &screen),
        Command::Show(arguments) => commands::show::show(arguments),
        Command::Drift(arguments) => commands::drift::drift(arguments),
        Command::Compare(arguments) => commands::compare::compare(arguments),
        Command::Explain(arguments) => commands::explain::explain(arguments),
        Command::Stream(arguments) => commands::stream::stream(arguments),
        Command::Split(arguments) => commands::split::split(arguments),
        Command::Test(arguments) => commands::test::test(arguments),
        Command::Labels(command) => commands::labels::labels(command),
        Command::Suggest(arguments) => commands::suggest::suggest(arguments),
        #[cfg(feature = "torch")]
        Command::Train(arguments) => commands::train::train(arguments, &screen),
        #[cfg(not(feature = "torch"))]
        Command::Train(_) => Err(ModelError::NoTorch { wanted: "`pressrun train`" }.into()),
        Command::Evaluate(arguments) => commands::evaluate::evaluate(arguments),
        Command::Completions(arguments) => commands::completions::completions(arguments),
        Command::Man(arguments) => commands::man::man(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of the output has seen enough: `pressrun show | head`.
        Err(error) if commands::is_broken_pipe(error.as_ref()) => ExitCode::SUCCESS,
        Err(error) => {
            screen.say(&format!("pressrun: {}", chain(error.as_ref())));
            ExitCode::from(error.downcast_ref::<RunError>().map_or(2, RunError::exit_code))
        }
    }
}
