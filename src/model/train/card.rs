//! The model card: what a model was trained on, how, and what it is worth.

use std::fmt::Write;
use std::path::Path;

use super::recipe::{Blend, Recipe, SetRecipe};
use super::scores::{EpochScores, SetScores};

/// What a card says beside the recipe.
pub(super) struct Facts<'f> {
    /// Of the epoch that was kept, calibrated.
    pub(super) scores: &'f EpochScores,
    /// Of all epochs.
    pub(super) epochs: &'f [EpochScores],
    /// The folder's.
    pub(super) size_bytes: u64,
    /// What the recipe's author has to add.
    pub(super) notes: &'f str,
}

/// The card of a finished model.
pub(super) fn card(recipe: &Recipe, facts: &Facts<'_>) -> String {
    let model = &recipe.model;
    let mut text = format!("# {} {}\n\n", model.name, model.revision);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| | |\n|---|---|\n| begun from | {} |", model.base_note);
    for (name, head) in &recipe.heads {
        let labels: Vec<&str> = head.labels.iter().map(|label| label.label.as_str()).collect();
        let _ = writeln!(text, "| `{name}` | {} labels: {} |", labels.len(), labels.join(", "));
    }
    let _ = writeln!(
        text,
        "| reads | sentences of up to {} tokens, in passages of up to {} |",
        model.max_tokens.get(),
        model.passage_tokens.get()
    );
    let fitted = if model.mean_of_epochs { "all epochs" } else { "the epoch below" };
    if let Some(Blend { model, share }) = &model.blend {
        let model = model.file_name().unwrap_or_default().to_string_lossy();
        let share = share.get();
        let _ = writeln!(text, "| weights | the mean of those of {fitted} and of `{model}`, which has {share} of it |");
    } else if model.mean_of_epochs {
        let _ = writeln!(text, "| weights | the mean of those of {fitted} |");
    }
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let _ = writeln!(text, "| size | {:.0} MB |", facts.size_bytes as f64 / 1e6);
    let sections = [
        text,
        data(recipe),
        training(recipe, facts.scores, facts.epochs),
        dev_scores(&facts.scores.sets),
        facts.notes.to_owned(),
    ];
    sections.map(|section| section.trim_end().to_owned() + "\n").join("\n").trim_end().to_owned() + "\n"
}

fn data(recipe: &Recipe) -> String {
    let mut text =
        "## Data\n\n| set | head | rows seen in an epoch | taught by | licence as stated by its source |\n|---|---|---|---|---|\n"
            .to_owned();
    for (head, recipe) in &recipe.heads {
        for set in &recipe.sets {
            let SetRecipe { name, licence, weight, .. } = set;
            let _ = writeln!(text, "| {name} | {head} | × {weight} | {} | {licence} |", teachers(set));
        }
    }
    text + "\nNone of the texts is part of the model's folder.\n"
}

/// Which finished models had a say in what a set teaches.
fn teachers(set: &SetRecipe) -> String {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let own = set.teachers.iter().map(|path| {
        if set.has_open_labels() {
            return format!("{}, which chooses among open labels", name(path));
        }
        format!("{}, share {}", name(path), set.teacher_share.get())
    });
    let taught = set.taught.iter().map(|(head, path)| format!("{} for {head}, × {}", name(path), set.taught_weight));
    own.chain(taught).collect::<Vec<_>>().join("; ")
}

fn training(recipe: &Recipe, scores: &EpochScores, epochs: &[EpochScores]) -> String {
    let training = &recipe.training;
    let which = if recipe.model.mean_of_epochs {
        format!("All {} epochs ({} planned), averaged", epochs.len(), training.epochs.get())
    } else {
        format!("Epoch {} of {} ({} planned), chosen on dev", scores.epoch, epochs.len(), training.epochs.get())
    };
    let seconds: f64 = epochs.iter().map(|epoch| epoch.seconds).sum();
    format!(
        "## Training\n\n{which}. AdamW, learning rate {} (heads {}), warm-up {:.0} %, batches of \
         {} tokens, dropout {}, weights averaged with {}, seed {}. {:.0} minutes at {:.0} tokens/s. All settings: `recipe.toml`.\n",
        training.learning_rate,
        training.head_learning_rate,
        100.0 * training.warm_up.get(),
        training.batch_tokens.get(),
        training.dropout.get(),
        training.average.get(),
        training.seed.get(),
        seconds / 60.0,
        scores.tokens_per_second,
    )
}

/// The scores on the sets to measure by, as a table.
fn dev_scores(sets: &[SetScores]) -> String {
    let mut text = "## Scores on dev\n\nAs `pressrun train` measured them on the finished folder. For a token head: words right, mean F1 of the \
                    parts by words.\n\n| head | set | rows | accuracy | macro-F1 | ECE | parts |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for set in sets {
        let parts = set.parts.iter().map(|(part, f1)| format!("{part} {f1:.3}")).collect::<Vec<_>>().join(", ");
        let ece = set.ece.map_or(String::new(), |ece| format!("{ece:.3}"));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.3} | {:.3} | {ece} | {parts} |",
            set.head, set.set, set.rows, set.accuracy, set.macro_f1
        );
    }
    text
}
