#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

fn open() -> (Endpoint, Board, Pulses) {
    let (board, pulses) = (Board::default(), Pulses::default());
    let loopback = "127.0.0.1:0".parse().unwrap();
    let endpoint = Endpoint::open(loopback, board.clone(), pulses.clone()).unwrap();
    (endpoint, board, pulses)
}

fn connect(endpoint: &Endpoint) -> TcpStream {
    let stream = TcpStream::connect(endpoint.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// Everything that comes until the connection ends, however it ends.
fn read_all(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn ask(endpoint: &Endpoint, request: &str) -> String {
    let mut stream = connect(endpoint);
    // Refused halfway, the answer may still have come.
    let _ = stream.write_all(request.as_bytes());
    read_all(stream)
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Asks until there is a free place.
fn ask_until_served(endpoint: &Endpoint) -> String {
    loop {
        let answer = ask(endpoint, HEALTH);
        if !answer.is_empty() {
            return answer;
        }
    }
}

#[test]
fn it_tells_the_latest_snapshot_and_the_pulses() {
    let (endpoint, board, pulses) = open();
    let _radio = pulses.register("radio", Duration::MAX);
    board.post(Snapshot {
        drops: vec![("unknown_aid", 42)],
        ..Snapshot::default()
    });
    let metrics = ask(
        &endpoint,
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    assert!(metrics.starts_with("HTTP/1.1 200"), "{metrics}");
    assert!(
        metrics.contains("rsu_dropped_total{reason=\"unknown_aid\"} 42"),
        "{metrics}"
    );
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    let health = ask(&endpoint, HEALTH);
    assert!(health.contains("\"name\":\"radio\""), "{health}");
    assert!(health.contains("connection: close"), "{health}");
}

#[test]
fn it_is_not_opened_to_the_network() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let refused = Endpoint::open(everywhere, Board::default(), Pulses::default());
    assert!(matches!(refused, Err(EndpointError::NotLoopback(_))));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let (endpoint, ..) = open();
    let again = Endpoint::open(endpoint.address(), Board::default(), Pulses::default());
    let error = again.unwrap_err().to_string();
    assert!(error.contains(&endpoint.address().to_string()), "{error}");
}

#[test]
fn long_heads_and_garbage_are_refused() {
    let (endpoint, ..) = open();
    let long = format!(
        "GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let answer = ask(&endpoint, &long);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    let answer = ask(&endpoint, "\u{1}\u{2}\u{3} nonsense\r\n\r\n");
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
    assert!(ask_until_served(&endpoint).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_body_is_not_read() {
    let (endpoint, ..) = open();
    let post = "POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    let answer = ask(&endpoint, &format!("{post}{}", "x".repeat(1 << 16)));
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 405"),
        "{answer}"
    );
}

#[test]
fn idle_clients_take_the_places_for_a_while_only() {
    let (endpoint, ..) = open();
    let idle: Vec<_> = (0..200).map(|_| connect(&endpoint)).collect();
    let answer = ask_until_served(&endpoint);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let ended = idle.into_iter().map(read_all).count();
    assert_eq!(ended, 200, "each was closed");
}

#[test]
fn the_port_is_free_after_the_end() {
    let (endpoint, ..) = open();
    let address = endpoint.address();
    drop(endpoint);
    assert!(TcpStream::connect(address).is_err());
}
