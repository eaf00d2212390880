//! Key-encryption keys that never leave their keeper (Vault, a cloud KMS, a PKCS#11 token): a command of the operator
//! wraps and unwraps for us.
//!
//! ```text
//! COMMAND wrap      stdin: base64 of the key, newline            stdout: base64 of the wrapped key
//! COMMAND unwrap    stdin: base64 of the wrapped key, newline    stdout: base64 of the key
//! ```
//! The command is split at spaces and run as it is, by no shell: nothing in it is expanded, and what needs quotes, pipes
//! or a program's name with spaces goes into a script. `wrap` or `unwrap` is its last argument; status 0 is success.
//! What it writes to stderr goes where ours goes, so it must print no key there.
//!
//! Time and output are bounded. It runs in a process group of its own, all of which is killed when time is up; a process
//! that left the group may live on, but is not waited for.
//!
//! INVARIANT: the command is given at run time and stands in no file, else who can write the folder of the keys could
//! run programs as its owner.

use super::error::{CommandFault as Fault, Error};
use super::key_file::WRAPPED_BYTES_MAX;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use zeroize::Zeroizing;

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How much it may print.
const OUTPUT_BYTES_MAX: usize = 4096;

/// A command that wraps and unwraps.
#[derive(Clone)]
pub(super) struct KeyCommand {
    words: Vec<String>,
    limit: Duration,
}

impl KeyCommand {
    /// The command that a text says; `None` when it has no word.
    pub fn new(text: &str) -> Option<Self> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        (!words.is_empty()).then_some(Self { words, limit: LIMIT })
    }

    /// The key, wrapped; it was unwrapped once to see that this works, for a key that cannot be unwrapped is lost.
    pub fn wrap(&self, key: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let failed = |fault| Error::Command { operation: "wrap", fault };
        let wrapped = self.run("wrap", key)?.to_vec();
        if wrapped.is_empty() || wrapped.len() > WRAPPED_BYTES_MAX {
            return Err(failed(Fault::Size { found: wrapped.len(), expected: "1 to 2,048" }));
        }
        if wrapped.windows(key.len()).any(|window| window == key) {
            return Err(failed(Fault::Clear));
        }
        if *self.unwrap(&wrapped)? != *key {
            return Err(failed(Fault::NotTheSame));
        }
        Ok(wrapped)
    }

    /// The key that was wrapped.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
        let bytes = self.run("unwrap", wrapped)?;
        let size = Fault::Size { found: bytes.len(), expected: "32" };
        let key = bytes.as_slice().try_into().map_err(|_| Error::Command { operation: "unwrap", fault: size })?;
        Ok(Zeroizing::new(key))
    }

    fn run(&self, operation: &'static str, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut line = Zeroizing::new(String::with_capacity(input.len().div_ceil(3) * 4 + 1));
        STANDARD.encode_string(input, &mut line);
        line.push('\n');
        self.exchange(operation, line.as_bytes())
            .and_then(|output| decode(&output))
            .map_err(|fault| Error::Command { operation, fault })
    }

    fn exchange(&self, operation: &str, input: &[u8]) -> Result<Output, Fault> {
        let (program, arguments) = self.words.split_first().expect("a command has at least one word");
        let mut child = std::process::Command::new(program)
            .args(arguments)
            .arg(operation)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(Fault::Start)?;
        let output = self.talk(&mut child, input);
        if output.is_err() {
            kill(&child);
        }
        let status = child.wait().map_err(Fault::Pipe)?;
        let output = output?;
        match (status.success(), status.code(), status.signal()) {
            (true, ..) => Ok(output),
            (_, Some(code), _) => Err(Fault::Status(code)),
            _ => Err(Fault::Signal),
        }
    }

    /// Gives the input and takes the output. After success the child has ended, but for being waited for.
    fn talk(&self, child: &mut Child, input: &[u8]) -> Result<Output, Fault> {
        let mut stdin = child.stdin.take().expect("stdin was asked to be piped");
        let stdout = child.stdout.take().expect("stdout was asked to be piped");
        // What is written is less than any pipe takes at once, so this waits for nobody. Not to read it is no failure.
        match stdin.write_all(input) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(Fault::Pipe(error)),
            _ => drop(stdin),
        }
        let pid = pid(child);
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let output = read(stdout).inspect(|_| {
                // Leaves the child to be waited for, so that its number stays its own for as long as it may be killed.
                let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
            });
            // Nobody listens any more when time was up.
            let _ = sender.send(output);
        });
        receiver.recv_timeout(self.limit).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => Err(Fault::Time { limit_s: self.limit.as_secs() }),
            RecvTimeoutError::Disconnected => Err(Fault::Pipe(ErrorKind::Other.into())),
        })
    }
}

/// What was read: a buffer that never grows, and how much of it counts.
type Output = (Zeroizing<Vec<u8>>, usize);

fn read(mut stdout: ChildStdout) -> Result<Output, Fault> {
    let mut bytes = Zeroizing::new(vec![0u8; OUTPUT_BYTES_MAX + 1]);
    let mut size = 0;
    loop {
        match stdout.read(&mut bytes[size..]) {
            Ok(0) => return Ok((bytes, size)),
            Ok(count) => size += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::Pipe(error)),
        }
        if size > OUTPUT_BYTES_MAX {
            return Err(Fault::TooMuch { max_bytes: OUTPUT_BYTES_MAX });
        }
    }
}

/// The bytes of one line of base64.
fn decode((bytes, size): &Output) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let line = bytes.get(..*size).unwrap_or_default().trim_ascii_end();
    let mut decoded = Zeroizing::new(vec![0u8; OUTPUT_BYTES_MAX]);
    let count = STANDARD.decode_slice(line, &mut decoded).map_err(|_| Fault::NotBase64)?;
    decoded.truncate(count);
    Ok(decoded)
}

fn pid(child: &Child) -> Pid {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("the number of a process is a positive i32")
}

/// Kills the child, which was not waited for yet, and what it started.
fn kill(child: &Child) {
    // It may have ended by itself in the meantime.
    let _ = kill_process_group(pid(child), Signal::KILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_killed() {
        let script = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(script.path(), "tail -f /dev/null; echo AAAA").unwrap();
        let command = KeyCommand::new(&format!("sh {}", script.path().display())).unwrap();
        let command = KeyCommand { limit: Duration::from_millis(50), ..command };
        let error = command.wrap(&[0; 32]).unwrap_err();
        assert!(matches!(error, Error::Command { operation: "wrap", fault: Fault::Time { .. } }), "{error}");
    }

    #[test]
    fn a_command_has_a_word() {
        assert!(KeyCommand::new(" \n").is_none());
        assert_eq!(KeyCommand::new(" a  b ").unwrap().words, ["a", "b"]);
    }
}
