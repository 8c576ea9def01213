//! `pressrun read`: parses files and prints their documents and rejections as JSON Lines, without a model.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use pressrun::config::values::{Share, Whole};
use pressrun::config::{Config, ConfigFile};
use pressrun::error::RunError;
use pressrun::input::left_out::LeftOut;
use pressrun::pipeline::{self, Halt, Outlet, PipelineError, Stage};
use pressrun::record::{Chunk, Document, Metadata, Original, Place, Rejection, TextFlag};
use pressrun::report::table;
use pressrun::stages::read::{Read, ReadSettings};
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::ReadArguments;
use crate::commands::is_broken_pipe;
use crate::progress::Screen;

/// The configuration if the command line names none.
const CONFIGURATION: &str = "pipeline.toml";

pub(crate) fn print_documents(arguments: &ReadArguments, screen: &Screen) -> anyhow::Result<()> {
    let mut config = configuration(arguments.config.as_deref())?;
    config.run.max_rejected = Share::of_percent::<100>();
    config.run.max_rejected_documents = Whole::constant::<{ u32::MAX as u64 }>();
    let (paths, listed) = arguments.input.paths()?;
    let finder = pressrun::finder(&config, paths, listed).map_err(RunError::from)?;
    let left_out = LeftOut::default();
    let settings = ReadSettings { left_out: left_out.clone(), is_in_order: true, ..ReadSettings::default() };
    let read = Read::new(&config.input, &config.run, settings);
    let (_, outcome) = pipeline::run(config.run.capacity(), |flow| {
        flow.source("find", finder.sources()).stage(read).stage(Show).for_each(|()| ());
    });
    match outcome {
        // The reader closed the pipe.
        Err(PipelineError::Failed { cause, .. }) if is_broken_pipe(&*cause) => Ok(()),
        outcome => {
            if let Some(kinds) = table::left_out(&left_out.counts()) {
                screen.tell(&format!("left out {kinds}"));
            }
            outcome.map_err(|error| RunError::from(error).into())
        }
    }
}

/// The named configuration, else the one in the working folder, else the defaults.
fn configuration(path: Option<&Path>) -> anyhow::Result<Config> {
    match path {
        Some(path) => Ok(Config::load(path).map_err(RunError::from)?),
        None if Path::new(CONFIGURATION).exists() => {
            Ok(Config::load(Path::new(CONFIGURATION)).map_err(RunError::from)?)
        }
        None => {
            let file = ConfigFile { path: PathBuf::from(CONFIGURATION), text: String::new() };
            Config::parse(file).context("the defaults are valid")
        }
    }
}

/// Prints documents and rejections.
struct Show;

/// The line of a document.
#[derive(Serialize)]
struct DocumentLine<'a> {
    id: &'a str,
    place: &'a Place,
    #[serde(flatten)]
    metadata: &'a Metadata,
    #[serde(flatten)]
    duplicate_of: Option<&'a Original>,
    encoding: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    flags: &'a [TextFlag],
    text: &'a str,
}

/// The line of a rejection.
#[derive(Serialize)]
struct RejectedLine<'a> {
    rejected: &'a str,
    place: &'a Place,
    message: &'a str,
    excerpt: &'a str,
}

impl Stage for Show {
    const NAME: &'static str = "show";
    type In = Chunk<Document>;
    type Out = ();

    fn process(&mut self, chunk: Self::In, _: &mut Outlet<'_, ()>) -> Result<(), Halt> {
        let lines: Vec<Vec<u8>> = chunk.documents.par_iter().map(document_line).collect::<std::io::Result<_>>()?;
        print(&lines.concat())?;
        Ok(())
    }

    fn rejected(&mut self, rejection: Rejection, _: &mut Outlet<'_, ()>) -> Result<(), Halt> {
        let Rejection { place, reason, message, excerpt, .. } = &rejection;
        print(&line(&RejectedLine { rejected: reason.as_str(), place, message, excerpt })?)?;
        Ok(())
    }
}

fn document_line(document: &Document) -> std::io::Result<Vec<u8>> {
    let Document { id, place, metadata, text, encoding, flags, duplicate_of, .. } = document;
    line(&DocumentLine { id, place, metadata, duplicate_of: duplicate_of.as_ref(), encoding, flags, text })
}

/// A value as JSON, with a line feed.
fn line(value: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn print(lines: &[u8]) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(lines)
}
