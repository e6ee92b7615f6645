//! The world of `world.rs` with EKS and IAM in it.

use std::collections::BTreeSet;
use std::ops::Deref;

use fakes::delivery::Delivery;
use fakes::directory::{Directory, Principal};
use fakes::eks::Eks;
use fakes::iam::Iam;
use fakes::record::Record;
use fakes::sns::Answer;

use crate::world::{Aftermath, World};

/// The account of every cluster.
pub(crate) const ACCOUNT: &str = "111122223333";

/// EKS and IAM of one account.
pub(crate) struct Aws {
    pub(crate) directory: Directory,
    pub(crate) eks: Eks,
    pub(crate) iam: Iam,
    region: String,
    endpoints: [String; 2],
}

impl Aws {
    pub(crate) fn new(partition: &str, region: &str) -> Self {
        let directory = Directory::new(partition, ACCOUNT);
        let (eks, eks_endpoint) = Eks::start(region, &directory);
        let (iam, iam_endpoint) = Iam::start(region, &directory);
        Self {
            directory,
            eks,
            iam,
            region: region.to_owned(),
            endpoints: [eks_endpoint, iam_endpoint],
        }
    }

    /// The variables by which a function finds them.
    pub(crate) fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("FACTS", "on".to_owned()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_ENDPOINT_URL_EKS", self.endpoints[0].clone()),
            ("AWS_ENDPOINT_URL_IAM", self.endpoints[1].clone()),
        ]
    }

    /// Makes a role or user, and gives its ARN.
    pub(crate) fn role(&self, principal: Principal) -> String {
        self.directory.add(principal).arn
    }
}

pub(crate) struct FactsWorld {
    aws: Aws,
    world: World,
}

/// What is left, with what EKS and IAM were asked for.
pub(crate) struct FactsAftermath {
    aftermath: Aftermath,
    /// The IAM actions that were used.
    pub(crate) actions: BTreeSet<String>,
}

impl Deref for FactsAftermath {
    type Target = Aftermath;

    fn deref(&self) -> &Aftermath {
        &self.aftermath
    }
}

impl FactsWorld {
    pub(crate) fn start(aws: Aws) -> Self {
        Self::with(aws, &[])
    }

    pub(crate) fn with(aws: Aws, variables: &[(&str, &str)]) -> Self {
        let own = aws.variables();
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let all: Vec<(&str, &str)> = own.chain(variables.iter().copied()).collect();
        let world = World::with(&all, |_| Answer::Accept);
        Self { aws, world }
    }

    pub(crate) fn handles(&self, delivery: &Delivery) {
        self.world.handles(&delivery.event());
    }

    /// What EKS and IAM were asked for so far.
    pub(crate) fn records(&self) -> (&Record, &Record) {
        (self.aws.eks.record(), self.aws.iam.record())
    }

    /// Ends it, and asserts that EKS and IAM were asked for nothing that they don't have.
    pub(crate) fn end(self) -> FactsAftermath {
        let mut actions = BTreeSet::new();
        for record in [self.aws.eks.record(), self.aws.iam.record()] {
            assert_eq!(record.unasked(), Vec::<String>::new());
            assert_eq!(record.broken_rules(), Vec::<String>::new());
            actions.extend(record.actions());
        }
        FactsAftermath {
            aftermath: self.world.end(),
            actions,
        }
    }
}
