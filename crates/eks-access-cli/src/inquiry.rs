//! Facts for `explain` and `why`: from AWS, if it may be asked, and from a copy of `aws-auth`.

use std::path::Path;

use eks_access::aws_auth::AwsAuth;
use eks_access::facts::{AwsAuthRow, Fact, Facts};
use eks_access::incident::{Answers, Question};

use crate::live::Live;
use crate::output::Error;

/// Where facts come from.
#[derive(Default)]
pub(crate) struct Inquiry {
    live: Option<Live>,
    aws_auth: Option<AwsAuth>,
}

impl Inquiry {
    /// Opens what was named.
    pub(crate) fn new(live: Option<Live>, aws_auth: Option<&Path>) -> Result<Self, Error> {
        let aws_auth = aws_auth.map(crate::aws_auth::parsed).transpose()?;
        Ok(Self { live, aws_auth })
    }

    /// Whether there is anything to learn.
    pub(crate) fn is_on(&self) -> bool {
        self.live.is_some() || self.aws_auth.is_some()
    }

    /// What is learned.
    pub(crate) fn answers(&self, questions: Vec<Question>) -> Answers {
        let mut answers = match &self.live {
            Some(live) => live.answers(questions),
            None => questions
                .into_iter()
                .map(|question| (question, Facts::none()))
                .collect(),
        };
        if let Some(aws_auth) = &self.aws_auth {
            for (question, facts) in &mut answers {
                if let Some(principal) = &question.principal {
                    facts.aws_auth = Fact::Known(AwsAuthRow::of(aws_auth, principal));
                }
            }
        }
        answers
    }
}
