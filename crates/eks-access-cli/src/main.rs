//! `eks-access`: why an EKS login was refused, from log lines, on a laptop, without AWS.

use std::process::ExitCode;

use clap::Parser;

mod args;
mod aws_auth;
mod causes;
#[cfg_attr(not(feature = "live"), expect(dead_code, reason = "only AWS needs it"))]
mod environment;
mod explain;
mod input;
mod inquiry;
mod lines;
#[cfg(feature = "live")]
mod live;
#[cfg(not(feature = "live"))]
#[path = "offline.rs"]
mod live;
mod output;
mod pack;
mod policy;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let result = match arguments.command {
        args::Command::Explain(options) => explain::run(&options),
        args::Command::Cause(options) => causes::show(&options),
        args::Command::Causes(options) => causes::list(&options),
        args::Command::AwsAuth(options) => aws_auth::run(&options),
        args::Command::Why(options) => live::why(&options),
        args::Command::Doctor(options) => live::doctor(&options),
        args::Command::Admins(options) => live::admins(&options),
        args::Command::Whoami(options) => live::whoami(&options),
        args::Command::Incidents(options) => live::incidents(&options),
        args::Command::Mute(options) => live::mute(&options),
        args::Command::SelfTest(options) => live::self_test(&options),
        args::Command::Approvals(options) => live::approvals(&options),
        args::Command::Policy(options) => policy::run(&options),
        args::Command::Pack(options) => pack::run(&options),
        args::Command::Completions { shell } => {
            args::completions(shell);
            Ok(output::Found::Nothing)
        }
    };
    match result {
        Ok(output::Found::Nothing) => ExitCode::SUCCESS,
        Ok(output::Found::Denials) => ExitCode::from(1),
        // Whoever reads from us has seen enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            output::say_error(&error);
            ExitCode::from(2)
        }
    }
}
