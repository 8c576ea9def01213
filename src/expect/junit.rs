//! Outcomes of tests as JUnit XML, which continuous integration services show.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::Outcome;

/// The outcomes as a report in the format of `JUnit`: a test suite with one test case for each.
///
/// # Errors
/// An error of the XML writer.
pub fn to_junit(outcomes: &[Outcome]) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let suite = writer.create_element("testsuite").with_attribute(("name", "pressrun"));
    let suite = suite.with_attribute(("tests", outcomes.len().to_string().as_str()));
    let suite = suite.with_attribute(("failures", failed.to_string().as_str()));
    suite.write_inner_content(|writer| outcomes.iter().try_for_each(|outcome| write_case(writer, outcome)))?;
    let xml = String::from_utf8(writer.into_inner()).map_err(io::Error::other)?;
    Ok(xml + "\n")
}

fn write_case(writer: &mut Writer<Vec<u8>>, outcome: &Outcome) -> io::Result<()> {
    let file = outcome.file.display().to_string();
    let case = writer.create_element("testcase").with_attribute(("name", outcome.name.as_str()));
    let case = case.with_attribute(("classname", file.as_str())).with_attribute(("file", file.as_str()));
    let case = case.with_attribute(("line", outcome.line.to_string().as_str()));
    if outcome.failures.is_empty() {
        case.write_empty()?;
        return Ok(());
    }
    let messages: Vec<String> = outcome.failures.iter().map(ToString::to_string).collect();
    case.write_inner_content(|writer| {
        let failure = writer.create_element("failure").with_attribute(("message", messages.join("; ").as_str()));
        failure.write_text_content(BytesText::new(&outcome.statement))?;
        Ok(())
    })?;
    Ok(())
}
