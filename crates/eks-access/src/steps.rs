//! Pieces that the remedies of several causes share.
//!
//! Everything from a case goes through [`Command::arg`](crate::remedy::Command::arg) or the escapes of these modules.
//! Words in capitals, such as `NAMESPACE`, are for the reader to replace.

use crate::catalogue::Case;
use crate::remedy::Remedy;

mod access_entry;
mod aws_auth;
mod checks;
mod cloudformation;
mod cluster;
mod cluster_role;
mod credentials;
mod grantee;
mod logs;
mod near;
mod node;
mod recovery;
mod replace;
mod sts;
mod terraform;

pub(crate) use access_entry::{associate_view, entry_remedies};
pub(crate) use aws_auth::{
    aws_auth_remedies, aws_auth_unused, bind_service_account, edit_aws_auth, mend_aws_auth,
};
pub(crate) use checks::{checks, compare_accounts, find_other_ending, try_again};
pub(crate) use cluster::{
    access_policy, account, describe_cluster, eks, eks_named, eksctl, kubeconfig, kubeconfig_aside,
    partition,
};
pub(crate) use cluster_role::{ClusterRole, nodes_come_back};
pub(crate) use credentials::{fresh_kubeconfig, sign_in_again, token_and_clock, who_am_i};
pub(crate) use grantee::{Grantee, aws_called, is_service_linked};
pub(crate) use logs::{
    busiest_callers, find_caller, read_aws_auth_changes, read_denials, read_log, turn_logging_on,
};
pub(crate) use near::{
    create_instead, delete_stale, look_at_entry, mend_row, terraform_permission_set,
};
pub(crate) use node::{
    NodeType, add_access_entries, call_with_own_role, find_nodes, node_entries, node_mapping,
    node_remedies, prove_node_role, who_may_assume,
};
pub(crate) use recovery::{ask_administrators, lockout, recover};
pub(crate) use replace::{note_entry_down, replace_entry, terraform_replace};
pub(crate) use sts::{regional_sts, sts_host, token_in_another_region};
pub(crate) use terraform::import_entry;

/// Nothing to do.
pub(crate) fn none(_: &Case<'_>) -> Vec<Remedy> {
    Vec::new()
}
