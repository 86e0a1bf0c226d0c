//! The one binary: a node, a demo world and the client verbs.

fn main() {}
