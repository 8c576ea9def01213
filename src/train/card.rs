//! The model card: what a model was trained on, how, and what it is worth.

use std::fmt::Write;
use std::path::Path;

use super::recipe::{Blend, ModelRecipe, Recipe, SetRecipe};
use super::scores::{EpochScores, SetScores};

/// Heads the scores on the sets to measure by.
const DEV_SCORES: &str = "## Scores on dev";

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
    let mut text = title(model) + "\n\n";
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
    if model.mean_of_epochs || !model.blend.is_empty() {
        let _ = writeln!(text, "| weights | {} |", mean_of(model));
    }
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let _ = writeln!(text, "| size | {:.0} MB |", facts.size_bytes as f64 / 1e6);
    joined([
        &text,
        &data(recipe),
        &training(recipe, facts.scores, facts.epochs),
        &dev_scores(&facts.scores.sets),
        facts.notes,
    ])
}

/// The card of a model that has been calibrated anew: with the recipe's revision and notes, where it has some, and with the scores
/// of `sets`. `None` where `card` has no scores on dev, as it is none of ours.
pub(super) fn calibrated_anew(card: &str, recipe: &Recipe, sets: &[SetScores], notes: &str) -> Option<String> {
    let (before, scores) = card.split_once(DEV_SCORES)?;
    let before = before.split_once('\n').map_or("", |(_, text)| text);
    let notes_before = scores.find("\n## ").map_or("", |end| &scores[end + 1..]);
    let notes = if notes.is_empty() { notes_before } else { notes };
    Some(joined([&format!("{}\n{before}", title(&recipe.model)), &dev_scores(sets), notes]))
}

fn title(model: &ModelRecipe) -> String {
    format!("# {} {}", model.name, model.revision)
}

/// The sections with a line between them.
fn joined<const N: usize>(sections: [&str; N]) -> String {
    sections.map(|section| section.trim_end().to_owned() + "\n").join("\n").trim_end().to_owned() + "\n"
}

/// What the weights are the mean of.
fn mean_of(model: &ModelRecipe) -> String {
    let fitted = if model.mean_of_epochs { "all epochs" } else { "the epoch below" };
    if model.blend.is_empty() {
        return format!("the mean of those of {fitted}");
    }
    let others = model.blend.iter().map(|Blend { model, share }| format!("`{}` ({})", name_of(model), share.get()));
    let others = others.collect::<Vec<_>>().join(", ");
    format!("the mean of those of {fitted} (with a share of {:.2}), {others}", model.own_share())
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

/// What a model's folder is called.
pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Which finished models had a say in what a set teaches.
fn teachers(set: &SetRecipe) -> String {
    let own = set.teachers.iter().map(|path| format!("{}, share {}", name_of(path), set.teacher_share.get()));
    let taught = set.taught.iter().map(|(head, path)| format!("{} for {head}, × {}", name_of(path), set.taught_weight));
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
    let mut text = format!(
        "{DEV_SCORES}\n\nAs `pressrun train` measured them on the finished folder. For a token head: words right, mean F1 of the \
         parts by words. By chance: what ECE is on average where every score is true, as there are so few rows.\n\n\
         | head | set | rows | accuracy | macro-F1 | ECE | by chance | parts |\n|---|---|---|---|---|---|---|---|\n"
    );
    for set in sets {
        let parts = set.parts.iter().map(|(part, f1)| format!("{part} {f1:.3}")).collect::<Vec<_>>().join(", ");
        let [ece, by_chance] =
            [set.ece, set.ece_by_chance].map(|error| error.map_or(String::new(), |error| format!("{error:.3}")));
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.3} | {:.3} | {ece} | {by_chance} | {parts} |",
            set.head, set.set, set.rows, set.accuracy, set.macro_f1
        );
    }
    text
}
