//! Whatever a file says, it is read, checked and translated; no name ends a line of what is written.
#![no_main]

use eks_access::aws_auth::AwsAuth;
use eks_access::aws_auth::lint::lint;
use eks_access::aws_auth::translate::{Format, Target, plan, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(auth) = AwsAuth::parse(text) else {
        return;
    };
    let target = Target {
        cluster: "prod".parse().unwrap(),
        region: "eu-west-1".parse().unwrap(),
        account: None,
    };
    let plan = plan(&auth, None, &[]);
    for format in [Format::AwsCli, Format::Eksctl, Format::Terraform, Format::CloudFormation] {
        let written = render(&plan, &target, format);
        assert!(written.chars().all(|c| c == '\n' || !c.is_control()));
    }
    for finding in lint(&auth) {
        assert!(!finding.what.contains(char::is_control));
    }
});
