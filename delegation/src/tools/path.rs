//! Paths that can be read in one way only.

/// The root of a part of a tree, itself a good path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Root(String);

impl Root {
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_path(text).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` is a good path, and this root or below it. Compared by segments: `/a` does not contain `/ab`.
    pub(super) fn contains(&self, text: &str) -> bool {
        let is_below = match text.strip_prefix(&self.0) {
            Some(rest) => rest.is_empty() || rest.starts_with('/') || self.0 == "/",
            None => false,
        };
        is_below && is_path(text)
    }
}

/// Absolute, without a segment that leads elsewhere or a character that some reader turns into another one.
fn is_path(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    let segments_are_good = rest.is_empty() || rest.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    segments_are_good && !text.contains(|c: char| matches!(c, '\\' | '%') || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_with_one_reading() {
        for good in ["/", "/a", "/a/b.c", "/a b/\u{e9}", "/...", "/.a/a.", "/~"] {
            assert_eq!(Root::parse(good).as_ref().map(Root::as_str), Some(good));
        }
        for bad in [
            "", "a", "a/b", "//", "/a/", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "\\a", "/a\\b", "/%2e",
            "/a%", "/a\n", "/\0", "/\u{7f}", "/\u{85}", " /a",
        ] {
            assert_eq!(Root::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn containment_is_by_segment() {
        for (root, path, expected) in [
            ("/", "/", true),
            ("/", "/a/b", true),
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("/a", "/ab", false),
            ("/a", "/", false),
            ("/a", "/A", false),
            ("/a/b", "/a", false),
            ("/a", "/a/", false),
            ("/a", "/a/../b", false),
            ("/a", "/a/%2e%2e/b", false),
            ("/", "//", false),
            ("/", "", false),
        ] {
            assert_eq!(Root::parse(root).map(|root| root.contains(path)), Some(expected), "{root} {path}");
        }
    }
}
