//! One line off the terminal, without an echo. The terminal is the process's own, so that a redirected standard input stays what it is.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use handfast_client::MAX_PASSPHRASE_BYTES;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

/// `^C`.
const STOP: u8 = 0x03;
/// `^D`.
const END: u8 = 0x04;
/// `^H`, which some terminals send for the key that others send [`DELETE`] for.
const BACK: u8 = 0x08;
/// `^U`.
const CLEAR: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Shows `prompt` and gives the line that is typed behind it; `None` where its user stopped.
///
/// # Errors
///
/// Where there is no terminal.
pub(crate) fn unseen_line(prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
    let mut terminal = Silent::open()?;
    // nothing is shown any more: what is typed from here on is not either
    terminal.file.write_all(prompt.as_bytes())?;
    let line = terminal.line();
    terminal.file.write_all(b"\r\n")?;
    line
}

/// The terminal while it does not echo, as it was again when dropped.
struct Silent {
    file: File,
    before: Termios,
}

impl Silent {
    fn open() -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&file)?;
        let mut silent = before.clone();
        // the keys that would end the process come as characters: it is not to end with a terminal that shows nothing
        silent.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&file, OptionalActions::Flush, &silent)?;
        Ok(Self { file, before })
    }

    fn line(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        let mut line = Line::new();
        loop {
            let mut byte = [0];
            let key = if self.file.read(&mut byte)? == 0 { STOP } else { byte[0] };
            match line.take(key) {
                Step::On => {}
                Step::Stopped => return Ok(None),
                Step::Done => return line.text().map(Some),
            }
        }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // there is nobody to tell
        let _ = tcsetattr(&self.file, OptionalActions::Flush, &self.before);
    }
}

/// A line as it is typed.
struct Line(Zeroizing<Vec<u8>>);

#[derive(Debug, PartialEq, Eq)]
enum Step {
    On,
    Done,
    Stopped,
}

impl Line {
    fn new() -> Self {
        // never grows: that would leave copies behind. One byte more than a passphrase has tells that there were too many
        Self(Zeroizing::new(Vec::with_capacity(MAX_PASSPHRASE_BYTES + 1)))
    }

    fn take(&mut self, key: u8) -> Step {
        match key {
            b'\r' | b'\n' => return Step::Done,
            STOP => return Step::Stopped,
            END => return if self.0.is_empty() { Step::Stopped } else { Step::Done },
            CLEAR => self.0.clear(),
            BACK | DELETE => self.drop_character(),
            _ if self.0.len() <= MAX_PASSPHRASE_BYTES => self.0.push(key),
            _ => {}
        }
        Step::On
    }

    fn drop_character(&mut self) {
        let continues = |byte: &u8| byte & 0xc0 == 0x80;
        while self.0.pop().is_some_and(|byte| continues(&byte)) {}
    }

    fn text(self) -> io::Result<Zeroizing<String>> {
        let text = std::str::from_utf8(&self.0).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // tests stop at the first surprise
mod tests {
    use super::*;

    fn check(typed: &[u8], expected: Option<&str>) {
        let mut line = Line::new();
        let end = typed.iter().map(|key| line.take(*key)).find(|step| *step != Step::On);
        let found = (end == Some(Step::Done)).then(|| line.text().unwrap());
        assert_eq!(found.as_ref().map(|text| text.as_str()), expected, "{typed:?}");
    }

    #[test]
    fn a_line_is_edited_as_on_any_terminal() {
        check(b"correct horse\r", Some("correct horse"));
        check(b"ab\x7fc\n", Some("ac"));
        check("a\u{e4}\u{20ac}\x08\x08b\r".as_bytes(), Some("ab"));
        check(b"\x7f\x7fa\r", Some("a"));
        check(b"wrong\x15right\r", Some("right"));
        check(b" a b \r", Some(" a b "));
        check(b"\r", Some(""));
        check(b"ab\x04", Some("ab"));
        check(b"\x04", None);
        check(b"ab\x03", None);
    }

    #[test]
    fn more_than_a_passphrase_is_seen_as_too_much_and_takes_no_room() {
        let mut line = Line::new();
        let room = line.0.capacity();
        for _ in 0..3 * MAX_PASSPHRASE_BYTES {
            line.take(b'x');
        }
        assert_eq!((line.0.len(), line.0.capacity()), (MAX_PASSPHRASE_BYTES + 1, room));
    }
}
