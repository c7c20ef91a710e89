//! What is answered to which request.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Response, StatusCode, http};
use serde::Serialize;

use crate::health::alarm::ActiveAlarm;
use crate::health::metrics::{self, metrics};
use crate::health::pulse::PulseState;
use crate::health::self_check::{Check, with_pulses};
use crate::health::snapshot::Snapshot;

/// What `/health` says.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Health<'a> {
    status: &'static str,
    /// When the figures were taken, in ms since 1970.
    time_ms: i64,
    tasks: Vec<Task>,
    /// Whether the unit can do its work, need by need.
    checks: Vec<Check>,
    alarms: &'a [ActiveAlarm],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    name: &'static str,
    stalled: bool,
    silent_ms: u128,
    limit_ms: u128,
}

/// Answers a request; `state` is asked for only where it is needed.
pub(super) fn answer<B>(
    request: &Request<B>,
    state: impl FnOnce() -> (Snapshot, Vec<PulseState>),
) -> http::Result<Response<Full<Bytes>>> {
    if !names_loopback(request) {
        return plain(
            StatusCode::MISDIRECTED_REQUEST,
            "this host is not served here\n",
        );
    }
    if request.method() != Method::GET {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "GET only\n")?;
        let allowed = hyper::header::HeaderValue::from_static("GET");
        refusal.headers_mut().insert(ALLOW, allowed);
        return Ok(refusal);
    }
    match request.uri().path() {
        "/metrics" => {
            let (snapshot, pulses) = state();
            match metrics(snapshot, pulses) {
                Ok(text) => response(StatusCode::OK, metrics::MEDIA_TYPE, text),
                Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            }
        }
        "/health" => {
            let (snapshot, pulses) = state();
            health(&snapshot, &pulses)
        }
        _ => plain(StatusCode::NOT_FOUND, "there is /metrics and /health\n"),
    }
}

/// 200 while every task makes progress, else 503.
fn health(snapshot: &Snapshot, pulses: &[PulseState]) -> http::Result<Response<Full<Bytes>>> {
    let (code, status) = match pulses.iter().any(PulseState::is_stalled) {
        true => (StatusCode::SERVICE_UNAVAILABLE, "stalled"),
        false => (StatusCode::OK, "alive"),
    };
    let task = |pulse: &PulseState| Task {
        name: pulse.name,
        stalled: pulse.is_stalled(),
        silent_ms: pulse.silent_for.as_millis(),
        limit_ms: pulse.limit.as_millis(),
    };
    let health = Health {
        status,
        time_ms: snapshot.time.as_millis(),
        tasks: pulses.iter().map(task).collect(),
        checks: with_pulses(snapshot.checks.clone(), pulses),
        alarms: &snapshot.alarms,
    };
    match serde_json::to_string(&health) {
        Ok(json) => response(code, "application/json", json),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

/// A page of another site whose name leads here (DNS rebinding) gives itself away by its `Host`.
fn names_loopback<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(authority) = Authority::try_from(host.as_bytes()) else {
        return false;
    };
    if host.as_bytes().contains(&b'@') {
        return false;
    }
    let name = authority.host().trim_matches(['[', ']']);
    let address = name.parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn plain(code: StatusCode, text: impl Into<Bytes>) -> http::Result<Response<Full<Bytes>>> {
    response(code, "text/plain; charset=utf-8", text)
}

fn response(
    code: StatusCode,
    media_type: &str,
    body: impl Into<Bytes>,
) -> http::Result<Response<Full<Bytes>>> {
    Response::builder()
        .status(code)
        .header(CONTENT_TYPE, media_type)
        .header(CACHE_CONTROL, "no-store")
        .body(Full::new(body.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn asked(method: &str, path: &str, hosts: &[&str], silent_s: u64) -> StatusCode {
        let mut request = Request::builder().method(method).uri(path);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let pulses = vec![PulseState {
            name: "radio",
            silent_for: Duration::from_secs(silent_s),
            limit: Duration::from_secs(10),
        }];
        let state = || (Snapshot::default(), pulses);
        answer(&request.body(()).unwrap(), state).unwrap().status()
    }

    #[test]
    fn alive_while_every_task_makes_progress() {
        assert_eq!(asked("GET", "/health", &["localhost"], 10), 200);
        assert_eq!(asked("GET", "/health", &["localhost"], 11), 503);
        assert_eq!(asked("GET", "/metrics", &["localhost"], 11), 200);
    }

    #[test]
    fn only_the_loopback_is_a_host() {
        for host in [
            "localhost:9464",
            "127.0.0.1",
            "127.1.2.3:80",
            "[::1]:9464",
            "LOCALHOST",
        ] {
            assert_eq!(asked("GET", "/health", &[host], 0), 200, "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "10.0.0.1",
            "a@localhost",
            "[::2]",
            "",
            "local host",
        ] {
            assert_eq!(asked("GET", "/health", &[host], 0), 421, "{host}");
        }
        assert_eq!(asked("GET", "/health", &[], 0), 421);
        assert_eq!(asked("GET", "/health", &["localhost", "localhost"], 0), 421);
    }

    #[test]
    fn nothing_else_is_served() {
        assert_eq!(asked("GET", "/", &["localhost"], 0), 404);
        assert_eq!(
            asked("GET", "/metrics/../../etc/passwd", &["localhost"], 0),
            404
        );
        for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "BREW"] {
            assert_eq!(asked(method, "/health", &["localhost"], 0), 405, "{method}");
        }
    }
}
