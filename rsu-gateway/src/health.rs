//! How the unit is doing, and who is told: the platform (running information, alarms), the
//! monitoring on the spot (Prometheus, liveness), and systemd (readiness, watchdog).
//!
//! ```text
//! tasks     -> Pulse       -> Pulses      -> Watchdog -> systemd
//! stages    -> Latencies   \
//! spool     -> DrainEstimate   > Snapshot    -> Endpoint -> /metrics, /health
//! kernel    -> SystemSample/
//! facts     -> Observations -> Alarms     -> AlarmChange -> alarm/up
//! ```

pub mod alarm;
mod endpoint;
mod figures;
mod latency;
mod metrics;
pub mod previous_run;
mod pulse;
pub mod self_check;
mod snapshot;
pub mod system;
mod watchdog;

pub use alarm::{AlarmChange, AlarmKind, Alarms, Observations};
pub use endpoint::{
    Board, CONNECTION_TIME_MAX, CONNECTIONS_MAX, Endpoint, EndpointError, HEAD_BYTES_MAX,
    HEAD_TIME_MAX,
};
pub use figures::{DrainEstimate, SpoolFigures};
pub use latency::{
    BUCKET_BOUNDS_US, Distribution, LATENCY_MAX, Latencies, LatencySummary, Stage, StageLatency,
};
pub use pulse::{PULSES_MAX, Pulse, PulseState, Pulses};
pub use snapshot::{Snapshot, UplinkFigures};
pub use watchdog::{Watchdog, systemd};
