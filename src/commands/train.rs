//! `pressrun train`: fits a model by a recipe and says how it goes.

use std::time::{Duration, Instant};

use pressrun::error::RunError;
use pressrun::train::recipe::Recipe;
use pressrun::train::scores::{EpochScores, SetScores};
use pressrun::train::{self, Event, Step, Training};

use crate::cli::TrainArguments;
use crate::progress::Screen;

/// How often a line about the loss is written.
const SAY_EVERY: Duration = Duration::from_secs(30);

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
    let tell = |event: Event<'_>| screen.tell(&words(&event));
    let mut last = Instant::now();
    Training::prepare(recipe, tell)?.run(|event| {
        if let Event::Step(step) = event {
            if last.elapsed() < SAY_EVERY && step.batch != 1 {
                return;
            }
            last = Instant::now();
        }
        tell(event);
    })?;
    screen.tell(&format!("model in {}", output.display()));
    Ok(())
}

fn words(event: &Event<'_>) -> String {
    match event {
        Event::Asking { teacher, set, texts } => format!("asking {teacher} about {texts} texts of {set}"),
        Event::Read { examples, batches } => format!("{examples} passages to learn from, {batches} batches at most"),
        Event::Resumed(scores) => format!("goes on after {}", epoch(scores)),
        Event::Step(Step { epoch, batch, batches, loss, gradient_norm, tokens_per_second }) => format!(
            "epoch {epoch}  batch {batch}/{batches}  loss {loss:.4}  gradient {gradient_norm:.2}  {tokens_per_second:.0} tokens/s"
        ),
        Event::Epoch(scores) => epoch(scores),
        Event::Finished(scores) => with_sets(format!("the model, calibrated: dev score {:.4}", scores.score), scores),
    }
}

fn epoch(scores: &EpochScores) -> String {
    let head = format!(
        "epoch {}: dev score {:.4}, loss {:.4}, {:.0} s at {:.0} tokens/s",
        scores.epoch, scores.score, scores.loss, scores.seconds, scores.tokens_per_second
    );
    with_sets(head, scores)
}

fn with_sets(head: String, scores: &EpochScores) -> String {
    scores.sets.iter().fold(head, |text, set| format!("{text}\n  {}", set_line(set)))
}

fn set_line(set: &SetScores) -> String {
    let ece = set.ece.zip(set.ece_by_chance);
    let ece = ece.map_or(String::new(), |(ece, by_chance)| format!("  ECE {ece:.3} ({by_chance:.3} by chance)"));
    let parts = set.parts.iter().map(|(part, f1)| format!("{part} {f1:.3}")).collect::<Vec<_>>().join("  ");
    let decides = if set.decides { "" } else { "  (does not decide)" };
    format!(
        "{:<12} {:<40} {:>5} rows  accuracy {:.3}  macro-F1 {:.3}{ece}  {parts}{decides}",
        set.head, set.set, set.rows, set.accuracy, set.macro_f1
    )
}
