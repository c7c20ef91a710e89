//! TLS in front of a broker that speaks none.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Identity};

/// The front; it ends when this is dropped.
#[derive(Debug)]
pub struct TlsFront {
    address: SocketAddr,
    presented: Arc<Mutex<Vec<Vec<u8>>>>,
    _tasks: JoinSet<()>,
}

impl TlsFront {
    /// Starts a front that shows `identity` and passes everything on to `broker`. With `clients`
    /// it demands a certificate that this authority vouches for.
    ///
    /// # Errors
    /// When no loopback port can be had.
    ///
    /// # Panics
    /// When the identity makes no sense.
    pub async fn start(
        broker: SocketAddr,
        identity: &Identity,
        clients: Option<&Authority>,
    ) -> io::Result<Self> {
        let acceptor = TlsAcceptor::from(Arc::new(server_config(identity, clients)));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let presented = Arc::new(Mutex::new(Vec::new()));
        let log = presented.clone();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, log) = (acceptor.clone(), log.clone());
                connections.spawn(async move {
                    // An error ends the connection, which is what tests provoke.
                    drop(serve(stream, acceptor, broker, &log).await);
                });
            }
        });
        Ok(Self {
            address,
            presented,
            _tasks: tasks,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificates that clients presented, in order, DER.
    pub fn presented(&self) -> Vec<Vec<u8>> {
        let presented = self.presented.lock();
        presented.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    broker: SocketAddr,
    presented: &Mutex<Vec<Vec<u8>>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    if let Some([own, ..]) = stream.get_ref().1.peer_certificates() {
        let mut presented = presented.lock().unwrap_or_else(PoisonError::into_inner);
        presented.push(own.to_vec());
    }
    let mut inner = TcpStream::connect(broker).await?;
    inner.set_nodelay(true)?;
    copy_bidirectional(&mut stream, &mut inner).await?;
    Ok(())
}

fn server_config(identity: &Identity, clients: Option<&Authority>) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("ring has cipher suites for them");
    let builder = match clients {
        Some(authority) => {
            let mut roots = rustls::RootCertStore::empty();
            let ca = CertificateDer::from_pem_slice(authority.pem().as_bytes()).expect("PEM");
            roots.add(ca).expect("a certificate");
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
        None => builder.with_no_client_auth(),
    };
    let cert = CertificateDer::from_pem_slice(identity.cert.as_bytes()).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    builder.with_single_cert(vec![cert], key).expect("a pair")
}
