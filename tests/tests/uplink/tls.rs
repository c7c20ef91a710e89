//! TLS: what connects, and what is said about each way a certificate can be wrong.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rsu_gateway::mqtt::{ClientIdentity, Fault, Settings, TlsSettings};
use tests::broker::{settings, wait_until};
use tests::certificates::{Authority, EXPIRED, Identity, NOT_YET_VALID, VALID, ValidDays};
use tests::process::TemporaryFolder;
use tests::scripted_broker::{Script, ScriptedBroker};
use tests::tls_front::TlsFront;

use crate::running::{RECORD_TOPIC, Running, arrived};

/// A broker behind TLS, and what a unit needs to connect to it.
struct Secured {
    authority: Authority,
    broker: ScriptedBroker,
    front: TlsFront,
    folder: TemporaryFolder,
}

impl Secured {
    /// Its certificate is good, and it demands none.
    async fn start() -> Self {
        Self::start_with("127.0.0.1", VALID, false).await
    }

    async fn demanding() -> Self {
        Self::start_with("127.0.0.1", VALID, true).await
    }

    async fn start_with(name: &str, valid: ValidDays, demands: bool) -> Self {
        let authority = Authority::new("city");
        let identity = authority.issue(name, valid);
        let broker = ScriptedBroker::start(|_| Script::default()).await.unwrap();
        let clients = demands.then_some(&authority);
        let front = TlsFront::start(broker.address(), &identity, clients)
            .await
            .unwrap();
        let folder = TemporaryFolder::new("tls").unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        Self {
            authority,
            broker,
            front,
            folder,
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self) -> Settings {
        let mut settings = settings(self.front.address(), "rsu-R1");
        let address = format!("mqtts://{}", self.front.address());
        settings.brokers = vec![address.parse().unwrap()];
        settings.tls = TlsSettings {
            ca_file: Some(self.file("ca.pem")),
            check_interval: Duration::from_millis(10),
            ..TlsSettings::default()
        };
        settings
    }

    /// Settings with that certificate of our own.
    fn settings_with(&self, own: &Identity) -> Settings {
        let (cert_file, key_file) = own.write(self.folder.path(), "own");
        let mut settings = self.settings();
        settings.tls.client = Some(ClientIdentity {
            cert_file,
            key_file,
        });
        settings
    }
}

/// The connection fails over a certificate, and the message holds these words.
async fn fails(settings: Settings, words: &[&str]) {
    let running = Running::start(settings);
    running.append(1);
    wait_until("a failure", || running.observer.snapshot().failures > 1).await;
    let stats = running.observer.snapshot();
    let error = stats.last_error.unwrap();
    assert_eq!(
        (stats.fault, stats.connections),
        (Some(Fault::Certificate), 0),
        "{error}"
    );
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

#[tokio::test]
async fn records_arrive_over_a_secured_connection() {
    let secured = Secured::start().await;
    let running = Running::start(secured.settings());
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let stats = running.observer.snapshot();
    assert_eq!((stats.failures, stats.certificate_fault), (0, None));
    assert_eq!(stats.certificate_days_left, None, "there is none");
    assert_eq!(
        stats.broker.unwrap(),
        format!("mqtts://{}", secured.front.address())
    );
    assert_eq!(arrived(&secured.broker, RECORD_TOPIC), [(0, 1)]);
}

#[tokio::test]
async fn our_own_certificate_is_presented_and_its_days_are_counted() {
    let secured = Secured::demanding().await;
    let own = secured.authority.issue("rsu-r1", ValidDays(-1, 100));
    let running = Running::start(secured.settings_with(&own));
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let stats = running.observer.snapshot();
    assert_eq!((stats.failures, stats.certificate_fault), (0, None));
    assert_eq!(stats.certificate_days_left, Some(99));
    assert_eq!(secured.front.presented().len(), 1);
}

#[tokio::test]
async fn a_certificate_may_be_for_another_name_that_we_expect() {
    let secured = Secured::start_with("broker.city", VALID, false).await;
    fails(
        secured.settings(),
        &["is for", "broker.city", "not for 127.0.0.1"],
    )
    .await;
    let mut settings = secured.settings();
    settings.tls.server_name = Some("broker.city".to_owned());
    let running = Running::start(settings);
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
}

#[tokio::test]
async fn a_broker_certificate_outside_of_its_time_is_named_with_our_clock() {
    let expired = Secured::start_with("127.0.0.1", EXPIRED, false).await;
    fails(
        expired.settings(),
        &["the broker's certificate expired at", "own clock: 20"],
    )
    .await;
    let early = Secured::start_with("127.0.0.1", NOT_YET_VALID, false).await;
    fails(
        early.settings(),
        &["valid only from", "own clock: 20", "is it right?"],
    )
    .await;
}

#[tokio::test]
async fn an_authority_that_we_do_not_trust_is_named() {
    let secured = Secured::start().await;
    fs::write(secured.file("ca.pem"), Authority::new("other").pem()).unwrap();
    fails(
        secured.settings(),
        &["no authority that we trust", "ca_file"],
    )
    .await;
}

#[tokio::test]
async fn a_demand_for_a_certificate_of_our_own_is_named() {
    let secured = Secured::demanding().await;
    fails(
        secured.settings(),
        &["asks for a client certificate", "cert_file"],
    )
    .await;
}

#[tokio::test]
async fn a_refusal_of_our_certificate_is_named() {
    let secured = Secured::demanding().await;
    let foreign = Authority::new("other").issue("rsu-r1", VALID);
    fails(
        secured.settings_with(&foreign),
        &["refuses our certificate", "unknown authority"],
    )
    .await;
    let expired = secured.authority.issue("rsu-r1", EXPIRED);
    fails(
        secured.settings_with(&expired),
        &["refuses our certificate (expired)"],
    )
    .await;
}

#[tokio::test]
async fn a_port_without_tls_is_named() {
    let secured = Secured::start().await;
    let mut settings = secured.settings();
    let plain = format!("mqtts://{}", secured.broker.address());
    settings.brokers = vec![plain.parse().unwrap()];
    fails(settings, &["speak no TLS on this port"]).await;
}

#[tokio::test]
async fn a_port_that_expects_tls_is_named() {
    let secured = Secured::start().await;
    let running = Running::start(settings(secured.front.address(), "rsu-R1"));
    wait_until("a failure", || running.observer.snapshot().failures > 0).await;
    let error = running.observer.snapshot().last_error.unwrap();
    assert!(error.contains("it may expect TLS (mqtts://)"), "{error}");
}

#[tokio::test]
async fn each_way_a_file_can_be_wrong_is_named_with_the_file() {
    let secured = Secured::start().await;
    let own = secured.authority.issue("rsu-r1", VALID);
    let other = secured.authority.issue("rsu-r1", VALID);
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let malformed = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (file, content, words) in [
        ("ca.pem", None, "No such file"),
        ("ca.pem", Some("no PEM"), "not a PEM file"),
        ("ca.pem", Some(&*own.key), "holds no certificate"),
        ("ca.pem", Some(malformed), "malformed"),
        ("own.pem", None, "No such file"),
        ("own.pem", Some(&own.key), "holds no certificate"),
        ("own.pem", Some(malformed), "malformed"),
        ("own.key", None, "No such file"),
        ("own.key", Some(&own.cert), "holds no private key"),
        ("own.key", Some(encrypted), "must not be encrypted"),
        (
            "own.key",
            Some(&other.key),
            "does not belong to the certificate",
        ),
    ] {
        fs::write(secured.file("ca.pem"), secured.authority.pem()).unwrap();
        let settings = secured.settings_with(&own);
        match content {
            Some(content) => fs::write(secured.file(file), content).unwrap(),
            None => fs::remove_file(secured.file(file)).unwrap(),
        }
        fails(settings, &[file, words]).await;
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_nothing_is_lost() {
    let secured = Secured::demanding().await;
    let first = secured.authority.issue("rsu-r1", ValidDays(-1, 10));
    let running = Running::start(secured.settings_with(&first));
    for n in 1..=100 {
        running.append(n);
    }
    wait_until("the first certificate", || {
        running.observer.snapshot().certificate_days_left == Some(9)
    })
    .await;

    let second = secured.authority.issue("rsu-r1", ValidDays(-1, 100));
    second.write(secured.folder.path(), "own");
    for n in 101..=200 {
        running.append(n);
    }
    wait_until("the second certificate", || {
        let stats = running.observer.snapshot();
        stats.certificate_days_left == Some(99) && stats.connections == 2
    })
    .await;
    wait_until("acknowledgements", || running.waiting() == 0).await;
    assert_eq!(
        running.observer.snapshot().failures,
        0,
        "the move was graceful"
    );
    let records: Vec<u64> = arrived(&secured.broker, RECORD_TOPIC)
        .into_iter()
        .map(|(_, n)| n)
        .collect();
    assert_eq!(
        records,
        (1..=200).collect::<Vec<u64>>(),
        "each of them once"
    );
    let presented = secured.front.presented();
    assert_eq!(presented.len(), 2);
    assert_ne!(presented[0], presented[1]);
}

#[tokio::test]
async fn an_invalid_new_certificate_leaves_the_connection_alone_and_is_reported() {
    let secured = Secured::demanding().await;
    let own = secured.authority.issue("rsu-r1", VALID);
    let running = Running::start(secured.settings_with(&own));
    wait_until("connection", || running.is_connected()).await;

    let reported = |words: &str| {
        let fault = running.observer.snapshot().certificate_fault;
        fault.is_some_and(|fault| fault.contains("own.") && fault.contains(words))
    };
    fs::write(
        secured.file("own.key"),
        secured.authority.issue("rsu-r1", VALID).key,
    )
    .unwrap();
    wait_until("the mismatch", || reported("does not belong")).await;
    secured
        .authority
        .issue("rsu-r1", EXPIRED)
        .write(secured.folder.path(), "own");
    wait_until("the expiry", || reported("our certificate expired")).await;
    fs::remove_file(secured.file("own.pem")).unwrap();
    wait_until("the missing file", || reported("No such file")).await;
    running.append(1);
    wait_until("acknowledgement", || running.waiting() == 0).await;
    let stats = running.observer.snapshot();
    assert_eq!((stats.connections, stats.failures), (1, 0));

    secured
        .authority
        .issue("rsu-r1", VALID)
        .write(secured.folder.path(), "own");
    wait_until("the new certificate", || {
        let stats = running.observer.snapshot();
        stats.connections == 2 && stats.certificate_fault.is_none()
    })
    .await;
}
