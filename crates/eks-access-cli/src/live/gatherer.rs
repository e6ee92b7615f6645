//! EKS and IAM, asked with the caller's own credentials.

use std::time::Duration;

use eks_access::incident::{Answers, Question};
use eks_access_aws::facts::Gatherer;
use eks_access_aws::laptop;
use tokio::runtime::Runtime;

use crate::output::Error;

/// How long all questions of one call may take.
const BUDGET: Duration = Duration::from_mins(1);

/// EKS and IAM of one Region, and the thread's own runtime to wait for them.
pub(crate) struct Live {
    runtime: Runtime,
    gatherer: Gatherer,
    region: String,
}

impl Live {
    /// Finds credentials and a Region, and asks STS whether the credentials are good: without that, every question
    /// would be refused for a reason that is not its own.
    pub(crate) fn start(profile: Option<&str>, region: Option<&str>) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Runtime)?;
        let caller = runtime.block_on(laptop::caller(profile, region))?;
        let Some(region) = caller.region().map(str::to_owned) else {
            return Err(Error::Ask(
                "no Region is known; name the cluster's with --region, or set AWS_REGION"
                    .to_owned(),
            ));
        };
        let gatherer = Gatherer::new(&caller.in_region(&region));
        Ok(Self {
            runtime,
            gatherer,
            region,
        })
    }

    /// The Region that is asked.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// What they say.
    pub(crate) fn answers(&self, questions: Vec<Question>) -> Answers {
        self.runtime
            .block_on(self.gatherer.gather(questions, BUDGET))
    }
}
