//! A POST of HTTP/1.0 without a body and without `Content-Length`, as nginx hands it on where
//! nobody set `proxy_http_version`.
//!
//! HTTP/1.0 wants the length of each POST, and the framework refuses one without it by an answer
//! that says nothing. So it is said here that there is no body. That opens no way to hide a
//! request: it is done for the first request of a connection only, where nothing has come behind
//! its head, and what comes behind it is never read.

/// The longest head that is looked at, in bytes.
const MAX_HEAD: usize = 16 * 1024;
/// The end of a head that says that there is no body.
pub(crate) const NO_BODY: &[u8] = b"Content-Length: 0\r\n\r\n";
/// The bytes of the end of a head that [`NO_BODY`] takes the place of.
pub(crate) const LAST_LINE: usize = 2;

/// The first head of a connection, as far as it is there.
#[derive(Default)]
pub(crate) struct FirstHead {
    /// Its bytes.
    bytes: Vec<u8>,
    /// Whether there is nothing to look for any more.
    is_over: bool,
}

impl FirstHead {
    /// Looks at what has come. Returns whether the head ends with it and is one that lacks
    /// [`NO_BODY`].
    pub(crate) fn lacks_length(&mut self, arrived: &[u8]) -> bool {
        if self.is_over {
            return false;
        }
        self.bytes.extend_from_slice(arrived);
        let is_post = self
            .bytes
            .iter()
            .zip(b"POST ")
            .all(|(one, other)| one == other);
        let end = self.bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        self.is_over = end.is_some() || !is_post || self.bytes.len() > MAX_HEAD;
        let lacks =
            end.is_some_and(|end| is_post && end + 4 == self.bytes.len()) && is_bare(&self.bytes);
        if self.is_over {
            self.bytes = Vec::new();
        }
        lacks && arrived.ends_with(b"\r\n")
    }
}

/// Whether a head is of HTTP/1.0 and does not say how long the body is.
fn is_bare(head: &[u8]) -> bool {
    // A line that ends without \r could hide another one.
    if head
        .split(|byte| *byte == b'\n')
        .any(|line| !line.is_empty() && !line.ends_with(b"\r"))
    {
        return false;
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let says_length = |line: &[u8]| {
        let name = line
            .split(|byte| *byte == b':')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        name.eq_ignore_ascii_case(b"content-length")
            || name.eq_ignore_ascii_case(b"transfer-encoding")
    };
    lines
        .next()
        .is_some_and(|line| line.ends_with(b" HTTP/1.0"))
        && !lines.any(says_length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a head that comes in these parts lacks a length.
    fn lacks(parts: &[&str]) -> bool {
        let mut head = FirstHead::default();
        parts
            .iter()
            .map(|part| head.lacks_length(part.as_bytes()))
            .fold(false, |_, lacks| lacks)
    }

    #[test]
    fn a_post_of_http_1_0_with_nothing_behind_its_head_lacks_a_length() {
        assert!(lacks(&["POST /x HTTP/1.0\r\n\r\n"]));
        assert!(lacks(&[
            "POST /x HTTP/1.0\r\nHost: x\r\nConnection: close\r\n\r\n"
        ]));
        assert!(lacks(&["PO", "ST /x HTTP/1.0\r\nHos", "t: x\r\n", "\r\n"]));
    }

    #[test]
    fn whatever_else_comes_is_left_as_it_is() {
        for head in [
            "POST /x HTTP/1.1\r\n\r\n",
            "GET /x HTTP/1.0\r\n\r\n",
            "POST /x HTTP/1.0\r\nContent-Length: 5\r\n\r\n",
            "POST /x HTTP/1.0\r\ncontent-length : 5\r\n\r\n",
            "POST /x HTTP/1.0\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
            "POST /x HTTP/1.0\r\nX: y\nContent-Length: 5\r\n\r\n",
            "POST /x HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST /x HTTP/1.0\r\nX: y\n\nGET / HTTP/1.1\r\n\r\n",
            "POST /x HTTP/1.0\r\n\r\nbody",
            "POST /x HTTP/1.0\n\n",
        ] {
            assert!(!lacks(&[head]), "{head:?}");
        }
        assert!(
            !lacks(&["POST /x HTTP/1.1\r\n\r\n", "POST /x HTTP/1.0\r\n\r\n"]),
            "only the first"
        );
        assert!(
            !lacks(&["POST /x HTTP/1.0\r\n\r", "\n"]),
            "its last line was handed over already"
        );
        let long = format!("POST /x HTTP/1.0\r\nX: {}\r\n\r\n", "y".repeat(MAX_HEAD));
        assert!(!lacks(&[&long[..MAX_HEAD + 1], &long[MAX_HEAD + 1..]]));
    }
}
