//! Reads bytes as if they were a file, for the tests of formats.

use super::Intake;
use crate::config::InputConfig;
use crate::input::intake::{Flow, LocatedRecord, RecordSink};
use crate::input::layers::{self, Budget, Shell};
use crate::input::raw_record::Parsed;
use crate::input::stream::Stream;
use crate::pipeline::Interrupt;
use crate::record::{Reason, Rejection};

/// Recognises the format of `bytes` and reads them: the articles and the reasons of rejections, in their order.
pub(super) fn read_file(name: &str, bytes: &[u8]) -> Vec<Result<Parsed, Reason>> {
    read_with(super::read, name, bytes)
}

/// The texts of a file that may be compressed or an archive, or the reasons of rejections.
pub(super) fn unpack_texts(name: &str, bytes: &[u8]) -> Vec<Result<String, Reason>> {
    read_with(layers::read, name, bytes).into_iter().map(|outcome| outcome.map(|article| article.text)).collect()
}

fn read_with(
    read: fn(&mut Stream<'_>, Shell<'_>, &mut Intake<'_>) -> Flow,
    name: &str,
    bytes: &[u8],
) -> Vec<Result<Parsed, Reason>> {
    let config = InputConfig::default();
    let interrupt = Interrupt::default();
    let budget = Budget::new(&config);
    let mut parsing = ParsingSink { config: &config, outcomes: Vec::new() };
    let mut intake = Intake::new(&config, &interrupt, name.to_owned(), name.to_owned(), &mut parsing);
    let flow = read(&mut Stream::new(bytes), Shell::new(name, None, &budget), &mut intake);
    assert!(flow.is_continue(), "{name} is read to its end");
    parsing.outcomes
}

/// As [`read_file`], for a file without rejections.
pub(super) fn read_articles(name: &str, bytes: &[u8]) -> Vec<Parsed> {
    read_file(name, bytes).into_iter().collect::<Result<_, _>>().unwrap()
}

/// As [`read_file`], for a file with one article.
pub(super) fn read_article(name: &str, bytes: &[u8]) -> Parsed {
    let [article] = read_articles(name, bytes).try_into().unwrap();
    article
}

/// The texts of a file, or the reasons of rejections.
pub(super) fn read_texts(name: &str, bytes: &[u8]) -> Vec<Result<String, Reason>> {
    read_file(name, bytes).into_iter().map(|outcome| outcome.map(|article| article.text)).collect()
}

/// Parses each record at once.
struct ParsingSink<'c> {
    config: &'c InputConfig,
    outcomes: Vec<Result<Parsed, Reason>>,
}

impl RecordSink for ParsingSink<'_> {
    fn put(&mut self, record: Result<LocatedRecord, Rejection>) -> Flow {
        let outcome = match record {
            Ok(located) => located.record.parse(self.config).map_err(|refusal| refusal.reason),
            Err(rejection) => Err(rejection.reason),
        };
        self.outcomes.extend(outcome.transpose());
        Flow::Continue(())
    }
}
