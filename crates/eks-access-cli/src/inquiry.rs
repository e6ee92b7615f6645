//! Facts for `explain` and `why`: from AWS, if it may be asked, and from a copy of `aws-auth`.

use std::path::Path;

use eks_access::aws_auth::AwsAuth;
use eks_access::facts::{AwsAuthRow, Fact, Facts, RowFault};
use eks_access::incident::{Answers, Question};
use eks_access::principal::Principal;
use eks_access::symptom::Symptom;
use eks_access::text::LogText;

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
                    facts.aws_auth = Fact::Known(self.row(aws_auth, question, principal));
                }
            }
        }
        answers
    }

    /// What the copy has for a principal. A row of the same permission set with another ending was not meant for it where
    /// both roles are there.
    fn row(&self, aws_auth: &AwsAuth, question: &Question, principal: &Principal) -> AwsAuthRow {
        match AwsAuthRow::of(aws_auth, principal) {
            AwsAuthRow::Near(RowFault::OtherSuffix, arn) if self.is_there(question, &arn) => {
                AwsAuthRow::None
            }
            row => row,
        }
    }

    /// Whether IAM is known to have the principal of a row.
    fn is_there(&self, question: &Question, arn: &LogText) -> bool {
        let (Some(live), Ok(principal)) = (&self.live, arn.raw().parse()) else {
            return false;
        };
        let about = Question {
            symptom: Symptom::ReservedUsername,
            principal: Some(principal),
            ..question.clone()
        };
        let answers = live.answers(vec![about]);
        answers
            .into_values()
            .any(|facts| facts.iam_principal().is_some())
    }
}
