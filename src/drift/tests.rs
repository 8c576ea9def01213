//! Tests of whole comparisons, on made-up nights.

use std::path::Path;

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::testing::{Delivery, USUAL_TOPICS, day_of, next_workday, night, usual, workdays};
use super::{Calendar, DriftError, Holidays, MAX_ALARMS, judge, judge_each, parse_nights, text};
use crate::config::DriftConfig;
use crate::ledger::{Night, NightKind};
use crate::output::schema::{AlarmCause, AlarmKind, AlarmRecord, ChangedPart, DriftRecord, DriftVerdict};

fn calendar() -> Calendar {
    Calendar::new(&DriftConfig::default(), Holidays::default(), TimeZone::UTC)
}

fn judged(nights: &[Night]) -> DriftRecord {
    judge(nights, None, &DriftConfig::default(), &calendar()).unwrap().unwrap()
}

/// The comparison of a night with these deliveries with `count` usual ones.
fn after_usual(count: u32, deliveries: &[Delivery]) -> DriftRecord {
    let mut nights = workdays(count);
    push(&mut nights, deliveries);
    judged(&nights)
}

/// Adds a night on the next workday.
fn push(nights: &mut Vec<Night>, deliveries: &[Delivery]) {
    let last = nights.last().unwrap();
    nights.push(night(last.night + 1, next_workday(day_of(last)), deliveries));
}

/// The kinds, labels and sources of alarms.
fn subjects(record: &DriftRecord) -> Vec<(AlarmKind, Option<&str>, Option<&str>)> {
    record.alarms.iter().map(|alarm| (alarm.what, alarm.label.as_deref(), alarm.source.as_deref())).collect()
}

fn only(record: &DriftRecord) -> &AlarmRecord {
    assert_eq!(record.alarms.len(), 1, "{:#?}", record.alarms);
    &record.alarms[0]
}

/// Usual deliveries, with the topics of all sources changed.
fn with_topics(topics: [u64; 6]) -> Vec<Delivery> {
    usual().into_iter().map(|delivery| Delivery { topics, ..delivery }).collect()
}

/// Usual deliveries, with the number of documents of each multiplied.
fn with_volume(factor: f64) -> Vec<Delivery> {
    let scaled = |count: u64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small counts"
        )]
        let scaled = (count as f64 * factor).round() as u64;
        scaled
    };
    usual().into_iter().map(|delivery| Delivery { documents: scaled(delivery.documents), ..delivery }).collect()
}

#[test]
fn a_usual_night_is_as_usual() {
    let record = after_usual(10, &usual());
    assert_eq!((record.verdict, record.nights_used), (DriftVerdict::Usual, 10));
    assert_eq!(text::headline(&record), "night 11, Mon 17 March 2031 (workday): as usual, compared with 10 nights");
}

#[test]
fn with_few_nights_nothing_is_judged() {
    let record = after_usual(3, &with_volume(0.01));
    assert_eq!((record.verdict, record.alarms.len()), (DriftVerdict::TooFewNights, 0));
    assert_eq!(text::headline(&record), "night 4, Thu 6 March 2031 (workday): too few nights (3 of 7)");
    assert!(judge(&[], None, &DriftConfig::default(), &calendar()).unwrap().is_none());
}

#[test]
fn a_source_that_fell_silent_comes_first_and_is_one_line() {
    let mut deliveries = usual();
    // The Gazette has two in five documents, so that the whole volume is unusual as well.
    deliveries[1].documents = 0;
    deliveries[0].topics = [0, 10, 50, 25, 5, 10];
    let record = after_usual(10, &deliveries);
    let first = &record.alarms[0];
    assert_eq!((first.what, first.source.as_deref()), (AlarmKind::MissingSource, Some("Gazette")));
    assert_eq!((first.cause, first.value, first.usual), (AlarmCause::Input, Some(0.0), Some(200.0)));
    assert!(record.alarms.iter().skip(1).all(|alarm| alarm.source.as_deref() != Some("Gazette")), "{record:#?}");
    assert_eq!(record.missing_sources().collect::<Vec<_>>(), ["Gazette"]);
    assert!(
        text::alarm(first).starts_with("`Gazette` fell silent: no documents, usually 200 ("),
        "{}",
        text::alarm(first)
    );
}

#[test]
fn where_most_sources_are_silent_the_volume_says_so_in_one_line() {
    let mut deliveries = usual();
    for delivery in &mut deliveries[..3] {
        delivery.documents = 0;
    }
    let record = after_usual(10, &deliveries);
    let alarm = &record.alarms[0];
    assert_eq!((alarm.what, alarm.cause), (AlarmKind::Volume, AlarmCause::Input));
    assert_eq!(alarm.because.as_deref(), Some("3 of 4 regular sources are silent"));
    assert_eq!(record.missing_sources().collect::<Vec<_>>(), ["Courier", "Gazette", "Herald"]);
    let record = after_usual(10, &[]);
    assert_eq!((only(&record).what, record.missing_sources().count()), (AlarmKind::Volume, 4));
}

#[test]
fn a_source_that_is_irregular_is_not_missed() {
    let mut nights = workdays(10);
    for (index, night) in nights.iter_mut().enumerate() {
        let herald = night.sources.get_mut("Herald").unwrap();
        herald.documents = if index % 2 == 0 { 60 } else { 2 };
    }
    let mut deliveries = usual();
    deliveries[2].documents = 0;
    push(&mut nights, &deliveries);
    assert_eq!(judged(&nights).missing_sources().count(), 0);
}

#[test]
fn another_model_is_one_line_and_restarts_the_comparison_of_labels() {
    let mut nights = workdays(10);
    push(&mut nights, &with_topics([60, 10, 10, 5, 5, 10]));
    nights[10].models.insert("newsroom".to_owned(), "2026.12.1".to_owned());
    nights[10].fingerprint = "e".repeat(64);
    let record = judged(&nights);
    let alarm = only(&record);
    assert_eq!((alarm.what, alarm.cause), (AlarmKind::Change, AlarmCause::Us));
    assert_eq!(text::alarm(alarm), "another model `newsroom`: 2026.11.8 → 2026.12.1 · us");
    assert_eq!(
        text::notes(&record),
        [
            "since night 11 another model `newsroom`: 2026.11.8 → 2026.12.1; labels, tone, scores and shares are compared from there: too few nights (0 of 7)"
        ]
    );
    let changed = nights[10].clone();
    push(&mut nights, &with_topics([60, 10, 10, 5, 5, 10]));
    nights[11].models.clone_from(&changed.models);
    nights[11].fingerprint.clone_from(&changed.fingerprint);
    let record = judged(&nights);
    assert_eq!((record.verdict, record.changes.len()), (DriftVerdict::Usual, 0));
    assert_eq!(record.restart.as_ref().map(|restart| (restart.night, restart.nights_used)), Some((11, 1)));
    // Volumes do not depend on the model, and are compared as before.
    push(&mut nights, &with_volume(0.1));
    nights[12].models.clone_from(&changed.models);
    nights[12].fingerprint.clone_from(&changed.fingerprint);
    assert_eq!(only(&judged(&nights)).what, AlarmKind::Volume);
}

#[test]
fn another_configuration_of_the_input_explains_volumes_and_does_not_blind() {
    let mut nights = workdays(10);
    push(&mut nights, &with_volume(2.0));
    nights[10].configuration = "d".repeat(64);
    let record = judged(&nights);
    assert_eq!((only(&record).what, only(&record).cause), (AlarmKind::Volume, AlarmCause::Us));
    assert_eq!(only(&record).because.as_deref(), Some("the configuration changed in night 11"));
    assert_eq!(record.changes[0].part, ChangedPart::Configuration);
    // After seven nights, the new volume is the usual one.
    for _ in 0..7 {
        push(&mut nights, &with_volume(2.0));
        nights.last_mut().unwrap().configuration = "d".repeat(64);
    }
    assert_eq!(judged(&nights).verdict, DriftVerdict::Usual);
}

#[test]
fn a_label_that_moves_in_all_sources_is_the_world() {
    let record = after_usual(10, &with_topics([29, 10, 21, 25, 5, 10]));
    let alarm = &record.alarms[0];
    assert_eq!((alarm.what, alarm.label.as_deref(), alarm.cause), (AlarmKind::Share, Some("1"), AlarmCause::World));
    assert!(text::alarm(alarm).starts_with("topic `Macroeconomics`: 29.0 % of statements, usually 20.0 % ("));
}

#[test]
fn a_label_that_moves_with_one_source_is_one_line_with_it() {
    // The Courier brings four times its documents, and all of them are about sports.
    let mut deliveries = usual();
    deliveries[0].documents = 480;
    deliveries[0].topics = [0, 0, 0, 0, 100, 0];
    let record = after_usual(10, &deliveries);
    let alarm = only(&record);
    assert_eq!(
        (alarm.what, alarm.source.as_deref(), alarm.cause),
        (AlarmKind::Volume, Some("Courier"), AlarmCause::Input)
    );
    let moved: Vec<_> = alarm.moved.iter().filter_map(|moved| moved.name.as_deref()).collect();
    assert!(moved.contains(&"Sports"), "{alarm:#?}");
}

#[test]
fn a_label_that_one_source_explains_is_the_input() {
    let mut deliveries = usual();
    deliveries[1].topics = [0, 10, 30, 25, 25, 10];
    let record = after_usual(10, &deliveries);
    let alarm = only(&record);
    assert_eq!((alarm.source.as_deref(), alarm.cause), (Some("Gazette"), AlarmCause::Input));
    assert_eq!(alarm.because.as_deref(), Some("without `Gazette` it is usual"));
}

#[test]
fn texts_that_are_in_another_language_explain_labels() {
    let mut nights = workdays(10);
    push(&mut nights, &with_topics([29, 10, 21, 25, 5, 10]));
    nights[10].languages = [("en".to_owned(), 300), ("fr".to_owned(), 170)].into();
    let record = judged(&nights);
    let of_label = record.alarms.iter().find(|alarm| alarm.what == AlarmKind::Share).unwrap();
    assert_eq!(of_label.cause, AlarmCause::Input);
    assert_eq!(of_label.because.as_deref(), Some("fewer documents than usual are in `en`"));
    assert!(subjects(&record).contains(&(AlarmKind::Language, Some("fr"), None)));
}

#[test]
fn a_section_that_moves_is_named_unless_a_source_explains_it() {
    let mut nights = workdays(10);
    push(&mut nights, &usual());
    nights[10].sections = [("news".to_owned(), 376), ("(none)".to_owned(), 94)].into();
    let record = judged(&nights);
    let sections = [(AlarmKind::Section, Some("(none)"), None), (AlarmKind::Section, Some("sport"), None)];
    assert_eq!(subjects(&record), sections);
    assert_eq!((record.alarms[1].value, record.alarms[1].cause), (Some(0.0), AlarmCause::World));
    // The same night without the Herald: its silence is the line.
    let deliveries: Vec<Delivery> = usual().into_iter().filter(|delivery| delivery.source != "Herald").collect();
    let sections = nights.pop().unwrap().sections;
    push(&mut nights, &deliveries);
    nights[10].sections = sections;
    assert!(subjects(&judged(&nights)).iter().all(|(what, ..)| *what != AlarmKind::Section));
}

#[test]
fn tone_scores_speakers_rejections_copies_lengths_and_speed_are_compared() {
    type Change = fn(&mut Night);
    let cases: [(AlarmKind, Change); 7] = [
        (AlarmKind::Tone, |night| night.tone_sum = -0.35 * 9400.0),
        (AlarmKind::Score, |night| *night.scores.get_mut("topic").unwrap() = 0.5),
        (AlarmKind::Speakers, |night| night.unattributed = 900),
        (AlarmKind::Rejected, |night| night.documents.rejected = 80),
        (AlarmKind::Copies, |night| night.documents.copies = 200),
        (AlarmKind::Length, |night| night.characters /= 3),
        (AlarmKind::Speed, |night| night.speed.seconds = 20_000.0),
    ];
    for (kind, change) in cases {
        let mut nights = workdays(11);
        change(&mut nights[10]);
        let record = judged(&nights);
        assert_eq!(only(&record).what, kind);
    }
}

#[test]
fn fewer_rejections_and_more_speed_are_no_alarms() {
    let mut nights = workdays(11);
    for night in &mut nights[..10] {
        night.documents.rejected = 80;
    }
    nights[10].speed.seconds = 300.0;
    assert_eq!(judged(&nights).verdict, DriftVerdict::Usual);
}

#[test]
fn workdays_and_weekends_are_not_compared_with_each_other() {
    let mut nights = Vec::new();
    let mut day = date(2031, 3, 3);
    for number in 1..=35 {
        let is_weekend = number % 7 == 6 || number % 7 == 0;
        nights.push(night(number, day, &if is_weekend { with_volume(0.1) } else { usual() }));
        day = day.tomorrow().unwrap();
    }
    let records = judge_each(&nights, &DriftConfig::default(), &calendar()).unwrap();
    assert!(records.iter().all(|record| record.alarms.is_empty()));
    let last = records.last().unwrap();
    assert_eq!((last.kind.as_str(), last.nights_used, last.verdict), ("weekend", 9, DriftVerdict::Usual));
    // A workday with the volume of a weekend is unusual.
    nights.push(night(36, day, &with_volume(0.1)));
    assert_eq!(only(&judged(&nights)).what, AlarmKind::Volume);
    let all_alike: DriftConfig = toml::from_str("weekend = []").unwrap();
    let calendar = Calendar::new(&all_alike, Holidays::default(), TimeZone::UTC);
    let record = judge(&nights[..35], None, &all_alike, &calendar).unwrap().unwrap();
    assert_eq!((record.kind.as_str(), only(&record).what), ("workday", AlarmKind::Volume));
}

#[test]
fn holidays_are_compared_with_weekends_until_there_are_enough() {
    let holidays = Holidays::parse("2031-05-01", Path::new("h.txt")).unwrap();
    let calendar = Calendar::new(&DriftConfig::default(), holidays, TimeZone::UTC);
    let mut nights = Vec::new();
    let mut day = date(2031, 3, 31);
    for number in 1..=32 {
        let is_free = number % 7 == 6 || number % 7 == 0 || number == 32;
        nights.push(night(number, day, &if is_free { with_volume(0.1) } else { usual() }));
        day = day.tomorrow().unwrap();
    }
    let record = judge(&nights, None, &DriftConfig::default(), &calendar).unwrap().unwrap();
    assert_eq!((record.day.as_str(), record.kind.as_str(), record.nights_used), ("2031-05-01", "holiday", 8));
    assert_eq!(record.verdict, DriftVerdict::Usual);
}

#[test]
fn runs_of_the_same_day_are_one_night() {
    let mut nights = workdays(10);
    let day = next_workday(day_of(&nights[9]));
    // It was killed after half of the sources, and went on two hours later, which is the next day.
    nights.push(Night { outcome: None, ..night(11, day, &usual()[..2]) });
    let killed = judged(&nights);
    assert!(!killed.finished && killed.alarms.is_empty(), "{killed:#?}");
    assert_eq!(text::notes(&killed), ["the run has not finished: volumes, sources and speed are not compared"]);
    let continued =
        Night { started: format!("{}T00:10:00Z", day.tomorrow().unwrap()), ..night(12, day, &usual()[2..]) };
    nights.push(continued);
    let record = judged(&nights);
    assert_eq!((record.night, record.nights_used, record.verdict), (12, 10, DriftVerdict::Usual));
}

#[test]
fn a_night_that_did_not_finish_is_compared_with_nothing_later() {
    let mut nights = workdays(10);
    for night in &mut nights[..5] {
        night.outcome = Some("failed".to_owned());
    }
    push(&mut nights, &usual());
    assert_eq!(judged(&nights).nights_used, 5);
}

#[test]
fn a_volume_that_the_deadline_cut_is_our_doing() {
    let mut nights = workdays(10);
    push(&mut nights, &with_volume(0.3));
    nights[10].outcome = Some("deadline".to_owned());
    assert_eq!(only(&judged(&nights)).cause, AlarmCause::Us);
}

#[test]
fn backfills_are_left_out() {
    let mut nights = workdays(10);
    push(&mut nights, &with_volume(30.0));
    nights[10].kind = NightKind::Backfill;
    assert_eq!(judged(&nights).night, 10, "the last night is judged, not the backfill after it");
    let record = judge(&nights, Some(11), &DriftConfig::default(), &calendar()).unwrap().unwrap();
    assert_eq!((record.verdict, record.alarms.len()), (DriftVerdict::Backfill, 0));
    push(&mut nights, &usual());
    assert_eq!((judged(&nights).nights_used, judged(&nights).verdict), (10, DriftVerdict::Usual));
}

#[test]
fn the_second_night_in_a_row_is_marked() {
    let mut nights = workdays(10);
    push(&mut nights, &with_volume(0.3));
    assert!(!only(&judged(&nights)).twice);
    push(&mut nights, &with_volume(0.3));
    assert!(only(&judged(&nights)).twice);
    assert!(text::alarm(only(&judged(&nights))).ends_with("second night"));
    push(&mut nights, &with_volume(4.0));
    assert!(!only(&judged(&nights)).twice, "it is the other direction");
}

#[test]
fn most_sources_with_more_documents_are_the_world_in_one_line() {
    let record = after_usual(10, &with_volume(2.2));
    let alarm = only(&record);
    assert_eq!((alarm.what, alarm.cause), (AlarmKind::Volume, AlarmCause::World));
    assert_eq!(alarm.because.as_deref(), Some("4 of 4 regular sources moved the same way"));
    assert_eq!(alarm.moved.len(), 4);
}

#[test]
fn there_are_ten_lines_at_most() {
    let mut nights = workdays(11);
    for night in &mut nights {
        for flag in 0..30 {
            night.flags.insert(format!("flag_{flag:02}"), 200);
        }
    }
    nights[10].flags.clear();
    let record = judged(&nights);
    assert_eq!((record.alarms.len(), record.alarms_left_out, record.alarm_count()), (MAX_ALARMS, 20, 30));
    assert_eq!(text::notes(&record), ["20 alarms more, which are weaker"]);
}

#[test]
fn small_nights_are_not_judged_by_their_shares() {
    let mut nights = workdays(10);
    let mut deliveries = with_topics([100, 0, 0, 0, 0, 0]);
    deliveries.truncate(1);
    deliveries[0].documents = 2;
    push(&mut nights, &deliveries);
    assert!(judged(&nights).alarms.iter().all(|alarm| alarm.what != AlarmKind::Share));
}

#[test]
fn a_night_that_is_not_there_is_an_error() {
    let error = judge(&workdays(3), Some(9), &DriftConfig::default(), &calendar()).unwrap_err();
    assert_eq!(error.to_string(), "there is no night 9; the last one is 3");
    let mut nights = workdays(1);
    nights[0].started = "soon".to_owned();
    let error = judge(&nights, None, &DriftConfig::default(), &calendar()).unwrap_err();
    assert!(matches!(error, DriftError::Start { night: 1, .. }), "{error}");
}

#[test]
fn nights_come_from_lines() {
    let nights = workdays(3);
    let lines: Vec<String> = nights.iter().rev().map(|night| serde_json::to_string(night).unwrap()).collect();
    assert_eq!(parse_nights(&lines.join("\n\n"), Path::new("n.jsonl")).unwrap(), nights);
    let error = parse_nights(&format!("{}\n[]\n", lines[0]), Path::new("n.jsonl")).unwrap_err();
    assert_eq!(error.to_string(), "`n.jsonl`, line 2: no night as `pressrun nights --json` prints it");
}

/// Usual deliveries with the noise of counts: volumes, and topics by whole documents.
fn noisy(random: &mut fastrand::Rng) -> Vec<Delivery> {
    const TRIES: u64 = 400;
    let mut noisy = usual();
    for delivery in &mut noisy {
        let share = delivery.documents;
        // Binomial with the mean `share`, wider by some bursts.
        delivery.documents =
            (0..TRIES).filter(|_| random.u64(..TRIES) < share).count() as u64 + random.u64(..share / 8);
        let mut topics = [0; USUAL_TOPICS.len()];
        for _ in 0..100 {
            let mut place = random.u64(..100);
            let topic = USUAL_TOPICS.iter().position(|&percent| {
                let is_here = place < percent;
                place = place.saturating_sub(percent);
                is_here
            });
            topics[topic.unwrap()] += 1;
        }
        delivery.topics = topics;
    }
    noisy
}

#[test]
fn shuffles_of_whole_nights_alarm_less_than_once_a_night() {
    let mut random = fastrand::Rng::with_seed(26);
    let mut nights = workdays(28);
    for night in &mut nights {
        *night = super::testing::night(night.night, day_of(night), &noisy(&mut random));
    }
    let mut alarms = 0;
    for _ in 0..500 {
        let mut shuffled = nights.clone();
        random.shuffle(&mut shuffled);
        // The days stay where they are.
        for (night, place) in shuffled.iter_mut().zip(&nights) {
            night.night = place.night;
            night.started.clone_from(&place.started);
        }
        alarms += judged(&shuffled).alarm_count();
    }
    assert!(alarms <= 100, "{alarms} alarms in 500 nights that are alike");
}

proptest! {
    #[test]
    fn identical_nights_never_alarm(
        documents in prop::array::uniform4(0_u64..3000),
        cuts in prop::array::uniform5(0_u64..=100),
        count in 1_u32..40,
    ) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut topics = [0; USUAL_TOPICS.len()];
        let mut before = 0;
        for (topic, cut) in topics.iter_mut().zip(cuts.into_iter().chain([100])) {
            *topic = cut - before;
            before = cut;
        }
        let mut deliveries = with_topics(topics);
        for (delivery, count) in deliveries.iter_mut().zip(documents) {
            delivery.documents = count;
        }
        let mut nights = workdays(1);
        nights[0] = night(1, day_of(&nights[0]), &deliveries);
        for _ in 0..count {
            push(&mut nights, &deliveries);
        }
        prop_assert_eq!(judged(&nights).alarms, Vec::new());
    }

    #[test]
    fn later_nights_change_nothing(seed in any::<u64>(), at in 1_u32..16) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut nights = workdays(1);
        for _ in 0..15 {
            let factor = random.f64() * 2.0;
            push(&mut nights, &with_volume(factor));
        }
        let judge = |nights: &[Night]| judge(nights, Some(at), &DriftConfig::default(), &calendar()).unwrap();
        prop_assert_eq!(judge(&nights), judge(&nights[..at as usize]));
    }
}
