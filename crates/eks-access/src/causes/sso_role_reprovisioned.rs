use crate::catalogue::{Case, Cause, Claim, Example, Page, Tier};
use crate::finding::{Finding, open};
use crate::principal::Principal;
use crate::remedy::{Command, Remedy};
use crate::steps;
use crate::symptom::{Actor, Severity, Symptom};

pub(super) static CAUSE: Cause = Cause {
    id: "sso-role-reprovisioned",
    title: "permission set was provisioned anew",
    summary: "Your permission set has a new role in this account, and the cluster still knows the role that it had before.",
    tier: Tier::Specific,
    symptoms: &[Symptom::NotMapped, Symptom::NotMappedNode],
    actor: Actor::ClusterAdministrator,
    severity: Severity::Medium,
    page: Page {
        what_happened: "\
The cluster lets a role of the same permission set and account in, whose name ends in 16 other characters than yours. IAM
Identity Center has made a new role since, and nothing names that one. It is nothing you did; everybody of the permission
set is refused in the same way.",
        why: "\
The ending of `AWSReservedSSO_<set>_<16 characters>` is new whenever IAM Identity Center makes the role again: after the
permission set was taken from its last user or group in the account and given again, or was deleted and made again. Access
entries and rows of `aws-auth` name one role, with its ending, and do not follow.",
        how_to_be_sure: "\
Compare the ending in the denial with the one in the entry or row that the notice names. `aws iam get-role` on the old
role answers `NoSuchEntity`; if it does not, both roles exist, and the old one's entry stays.",
        what_to_do: "\
Look at the old entry's groups and access policies. Create an entry for the present role with the same, then delete the old
one. The ARN of an entry has the path, `aws-reserved/sso.amazonaws.com/[REGION/]`, which `aws iam get-role` gives.

In `aws-auth`, replace the ARN in the one row, without any path; leave its user name and groups.",
        if_it_comes_back: "\
- In Terraform, look the role up by its permission set (`aws_iam_roles` with `path_prefix` and `name_regex`), as above.
- Keep the permission set assigned to a group that never becomes empty, so that its role stays.
- Run `eks-access doctor --cluster NAME` after changes in IAM Identity Center: it lists entries whose role is gone.",
    },
    perhaps: &["entry-outlived-its-role"],
    claim,
    remedies,
    examples: &[Example { line: r#"time="2026-03-02T15:13:29Z" level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/AWSReservedSSO_Developer_0123456789abcdef" client="127.0.0.1:41344" error="identity is not mapped" method=POST path=/authenticate"#, symptom: Symptom::NotMapped }],
};

fn claim(case: &Case<'_>) -> Claim {
    Finding::claim(
        case,
        |finding| matches!(finding, Finding::EntryOtherSuffix(_) | Finding::RowOtherSuffix(_)),
        |case| {
            let set = case.principal.and_then(Principal::permission_set);
            set.and_then(|_| open::suffix(case).or_else(|| open::entries_or_rows(case)))
        },
    )
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let mut remedies = vec![steps::checks(case)];
    remedies.extend(steps::lockout(case));
    match Finding::of(case) {
        Finding::EntryOtherSuffix(old) => {
            remedies.push(
                steps::look_at_entry(
                    "See that IAM has the old role no more, and note down the groups and policies of its entry",
                    case,
                    old,
                )
                .aws(Command::new("aws iam get-role").option("--role-name", old.name())),
            );
            remedies.extend(steps::create_instead(
                "Create an entry for the present role and give it what the old one's has, here the view policy in one \
                 namespace",
                case,
            ));
            remedies.extend(steps::delete_stale("Then delete the old role's entry, if IAM has that role no more", case, old));
            remedies.extend(steps::terraform_permission_set(case));
        }
        Finding::RowOtherSuffix(row) => {
            remedies.extend(steps::mend_row("Replace the ARN in the old role's row, and nothing else", case, row));
        }
        _ => {
            let set = case.principal.and_then(Principal::permission_set);
            remedies.extend(set.map(|set| steps::find_other_ending(set.name, case)));
        }
    }
    remedies.push(steps::try_again(case));
    remedies
}
