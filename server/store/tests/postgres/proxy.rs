//! A network between a store and its server, which loses what it is told to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Good = 0,
    /// What is asked for arrives, what is answered is lost, and the connection
    /// with it.
    LosesAnswers = 1,
    /// What is asked for is lost, and the connection with it.
    LosesQuestions = 2,
    /// Nothing passes and nobody is told.
    Silent = 3,
}

/// A network.
#[derive(Clone)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<AtomicU8>,
    losses: Arc<AtomicU32>,
    server: Arc<AtomicU16>,
}

impl Proxy {
    /// In front of a server on this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Self {
            address: listener.local_addr().expect("it is bound"),
            state: Arc::default(),
            losses: Arc::default(),
            server: Arc::new(AtomicU16::new(port)),
        };
        let passing = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let passing = passing.clone();
                let port = passing.server.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await {
                        passing.pass(client, server).await;
                    }
                });
            }
        });
        proxy
    }

    /// A URL that goes through it.
    pub fn url(&self, url: &str) -> String {
        let (before, rest) = url.split_once('@').expect("it has a user");
        let (_, database) = rest.split_once('/').expect("it has a database");
        format!("{before}@{}/{database}", self.address)
    }

    /// What happens from here on.
    pub fn set(&self, network: Network) {
        self.state.store(network as u8, Ordering::SeqCst);
    }

    /// New connections go to another server of this machine.
    pub fn turn_to(&self, port: u16) {
        self.server.store(port, Ordering::SeqCst);
    }

    /// Connections that were lost.
    pub fn losses(&self) -> u32 {
        self.losses.load(Ordering::SeqCst)
    }

    fn is(&self, network: Network) -> bool {
        self.state.load(Ordering::SeqCst) == network as u8
    }

    async fn pass(&self, mut client: TcpStream, mut server: TcpStream) {
        let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            let passed = tokio::select! {
                read = client.read(&mut asked) => match read {
                    Ok(bytes) if bytes > 0 => {
                        if self.is(Network::LosesQuestions) {
                            break;
                        }
                        if self.is(Network::Silent) {
                            continue;
                        }
                        server.write_all(&asked[..bytes]).await
                    }
                    _ => return,
                },
                read = server.read(&mut answered) => match read {
                    Ok(bytes) if bytes > 0 => {
                        if self.is(Network::LosesAnswers) {
                            break;
                        }
                        if self.is(Network::Silent) {
                            continue;
                        }
                        client.write_all(&answered[..bytes]).await
                    }
                    _ => return,
                },
            };
            if passed.is_err() {
                return;
            }
        }
        self.losses.fetch_add(1, Ordering::SeqCst);
    }
}
