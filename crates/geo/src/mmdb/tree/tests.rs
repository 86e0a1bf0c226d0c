use super::*;

fn metadata(node_count: u32, record_size: u16, ip_version: u16) -> Metadata {
    Metadata {
        binary_format_major_version: 2,
        binary_format_minor_version: 0,
        build_epoch: 0,
        database_type: String::new(),
        description: [].into(),
        ip_version,
        languages: Vec::new(),
        node_count,
        record_size,
    }
}

fn leaves(bytes: &[u8], metadata: &Metadata) -> Result<Vec<Leaf>, String> {
    let mut leaves = Vec::new();
    let walked = Tree::new(bytes, metadata).walk(|leaf| {
        leaves.push(leaf);
        Ok(())
    });
    walked.map(|()| leaves).map_err(|error| error.to_string())
}

#[test]
fn nodes_of_all_sizes_are_read() {
    let leaf =
        |first: u32, prefix, pointer| Leaf { kind: Kind::V4, first: first.into(), prefix, pointer };
    let wanted = Ok(vec![leaf(0, 1, Some(18)), leaf(1 << 31, 2, None), leaf(3 << 30, 2, Some(19))]);
    let check = |record_size, bytes: &[u8]| {
        assert_eq!(leaves(bytes, &metadata(2, record_size, 4)), wanted, "{record_size}");
    };
    check(24, &[0, 0, 18, 0, 0, 1, 0, 0, 2, 0, 0, 19]);
    check(28, &[0, 0, 18, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 19]);
    check(32, &[0, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 19]);
    let high = leaves(&[0, 0, 1, 0x12, 0, 0, 3], &metadata(1, 28, 4)).unwrap();
    let pointers: Vec<_> = high.iter().map(|leaf| leaf.pointer).collect();
    assert_eq!(pointers, [Some(0x0100_0001), Some(0x0200_0003)]);
}

#[test]
fn an_ipv6_leaf_around_ipv4_speaks_for_both() {
    let found = leaves(&[0, 0, 9, 0, 0, 1], &metadata(1, 24, 6)).unwrap();
    let leaf = |kind, first, prefix, pointer| Leaf { kind, first, prefix, pointer };
    let wanted = [
        leaf(Kind::V4, 0, 0, Some(9)),
        leaf(Kind::V6, 0, 1, Some(9)),
        leaf(Kind::V6, 1 << 127, 1, None),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_tree_that_is_none_says_why() {
    let check = |bytes: &[u8], nodes, wanted: &str| {
        assert_eq!(leaves(bytes, &metadata(nodes, 24, 4)), Err(wanted.into()));
    };
    check(&[0, 0, 0, 0, 0, 0], 1, "mmdb search tree is deeper than an address");
    check(&[0, 0, 1, 0, 0, 2], 2, "mmdb search tree ends early");
    check(&[], 1, "mmdb search tree ends early");
}

#[test]
fn a_tree_of_shared_empty_nodes_ends() {
    let node = |number: u8| [0, 0, number + 1, 0, 0, number + 1];
    let bytes: Vec<u8> = (0..100).flat_map(node).collect();
    let walked = Tree::new(&bytes, &metadata(100, 24, 6)).walk(|_leaf| Ok(()));
    let wanted = "mmdb search tree has more than 67108864 nodes";
    assert_eq!(walked.map_err(|error| error.to_string()), Err(wanted.into()));
}
