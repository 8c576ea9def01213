//! `pressrun completions`: a script that lets a shell complete commands and options.

use std::io::Write;

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArguments};

/// Prints the script for a shell.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn completions(arguments: &CompletionsArguments) -> anyhow::Result<()> {
    // Into memory first: the generator panics where a write fails.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "pressrun", &mut script);
    std::io::stdout().lock().write_all(&script)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use clap_complete::Shell;

    use super::*;

    /// Asserts that `script` names all options and subcommands of `command`, and those of its subcommands.
    fn assert_names_all(script: &str, shell: Shell, command: &clap::Command) {
        // `-l redo` in fish, `--redo` elsewhere.
        for long in command.get_arguments().filter_map(clap::Arg::get_long) {
            let option = if shell == Shell::Fish { format!("-l {long}") } else { format!("--{long}") };
            assert!(script.contains(&option), "{shell}: {option} of {}", command.get_name());
        }
        for subcommand in command.get_subcommands() {
            assert!(script.contains(subcommand.get_name()), "{shell}: {}", subcommand.get_name());
            assert_names_all(script, shell, subcommand);
        }
    }

    #[test]
    fn the_script_of_every_shell_names_every_subcommand_and_option() {
        let command = Cli::command();
        for &shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command.clone(), "pressrun", &mut script);
            assert_names_all(&String::from_utf8(script).unwrap(), shell, &command);
        }
    }
}
