//! Many who ask badly, and what the pipeline feels of it: nothing but its own lock on the board.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rsu_gateway::health::{Board, Endpoint, Pulses, Snapshot};

fn open() -> (Endpoint, Board) {
    let board = Board::default();
    let loopback: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let endpoint = Endpoint::open(loopback, board.clone(), Pulses::default()).unwrap();
    (endpoint, board)
}

fn ask(address: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

#[test]
fn after_a_thousand_idle_connections_it_answers_as_before() {
    let (endpoint, board) = open();
    let address = endpoint.address();
    for batch in 0..20 {
        let idle: Vec<_> = (0..50).map(|_| TcpStream::connect(address)).collect();
        board.post(Snapshot {
            stages: vec![("batches", batch)],
            ..Snapshot::default()
        });
        drop(idle);
    }
    let answer = std::iter::repeat_with(|| ask(address, METRICS))
        .flatten()
        .next();
    let answer = answer.unwrap();
    assert!(
        answer.contains("rsu_handled_total{stage=\"batches\"} 19\n"),
        "{answer}"
    );
}

#[test]
fn a_page_of_another_site_learns_nothing() {
    let (endpoint, _) = open();
    let rebound = "GET /metrics HTTP/1.1\r\nHost: attacker.example\r\n\r\n";
    let answer = ask(endpoint.address(), rebound).unwrap();
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
    assert!(!answer.contains("rsu_"), "{answer}");
}
