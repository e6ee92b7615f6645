//! What a person sees in a terminal or console. There is no grammar: kubectl, Helm, Terraform, eksctl and CI wrap the
//! same sentences differently, so each part between `: ` is compared from its start. Nothing is granted on it.

use super::{Symptom, strip_prefix_ci, strip_suffix_ci};

/// Where a sentence of [`SENTENCES`] must stand.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// At the start of a part.
    Start,
    /// At the end of the line, punctuation aside.
    End,
}

use Place::{End, Start};

/// The first that is found in a line decides.
const SENTENCES: [(Place, &str, Symptom); 54] = [
    (
        Start,
        "kubernetes configuration file is group-readable",
        Symptom::ClientKubeconfigReadable,
    ),
    (
        Start,
        "kubernetes configuration file is world-readable",
        Symptom::ClientKubeconfigReadable,
    ),
    (
        Start,
        "your current user or role does not have access to kubernetes objects",
        Symptom::ClientConsoleNoAccess,
    ),
    (
        Start,
        "your current iam principal doesn't have access to kubernetes objects",
        Symptom::ClientConsoleNoAccess,
    ),
    (
        End,
        "cluster creator iam user being deleted",
        Symptom::ClientCreatorDeleted,
    ),
    (
        Start,
        "cluster is inaccessible due to the cluster creator",
        Symptom::ClientCreatorDeleted,
    ),
    // The cluster can't even be described.
    (
        Start,
        "eks:describecluster on resource",
        Symptom::ClientDescribeClusterDenied,
    ),
    (
        Start,
        "eks:describecluster",
        Symptom::ClientDescribeClusterDenied,
    ),
    (
        Start,
        "an error occurred (accessdeniedexception) when calling the describecluster",
        Symptom::ClientDescribeClusterDenied,
    ),
    (
        Start,
        "an error occurred (accessdenied) when calling the describecluster",
        Symptom::ClientDescribeClusterDenied,
    ),
    (
        Start,
        "can't describe cluster control plane",
        Symptom::ClientDescribeClusterDenied,
    ),
    (
        Start,
        "cannot describe cluster control plane",
        Symptom::ClientDescribeClusterDenied,
    ),
    (
        Start,
        "unable to describe cluster control plane",
        Symptom::ClientDescribeClusterDenied,
    ),
    // The role can't be assumed.
    (Start, "sts:assumerole", Symptom::ClientAssumeRoleDenied),
    (
        Start,
        "an error occurred (accessdenied) when calling the assumerole",
        Symptom::ClientAssumeRoleDenied,
    ),
    (
        End,
        "the trusted entity is not correct",
        Symptom::ClientAssumeRoleDenied,
    ),
    // No credentials, or none that are good any more.
    (
        Start,
        "unable to locate credentials",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "partial credentials found",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "error loading sso token",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "error when retrieving token from sso",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "the sso session associated with this profile has expired",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "token has expired and refresh failed",
        Symptom::ClientNoCredentials,
    ),
    (Start, "the config profile (", Symptom::ClientNoCredentials),
    (
        Start,
        "an error occurred (expiredtoken",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "an error occurred (unrecognizedclientexception)",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "an error occurred (invalidclienttokenid)",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "the security token included in the request is",
        Symptom::ClientNoCredentials,
    ),
    (
        Start,
        "no valid credential sources",
        Symptom::ClientNoCredentials,
    ),
    (Start, "nocredentialproviders", Symptom::ClientNoCredentials),
    (
        Start,
        "your session has expired",
        Symptom::ClientNoCredentials,
    ),
    // No kubeconfig: kubectl falls back to this address.
    (
        Start,
        "the connection to the server localhost:8080 was refused",
        Symptom::ClientNoKubeconfig,
    ),
    (
        Start,
        "get \"http://localhost:8080",
        Symptom::ClientNoKubeconfig,
    ),
    (
        Start,
        "dial tcp 127.0.0.1:8080",
        Symptom::ClientNoKubeconfig,
    ),
    (Start, "dial tcp [::1]:8080", Symptom::ClientNoKubeconfig),
    // The login was refused.
    (
        Start,
        "you must be logged in to the server",
        Symptom::ClientUnauthorized,
    ),
    (
        Start,
        "the server has asked for the client to provide credentials",
        Symptom::ClientUnauthorized,
    ),
    (
        Start,
        "error from server (unauthorized)",
        Symptom::ClientUnauthorized,
    ),
    (
        Start,
        "error from server (forbidden)",
        Symptom::ClientForbidden,
    ),
    (
        Start,
        "user \"system:anonymous\" cannot",
        Symptom::ClientForbidden,
    ),
    // TLS, then network.
    (Start, "x509", Symptom::ClientX509),
    (
        Start,
        "tls: failed to verify certificate",
        Symptom::ClientX509,
    ),
    (End, "i/o timeout", Symptom::ClientTimeout),
    (End, "no such host", Symptom::ClientTimeout),
    (End, "tls handshake timeout", Symptom::ClientTimeout),
    (End, "context deadline exceeded", Symptom::ClientTimeout),
    (Start, "context deadline exceeded", Symptom::ClientTimeout),
    (End, "while awaiting headers)", Symptom::ClientTimeout),
    (End, "connection refused", Symptom::ClientTimeout),
    (
        Start,
        "the connection to the server ",
        Symptom::ClientTimeout,
    ),
    // The credential plugin.
    (Start, "exec plugin", Symptom::ClientExecPlugin),
    (Start, "getting credentials", Symptom::ClientExecPlugin),
    (
        Start,
        "invalid apiversion \"client.authentication.k8s.io",
        Symptom::ClientExecPlugin,
    ),
    (
        Start,
        "no kind \"execcredential\" is registered",
        Symptom::ClientExecPlugin,
    ),
    // Said of any failed discovery, so only when the line says nothing more.
    (
        Start,
        "couldn't get current server api group list",
        Symptom::ClientUnauthorized,
    ),
];

/// Reads a line of a terminal; `None` if it is none that is known.
#[must_use]
pub fn read(line: &str) -> Option<Symptom> {
    let line = line.trim_matches(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵' | '|'));
    if parts(line).any(|part| part.eq_ignore_ascii_case("unauthorized")) {
        return Some(Symptom::ClientUnauthorized);
    }
    let end = line.trim_end_matches(['.', '"', ')', ' ']);
    SENTENCES
        .iter()
        .find(|(place, sentence, _)| match place {
            Start => parts(line).any(|part| strip_prefix_ci(part, sentence).is_some()),
            End => strip_suffix_ci(end, sentence.trim_end_matches(')')).is_some(),
        })
        .map(|(_, _, symptom)| *symptom)
}

/// The line from its start, and from behind each `: `, `] ` and `— `.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let after_mark = line
        .char_indices()
        .filter(|(_, c)| *c == ' ')
        .filter_map(|(at, _)| {
            let before = line.get(..at)?;
            let is_mark = before.ends_with(':') || before.ends_with(']') || before.ends_with('-');
            is_mark.then(|| line.get(at + 1..)).flatten()
        });
    std::iter::once(line).chain(after_mark)
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::symptom::Symptom;

    #[test]
    fn the_same_sentence_is_found_in_every_wrapping() {
        for (line, symptom) in [
            (
                "error: You must be logged in to the server (Unauthorized)",
                Symptom::ClientUnauthorized,
            ),
            (
                "E1122 10:00:01.000001    4242 memcache.go:265] couldn't get current server API group list: the server has asked for the client to provide credentials",
                Symptom::ClientUnauthorized,
            ),
            (
                "Error: INSTALLATION FAILED: Kubernetes cluster unreachable: the server has asked for the client to provide credentials",
                Symptom::ClientUnauthorized,
            ),
            (
                "couldn't get current server API group list: Get \"http://localhost:8080/api?timeout=32s\": dial tcp 127.0.0.1:8080: connect: connection refused",
                Symptom::ClientNoKubeconfig,
            ),
            (
                "An error occurred (AccessDeniedException) when calling the DescribeCluster operation: User: arn:aws:iam::111122223333:user/jo is not authorized to perform: eks:DescribeCluster on resource: arn:aws:eks:eu-west-1:111122223333:cluster/prod",
                Symptom::ClientDescribeClusterDenied,
            ),
            (
                "could not get token: AccessDenied: User: arn:aws:iam::111122223333:user/jo is not authorized to perform: sts:AssumeRole on resource: x",
                Symptom::ClientAssumeRoleDenied,
            ),
            (
                "Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout",
                Symptom::ClientTimeout,
            ),
            (
                "Unable to connect to the server: x509: certificate is valid for a.example, not b.example",
                Symptom::ClientX509,
            ),
            (
                "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
                Symptom::ClientExecPlugin,
            ),
            (
                "WARNING: Kubernetes configuration file is group-readable. This is insecure. Location: /home/jo/.kube/config",
                Symptom::ClientKubeconfigReadable,
            ),
            (
                "Error from server (Forbidden): pods is forbidden: User \"jo\" cannot list resource \"pods\"",
                Symptom::ClientForbidden,
            ),
        ] {
            assert_eq!(read(line), Some(symptom), "{line}");
        }
        assert_eq!(read("NAME   READY   STATUS"), None);
    }
}
