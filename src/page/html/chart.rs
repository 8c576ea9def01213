//! Pictures of numbers as SVG. Each has a title and a description, and a table below it has its numbers.
//!
//! Pictures are stretched to the width of their place, so text is never inside them. Lines keep their width, and a dot is a line without
//! length and with round ends.

use std::fmt::Write;

use maud::{Markup, html};

use crate::output::schema::DayKind;
use crate::page::history::{Day, Usual};

/// The width of a night, in units of the picture.
const NIGHT: f64 = 10.0;

/// The least number of nights that a picture has room for. With fewer, those that are there are at its end, and not as wide as a page.
pub(super) const LEAST_NIGHTS: usize = 7;

/// The height of a picture, in its units.
const HEIGHT: f64 = 100.0;

/// The words of a picture, for those who cannot see it.
#[derive(Debug, Clone)]
pub(super) struct Caption {
    /// A name that no other picture has.
    pub(super) id: String,
    /// The thing that it shows.
    pub(super) title: String,
    /// What there is to see.
    pub(super) description: String,
}

/// The horizontal axis of pictures: nights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nights<'d> {
    /// The day of each.
    pub(super) days: &'d [Day],
    /// True if the last one is a whole night. Otherwise it is hatched.
    pub(super) is_complete: bool,
}

impl Nights<'_> {
    fn width(&self) -> f64 {
        NIGHT * real(self.days.len().max(LEAST_NIGHTS))
    }

    /// The left end of a night.
    fn left(&self, place: usize) -> f64 {
        NIGHT * real(place + LEAST_NIGHTS.saturating_sub(self.days.len()))
    }

    /// True of the last night, if it is no whole one.
    fn is_part(&self, place: usize) -> bool {
        !self.is_complete && place + 1 == self.days.len()
    }

    /// Weekends and holidays, in the background.
    fn weekends(&self) -> Markup {
        html! {
            @for (place, _) in self.days.iter().enumerate().filter(|(_, day)| day.kind != DayKind::Workday) {
                rect class="f-weekend" x=(number(self.left(place))) y="0" width=(number(NIGHT)) height=(number(HEIGHT)) {}
            }
        }
    }
}

/// Values to places in a picture.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// The values at both ends.
    ends: (f64, f64),
    /// The places of both ends.
    places: (f64, f64),
}

impl Scale {
    /// The place of a value; that of the nearer end if the value is outside.
    fn place(&self, value: f64) -> f64 {
        let (first, last) = self.ends;
        let part = (value - first) / (last - first).max(f64::MIN_POSITIVE);
        self.places.0 + (self.places.1 - self.places.0) * part.clamp(0.0, 1.0)
    }
}

/// A picture with its words.
fn picture(caption: &Caption, class: &str, width: f64, height: f64, content: &Markup) -> Markup {
    let title = format!("{}-t", caption.id);
    let description = format!("{}-d", caption.id);
    html! {
        svg class=(class) viewBox=(format!("0 0 {} {}", number(width), number(height))) preserveAspectRatio="none" role="img"
            aria-labelledby=(format!("{title} {description}")) {
            title id=(title) { (caption.title) }
            desc id=(description) { (caption.description) }
            (content)
        }
    }
}

/// Bars night by night, with layers on top of each other. Each bar has a tooltip.
pub(super) fn bars(
    caption: &Caption,
    nights: Nights<'_>,
    layers: &[(&str, Vec<f64>)],
    top: f64,
    tooltips: &[String],
) -> Markup {
    let content = html! {
        (nights.weekends())
        (grid(nights.width(), &[0.5, 1.0]))
        @for (place, tooltip) in tooltips.iter().enumerate() {
            g {
                title { (tooltip) }
                (stack(nights, place, layers, top))
            }
        }
        line class="s-base" x1="0" x2=(number(nights.width())) y1=(number(HEIGHT)) y2=(number(HEIGHT)) {}
    };
    picture(caption, "tall", nights.width(), HEIGHT, &content)
}

/// The layers of one night, the first one at the bottom.
fn stack(nights: Nights<'_>, place: usize, layers: &[(&str, Vec<f64>)], top: f64) -> Markup {
    const GAP: f64 = 1.5;
    let left = nights.left(place) + GAP / 2.0;
    let mut floor = HEIGHT;
    let mut parts = Vec::new();
    for (class, values) in layers {
        let height = HEIGHT * values.get(place).copied().unwrap_or_default() / top.max(f64::MIN_POSITIVE);
        floor -= height;
        parts.push((*class, floor, height));
    }
    html! {
        @for (class, y, height) in parts.iter().filter(|(_, _, height)| *height > 0.0) {
            rect class=(class) x=(number(left)) y=(number(*y)) width=(number(NIGHT - GAP)) height=(number(*height)) {}
        }
        @if nights.is_part(place) { path class="s-hatch" d=(hatch(left, floor, NIGHT - GAP)) {} }
    }
}

/// Slanted lines from `top` to the bottom of the picture: something that is not whole.
fn hatch(left: f64, top: f64, width: f64) -> String {
    const STEP: f64 = 7.0;
    const SLANT: f64 = 10.0;
    let mut path = String::new();
    let mut y = HEIGHT + SLANT;
    while y > top {
        // A line that leaves the bar at its top or bottom ends there.
        let (from, to) = (y, y - SLANT);
        let start = ((from - HEIGHT) / SLANT).max(0.0);
        let end = if to < top { (from - top) / SLANT } else { 1.0 };
        if start < end {
            // Writing to a string cannot fail.
            let _ = write!(
                path,
                "M{} {}L{} {}",
                number(left + width * start),
                number(from - SLANT * start),
                number(left + width * end),
                number(from - SLANT * end)
            );
        }
        y -= STEP;
    }
    path
}

/// Values night by night.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series<'v> {
    pub(super) values: &'v [Option<f64>],
    pub(super) usual: Option<Usual>,
    /// The values at the bottom and at the top of the picture.
    pub(super) ends: (f64, f64),
    /// True if the last value is unusual.
    pub(super) is_marked: bool,
}

/// A line night by night, over the usual range.
pub(super) fn line(caption: &Caption, class: &str, nights: Nights<'_>, series: Series<'_>) -> Markup {
    let Series { values, usual, ends, is_marked } = series;
    let (bottom, top) = ends;
    let scale = Scale { ends, places: (HEIGHT, 0.0) };
    let width = nights.width();
    let points: Vec<(usize, f64, f64)> = values
        .iter()
        .enumerate()
        .filter_map(|(place, value)| Some((place, nights.left(place) + NIGHT / 2.0, scale.place((*value)?))))
        .collect();
    let whole = if nights.is_complete { points.len() } else { points.len().saturating_sub(1) };
    let content = html! {
        (nights.weekends())
        @if let Some(usual) = usual {
            @let (low, high) = (scale.place(usual.low), scale.place(usual.high));
            rect class="f-band" x="0" y=(number(high)) width=(number(width)) height=(number((low - high).max(0.5))) {}
            line class="s-usual" x1="0" x2=(number(width)) y1=(number(scale.place(usual.median))) y2=(number(scale.place(usual.median))) {}
        }
        @if bottom < 0.0 && top > 0.0 { line class="s-grid" x1="0" x2=(number(width)) y1=(number(scale.place(0.0))) y2=(number(scale.place(0.0))) {} }
        path class="s-series" d=(path(&points[..whole])) {}
        @if whole < points.len() { path class="s-series s-part" d=(path(&points[whole.saturating_sub(1)..])) {} }
        @if let Some((_, x, y)) = points.last().filter(|(place, _, _)| place + 1 == values.len()) {
            path class=(if is_marked { "d-mark" } else { "d-series" }) d=(dot(*x, *y)) {}
            @if !nights.is_complete { path class="d-hollow" d=(dot(*x, *y)) {} }
        }
        line class="s-grid" x1="0" x2=(number(width)) y1=(number(HEIGHT)) y2=(number(HEIGHT)) {}
    };
    picture(caption, class, width, HEIGHT, &content)
}

/// A line through points; a night that is missing interrupts it.
fn path(points: &[(usize, f64, f64)]) -> String {
    let mut path = String::new();
    let mut before = None;
    for (place, x, y) in points {
        let is_next = before.is_some_and(|before| before + 1 == *place);
        // Writing to a string cannot fail.
        let _ = write!(path, "{}{} {}", if is_next { "L" } else { "M" }, number(*x), number(*y));
        before = Some(*place);
    }
    path
}

/// A value among the usual ones, from `bottom` to `top`.
pub(super) fn range(
    caption: &Caption,
    value: Option<f64>,
    usual: Option<Usual>,
    (bottom, top): (f64, f64),
    is_marked: bool,
) -> Markup {
    const WIDTH: f64 = 200.0;
    const LINE: f64 = 24.0;
    /// Room for half a dot.
    const MARGIN: f64 = 6.0;
    let scale = Scale { ends: (bottom, top), places: (MARGIN, WIDTH - MARGIN) };
    let middle = number(LINE / 2.0);
    let content = html! {
        line class="s-grid" x1="0" x2=(number(WIDTH)) y1=(middle) y2=(middle) {}
        @if bottom < 0.0 && top > 0.0 { line class="s-zero" x1=(number(scale.place(0.0))) x2=(number(scale.place(0.0))) y1="2" y2="22" {} }
        @if let Some(usual) = usual {
            @let (low, high) = (scale.place(usual.low), scale.place(usual.high));
            rect class="f-band" x=(number(low)) y="6" width=(number((high - low).max(1.0))) height="12" {}
            line class="d-tick" x1=(number(scale.place(usual.median))) x2=(number(scale.place(usual.median))) y1="4" y2="20" {}
        }
        @if let Some(value) = value {
            path class=(if is_marked { "d-mark" } else { "d-series" }) d=(dot(scale.place(value), LINE / 2.0)) {}
        }
    };
    picture(caption, "", WIDTH, LINE, &content)
}

/// A horizontal bar that fills a share of its place.
pub(super) fn bar(caption: &Caption, share: f64, is_marked: bool) -> Markup {
    const WIDTH: f64 = 200.0;
    let content = html! {
        rect class=(if is_marked { "f-mark" } else { "f-series" }) x="0" y="6" width=(number(WIDTH * share.clamp(0.0, 1.0))) height="12" {}
        line class="s-base" x1="0" x2="0" y1="2" y2="22" {}
    };
    picture(caption, "", WIDTH, 24.0, &content)
}

fn grid(width: f64, parts: &[f64]) -> Markup {
    html! {
        @for part in parts {
            @let y = number(HEIGHT * (1.0 - part));
            line class="s-grid" x1="0" x2=(number(width)) y1=(y) y2=(y) {}
        }
    }
}

fn dot(x: f64, y: f64) -> String {
    format!("M{} {}h0", number(x), number(y))
}

/// The smallest round number that is no less: 1, 2, 3, 4, 5, 6 or 8 times a power of ten.
pub(super) fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    // The last step is always enough, but for a last digit.
    steps.into_iter().map(|step| step * power).find(|round| *round >= value * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// A coordinate with at most two digits after the point.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "a number of nights")]
fn real(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Day = Day { date: None, kind: DayKind::Workday };

    fn caption() -> Caption {
        Caption { id: "x".to_owned(), title: "A < B".to_owned(), description: "Rises.".to_owned() }
    }

    fn series(values: &[Option<f64>]) -> Series<'_> {
        Series { values, usual: None, ends: (0.0, 2.0), is_marked: false }
    }

    #[test]
    fn a_picture_has_a_title_and_a_description() {
        let days = [DAY; 2];
        let nights = Nights { days: &days, is_complete: true };
        let svg = line(&caption(), "short", nights, series(&[Some(1.0), Some(2.0)])).into_string();
        assert!(svg.contains("role=\"img\" aria-labelledby=\"x-t x-d\""), "{svg}");
        assert!(svg.contains("<title id=\"x-t\">A &lt; B</title><desc id=\"x-d\">Rises.</desc>"), "{svg}");
        // They are the last two of seven.
        assert!(svg.contains("viewBox=\"0 0 70 100\"") && svg.contains("d=\"M55 50L65 0\""), "{svg}");
        let days = [DAY; 9];
        let nights = Nights { days: &days, is_complete: true };
        let svg = line(&caption(), "short", nights, series(&[Some(1.0); 9])).into_string();
        assert!(svg.contains("viewBox=\"0 0 90 100\"") && svg.contains("d=\"M5 50L15 50"), "{svg}");
    }

    #[test]
    fn a_night_that_is_missing_interrupts_the_line() {
        assert_eq!(path(&[(0, 5.0, 1.0), (2, 25.0, 2.0), (3, 35.0, 3.0)]), "M5 1M25 2L35 3");
    }

    #[test]
    fn a_part_of_a_night_is_hatched_and_its_line_is_broken() {
        let days = [DAY; 3];
        let part = Nights { days: &days, is_complete: false };
        let layers = [("f-series", vec![1.0, 2.0, 1.0])];
        let tooltips = ["a", "b", "c"].map(str::to_owned);
        let svg = bars(&caption(), part, &layers, 2.0, &tooltips).into_string();
        assert_eq!(svg.matches("s-hatch").count(), 1);
        let svg = line(&caption(), "short", part, series(&[Some(1.0); 3])).into_string();
        assert!(svg.contains("s-part") && svg.contains("d-hollow"), "{svg}");
        let whole = Nights { is_complete: true, ..part };
        assert!(!bars(&caption(), whole, &layers, 2.0, &tooltips).into_string().contains("s-hatch"));
    }

    #[test]
    fn hatching_stays_inside_its_bar() {
        let path = hatch(20.0, 40.0, 8.5);
        let numbers: Vec<f64> =
            path.split(['M', 'L', ' ']).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect();
        assert!(numbers.len() >= 20);
        for point in numbers.chunks(2) {
            assert!((20.0..=28.5).contains(&point[0]) && (40.0..=100.0).contains(&point[1]), "{path}");
        }
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [0.0, 1.0, 18.0, 21.0, 240.0, 501.0].map(|value| number(round_up(value)));
        assert_eq!(ends, ["1", "1", "20", "30", "300", "600"]);
    }
}
