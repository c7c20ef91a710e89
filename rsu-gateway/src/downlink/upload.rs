//! Puts the log where the platform can read it: one HTTP PUT.

use std::path::PathBuf;
use std::time::Duration;

use ureq::Agent;

use super::answer::Refusal;
use super::command::LogUpload;
use crate::http;

/// Most bytes of log that are sent; of a longer one, the end.
pub const UPLOAD_BYTES_MAX: usize = 1 << 20;

/// Longest time that an upload may take in all.
pub const UPLOAD_TIME_MAX: Duration = Duration::from_secs(60);

/// Longest time until the server is reached.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

/// Uploads logs.
#[derive(Clone, Debug)]
pub struct Uploader {
    /// Whom to trust when a server proves who it is: certificates in PEM.
    pub roots_file: PathBuf,
}

impl Default for Uploader {
    fn default() -> Self {
        Self {
            roots_file: http::system_roots(),
        }
    }
}

impl Uploader {
    /// Sends `log`. Blocks for at most [`UPLOAD_TIME_MAX`].
    ///
    /// # Errors
    /// Why it has not arrived.
    pub(super) fn upload(&self, to: &LogUpload, log: &[u8]) -> Result<(), Refusal> {
        let log = log.get(log.len().saturating_sub(UPLOAD_BYTES_MAX)..);
        let log = log.unwrap_or_default();
        let failed = |what: String| Refusal::local_error(format!("the upload failed: {what}"));
        let tls = http::tls(&self.roots_file)
            .map_err(|error| failed(format!("{}: {error}", self.roots_file.display())))?;
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(UPLOAD_TIME_MAX))
            .timeout_connect(Some(CONNECT_TIME_MAX))
            // A redirect would take the log, and the password, to where nobody asked for.
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(tls)
            .build()
            .into();
        let mut request = agent
            .put(&to.url)
            .header("Content-Type", "text/plain; charset=utf-8");
        if let Some((user, password)) = &to.login {
            request = request.header("Authorization", http::basic_authorization(user, password));
        }
        let response = request.send(log);
        let response = response.map_err(|error| failed(error.to_string()))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(failed(format!("the server says {status}"))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    /// Takes one request, answers it, and tells what was asked.
    fn server(answer: &'static str) -> (String, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/logs/R1.txt", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(5)))
                .unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.ends_with(b"last line\n") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request.extend_from_slice(&buffer[..read]),
                }
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        (url, served)
    }

    fn upload(url: String) -> Result<(), Refusal> {
        let login = Some(("rsu".to_owned(), "secret".to_owned()));
        let to = LogUpload { url, login };
        let uploader = Uploader {
            roots_file: "/nowhere".into(),
        };
        uploader.upload(&to, b"first line\nlast line\n")
    }

    #[test]
    fn the_log_arrives_with_the_login() {
        let (url, served) = server("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        upload(url).unwrap();
        let request = served.join().unwrap();
        assert!(
            request.starts_with("PUT /logs/R1.txt HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(
            request
                .to_ascii_lowercase()
                .contains("content-length: 21\r\n"),
            "{request}"
        );
        assert!(request.contains("Basic cnN1OnNlY3JldA=="), "{request}");
        assert!(
            request.ends_with("\r\n\r\nfirst line\nlast line\n"),
            "{request}"
        );
    }

    #[test]
    fn a_server_that_does_not_want_it_and_one_that_points_elsewhere_are_named() {
        let (url, served) = server("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        let refusal = upload(url).unwrap_err();
        assert!(refusal.text().contains("403"), "{refusal}");
        served.join().unwrap();
        let (url, served) =
            server("HTTP/1.1 307 Temporary Redirect\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
        let refusal = upload(url).unwrap_err();
        assert!(refusal.text().contains("307"), "{refusal}");
        served.join().unwrap();
    }

    #[test]
    fn a_server_that_is_not_there_is_an_error_in_words() {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", free.local_addr().unwrap());
        drop(free);
        let refusal = upload(url).unwrap_err();
        assert!(
            refusal.text().starts_with("the upload failed: "),
            "{refusal}"
        );
        assert!(refusal.text().chars().count() <= Refusal::CHARS_MAX);
    }
}
