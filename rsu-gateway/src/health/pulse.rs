//! Signs of life of the tasks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pulses that are watched at most; a task of the program registers once, never for each client.
pub const PULSES_MAX: usize = 32;

/// The pulses of all tasks.
#[derive(Clone, Debug)]
pub struct Pulses(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    start: Instant,
    tasks: Mutex<Vec<Arc<Task>>>,
}

#[derive(Debug)]
struct Task {
    name: &'static str,
    limit: Duration,
    start: Instant,
    /// Milliseconds since `start`.
    last_beat_ms: AtomicU64,
}

/// One task's pulse: it beats whenever the task gets something done, or has seen that there is
/// nothing to do. A task that has ended drops it, and is not watched any more.
#[derive(Debug)]
pub struct Pulse(Arc<Task>);

/// How a task's pulse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PulseState {
    /// Which task.
    pub name: &'static str,
    /// Time since its last beat.
    pub silent_for: Duration,
    /// Longest time that it may be silent.
    pub limit: Duration,
}

impl PulseState {
    /// Whether the task makes no progress.
    pub fn is_stalled(&self) -> bool {
        self.silent_for > self.limit
    }
}

impl Default for Pulses {
    fn default() -> Self {
        Self(Arc::new(Registry {
            start: Instant::now(),
            tasks: Mutex::default(),
        }))
    }
}

impl Pulses {
    /// A pulse for the task `name`, which has just beaten. The task counts as stalled when it is
    /// silent for longer than `limit`.
    ///
    /// Beyond [`PULSES_MAX`] tasks the pulse is not watched, which is logged.
    pub fn register(&self, name: &'static str, limit: Duration) -> Pulse {
        let start = self.0.start;
        let task = Arc::new(Task {
            name,
            limit,
            start,
            last_beat_ms: AtomicU64::new(millis(start.elapsed())),
        });
        let mut tasks = self.tasks();
        tasks.retain(is_alive);
        if tasks.len() < PULSES_MAX {
            tasks.push(task.clone());
        } else {
            tracing::error!("{PULSES_MAX} tasks are watched already; {name} is not");
        }
        Pulse(task)
    }

    /// The pulses now, in the order in which the tasks registered.
    pub fn states(&self) -> Vec<PulseState> {
        let now = millis(self.0.start.elapsed());
        let tasks = self.tasks();
        tasks
            .iter()
            .filter(|task| is_alive(task))
            .map(|task| task.state(now))
            .collect()
    }

    fn tasks(&self) -> MutexGuard<'_, Vec<Arc<Task>>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// Gives a sign of life. Costs a look at the clock and a store.
    pub fn beat(&self) {
        let now = millis(self.0.start.elapsed());
        self.0.last_beat_ms.store(now, Ordering::Relaxed);
    }
}

impl Task {
    fn state(&self, now_ms: u64) -> PulseState {
        let last = self.last_beat_ms.load(Ordering::Relaxed);
        PulseState {
            name: self.name,
            silent_for: Duration::from_millis(now_ms.saturating_sub(last)),
            limit: self.limit,
        }
    }
}

/// The task holds its pulse beside the registry.
fn is_alive(task: &Arc<Task>) -> bool {
    Arc::strong_count(task) > 1
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_stalled_when_it_is_silent_for_longer_than_its_limit() {
        let pulses = Pulses::default();
        let pulse = pulses.register("task", Duration::from_secs(1));
        pulse.0.last_beat_ms.store(5_000, Ordering::Relaxed);
        assert!(!pulse.0.state(6_000).is_stalled());
        assert!(pulse.0.state(6_001).is_stalled());
        pulse.0.last_beat_ms.store(6_001, Ordering::Relaxed);
        assert!(!pulse.0.state(6_001).is_stalled());
    }

    #[test]
    fn a_beat_is_a_sign_of_life_now() {
        let pulses = Pulses::default();
        let pulse = pulses.register("task", Duration::ZERO);
        while !pulses.states()[0].is_stalled() {
            std::thread::yield_now();
        }
        let before = pulse.0.last_beat_ms.load(Ordering::Relaxed);
        pulse.beat();
        assert!(pulse.0.last_beat_ms.load(Ordering::Relaxed) > before);
    }

    #[test]
    fn a_task_that_has_ended_is_not_watched() {
        let pulses = Pulses::default();
        let ended = pulses.register("ended", Duration::ZERO);
        let _here = pulses.register("here", Duration::ZERO);
        drop(ended);
        let states = pulses.states();
        assert_eq!(states.iter().map(|s| s.name).collect::<Vec<_>>(), ["here"]);
    }

    #[test]
    fn the_number_of_tasks_is_bounded() {
        let pulses = Pulses::default();
        let held: Vec<_> = (0..100)
            .map(|_| pulses.register("task", Duration::MAX))
            .collect();
        assert_eq!(pulses.states().len(), PULSES_MAX);
        drop(held);
        assert_eq!(pulses.states(), []);
    }
}
