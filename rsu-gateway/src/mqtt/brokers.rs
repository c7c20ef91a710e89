//! Which of several brokers to connect to.

use std::time::Duration;

use super::address::BrokerAddress;

/// The brokers in order of preference, and where we are among them.
#[derive(Debug, Clone)]
pub(super) struct Brokers {
    list: Vec<BrokerAddress>,
    at: usize,
    return_interval: Duration,
    /// How often a move back has failed in a row.
    failed_returns: u32,
}

/// How much longer than the interval to wait for the next move back when moves keep failing.
const RETURN_DOUBLINGS_MAX: u32 = 4;

impl Brokers {
    /// `list` is not empty.
    pub(super) fn new(list: Vec<BrokerAddress>, return_interval: Duration) -> Self {
        Self {
            list,
            at: 0,
            return_interval,
            failed_returns: 0,
        }
    }

    /// The broker to connect to, or that we are connected to.
    pub(super) fn current(&self) -> Option<&BrokerAddress> {
        self.list.get(self.at)
    }

    /// An attempt failed: the next broker's turn. Returns whether all have had theirs.
    pub(super) fn pass_on(&mut self) -> bool {
        self.at = (self.at + 1) % self.list.len().max(1);
        self.at == 0
    }

    /// Those that we would rather be connected to, the most preferred first.
    pub(super) fn preferred(&self) -> &[BrokerAddress] {
        self.list.get(..self.at).unwrap_or_default()
    }

    /// How long to stay before looking whether a preferred one is back.
    pub(super) fn return_delay(&self) -> Duration {
        self.return_interval * (1 << self.failed_returns.min(RETURN_DOUBLINGS_MAX))
    }

    /// A preferred broker seems to be back: the next connection goes there.
    pub(super) fn move_to(&mut self, index: usize) {
        self.at = index.min(self.list.len().saturating_sub(1));
        self.failed_returns = self.failed_returns.saturating_add(1);
    }

    /// The connection to the most preferred broker lasts.
    pub(super) fn settled(&mut self) {
        if self.at == 0 {
            self.failed_returns = 0;
        }
    }

    /// Replaces the list, which is not empty. Returns whether the present connection is still
    /// the one to have.
    pub(super) fn replace(&mut self, list: Vec<BrokerAddress>) -> bool {
        let stays = self
            .current()
            .is_some_and(|current| list.first() == Some(current));
        self.list = list;
        self.at = 0;
        self.failed_returns = 0;
        stays
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(300);

    fn list(names: &[&str]) -> Vec<BrokerAddress> {
        let address = |name: &&str| format!("mqtt://{name}").parse().unwrap();
        names.iter().map(address).collect()
    }

    fn current(brokers: &Brokers) -> &str {
        &brokers.current().unwrap().host
    }

    #[test]
    fn each_broker_has_its_turn_and_then_the_first_again() {
        let mut brokers = Brokers::new(list(&["a", "b", "c"]), INTERVAL);
        assert_eq!(current(&brokers), "a");
        assert!(!brokers.pass_on());
        assert_eq!(current(&brokers), "b");
        assert!(!brokers.pass_on());
        assert_eq!(brokers.preferred(), list(&["a", "b"]));
        assert!(brokers.pass_on());
        assert_eq!(current(&brokers), "a");
        assert_eq!(brokers.preferred(), []);
    }

    #[test]
    fn a_broker_that_seems_to_be_back_and_is_not_is_tried_less_and_less_often() {
        let mut brokers = Brokers::new(list(&["a", "b"]), INTERVAL);
        for factor in [1, 2, 4, 8, 16, 16, 16] {
            brokers.pass_on();
            assert_eq!(brokers.return_delay(), INTERVAL * factor);
            brokers.move_to(0);
        }
        brokers.settled();
        assert_eq!(brokers.return_delay(), INTERVAL);
    }

    #[test]
    fn a_new_list_keeps_the_connection_only_if_it_is_its_first() {
        let mut brokers = Brokers::new(list(&["a", "b"]), INTERVAL);
        assert!(brokers.replace(list(&["a", "c"])));
        assert!(!brokers.replace(list(&["c", "a"])));
        assert_eq!(current(&brokers), "c");
    }
}
