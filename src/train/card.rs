//! The model card: the data, the training and the scores of a model.

use std::fmt::Write;
use std::path::Path;

use super::recipe::{ModelRecipe, Recipe, SetRecipe};
use super::scores::{EpochScores, SetScores};

/// The heading of the scores on the dev sets.
const DEV_SCORES: &str = "## Scores on dev";

/// The facts of a card that are not in the recipe.
pub(super) struct Facts<'f> {
    /// The scores of the finished model.
    pub(super) scores: &'f EpochScores,
    /// The scores of all epochs.
    pub(super) epochs: &'f [EpochScores],
    /// The size of the folder.
    pub(super) size_bytes: u64,
    /// The recipe's notes.
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
    if model.average_epochs || !model.average_with.is_empty() {
        let _ = writeln!(text, "| weights | {} |", mean_of(model));
    }
    #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
    let _ = writeln!(text, "| size | {:.0} MB |", facts.size_bytes as f64 / 1e6);
    join_sections([
        &text,
        &data(recipe),
        &training(recipe, facts.scores, facts.epochs),
        &dev_scores(&facts.scores.sets),
        facts.notes,
    ])
}

/// Updates the card of a recalibrated model: the recipe's revision, the scores of `sets`, and `notes` unless they are empty.
/// `None` if `card` has no scores on dev, and so was not written by `train`.
pub(super) fn recalibrated(card: &str, recipe: &Recipe, sets: &[SetScores], notes: &str) -> Option<String> {
    let (before, scores) = card.split_once(DEV_SCORES)?;
    let before = before.split_once('\n').map_or("", |(_, text)| text);
    let notes_before = scores.find("\n## ").map_or("", |end| &scores[end + 1..]);
    let notes = if notes.is_empty() { notes_before } else { notes };
    Some(join_sections([&format!("{}\n{before}", title(&recipe.model)), &dev_scores(sets), notes]))
}

fn title(model: &ModelRecipe) -> String {
    format!("# {} {}", model.name, model.revision)
}

/// The sections with an empty line between them.
fn join_sections<const N: usize>(sections: [&str; N]) -> String {
    sections.map(|section| section.trim_end().to_owned() + "\n").join("\n").trim_end().to_owned() + "\n"
}

/// The models that the weights are the mean of.
fn mean_of(model: &ModelRecipe) -> String {
    let epochs = if model.average_epochs { "all epochs" } else { "the epoch below" };
    if model.average_with.is_empty() {
        return format!("the mean of those of {epochs}");
    }
    let mut others = Vec::new();
    for other in &model.average_with {
        others.push(format!("`{}` ({})", name_of(&other.model), other.share.get()));
    }
    let share = model.own_share();
    format!("the mean of those of {epochs} (with a share of {share:.2}), {}", others.join(", "))
}

fn data(recipe: &Recipe) -> String {
    let mut text =
        "## Data\n\n| set | head | rows seen in an epoch | teachers | licence as stated by its source |\n|---|---|---|---|---|\n"
            .to_owned();
    for (head, recipe) in &recipe.heads {
        for set in &recipe.sets {
            let SetRecipe { name, licence, weight, .. } = set;
            let _ = writeln!(text, "| {name} | {head} | × {weight} | {} | {licence} |", teachers(set));
        }
    }
    text + "\nNone of the texts is part of the model's folder.\n"
}

/// The name of a model's folder.
pub(super) fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The teachers of a set, with their shares and weights.
fn teachers(set: &SetRecipe) -> String {
    let mut teachers = Vec::new();
    for path in &set.teachers {
        teachers.push(format!("{}, share {}", name_of(path), set.teacher_share.get()));
    }
    for (head, path) in &set.distilled_heads {
        teachers.push(format!("{} for {head}, × {}", name_of(path), set.distilled_weight));
    }
    teachers.join("; ")
}

fn training(recipe: &Recipe, scores: &EpochScores, epochs: &[EpochScores]) -> String {
    let training = &recipe.training;
    let epoch = if recipe.model.average_epochs {
        format!("All {} epochs ({} planned), averaged", epochs.len(), training.epochs.get())
    } else {
        format!("Epoch {} of {} ({} planned), chosen on dev", scores.epoch, epochs.len(), training.epochs.get())
    };
    let seconds: f64 = epochs.iter().map(|epoch| epoch.seconds).sum();
    format!(
        "## Training\n\n{epoch}. AdamW, learning rate {} (heads {}), warm-up {:.0} %, batches of \
         {} tokens, dropout {}, weights averaged with {}, seed {}. {:.0} minutes at {:.0} tokens/s. All settings: `recipe.toml`.\n",
        training.learning_rate,
        training.head_learning_rate,
        100.0 * training.warm_up.get(),
        training.batch_tokens.get(),
        training.dropout.get(),
        training.ema_decay.get(),
        training.seed.get(),
        seconds / 60.0,
        scores.tokens_per_second,
    )
}

/// The scores on the dev sets, as a table.
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
