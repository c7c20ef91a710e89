//! Live traffic: only the newest counts, so the queues are short and drop their oldest.

use std::collections::VecDeque;
use std::time::Instant;

use super::publish::Publish;

/// How much of one class of live traffic may wait, and what gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveLimits {
    /// Publishes that may wait; the oldest is dropped for a new one. At least 1.
    pub queue_max: usize,
    /// A new publish replaces the one on the same topic that still waits.
    pub latest_per_topic: bool,
}

impl Default for LiveLimits {
    /// Three seconds of ten a second.
    fn default() -> Self {
        Self {
            queue_max: 32,
            latest_per_topic: false,
        }
    }
}

/// What happened to one class of live traffic since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveStats {
    /// Publishes that wait now.
    pub queued: usize,
    /// Publishes written to the connection.
    pub published: u64,
    /// Payload bytes of these.
    pub published_bytes: u64,
    /// Dropped because `queue_max` newer ones came.
    pub dropped_oldest: u64,
    /// Dropped because a newer one on the same topic came.
    pub dropped_superseded: u64,
    /// Dropped because the connection broke before they were written.
    pub dropped_cut: u64,
    /// Refused at the door: larger than a packet may be.
    pub too_large: u64,
    /// Refused at the door: no valid topic name.
    pub invalid_topic: u64,
}

/// Which class of live traffic: its place in the order of registration.
pub(super) type Class = usize;

/// One queue a class, and the order in which the publishes arrived over all of them.
#[derive(Debug, Default)]
pub(super) struct LiveQueues {
    queues: Vec<Queue>,
    arrivals: u64,
}

#[derive(Debug)]
struct Queue {
    name: &'static str,
    limits: LiveLimits,
    waiting: VecDeque<Waiting>,
    stats: LiveStats,
}

#[derive(Debug)]
struct Waiting {
    arrival: u64,
    since: Instant,
    publish: Publish,
}

/// A publish whose turn it is.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) class: Class,
    pub(super) publish: Publish,
    /// When it was handed over.
    pub(super) since: Instant,
}

impl LiveQueues {
    pub(super) fn add_class(&mut self, name: &'static str, limits: LiveLimits) -> Class {
        self.queues.push(Queue {
            name,
            limits,
            waiting: VecDeque::new(),
            stats: LiveStats::default(),
        });
        self.queues.len() - 1
    }

    pub(super) fn push(&mut self, class: Class, publish: Publish) {
        let arrival = self.arrivals;
        self.arrivals += 1;
        let Some(queue) = self.queues.get_mut(class) else {
            return;
        };
        if queue.limits.latest_per_topic {
            let same_topic = |waiting: &Waiting| waiting.publish.topic == publish.topic;
            if let Some(index) = queue.waiting.iter().position(same_topic) {
                queue.waiting.remove(index);
                queue.stats.dropped_superseded += 1;
            }
        }
        if queue.waiting.len() >= queue.limits.queue_max.max(1) {
            queue.waiting.pop_front();
            queue.stats.dropped_oldest += 1;
        }
        queue.waiting.push_back(Waiting {
            arrival,
            since: Instant::now(),
            publish,
        });
    }

    /// The publish that has waited longest over all classes.
    pub(super) fn pop(&mut self) -> Option<Next> {
        let arrival = |queue: &Queue| queue.waiting.front().map(|waiting| waiting.arrival);
        let (class, queue) = self
            .queues
            .iter_mut()
            .enumerate()
            .filter(|(_, queue)| !queue.waiting.is_empty())
            .min_by_key(|(_, queue)| arrival(queue))?;
        let Waiting { publish, since, .. } = queue.waiting.pop_front()?;
        Some(Next {
            class,
            publish,
            since,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.waiting.is_empty())
    }

    pub(super) fn name(&self, class: Class) -> Option<&'static str> {
        self.queues.get(class).map(|queue| queue.name)
    }

    pub(super) fn stats_mut(&mut self, class: Class) -> Option<&mut LiveStats> {
        self.queues.get_mut(class).map(|queue| &mut queue.stats)
    }

    pub(super) fn stats(&self) -> Vec<(&'static str, LiveStats)> {
        let stats = |queue: &Queue| LiveStats {
            queued: queue.waiting.len(),
            ..queue.stats
        };
        let entry = |queue: &Queue| (queue.name, stats(queue));
        self.queues.iter().map(entry).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn publish(topic: &str, payload: &'static str) -> Publish {
        Publish::new(topic, payload)
    }

    fn drain(queues: &mut LiveQueues) -> Vec<Publish> {
        std::iter::from_fn(|| queues.pop().map(|next| next.publish)).collect()
    }

    fn class(queues: &mut LiveQueues, queue_max: usize, latest_per_topic: bool) -> Class {
        queues.add_class(
            "test",
            LiveLimits {
                queue_max,
                latest_per_topic,
            },
        )
    }

    #[test]
    fn a_full_queue_drops_its_oldest_and_counts_it() {
        let mut queues = LiveQueues::default();
        let class = class(&mut queues, 2, false);
        for payload in ["1", "2", "3", "4"] {
            queues.push(class, publish("a", payload));
        }
        assert_eq!(queues.stats()[0].1.queued, 2);
        assert_eq!(queues.stats()[0].1.dropped_oldest, 2);
        assert_eq!(drain(&mut queues), [publish("a", "3"), publish("a", "4")]);
    }

    #[test]
    fn a_class_that_asks_for_it_keeps_only_the_latest_of_each_topic() {
        let mut queues = LiveQueues::default();
        let class = class(&mut queues, 4, true);
        queues.push(class, publish("a", "1"));
        queues.push(class, publish("b", "2"));
        queues.push(class, publish("a", "3"));
        assert_eq!(queues.stats()[0].1.dropped_superseded, 1);
        assert_eq!(queues.stats()[0].1.dropped_oldest, 0);
        assert_eq!(drain(&mut queues), [publish("b", "2"), publish("a", "3")]);
    }

    #[test]
    fn a_flood_in_one_class_takes_nothing_from_another() {
        let mut queues = LiveQueues::default();
        let spat = class(&mut queues, 2, false);
        let bsm = class(&mut queues, 2, false);
        queues.push(spat, publish("spat", "1"));
        for _ in 0..100 {
            queues.push(bsm, publish("bsm", "x"));
        }
        let next = queues.pop().unwrap();
        assert_eq!((next.class, next.publish), (spat, publish("spat", "1")));
    }

    #[test]
    fn classes_take_turns_in_order_of_arrival() {
        let mut queues = LiveQueues::default();
        let spat = class(&mut queues, 8, false);
        let bsm = class(&mut queues, 8, false);
        queues.push(bsm, publish("bsm", "1"));
        queues.push(spat, publish("spat", "2"));
        queues.push(bsm, publish("bsm", "3"));
        let order: Vec<_> = drain(&mut queues)
            .into_iter()
            .map(|publish| publish.payload)
            .collect();
        assert_eq!(order, ["1", "2", "3"]);
        assert!(queues.is_empty());
    }
}
