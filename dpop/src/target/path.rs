//! Paths in normal form: percent triplets and dot segments (RFC 3986 6.2.2.2, 5.2.4).

use super::TargetError;

/// What stands before the query and the fragment.
pub(super) fn without_query(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or("")
}

/// The normal form of a path that is empty or starts with `/`.
pub(super) fn normalise(path: &str) -> Result<String, TargetError> {
    // `%2e` is a dot segment too, so triplets come first
    normalise_percent(path, is_path_byte).map(|path| remove_dot_segments(&path))
}

/// Decodes unreserved triplets and writes all others in upper case; every other byte has to be `allowed`.
pub(super) fn normalise_percent(text: &str, allowed: fn(u8) -> bool) -> Result<String, TargetError> {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(if allowed(byte) { char::from(byte) } else { return Err(TargetError::Character) });
            continue;
        }
        let octet = hex_digit(bytes.next())? << 4 | hex_digit(bytes.next())?;
        if is_unreserved(octet) {
            out.push(char::from(octet));
        } else {
            out.push_str(&format!("%{octet:02X}"));
        }
    }
    Ok(out)
}

fn hex_digit(byte: Option<u8>) -> Result<u8, TargetError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        _ => Err(TargetError::Percent),
    }
}

/// RFC 3986 2.3.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// `pchar` and the slash (RFC 3986 3.3), triplets aside.
const fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte) || matches!(byte, b'!' | b'$'..=b',' | b';' | b'=' | b':' | b'@' | b'/')
}

/// RFC 3986 5.2.4, segment by segment: empty segments count as segments.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or("").split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            ".." => drop(kept.pop()),
            "." => {}
            _ => kept.push(segment),
        }
        // a dot segment at the end leaves its slash behind
        if segments.peek().is_none() && matches!(segment, "." | "..") {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}
