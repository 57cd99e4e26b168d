//! Which node should own which partitions: the same answer on every node that
//! has seen the same.

use everturn_store::{Node, NodeIdentity, Roster};

/// The partitions of a node: all of them at that of the living ones that has
/// served the longest, so that the others stand by.
pub(super) fn partitions_of(node: &NodeIdentity, roster: &Roster) -> Vec<u32> {
    let alive = roster
        .nodes
        .iter()
        .filter(|it| it.is_alive && !it.is_draining);
    let first = alive.min_by_key(|it: &&Node| (it.started, it.identity.clone()));
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
    fn the_node_that_has_served_the_longest_has_all_partitions() {
        let nodes = vec![node("a", 2), node("b", 1)];
        let (a, b) = (nodes[0].identity.clone(), nodes[1].identity.clone());
        let roster = roster(nodes);
        assert_eq!(partitions_of(&b, &roster), [0, 1, 2, 3]);
        assert!(partitions_of(&a, &roster).is_empty());
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
