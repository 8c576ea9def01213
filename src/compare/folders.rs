//! Two output folders, whose documents are paired by their ids.

use std::path::Path;

use super::{Collector, CompareError, Comparison};
use crate::ledger::Ledger;
use crate::output::Reader;

/// Compares the results in two output folders.
///
/// # Errors
/// A folder that cannot be read, or folders without a common document.
pub fn compare_folders(old: &Path, new: &Path) -> Result<Comparison, CompareError> {
    let old_ledger = Ledger::open(old)?;
    let new_ledger = Ledger::open(new)?;
    let old_reader = Reader::new(old);
    let new_reader = Reader::new(new);
    let mut collector = Collector::new(&old.display().to_string(), &new.display().to_string());
    let mut common = 0;
    old_ledger.each_entry(|before| {
        let Some(now) = new_ledger.entry(&before.document)? else {
            collector.add_only_old();
            return Ok(());
        };
        common += 1;
        collector.add(&old_reader.statements_at(&before.kept)?, &new_reader.statements_at(&now.kept)?);
        Ok::<_, CompareError>(())
    })?;
    collector.add_only_new(new_ledger.counts()?.0.saturating_sub(common));
    collector.finish(None)
}
