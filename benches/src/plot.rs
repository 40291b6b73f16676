//! Draws lines on logarithmic axes, as SVG.

use std::fmt::Write;

/// A line of a plot.
#[derive(Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 150.0;
const BOTTOM: f64 = 40.0;

/// Colours that people who do not see all of them can tell apart.
const COLOURS: [&str; 6] = ["#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

/// The picture; `unit` is what goes up.
#[must_use]
pub fn plot(unit: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter());
    let (x_low, x_high) = decades(points().map(|point| point.0));
    let (y_low, y_high) = decades(points().map(|point| point.1));
    let x = |value: f64| LEFT + (value.log10() - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| {
        HEIGHT - BOTTOM - (value.log10() - y_low) / (y_high - y_low) * (HEIGHT - TOP - BOTTOM)
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        // The last number of the axis stands out.
        WIDTH + RIGHT
    );
    for decade in x_low as i32..=x_high as i32 {
        let (value, at) = (10f64.powi(decade), x(10f64.powi(decade)));
        let (bottom, text) = (HEIGHT - BOTTOM, HEIGHT - BOTTOM + 18.0);
        let _ = writeln!(out, "<path d=\"M{at:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>");
        let _ =
            writeln!(out, "<text x=\"{at:.1}\" y=\"{text}\" text-anchor=\"middle\">{value}</text>");
    }
    for decade in y_low as i32..=y_high as i32 {
        let (value, at) = (10f64.powi(decade), y(10f64.powi(decade)));
        let (right, text) = (WIDTH - RIGHT, LEFT - 6.0);
        let _ = writeln!(out, "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>");
        let _ = writeln!(
            out,
            "<text x=\"{text}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            at + 4.0
        );
    }
    let _ = writeln!(out, "<text x=\"{LEFT}\" y=\"{}\">{unit}</text>", TOP - 8.0);
    for (number, line) in lines.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let path: Vec<String> =
            line.points.iter().map(|&(at, cost)| format!("{:.1} {:.1}", x(at), y(cost))).collect();
        let _ = writeln!(
            out,
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join("L")
        );
        let row = 20.0 * (number + 1) as f64;
        let _ =
            writeln!(out, "<path d=\"M{LEFT} {row}h24\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        let _ =
            writeln!(out, "<text x=\"{}\" y=\"{}\">{}</text>", LEFT + 32.0, row + 4.0, line.name);
    }
    out.push_str("</svg>\n");
    out
}

/// The powers of ten between which all values are.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) =
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    (low.log10().floor(), high.log10().ceil())
}
