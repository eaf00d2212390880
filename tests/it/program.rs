//! Runs the program itself, as a user would.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a run printed and how it ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// The program with arguments; its environment holds nothing of the tests'.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_onefold"));
    command.args(arguments);
    // What is meant for the program, and what would send its requests elsewhere.
    let meant = |name: &str| name.starts_with("ONEFOLD_") || name.to_lowercase().ends_with("_proxy");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(meant)) {
        command.env_remove(name);
    }
    command
}

/// Runs it to the end.
pub fn run(arguments: &[&str]) -> Ran {
    run_with(arguments, &[])
}

/// Runs it to the end with these variables in its environment.
pub fn run_with(arguments: &[&str], environment: &[(&str, &str)]) -> Ran {
    let mut command = command(arguments);
    command.envs(environment.iter().copied()).stdin(Stdio::null());
    ran(command.output().expect("the program starts"))
}

/// Runs it with something to read on standard input.
pub fn run_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || {
        // A program that stops reading early has its reasons; its exit code tells.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the program ends");
    feeding.join().expect("feeding ends");
    ran(output)
}

/// Runs it and expects success.
pub fn ok(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?} failed\n{}\n{}", ran.out, ran.err);
    ran.out
}

fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("text on standard output"),
        err: String::from_utf8(output.stderr).expect("text on standard error"),
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
