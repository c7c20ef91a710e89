//! Pictures of how cost grows: curves on logarithmic axes, as SVG that stands on any background.

use std::fmt::Write as _;

/// A picture.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it shows.
    pub title: String,
    /// What grows, to the right.
    pub x_label: String,
    /// What it costs, upwards.
    pub y_label: String,
    /// At most as many as there are colours, each of at least two points.
    pub curves: Vec<Curve>,
}

/// Measured points, in the order of x; all coordinates are above zero.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What was measured.
    pub name: String,
    /// What grows, and what it costs.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// The exponent with which y grows with x at its large end, over the upper half of the points:
    /// 0 is constant, 1 linear, 2 quadratic.
    pub fn slope(&self) -> f64 {
        let upper = self.points.len() / 2;
        let upper: Vec<_> = self.points[upper.min(self.points.len().saturating_sub(2))..]
            .iter()
            .map(|(x, y)| (x.ln(), y.ln()))
            .collect();
        let count = upper.len() as f64;
        let mean_x = upper.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = upper.iter().map(|(_, y)| y).sum::<f64>() / count;
        let both: f64 = upper.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let spread: f64 = upper.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        both / spread
    }
}

const WIDTH: f64 = 732.0;
const PLOT_HEIGHT: f64 = 300.0;
const LEFT: f64 = 78.0;
const RIGHT: f64 = 36.0;
const TITLE_HEIGHT: f64 = 44.0;
const LEGEND_HEIGHT: f64 = 20.0;
const BOTTOM: f64 = 56.0;
const COLOURS: [&str; 4] = ["#1f6feb", "#d9480f", "#2b8a3e", "#862e9c"];

impl Figure {
    /// The picture as a file.
    pub fn svg(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let x = Axis::over(points().map(|(x, _)| *x), LEFT, WIDTH - RIGHT);
        let y = Axis::over(points().map(|(_, y)| *y), self.bottom(), self.top());
        let height = self.height();
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\" fill=\"#24292f\">\n\
             <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"8\" fill=\"#ffffff\"/>\n\
             <text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"600\">{}</text>\n",
            self.title
        );
        self.draw_grid(&mut svg, &x, &y);
        let mut legend = TITLE_HEIGHT;
        for (curve, colour) in self.curves.iter().zip(COLOURS) {
            let text = format!("{} (slope {:.2})", curve.name, curve.slope());
            let place = |(at, cost): &(f64, f64)| (x.place(*at), y.place(*cost));
            let places: Vec<_> = curve.points.iter().map(place).collect();
            let line: Vec<_> = places
                .iter()
                .map(|(x, y)| format!("{x:.1},{y:.1}"))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                line.join(" ")
            );
            for (x, y) in places {
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"
                );
            }
            let _ = writeln!(
                svg,
                "<circle cx=\"{}\" cy=\"{}\" r=\"5\" fill=\"{colour}\"/>\
                 <text x=\"{}\" y=\"{}\">{text}</text>",
                LEFT + 5.0,
                legend + 2.0,
                LEFT + 16.0,
                legend + 6.0
            );
            legend += LEGEND_HEIGHT;
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// Where the plot begins: below the title and a line for each curve.
    fn top(&self) -> f64 {
        TITLE_HEIGHT + LEGEND_HEIGHT * self.curves.len() as f64
    }

    fn bottom(&self) -> f64 {
        self.top() + PLOT_HEIGHT
    }

    fn height(&self) -> f64 {
        self.bottom() + BOTTOM
    }

    fn draw_grid(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let (top, bottom, right) = (self.top(), self.bottom(), WIDTH - RIGHT);
        for tick in x.ticks() {
            let at = x.place(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {top}V{bottom}\" stroke=\"#d0d7de\"/>\
                 <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 20.0,
                number(tick)
            );
        }
        for tick in y.ticks() {
            let at = y.place(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#d0d7de\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                at + 4.0,
                number(tick)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n\
             <text transform=\"translate(20 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (LEFT + right) / 2.0,
            self.height() - 12.0,
            self.x_label,
            (top + bottom) / 2.0,
            self.y_label
        );
    }
}

/// A logarithmic axis between two places on the picture.
struct Axis {
    min: f64,
    max: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let greatest = values.fold(0.0, f64::max);
        let steps = || (-6..=9).flat_map(steps_of_decade);
        Self {
            min: steps().filter(|step| *step <= least).fold(1e-6, f64::max),
            max: steps()
                .filter(|step| *step >= greatest)
                .fold(1e10, f64::min),
            from,
            to,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value / self.min).ln() / (self.max / self.min).ln();
        self.from + share * (self.to - self.from)
    }

    /// Whole decades where there are many of them.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (min, max) = (self.min * 0.999, self.max * 1.001);
        let steps = if max / min > 1e4 { 1 } else { 3 };
        (-6..=9)
            .flat_map(move |decade| steps_of_decade(decade).into_iter().take(steps))
            .filter(move |step| (min..=max).contains(step))
    }
}

fn steps_of_decade(decade: i32) -> [f64; 3] {
    [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade))
}

/// With a space between thousands.
fn number(value: f64) -> String {
    if value < 1.0 {
        let text = format!("{value:.6}");
        return text.trim_end_matches('0').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At 13 pixels, in the mean.
    const LETTER_WIDTH: f64 = 7.0;

    fn curve(exponent: i32) -> Curve {
        let points = [1.0, 2.0, 4.0, 8.0, 16.0].map(|x: f64| (x, 3.0 * x.powi(exponent)));
        Curve {
            name: format!("x^{exponent}"),
            points: points.into(),
        }
    }

    #[test]
    fn the_slope_is_the_exponent_of_growth() {
        for exponent in 0..3 {
            assert!((curve(exponent).slope() - f64::from(exponent)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_cost_that_begins_as_a_constant_is_judged_by_its_large_end() {
        let points = [1.0, 10.0, 100.0, 1_000.0].map(|x| (x, 500.0 + x * x));
        let curve = Curve {
            name: String::new(),
            points: points.into(),
        };
        assert!(curve.slope() > 1.8, "{}", curve.slope());
    }

    #[test]
    fn every_point_is_within_the_picture_and_so_is_every_name() {
        let name = "a pipeline of three well-known libraries, taken together".to_owned();
        let named = Curve { name, ..curve(2) };
        let figure = Figure {
            title: "growth".into(),
            x_label: "x".into(),
            y_label: "y".into(),
            curves: vec![curve(1), named],
        };
        let svg = figure.svg();
        assert_eq!(svg.matches("<polyline").count(), 2);
        let coordinate = |circle: &str, name: &str| -> f64 {
            let (_, rest) = circle.split_once(&format!("{name}=\"")).expect(name);
            rest.split('"')
                .next()
                .unwrap_or_default()
                .parse()
                .expect(name)
        };
        for text in svg.split("<text x=").skip(1) {
            let (place, text) = text.split_once('>').expect("a place");
            let begins: f64 = place
                .split('"')
                .nth(1)
                .and_then(|x| x.parse().ok())
                .expect("x");
            let length = text.split('<').next().unwrap_or_default().chars().count() as f64;
            let reach = match place.contains("middle") {
                true => LETTER_WIDTH * length / 2.0,
                false if place.contains("end") => 0.0,
                false => LETTER_WIDTH * length,
            };
            assert!(begins + reach <= WIDTH, "{place}>{text}");
        }
        let circles: Vec<_> = svg.split("<circle ").skip(1).collect();
        assert_eq!(circles.len(), 12);
        for circle in circles {
            assert!(
                (0.0..=WIDTH).contains(&coordinate(circle, "cx")),
                "{circle}"
            );
            assert!(
                (0.0..=figure.height()).contains(&coordinate(circle, "cy")),
                "{circle}"
            );
        }
    }
}
