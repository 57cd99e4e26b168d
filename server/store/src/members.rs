//! The cluster that shares a store: what a node says about itself, and what it
//! learns about the others.

use std::time::Duration;

use futures::future::BoxFuture;

use crate::Result;

/// How a node is known to the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeIdentity {
    /// Its id, the same after a restart, so that it has its partitions back at
    /// once.
    pub id: String,
    /// Greater with every start.
    pub incarnation: u64,
}

/// What a node says with every heartbeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// Where other nodes reach it.
    pub address: String,
    /// Its version, for people.
    pub version: String,
    /// The version of what nodes send each other.
    pub protocol: u32,
    /// It gives its partitions away.
    pub is_draining: bool,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How it is known.
    pub identity: NodeIdentity,
    /// Where other nodes reach it.
    pub address: String,
    /// Its version, for people.
    pub version: String,
    /// The version of what nodes send each other.
    pub protocol: u32,
    /// It gives its partitions away.
    pub is_draining: bool,
    /// It was seen within a lease.
    pub is_alive: bool,
    /// When it started, by the clock of the store.
    pub started: i64,
}

/// A partition and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The partition.
    pub partition: u32,
    /// Epoch of its last owner.
    pub owner_epoch: u32,
    /// Who holds it; it may be dead.
    pub holder: Option<NodeIdentity>,
}

/// Everything that is known of a cluster, by the time it is read perhaps not
/// true any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    /// Nodes that were seen lately, by their ids.
    pub nodes: Vec<Node>,
    /// All partitions, in order.
    pub leases: Vec<Lease>,
}

impl Roster {
    /// Whether the holder of a lease was seen within a lease.
    #[must_use]
    pub fn is_held(&self, lease: &Lease) -> bool {
        let alive = |node: &Node| node.is_alive && Some(&node.identity) == lease.holder.as_ref();
        self.nodes.iter().any(alive)
    }
}

/// A store that several nodes can share.
pub trait Members: Send + Sync {
    /// Who this node is.
    fn identity(&self) -> &NodeIdentity;

    /// How long a node that is not heard of keeps its partitions.
    fn lease(&self) -> Duration;

    /// Says that this node lives; gives what is known of all.
    ///
    /// # Errors
    /// `Superseded` when a later start has this node's id.
    fn beat(&self, beat: Beat) -> BoxFuture<'_, Result<Roster>>;

    /// Lets go of a partition: whoever wants it may take it at once. Nothing
    /// under its epoch is appended any more.
    fn release(&self, partition: u32, owner_epoch: u32) -> BoxFuture<'_, Result<()>>;

    /// This node is gone for good.
    fn leave(&self) -> BoxFuture<'_, Result<()>>;
}
