//! Bytes as hexadecimal digits.

/// Whether `text` is `len` lowercase hex digits.
pub(crate) fn is_hex(text: &str, len: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() | (b'a'..=b'f').contains(&byte);
    // Without an early end the compiler looks at many bytes at a time.
    text.len() == len && text.bytes().fold(true, |all, byte| all & is_digit(byte))
}

/// `bytes` as lowercase hex digits.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}
