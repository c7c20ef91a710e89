//! What the tests of updates share: a server of bundles, and a machine with two slots.
#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::download::Downloader;
use crate::downlink::Upgrade;

/// What the server does with one request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Behaviour {
    Serve,
    /// The connection ends after so many bytes of the body.
    CutAfter(usize),
    /// The whole file, whatever was asked for.
    IgnoreRange,
    Status(u16),
    /// Nothing at all.
    Drop,
}

/// An HTTP server on the loopback with a single file.
#[derive(Clone, Debug)]
pub(super) struct Server {
    address: SocketAddr,
    state: Arc<Mutex<ServerState>>,
}

#[derive(Debug)]
struct ServerState {
    file: Vec<u8>,
    etag: String,
    script: VecDeque<Behaviour>,
    always: Behaviour,
    requests: Vec<String>,
}

impl Server {
    pub(super) fn start(file: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::new(Mutex::new(ServerState {
                file: file.to_vec(),
                etag: "\"1\"".into(),
                script: VecDeque::new(),
                always: Behaviour::Serve,
                requests: Vec::new(),
            })),
        };
        let state = server.state.clone();
        // It ends with the process; a test has few of them.
        thread::spawn(move || {
            for stream in listener.incoming() {
                drop(serve(stream.unwrap(), &state));
            }
        });
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/rsu.raucb", self.address)
    }

    /// What is done with the next requests; the others are served.
    pub(super) fn script(&self, behaviours: &[Behaviour]) {
        self.state.lock().unwrap().script.extend(behaviours);
    }

    /// What is done with all requests behind those of the script.
    pub(super) fn always(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().always = behaviour;
    }

    pub(super) fn replace(&self, file: &[u8], etag: &str) {
        let mut state = self.state.lock().unwrap();
        (state.file, state.etag) = (file.to_vec(), etag.into());
    }

    /// The `Range` of every request so far.
    pub(super) fn ranges(&self) -> Vec<Option<String>> {
        let state = self.state.lock().unwrap();
        let requests = state.requests.iter();
        requests.map(|request| header(request, "range")).collect()
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

fn header(request: &str, name: &str) -> Option<String> {
    let mut lines = request.lines();
    lines.find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().into())
    })
}

fn serve(mut stream: TcpStream, state: &Mutex<ServerState>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let request = String::from_utf8(head).unwrap();
    let (behaviour, file, etag) = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let behaviour = state.script.pop_front().unwrap_or(state.always);
        (behaviour, state.file.clone(), state.etag.clone())
    };
    let is_fresh = header(&request, "if-range").is_none_or(|known| known == etag);
    let range = header(&request, "range").filter(|_| is_fresh);
    let range = range.filter(|_| !matches!(behaviour, Behaviour::IgnoreRange));
    let first = range.map(|range| {
        let first = range.strip_prefix("bytes=").unwrap().strip_suffix('-');
        first.unwrap().parse::<usize>().unwrap()
    });
    let total = file.len();
    let mut cut = usize::MAX;
    match behaviour {
        Behaviour::Drop => return Ok(()),
        Behaviour::Status(status) => {
            let head = format!("HTTP/1.1 {status} Some\r\nContent-Length: 0\r\n");
            return stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes());
        }
        Behaviour::CutAfter(bytes) => cut = bytes,
        Behaviour::Serve | Behaviour::IgnoreRange => {}
    }
    let body = &file[first.unwrap_or_default().min(total)..];
    let status = match first {
        Some(first) if first >= total => {
            format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{total}")
        }
        Some(first) => {
            let last = total - 1;
            format!("206 Partial Content\r\nContent-Range: bytes {first}-{last}/{total}")
        }
        None => "200 OK".into(),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nETag: {etag}\r\n");
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    stream.write_all(&body[..cut.min(length)])
}

/// A downloader that has no patience to wait for.
pub(super) fn downloader() -> Downloader {
    Downloader {
        roots_file: "/nowhere".into(),
        allow_http: true,
        bytes_per_second_max: None,
        bytes_max: 64 << 20,
        free_bytes_min: 0,
        retry_delay_min: Duration::from_millis(1),
        patience: Duration::from_millis(20),
    }
}

pub(super) fn upgrade(version: &str, url: String) -> Upgrade {
    Upgrade {
        version: version.parse().unwrap(),
        url,
        login: None,
        bytes: None,
        md5: None,
        sha256: None,
        hardware_version: None,
        at_ms: None,
    }
}

/// A folder of the test's own; it goes with the value.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(test: &str) -> Self {
        let name = format!("rsu-update-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
