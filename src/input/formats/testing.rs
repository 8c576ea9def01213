//! Reads bytes as if they were a file, for the tests of formats.
#![cfg(test)]

use super::Collector;
use crate::config::InputConfig;
use crate::input::collector::{Flow, LocatedRecord, RecordSink};
use crate::input::layers::{Budget, Container};
use crate::input::raw_record::ParsedRecord;
use crate::input::stream::Stream;
use crate::pipeline::Interrupt;
use crate::record::{Reason, Rejection};

/// Recognises the format of `bytes` and reads them: the articles and the reasons of rejections, in their order.
pub(super) fn read_file(name: &str, bytes: &[u8]) -> Vec<Result<ParsedRecord, Reason>> {
    let outcomes = parse_file(name, bytes).into_iter();
    outcomes.map(|outcome| outcome.map_err(|rejection| rejection.reason)).collect()
}

/// The rejections of a file, in their order.
pub(super) fn read_rejections(name: &str, bytes: &[u8]) -> Vec<Rejection> {
    parse_file(name, bytes).into_iter().filter_map(Result::err).collect()
}

/// As [`read_texts`], for bytes in compressions and archives.
pub(in super::super) fn read_layers(name: &str, bytes: &[u8]) -> Vec<Result<String, Reason>> {
    let outcomes = parse(name, bytes, crate::input::layers::read_layers).into_iter();
    outcomes.map(|outcome| outcome.map(|article| article.text).map_err(|rejection| rejection.reason)).collect()
}

fn parse_file(name: &str, bytes: &[u8]) -> Vec<Result<ParsedRecord, Rejection>> {
    parse(name, bytes, super::read_format)
}

fn parse(
    name: &str,
    bytes: &[u8],
    read: fn(&mut Stream<'_>, Container<'_>, &mut Collector<'_>) -> Flow,
) -> Vec<Result<ParsedRecord, Rejection>> {
    let config = InputConfig::default();
    let interrupt = Interrupt::default();
    let budget = Budget::new(&config);
    let mut parsing = ParsingSink { config: &config, outcomes: Vec::new() };
    let mut collector = Collector::new(&config, &interrupt, name.to_owned(), name.to_owned(), &mut parsing);
    let flow = read(&mut Stream::new(bytes), Container::new(name, None, &budget), &mut collector);
    assert!(flow.is_continue(), "{name} is read to its end");
    parsing.outcomes
}

/// As [`read_file`], for a file without rejections.
pub(super) fn read_articles(name: &str, bytes: &[u8]) -> Vec<ParsedRecord> {
    read_file(name, bytes).into_iter().collect::<Result<_, _>>().unwrap()
}

/// As [`read_file`], for a file with one article beside those that are left out.
pub(super) fn read_article(name: &str, bytes: &[u8]) -> ParsedRecord {
    let mut articles = read_articles(name, bytes);
    articles.retain(|article| !article.is_left_out);
    let [article] = articles.try_into().unwrap();
    article
}

/// The texts of the articles of a file that are not left out, or the reasons of rejections.
pub(super) fn read_texts(name: &str, bytes: &[u8]) -> Vec<Result<String, Reason>> {
    let mut outcomes = read_file(name, bytes);
    outcomes.retain(|outcome| outcome.as_ref().is_ok_and(|article| !article.is_left_out) || outcome.is_err());
    outcomes.into_iter().map(|outcome| outcome.map(|article| article.text)).collect()
}

/// Reads a file that is cut at every 97th byte, which may cost documents and must do no other harm.
pub(super) fn read_every_cut(name: &str, bytes: &[u8]) {
    for end in (0..bytes.len()).step_by(97) {
        for text in read_texts(name, &bytes[..end]).into_iter().flatten() {
            assert!(!text.trim().is_empty(), "{name} is cut at byte {end}");
        }
    }
}

/// Parses each record at once.
struct ParsingSink<'c> {
    config: &'c InputConfig,
    outcomes: Vec<Result<ParsedRecord, Rejection>>,
}

impl RecordSink for ParsingSink<'_> {
    fn put(&mut self, record: Result<LocatedRecord, Rejection>) -> Flow {
        let outcome = match record {
            Ok(LocatedRecord { place, record, .. }) => {
                record.parse(self.config).map_err(|refusal| refusal.into_rejection(place, b""))
            }
            Err(rejection) => Err(rejection),
        };
        self.outcomes.extend(outcome.transpose());
        Flow::Continue(())
    }

    fn leave_out(&mut self, _: &str) {}
}
