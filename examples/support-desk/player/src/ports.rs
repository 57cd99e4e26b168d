//! Ports on loopback that nobody uses.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result};

/// Ports that are taken if they are free: then a kept demo is where the
/// command line looks for it.
const PORTS: [u16; 2] = [7400, 7401];

/// Addresses of the coordinator: its API, and HTTP.
pub fn free_addresses() -> Result<[SocketAddr; 2]> {
    let listen = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let usual = PORTS.map(listen);
    // Both listeners are held until both addresses are known.
    let listeners = match usual {
        [Ok(first), Ok(second)] => [first, second],
        _ => [
            listen(0).context("no free port")?,
            listen(0).context("no free port")?,
        ],
    };
    let [first, second] = &listeners;
    Ok([first.local_addr()?, second.local_addr()?])
}

/// Ports for the providers and the receipts.
pub fn free_ports() -> Result<[u16; 3]> {
    let listeners = [0; 3].map(|port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    let mut ports = [0; 3];
    for (port, listener) in ports.iter_mut().zip(listeners) {
        *port = listener.context("no free port")?.local_addr()?.port();
    }
    Ok(ports)
}
