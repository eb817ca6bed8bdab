//! Words of a command line that somebody copies.

/// `text` as one word of a shell's command line.
pub(crate) fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
