//! Questions to whoever sits at the terminal: a secret, which is not shown, and a yes or no.
//!
//! The terminal itself is asked, not standard input, whose buffer is nobody's to wipe.
//!
//! INVARIANT: however a question ends, the terminal is left as it was found.

use super::failure::INTERRUPTED;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use zeroize::Zeroizing;

/// Bytes of the longest answer.
const ANSWER_BYTES_MAX: usize = 1024;
const END_OF_TEXT: u8 = 0x03;
const END_OF_TRANSMISSION: u8 = 0x04;
const KILL: u8 = 0x15;

/// Whether somebody is there to be asked: both that which is read and that which is written to is a terminal.
pub fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a secret without showing it. Ctrl-C ends the program.
///
/// # Errors
/// When there is no terminal, or the answer is longer than 1024 bytes or not UTF-8.
pub fn secret(question: &str) -> anyhow::Result<Zeroizing<String>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    terminal.write_all(question.as_bytes())?;
    let silent = Silent::make(&terminal)?;
    let mut answer = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES_MAX));
    let ended = read_answer(&terminal, &mut answer);
    drop(silent);
    terminal.write_all(b"\n")?;
    if !ended? {
        drop(answer);
        std::process::exit(i32::from(INTERRUPTED));
    }
    let text = std::str::from_utf8(&answer)?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Asks whether to go on; only `yes` is a yes.
///
/// # Errors
/// When there is no terminal.
pub fn confirm(question: &str) -> anyhow::Result<bool> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "{question} Type `yes` to go on: ")?;
    let mut answer = Vec::new();
    BufReader::new(terminal.take(ANSWER_BYTES_MAX as u64)).read_until(b'\n', &mut answer)?;
    Ok(answer.trim_ascii() == b"yes")
}

/// A terminal that shows nothing of what is typed and hands over every key at once.
struct Silent<'t> {
    terminal: &'t File,
    before: Termios,
}

impl<'t> Silent<'t> {
    fn make(terminal: &'t File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        // Ctrl-C comes as a byte, so that it cannot end the program before the terminal is as it was.
        silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent<'_> {
    fn drop(&mut self) {
        // Nobody is left to be told.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// Reads up to the end of the line. `false` when it was interrupted.
fn read_answer(mut terminal: &File, answer: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let mut byte = [0];
        if terminal.read(&mut byte)? == 0 {
            return Ok(true);
        }
        match byte {
            [b'\n' | b'\r' | END_OF_TRANSMISSION] => return Ok(true),
            [END_OF_TEXT] => return Ok(false),
            [KILL] => answer.clear(),
            [0x08 | 0x7f] => while answer.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            [_] if answer.len() == ANSWER_BYTES_MAX => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "the answer is too long"));
            }
            [byte] => answer.push(byte),
        }
    }
}
