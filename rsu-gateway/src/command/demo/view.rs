//! The junction in the terminal: lights with countdown, vehicles lane by lane, what goes up.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::time::Instant;

use rsu_firmware::fusion::input::Light;
use rsu_firmware::fusion::{JunctionView, LaneView, PhaseView};
use rsu_firmware::time::Timestamp;

use crate::platform::UtcTime;
use crate::station::Station;

const ENTER_SCREEN: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE_SCREEN: &str = "\x1b[?25h\x1b[?1049l";
const HOME: &str = "\x1b[H";
const END_OF_LINE: &str = "\x1b[K\n";
const REST_OF_SCREEN: &str = "\x1b[J";

/// How much of a lane is drawn, in m, and how many m a character stands for.
const LANE_M: f32 = 180.0;
const CHARACTER_M: f32 = 4.0;

/// Draws into a terminal; says one line a second where stdout is something else.
pub(super) struct View {
    address: SocketAddr,
    terminal: bool,
    started: Instant,
    before: Counts,
    rates: Rates,
}

/// Totals at some moment.
struct Counts {
    at: Instant,
    frames: u64,
    reports: u64,
}

#[derive(Clone, Copy, Default)]
struct Rates {
    frames: f64,
    reports: f64,
}

impl View {
    pub(super) fn open(address: SocketAddr) -> Self {
        let now = Instant::now();
        let view = Self {
            address,
            terminal: io::stdout().is_terminal(),
            started: now,
            before: Counts {
                at: now,
                frames: 0,
                reports: 0,
            },
            rates: Rates::default(),
        };
        view.say(if view.terminal { ENTER_SCREEN } else { "" });
        if !view.terminal {
            view.say(&format!("{}\n", view.invitation()));
        }
        view
    }

    /// Leaves the terminal as it was.
    pub(super) fn close(&self) {
        if self.terminal {
            self.say(LEAVE_SCREEN);
        }
    }

    /// A terminal that is gone is no reason to fail.
    fn say(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        let _ = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
    }

    fn invitation(&self) -> String {
        format!(
            "Subscribe: mosquitto_sub -h {} -p {} -t 'rsu/#' -F '%t %l bytes'",
            self.address.ip(),
            self.address.port()
        )
    }

    pub(super) fn draw(&mut self, station: &mut Station, now: Timestamp) -> io::Result<()> {
        let fresh = self.measure(station);
        let text = if self.terminal {
            self.screen(station, now)
        } else if fresh {
            self.line(station, now)
        } else {
            return Ok(());
        };
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Takes the rates once a second; says whether it did.
    fn measure(&mut self, station: &mut Station) -> bool {
        let elapsed = self.before.at.elapsed().as_secs_f64();
        if elapsed < 1.0 {
            return false;
        }
        let frames = station.rsu().stats().frames();
        let reports = station.reporting().map_or(0, |reporting| {
            reporting.published().entries().map(|(_, n)| n).sum()
        });
        self.rates = Rates {
            frames: (frames - self.before.frames) as f64 / elapsed,
            reports: (reports - self.before.reports) as f64 / elapsed,
        };
        self.before = Counts {
            at: Instant::now(),
            frames,
            reports,
        };
        true
    }

    fn line(&self, station: &mut Station, now: Timestamp) -> String {
        let picture = station.rsu().fusion_mut().snapshot(now);
        let vehicles = picture.vehicles().count();
        let green = picture.junctions().flat_map(|junction| junction.phases());
        let green = green.filter(|phase| phase.state.light.is_green()).count();
        format!(
            "{} {:.0} frames/s, {vehicles} vehicles, {green} phases green, {:.0} reports/s\n",
            UtcTime(now),
            self.rates.frames,
            self.rates.reports
        )
    }

    fn screen(&self, station: &mut Station, now: Timestamp) -> String {
        let mut lines = vec![
            format!(
                "\x1b[1mrsu demo\x1b[0m  {}  running {} s",
                UtcTime(now),
                self.started.elapsed().as_secs()
            ),
            self.invitation(),
            String::new(),
        ];
        let picture = station.rsu().fusion_mut().snapshot(now);
        for junction in picture.junctions() {
            draw_junction(&mut lines, junction);
        }
        lines.push(String::new());
        let delivered = station.delivered().filter(|(_, count)| *count > 0);
        let mut received = format!("received  {:6.0} frames/s ", self.rates.frames);
        for (kind, count) in delivered {
            let _ = write!(received, " {} {count}", kind.name());
        }
        lines.push(received);
        let mut published = format!("published {:6.0} reports/s", self.rates.reports);
        if let Some(reporting) = station.reporting() {
            for (stream, count) in reporting.published().entries().filter(|(_, n)| *n > 0) {
                let _ = write!(published, " {stream} {count}");
            }
        }
        lines.push(published);
        let drops = station.drops().into_iter().filter(|(_, count)| *count > 0);
        let dropped = drops.fold(String::from("left out "), |mut text, (reason, count)| {
            let _ = write!(text, " {reason} {count}");
            text
        });
        lines.push(dropped);
        lines.push("Ctrl-C ends the demo.".into());
        let body = lines.join(END_OF_LINE);
        format!("{HOME}{body}{END_OF_LINE}{REST_OF_SCREEN}")
    }
}

fn draw_junction(lines: &mut Vec<String>, junction: JunctionView<'_>) {
    lines.push(format!("\x1b[1mJunction {}\x1b[0m", junction.node()));
    for approach in junction.approaches() {
        lines.push(format!("from node {}", approach.upstream()));
        for lane in approach.lanes() {
            lines.push(draw_lane(&lane));
        }
    }
}

/// A lane from upstream to its stop line, a letter for each vehicle, and its lights behind it.
fn draw_lane(lane: &LaneView<'_>) -> String {
    let mut road = vec!['·'; (LANE_M / CHARACTER_M) as usize];
    let last = road.len() - 1;
    for vehicle in lane.vehicles() {
        let Some(distance) = vehicle.distance_to_stop_m() else {
            continue;
        };
        let back = (distance.max(0.0) / CHARACTER_M) as usize;
        if let Some(place) = last.checked_sub(back).and_then(|at| road.get_mut(at)) {
            let standing = vehicle.speed_mps().is_some_and(|speed| speed < 1.4);
            *place = if standing { '■' } else { '▸' };
        }
    }
    let road: String = road.into_iter().collect();
    let queue = lane.queue();
    let waiting = match queue.vehicles {
        0 => String::from("               "),
        count => format!("{count:2} wait {:5.1} m ", queue.length_m),
    };
    let lights: Vec<_> = lane.phases().map(draw_light).collect();
    format!(
        "  lane {:2} {road}┃ {waiting} {}",
        lane.id(),
        lights.join("  ")
    )
}

fn draw_light(phase: PhaseView) -> String {
    let (colour, name) = match phase.state.light {
        Light::Red | Light::FlashingRed => (31, "red"),
        Light::Yellow | Light::FlashingYellow => (33, "yellow"),
        Light::FlashingGreen | Light::PermissiveGreen | Light::ProtectedGreen => (32, "green"),
        Light::Dark => (90, "dark"),
        Light::Unavailable => (90, "unknown"),
    };
    let change = phase.state.change.likely;
    let seconds = change.map_or("   -".into(), |span| format!("{:4.1}", span.as_secs_f64()));
    format!("\x1b[{colour}m●\x1b[0m {:3} {name:6} {seconds} s", phase.id)
}
