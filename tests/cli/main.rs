//! `eks-access` as people run it: the real binary, in every format they have at hand.

mod catalogue;
mod explain;
mod formats;
mod run;
