//! The core of eks-access-responder: bytes, facts and a time in, values out.
//!
//! A `CloudWatch` Logs delivery becomes lines ([`delivery`]), a line of the authenticator stream is read by
//! an exact grammar ([`logrus`]) into a [`symptom::Symptom`], a denial is joined with its `STS response` line
//! ([`denial`]), exactly one [`catalogue::Cause`] claims it ([`diagnosis`]), and many diagnoses fold into few
//! [`notice::Notice`]s ([`incident`]).
//!
//! Nothing here does I/O, asks a clock or reads the environment.

pub mod access;
pub mod admins;
pub mod aws_auth;
pub mod catalogue;
pub mod causes;
pub mod cluster;
pub mod delivery;
pub mod denial;
pub mod diagnosis;
pub mod doctor;
mod escape;
pub mod example;
pub mod facts;
pub mod finding;
pub mod incident;
mod json;
pub mod klog;
pub mod kubeconfig;
pub mod line;
pub mod logrus;
pub mod memory;
pub mod notice;
pub mod page;
pub mod paste;
pub mod policy;
pub mod principal;
pub mod remedy;
pub mod route;
pub mod steps;
pub mod symptom;
pub mod text;
pub mod timestamp;
pub mod whoami;
pub mod why;
