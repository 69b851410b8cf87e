//! Passwords from standard input, from files and from the environment; never from arguments.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use throng::core::secret::{Secret, SecretError};

/// A password could not be read. Nothing of it is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordFault {
    /// The file, or standard input, cannot be read.
    #[error("cannot be read from {}: {error}", .place.display())]
    Unreadable {
        /// Where it should be.
        place: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A terminal would show it.
    #[error("is not read from a terminal, which would show it: use a pipe or `--password-file`")]
    Terminal,
    /// There is more than one line.
    #[error("must be one line of text")]
    Lines,
    /// The variable is not there, or holds no text.
    #[error("is not in the environment: no text is in {0:?}")]
    Variable(String),
    /// It is empty or too long.
    #[error("cannot be used: {0}")]
    Unfit(#[from] SecretError),
}

/// Reads a password from a file.
pub(crate) fn from_file(path: &Path) -> Result<Secret, PasswordFault> {
    let text = File::open(path).and_then(limited);
    line(&text.map_err(|error| PasswordFault::Unreadable { place: path.into(), error })?)
}

/// Reads a password from standard input.
pub(crate) fn from_standard_input() -> Result<Secret, PasswordFault> {
    let input = io::stdin();
    if input.is_terminal() {
        return Err(PasswordFault::Terminal);
    }
    let unreadable = |error| PasswordFault::Unreadable { place: "standard input".into(), error };
    line(&limited(input.lock()).map_err(unreadable)?)
}

/// Takes a password out of a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "this is a program, and whoever starts it says which variable")]
pub(crate) fn from_variable(name: &str) -> Result<Secret, PasswordFault> {
    // Such a name would be a panic or another variable.
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(PasswordFault::Variable(name.to_owned()));
    }
    let text = std::env::var(name).map_err(|_| PasswordFault::Variable(name.to_owned()))?;
    Ok(Secret::new(text)?)
}

/// More than any password with its line end, so that one that is too long is seen to be, and an endless file ends.
const MOST_BYTES: u64 = Secret::MAX_BYTES as u64 + 64;

fn limited(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    source.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn line(text: &str) -> Result<Secret, PasswordFault> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.contains(['\n', '\r']) {
        return Err(PasswordFault::Lines);
    }
    Ok(Secret::new(line)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_and_its_end_is_no_part_of_it() {
        for text in ["a b", "a b\n", "a b\r\n"] {
            assert_eq!(line(text).unwrap().expose(), "a b");
        }
        assert_eq!(line(" a ").unwrap().expose(), " a ");
        assert!(matches!(line("a\nb\n"), Err(PasswordFault::Lines)));
        assert!(matches!(line("\n"), Err(PasswordFault::Unfit(SecretError::Empty))));
        let endless = limited(io::repeat(b'a')).unwrap();
        assert!(matches!(line(&endless), Err(PasswordFault::Unfit(SecretError::TooLong))));
    }

    #[test]
    fn a_name_that_is_no_variable_is_refused() {
        for name in ["", "a=b", "a\0b", "THRONG_TEST_NO_SUCH_VARIABLE"] {
            assert!(matches!(from_variable(name), Err(PasswordFault::Variable(_))), "{name:?}");
        }
    }
}
