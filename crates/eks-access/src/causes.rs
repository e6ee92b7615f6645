//! Every cause, one file each.

use crate::catalogue::Cause;

macro_rules! causes {
    ($($file:ident,)*) => {
        $(mod $file;)*

        /// The catalogue, in the order of the documentation.
        pub static CAUSES: &[&Cause] = &[$(&$file::CAUSE),*];
    };
}

causes! {
    principal_not_mapped,
    entry_outlived_its_role,
    pipeline_role_not_mapped,
    irsa_role_not_mapped,
    pod_identity_role_not_mapped,
    node_not_mapped,
    ec2_instance_role_not_mapped,
    karpenter_node_role_not_mapped,
    auto_mode_node_role_not_mapped,
    fargate_role_not_mapped,
    hybrid_node_role_not_mapped,
    root_user_not_mapped,
    federated_user_not_mapped,
    foreign_account_principal,
    service_linked_role,
    aws_internal_principal,
    access_entry_names_another_principal,
    reserved_user_name,
    node_session_is_no_instance,
    access_entry_of_a_node_type,
    cluster_role_may_not_look_up_nodes,
    cluster_role_deleted,
    cluster_role_does_not_trust_eks,
    node_lookup_throttled,
    node_unknown_to_ec2,
    access_key_not_valid,
    credentials_expired,
    signature_mismatch,
    region_scope_mismatch,
    clock_skew,
    sts_not_activated_in_region,
    sts_access_denied,
    sts_throttled,
    sts_unavailable,
    sts_unreachable,
    sts_rejected_without_reason,
    token_expired,
    token_is_not_an_iam_token,
    token_malformed,
    token_for_another_endpoint,
    token_names_no_cluster,
    token_forged,
    identity_cannot_log_in,
    webhook_called_by_something_else,
    aws_auth_malformed,
    aws_auth_deleted,
    mapping_watch_lost,
    authenticator_broken,
    empty_user_name,
    denial_not_recognised,
    client_unauthorized,
    request_forbidden,
    describe_cluster_denied,
    assume_role_denied,
    credentials_missing,
    console_without_access,
    cluster_creator_deleted,
    kubeconfig_missing,
    endpoint_certificate_not_trusted,
    endpoint_unreachable,
    endpoint_private_only,
    kubeconfig_readable_by_others,
    credential_plugin_failed,
}
