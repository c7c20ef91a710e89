//! A server of bundles (HTTP/1.1) that breaks off in the middle of the first answer.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use rsu_image::emulate::HOST_ADDRESS;

pub(crate) struct Server {
    port: u16,
}

impl Server {
    /// Serves one bundle for as long as the test runs.
    pub(crate) fn start(bundle: &Path) -> Self {
        let bytes = std::fs::read(bundle).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let is_first = index == 0;
                let end = if is_first {
                    bytes.len() / 2
                } else {
                    bytes.len()
                };
                answer(stream.unwrap(), &bytes, end);
            }
        });
        Self { port }
    }

    /// Where a unit finds the bundle.
    pub(crate) fn url(&self) -> String {
        format!("http://{HOST_ADDRESS}:{}/update.raucb", self.port)
    }
}

/// Answers a request, but only up to the byte `end` of the bundle.
fn answer(mut stream: TcpStream, bytes: &[u8], end: usize) {
    let mut start = 0;
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap_or_default().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().unwrap();
        }
    }
    let total = bytes.len();
    let range = format!("Content-Range: bytes {start}-{}/{total}\r\n", total - 1);
    let (status, range) = match start {
        0 => ("200 OK", String::new()),
        _ => ("206 Partial Content", range),
    };
    let length = total - start;
    let head = format!(
        "HTTP/1.1 {status}\r\nETag: \"1\"\r\nContent-Length: {length}\r\n{range}\
         Connection: close\r\n\r\n"
    );
    // A unit that goes away comes again.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&bytes[start.min(end)..end]);
}
