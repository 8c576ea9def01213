//! `pressrun train`: trains a model by a recipe and reports the progress.

use std::fmt::Write;
use std::time::{Duration, Instant};

use pressrun::error::RunError;
use pressrun::train::recipe::Recipe;
use pressrun::train::scores::{EpochScores, SetScores};
use pressrun::train::{self, Event, Step, Training};

use crate::cli::TrainArguments;
use crate::progress::Screen;

/// The time between two lines about the loss.
const STEP_INTERVAL: Duration = Duration::from_secs(30);

pub(crate) fn train(arguments: &TrainArguments, screen: &Screen) -> anyhow::Result<()> {
    let recipe = Recipe::load(&arguments.recipe).map_err(RunError::from)?;
    let recipe = if let Some(seed) = arguments.seed { recipe.with_seed(seed) } else { recipe };
    let recipe = if let Some(data) = &arguments.data { recipe.with_data(data) } else { recipe };
    let output = recipe.model.output.clone();
    if arguments.calibrate {
        for set in train::calibrate(&recipe)? {
            screen.tell(&set_line(&set));
        }
        return Ok(());
    }
    let training = Training::prepare(recipe, |event| screen.tell(&event_line(&event)))?;
    let mut last = Instant::now();
    training.run(|event| {
        if let Event::Step(step) = event {
            if last.elapsed() < STEP_INTERVAL && step.batch != 1 {
                return;
            }
            last = Instant::now();
        }
        screen.tell(&event_line(&event));
    })?;
    screen.tell(&format!("model in {}", output.display()));
    Ok(())
}

fn event_line(event: &Event<'_>) -> String {
    match event {
        Event::Labelling { teacher, set, texts } => format!("{teacher} labels {texts} texts of {set}"),
        Event::Started { examples, batches } => format!("{examples} passages to learn from, {batches} batches at most"),
        Event::Resumed(scores) => format!("continues after {}", epoch_lines(scores)),
        Event::Step(Step { epoch, batch, batches, loss, gradient_norm, tokens_per_second }) => format!(
            "epoch {epoch}  batch {batch}/{batches}  loss {loss:.4}  gradient {gradient_norm:.2}  {tokens_per_second:.0} tokens/s"
        ),
        Event::Epoch(scores) => epoch_lines(scores),
        Event::Finished(scores) => with_sets(format!("calibrated model: dev score {:.4}", scores.score), scores),
    }
}

fn epoch_lines(scores: &EpochScores) -> String {
    let head = format!(
        "epoch {}: dev score {:.4}, loss {:.4}, {:.0} s at {:.0} tokens/s",
        scores.epoch, scores.score, scores.loss, scores.seconds, scores.tokens_per_second
    );
    with_sets(head, scores)
}

/// The line `head`, and a line for each set.
fn with_sets(head: String, scores: &EpochScores) -> String {
    let mut text = head;
    for set in &scores.sets {
        text += "\n  ";
        text += &set_line(set);
    }
    text
}

fn set_line(set: &SetScores) -> String {
    let mut line = format!(
        "{:<12} {:<40} {:>5} rows  accuracy {:.3}  macro-F1 {:.3}",
        set.head, set.set, set.rows, set.accuracy, set.macro_f1
    );
    // Writing to a string cannot fail.
    if let (Some(ece), Some(by_chance)) = (set.ece, set.ece_by_chance) {
        let _ = write!(line, "  ECE {ece:.3} ({by_chance:.3} by chance)");
    }
    for (part, f1) in &set.parts {
        let _ = write!(line, "  {part} {f1:.3}");
    }
    if set.report_only {
        line += "  (report only)";
    }
    line
}
