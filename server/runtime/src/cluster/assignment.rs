//! Which node should own which partitions: the same answer on every node that
//! has seen the same.

use std::cmp::Reverse;

use everturn_store::{Node, NodeIdentity, Roster};

/// The partitions of a node: all of them at one of the living ones, so that the
/// others stand by. That which has most of them keeps them, or else it is that
/// which started first.
pub(super) fn partitions_of(node: &NodeIdentity, roster: &Roster) -> Vec<u32> {
    let held = |node: &Node| {
        let holders = roster.leases.iter().filter_map(|it| it.holder.as_ref());
        holders.filter(|it| **it == node.identity).count()
    };
    let first = roster
        .nodes
        .iter()
        .filter(|it| it.is_alive && !it.is_draining)
        .min_by_key(|it| (Reverse(held(it)), it.started, it.identity.clone()));
    if first.is_none_or(|first| first.identity != *node) {
        return Vec::new();
    }
    roster.leases.iter().map(|lease| lease.partition).collect()
}

#[cfg(test)]
mod tests {
    use everturn_store::Lease;

    use super::*;

    fn node(id: &str, started: i64) -> Node {
        Node {
            identity: NodeIdentity {
                id: id.into(),
                incarnation: 1,
            },
            address: String::new(),
            version: String::new(),
            protocol: 1,
            is_draining: false,
            is_alive: true,
            started,
        }
    }

    fn roster(nodes: Vec<Node>) -> Roster {
        let lease = |partition| Lease {
            partition,
            owner_epoch: 0,
            holder: None,
        };
        Roster {
            nodes,
            leases: (0..4).map(lease).collect(),
        }
    }

    #[test]
    fn the_node_that_started_first_has_all_partitions() {
        let nodes = vec![node("a", 2), node("b", 1)];
        let (a, b) = (nodes[0].identity.clone(), nodes[1].identity.clone());
        let roster = roster(nodes);
        assert_eq!(partitions_of(&b, &roster), [0, 1, 2, 3]);
        assert!(partitions_of(&a, &roster).is_empty());
    }

    #[test]
    fn one_that_comes_back_does_not_take_them_from_the_one_that_has_them() {
        let nodes = vec![node("a", 2), node("b", 1)];
        let (a, b) = (nodes[0].identity.clone(), nodes[1].identity.clone());
        let mut roster = roster(nodes);
        roster.leases[3].holder = Some(a.clone());
        assert_eq!(partitions_of(&a, &roster).len(), 4);
        assert!(partitions_of(&b, &roster).is_empty());
    }

    #[test]
    fn one_that_drains_or_is_gone_has_none() {
        let mut nodes = vec![node("a", 3), node("b", 2), node("c", 1)];
        nodes[2].is_alive = false;
        nodes[1].is_draining = true;
        let ids: Vec<_> = nodes.iter().map(|it| it.identity.clone()).collect();
        let roster = roster(nodes);
        assert_eq!(partitions_of(&ids[0], &roster).len(), 4);
        assert!(partitions_of(&ids[1], &roster).is_empty());
        assert!(partitions_of(&ids[2], &roster).is_empty());
    }
}
