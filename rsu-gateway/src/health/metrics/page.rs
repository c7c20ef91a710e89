//! How metrics are written: families with one label, and single values.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::health::latency::{BUCKET_BOUNDS_US, Distribution};

/// Where metrics are written. What is not known is left out.
pub(super) struct Page<'a>(DescriptorEncoder<'a>);

impl<'a> Page<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    pub(super) fn gauges<'l>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, f64)>,
    ) -> fmt::Result {
        let encode =
            |value: &f64, metric: MetricEncoder<'_>| ConstGauge::new(*value).encode(metric);
        self.family((name, help, unit), MetricType::Gauge, label, values, encode)
    }

    pub(super) fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        let encode =
            |value: &u64, metric: MetricEncoder<'_>| ConstCounter::new(*value).encode(metric);
        self.family(
            (name, help, None),
            MetricType::Counter,
            label,
            values,
            encode,
        )
    }

    pub(super) fn histograms<'l, 'd>(
        &mut self,
        name: &str,
        help: &str,
        unit: Unit,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, &'d Distribution)>,
    ) -> fmt::Result {
        let encode = |value: &&'d Distribution, mut metric: MetricEncoder<'_>| {
            let in_seconds = BUCKET_BOUNDS_US.map(|bound| bound as f64 / 1e6);
            let beyond = value.count - value.buckets.iter().sum::<u64>().min(value.count);
            let buckets: Vec<(f64, u64)> = in_seconds
                .into_iter()
                .zip(value.buckets)
                .chain([(f64::INFINITY, beyond)])
                .collect();
            let sum = value.sum.as_secs_f64();
            metric.encode_histogram::<NoLabelSet>(sum, value.count, &buckets, None)
        };
        self.family(
            (name, help, Some(unit)),
            MetricType::Histogram,
            label,
            values,
            encode,
        )
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        value: Option<f64>,
    ) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        let metric = self
            .0
            .encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        ConstGauge::new(value).encode(metric)
    }

    pub(super) fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let metric = self
            .0
            .encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(metric)
    }

    fn family<'l, V>(
        &mut self,
        (name, help, unit): (&str, &str, Option<Unit>),
        metric_type: MetricType,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, V)>,
        encode: impl Fn(&V, MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let mut metric = self
            .0
            .encode_descriptor(name, help, unit.as_ref(), metric_type)?;
        for (value_of_label, value) in values {
            encode(&value, metric.encode_family(&[(label, value_of_label)])?)?;
        }
        Ok(())
    }
}
