//! eks-access.

fn main() {}
