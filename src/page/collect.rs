//! An output folder to the content of a page. Nights come from the ledger; documents of tonight are read once, one after the other, and
//! only a few of their statements: those that are quoted.

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;

use super::changes::{self, Change};
use super::history::{self, Day, History};
use super::tally::{Sample, Tally, Weighted, random, seed};
use super::words::{self, excerpt};
use super::{PageError, Settings};
use crate::config::DriftConfig;
use crate::drift::{self, Calendar};
use crate::ledger::{Ledger, Night, NightKind};
use crate::output::Reader;
use crate::output::schema::{DayKind, DocumentRecord, DriftRecord, SpanRecord, StatementRecord};
use crate::record::{AttributionKind, SpeakerKind};

/// The number of statements shown of a label that moved.
const SAMPLE: usize = 10;

/// The number of documents tried for the words of a speaker.
const DOCUMENTS_OF_SPEAKER: usize = 6;

/// The largest number of sources named of those that carried a story.
const MAX_CARRIERS: usize = 12;

/// The largest number of characters shown of a name, a title and a statement.
const NAME_CHARACTERS: usize = 80;
const TITLE_CHARACTERS: usize = 160;
const STATEMENT_CHARACTERS: usize = 360;

/// The number of documents that are parsed side by side.
const BLOCK: usize = 512;

/// The content of a page.
#[derive(Debug)]
pub struct Page {
    /// The nights, the last of which is tonight.
    pub(super) history: History,
    /// The numbers of the runs that make up tonight.
    pub(super) runs: Vec<u32>,
    /// The comparison with earlier nights.
    pub(super) drift: DriftRecord,
    /// What is unusual, in words.
    pub(super) changes: Vec<Change>,
    /// The speakers with the most documents.
    pub(super) speakers: Vec<SpeakerWords>,
    /// The originals with the most copies.
    pub(super) stories: Vec<Story>,
    /// Statements of the labels that moved.
    pub(super) samples: Vec<LabelSample>,
    /// The statements that show changes, by their ids.
    pub(super) examples: BTreeMap<String, Quoted>,
    /// The limits of the page.
    pub(super) settings: Settings,
}

/// A speaker, with words.
#[derive(Debug, Clone)]
pub(super) struct SpeakerWords {
    pub(super) name: String,
    pub(super) role: Option<String>,
    /// Documents that report the speaker.
    pub(super) documents: u64,
    /// Statements in them.
    pub(super) statements: u64,
    /// The mean tone of these statements, if tone is measured.
    pub(super) tone: Option<f64>,
    pub(super) quotes: Vec<Quote>,
}

/// Words of a speaker.
#[derive(Debug, Clone)]
pub(super) struct Quote {
    pub(super) words: Quoted,
    /// The form of the report. Of what is not direct, the words are the sentence that reports it.
    pub(super) kind: AttributionKind,
}

/// A piece of text with its article.
#[derive(Debug, Clone)]
pub(super) struct Quoted {
    pub(super) text: String,
    pub(super) article: Article,
}

/// The article that a text is from.
#[derive(Debug, Clone)]
pub(super) struct Article {
    /// The title, or the document's id.
    pub(super) title: String,
    pub(super) source: Option<String>,
    pub(super) uri: Option<String>,
}

/// An original with its copies.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) article: Article,
    pub(super) copies: u64,
    /// The sources of the copies, in the order in which they came; at most [`MAX_CARRIERS`].
    pub(super) carriers: Vec<String>,
}

/// Statements of a label that moved, chosen at random.
#[derive(Debug, Clone)]
pub(super) struct LabelSample {
    pub(super) task: String,
    pub(super) label: String,
    pub(super) statements: Vec<Quoted>,
}

/// Reads the content of the page about the newest night in `folder`, and compares the night with earlier ones.
///
/// # Errors
/// A folder without a ledger or without nights; files that cannot be read.
pub fn collect(
    folder: &Path,
    settings: Settings,
    comparison: &DriftConfig,
    calendar: &Calendar,
) -> Result<Page, PageError> {
    let ledger = Ledger::open(folder)?;
    let nights = ledger.nights()?;
    let drift = drift::judge(&nights, None, comparison, calendar)?;
    let Some(mut drift) = drift else { return Err(PageError::NoNights { path: folder.to_owned() }) };
    drift::examples::add(&mut drift, &nights, calendar, folder)?;
    let (history, runs) = history_of(nights, settings.nights, calendar);
    let Some(tonight) = history.nights().last() else { return Err(PageError::NoNights { path: folder.to_owned() }) };
    let changes: Vec<Change> = drift.alarms.iter().map(|alarm| changes::change(alarm, drift.kind)).collect();
    let mut gatherer = Gatherer::new(tonight, &changes);
    for &run in &runs {
        gatherer.gather(&ledger, folder, run)?;
    }
    let tone_task = tonight.tone_task.clone();
    let library = Library { ledger, reader: Reader::new(folder), has_text: settings.text };
    let examples = library.examples(changes.iter().flat_map(|change| &change.examples))?;
    let stories = gatherer.stories.heaviest(settings.top);
    let stories = stories.into_iter().map(|(original, story)| library.story(&original, story));
    let speakers = gatherer.speakers.heaviest(settings.top);
    let shares = quotes_of_each(settings.quotes, speakers.len());
    let speakers = speakers.iter().zip(shares);
    let speakers = speakers.map(|(speaker, quotes)| library.speaker(speaker, quotes, tone_task.is_some()));
    let samples = gatherer.moved.into_iter().map(|moved| library.sample(moved));
    Ok(Page {
        stories: stories.collect::<Result<_, _>>()?,
        speakers: speakers.collect::<Result<_, _>>()?,
        samples: samples.collect::<Result<_, _>>()?,
        examples,
        history,
        runs,
        drift,
        changes,
        settings,
    })
}

/// The number of quotes of each speaker: as many for each, and of the rest one more for the first ones.
fn quotes_of_each(quotes: usize, speakers: usize) -> impl Iterator<Item = usize> {
    let each = quotes.checked_div(speakers).unwrap_or_default();
    let rest = quotes.checked_rem(speakers).unwrap_or_default();
    (0..speakers).map(move |rank| each + usize::from(rank < rest))
}

/// The last `number` nights with their days, and the numbers of the runs of the last one. Runs of one day are one night. Backfills are
/// left out, unless the newest run is one.
fn history_of(runs: Vec<Night>, number: usize, calendar: &Calendar) -> (History, Vec<u32>) {
    let mut nights: Vec<(Day, Night)> = Vec::new();
    let mut of_last = Vec::new();
    let last = runs.len().saturating_sub(1);
    for (place, run) in runs.into_iter().enumerate() {
        let date = calendar.day(&run.started);
        let day = Day { date, kind: date.map_or(DayKind::Workday, |date| calendar.kind(date)) };
        if run.kind == NightKind::Backfill {
            if place == last {
                of_last = vec![run.night];
                nights.push((day, run));
            }
            continue;
        }
        if let Some((_, night)) = nights.last_mut().filter(|(other, _)| date.is_some() && *other == day) {
            of_last.push(run.night);
            history::add(night, run);
        } else {
            of_last = vec![run.night];
            nights.push((day, run));
        }
    }
    let first = nights.len().saturating_sub(number);
    (History::new(nights.split_off(first)), of_last)
}

/// What is counted and drawn from the documents of tonight, copies apart.
struct Gatherer {
    /// The number of tonight: the seed of what is drawn.
    night: String,
    tone_task: Option<String>,
    speakers: Tally<String, SpeakerTally>,
    stories: Tally<String, StoryTally>,
    moved: Vec<Moved>,
}

#[derive(Debug)]
struct SpeakerTally {
    role: Option<String>,
    documents: u64,
    statements: u64,
    tone_sum: f64,
    /// Some of the documents, chosen at random.
    chosen: Sample<String>,
}

impl Default for SpeakerTally {
    fn default() -> Self {
        Self { role: None, documents: 0, statements: 0, tone_sum: 0.0, chosen: Sample::new(DOCUMENTS_OF_SPEAKER) }
    }
}

impl Weighted for SpeakerTally {
    fn weight(&self) -> u64 {
        self.documents << 32 | self.statements.min(u32::MAX.into())
    }
}

#[derive(Debug, Default)]
struct StoryTally {
    copies: u64,
    carriers: Vec<String>,
}

impl Weighted for StoryTally {
    fn weight(&self) -> u64 {
        self.copies
    }
}

/// A label that moved, with some of its statements: their documents, and their numbers among the statements with the label.
struct Moved {
    task: String,
    label: String,
    chosen: Sample<(String, u64)>,
}

impl Gatherer {
    fn new(tonight: &Night, changes: &[Change]) -> Self {
        let labels = changes.iter().filter_map(|change| change.label.clone());
        Self {
            night: tonight.night.to_string(),
            tone_task: tonight.tone_task.clone(),
            speakers: Tally::new(),
            stories: Tally::new(),
            moved: labels.map(|(task, label)| Moved { task, label, chosen: Sample::new(SAMPLE) }).collect(),
        }
    }

    /// Reads the documents of a run.
    fn gather(&mut self, ledger: &Ledger, folder: &Path, run: u32) -> Result<(), PageError> {
        let mut block: Vec<Vec<u8>> = Vec::with_capacity(BLOCK);
        ledger.each_document_line_of(run, |line| {
            block.push(line.to_vec());
            if block.len() == BLOCK { self.add_block(&mut block, folder) } else { Ok(()) }
        })?;
        self.add_block(&mut block, folder)
    }

    fn add_block(&mut self, block: &mut Vec<Vec<u8>>, folder: &Path) -> Result<(), PageError> {
        let documents: Vec<Result<DocumentRecord, _>> =
            block.par_iter().map(|line| serde_json::from_slice(line)).collect();
        block.clear();
        for document in documents {
            self.add(&document.map_err(|cause| PageError::Document { path: folder.to_owned(), cause })?);
        }
        Ok(())
    }

    fn add(&mut self, document: &DocumentRecord) {
        if let Some(original) = &document.duplicate_of {
            let story = self.stories.value_mut(original.clone());
            story.copies += 1;
            let source = document.metadata.source.as_deref();
            if let Some(source) = source.filter(|_| story.carriers.len() < MAX_CARRIERS)
                && !story.carriers.iter().any(|carrier| carrier == source)
            {
                story.carriers.push(source.to_owned());
            }
            return;
        }
        self.add_speakers(document);
        let counted = document.statements.saturating_sub(document.boilerplate) as u64;
        for moved in &mut self.moved {
            let task = document.tasks.get(&moved.task);
            let share = task.and_then(|task| task.shares.get(&moved.label)).copied().unwrap_or_default();
            let statements = words::whole(share * words::real(counted));
            if statements > 0 {
                let seed = seed([&self.night, &moved.task, &moved.label, &document.document].map(String::as_str));
                for number in 0..statements {
                    let key = random(seed, number);
                    if moved.chosen.wants(key) {
                        moved.chosen.offer(key, (document.document.clone(), number));
                    }
                }
            }
        }
    }

    fn add_speakers(&mut self, document: &DocumentRecord) {
        // Who has no name, or only thought or kept silent, is no speaker here.
        let speakers = document.speakers.iter();
        for speaker in speakers.filter(|speaker| speaker.kind != SpeakerKind::Unnamed && speaker.statements > 0) {
            let tally = self.speakers.value_mut(speaker.name.clone());
            let statements = speaker.statements as u64;
            tally.documents += 1;
            tally.statements += statements;
            if tally.role.is_none() {
                tally.role.clone_from(&speaker.role);
            }
            let tone = self.tone_task.as_ref().and_then(|task| speaker.mean.get(task));
            tally.tone_sum += tone.copied().unwrap_or_default() * words::real(statements);
            let key = seed([&self.night, &speaker.name, &document.document].map(String::as_str));
            if tally.chosen.wants(key) {
                tally.chosen.offer(key, document.document.clone());
            }
        }
    }
}

/// The articles and statements that are quoted.
struct Library {
    ledger: Ledger,
    reader: Reader,
    has_text: bool,
}

impl Library {
    /// The record and the statements of a document; `None` if it is not in the folder any more.
    fn open(&self, document: &str) -> Result<Option<(Article, Vec<StatementRecord>)>, PageError> {
        let Some(entry) = self.ledger.entry(document)? else { return Ok(None) };
        let statements = self.reader.statements_at(&entry.kept)?;
        let Some(article) = self.article_in(document, &entry.line) else { return Ok(None) };
        Ok(Some((article, statements)))
    }

    fn article_in(&self, document: &str, line: &[u8]) -> Option<Article> {
        let record: DocumentRecord = serde_json::from_slice(line).ok()?;
        let title = record.metadata.title.filter(|title| self.has_text && !title.trim().is_empty());
        Some(Article {
            title: excerpt(title.as_deref().unwrap_or(document), TITLE_CHARACTERS),
            source: record.metadata.source.map(|source| excerpt(&source, NAME_CHARACTERS)),
            uri: record.metadata.uri.filter(|_| self.has_text),
        })
    }

    /// The statements with these ids.
    fn examples<'i>(&self, ids: impl Iterator<Item = &'i String>) -> Result<BTreeMap<String, Quoted>, PageError> {
        let mut examples = BTreeMap::new();
        for id in ids.filter(|_| self.has_text) {
            let Some((document, _)) = id.rsplit_once('#') else { continue };
            if let Some((article, statements)) = self.open(document)? {
                let statement = statements.into_iter().find(|statement| statement.statement == *id);
                if let Some(text) = statement.and_then(|statement| statement.text) {
                    examples.insert(id.clone(), Quoted { text: excerpt(&text, STATEMENT_CHARACTERS), article });
                }
            }
        }
        Ok(examples)
    }

    fn story(&self, original: &str, tally: StoryTally) -> Result<Story, PageError> {
        let entry = self.ledger.entry(original)?;
        let article = entry.and_then(|entry| self.article_in(original, &entry.line));
        Ok(Story {
            article: article.unwrap_or_else(|| Article { title: original.to_owned(), source: None, uri: None }),
            copies: tally.copies,
            carriers: tally.carriers.into_iter().map(|source| excerpt(&source, NAME_CHARACTERS)).collect(),
        })
    }

    fn sample(&self, moved: Moved) -> Result<LabelSample, PageError> {
        let Moved { task, label, chosen } = moved;
        let mut statements = Vec::new();
        for (document, number) in chosen.into_items().filter(|_| self.has_text) {
            if let Some((article, all)) = self.open(&document)? {
                let mut with_label = all.into_iter().filter(|statement| has_label(statement, &task, &label));
                let text = with_label.nth(usize::try_from(number).unwrap_or(usize::MAX)).and_then(|found| found.text);
                let text = text.map(|text| excerpt(&text, STATEMENT_CHARACTERS));
                statements.extend(text.map(|text| Quoted { text, article }));
            }
        }
        Ok(LabelSample { task, label, statements })
    }

    fn speaker(
        &self,
        (name, tally): &(String, SpeakerTally),
        number: usize,
        has_tone: bool,
    ) -> Result<SpeakerWords, PageError> {
        let mut quotes: Vec<Quote> = Vec::new();
        for document in tally.chosen.clone().into_items().filter(|_| self.has_text) {
            if quotes.len() == number {
                break;
            }
            if let Some((article, statements)) = self.open(&document)?
                && let Some((text, kind)) = best_words(name, &statements)
                && !quotes.iter().any(|quote| quote.words.text == text)
            {
                quotes.push(Quote { words: Quoted { text, article }, kind });
            }
        }
        Ok(SpeakerWords {
            name: excerpt(name, NAME_CHARACTERS),
            role: tally.role.as_deref().map(|role| excerpt(role, NAME_CHARACTERS)),
            documents: tally.documents,
            statements: tally.statements,
            tone: (has_tone && tally.statements > 0).then(|| tally.tone_sum / words::real(tally.statements)),
            quotes,
        })
    }
}

/// True if the statement has the label, which is a code or, of heads without codes, a name.
fn has_label(statement: &StatementRecord, task: &str, label: &str) -> bool {
    statement.tasks.get(task).is_some_and(|found| {
        let code = found.code.as_ref().and_then(Option::as_deref);
        code.or(found.label.as_deref()) == Some(label)
    })
}

/// What a speaker said in one attribution.
struct Said<'s> {
    kind: AttributionKind,
    /// The pieces of content, which may be in several statements.
    content: Vec<&'s SpanRecord>,
    /// The first statement.
    sentence: &'s str,
}

impl Said<'_> {
    /// The words to quote: the content if it is inside quotation marks, otherwise the sentence that reports it.
    fn words(&self) -> String {
        if self.kind != AttributionKind::Direct {
            return self.sentence.to_owned();
        }
        let mut words = String::new();
        let mut end = None;
        for piece in &self.content {
            match end {
                None => {}
                // Between pieces that are apart stands who said it.
                Some(end) if piece.start > end + 2 => words.push_str(" … "),
                Some(_) => words.push(' '),
            }
            words.push_str(&piece.text);
            end = Some(piece.end);
        }
        words
    }
}

/// The words of a speaker in a document that are best to quote: inside quotation marks, and neither short nor long.
fn best_words(name: &str, statements: &[StatementRecord]) -> Option<(String, AttributionKind)> {
    const GOOD_LENGTH: std::ops::Range<usize> = 50..300;
    let mut said: BTreeMap<usize, Said<'_>> = BTreeMap::new();
    for statement in statements {
        let Some(sentence) = statement.text.as_deref() else { continue };
        for attribution in statement.attributions.iter().flatten() {
            let mut speakers = attribution.speaker.iter().chain(&attribution.also);
            if attribution.act.is_said() && speakers.any(|speaker| speaker.name.as_deref() == Some(name)) {
                let kind = attribution.kind;
                let said = said.entry(attribution.attribution);
                said.or_insert(Said { kind, content: Vec::new(), sentence }).content.extend(&attribution.content);
            }
        }
    }
    let mut best = None;
    for said in said.into_values() {
        let words = said.words();
        let rank = (GOOD_LENGTH.contains(&words.chars().count()), said.kind == AttributionKind::Direct);
        if best.as_ref().is_none_or(|(other, _, _)| rank > *other) {
            best = Some((rank, words, said.kind));
        }
    }
    best.map(|(_, words, kind)| (excerpt(&words, STATEMENT_CHARACTERS), kind))
}
