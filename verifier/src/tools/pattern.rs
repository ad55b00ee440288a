//! Paths of a route, and the arguments that stand in them.

use serde_json::{Map, Value};

use super::escape::decoded;
use super::{Ambiguity, ToolRouteError};

/// A declared path: literal segments, segments that are arguments, and perhaps a rest that is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `{name}`: one segment.
    Segment(String),
    /// `{*name}`: everything from here on, as one path.
    Rest(String),
}

impl Pattern {
    /// Reads `/files/{id}/parts/{*path}`. Literal segments are compared byte by byte, so they hold no escapes; one may be empty
    /// at the end, for a path that ends in `/`.
    pub(super) fn parse(text: &str) -> Result<Self, ToolRouteError> {
        let rest = text.strip_prefix('/').ok_or(ToolRouteError::Path)?;
        let mut parts = Vec::new();
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            parts.push(Part::parse(segment, segments.peek().is_none())?);
        }
        Ok(Self(parts))
    }

    /// The names of the arguments in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Segment(name) | Part::Rest(name) => Some(name.as_str()),
        })
    }

    /// Reads the arguments of `path`, which is not decoded.
    pub(super) fn read(&self, path: &str, into: &mut Map<String, Value>) -> Result<(), Ambiguity> {
        let mut segments = path.strip_prefix('/').ok_or(Ambiguity::PathUnknown)?.split('/');
        for part in &self.0 {
            match part {
                Part::Literal(text) => match segments.next() {
                    Some(segment) if segment == text => {}
                    Some(_) | None => return Err(Ambiguity::PathUnknown),
                },
                Part::Segment(name) => {
                    let segment = segments.next().ok_or(Ambiguity::PathUnknown)?;
                    into.insert(name.clone(), argument(segment)?.into());
                }
                Part::Rest(name) => {
                    let rest: Vec<_> = segments.by_ref().collect();
                    into.insert(name.clone(), rest_of(&rest)?.into());
                }
            }
        }
        if segments.next().is_some() { Err(Ambiguity::PathUnknown) } else { Ok(()) }
    }
}

impl Part {
    fn parse(segment: &str, is_last: bool) -> Result<Self, ToolRouteError> {
        let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            let is_literal = segment.bytes().all(|byte| byte.is_ascii_graphic() && !br"%\?#{}".contains(&byte));
            let is_good = is_literal && !matches!(segment, "." | "..") && (is_last || !segment.is_empty());
            return if is_good { Ok(Self::Literal(segment.to_owned())) } else { Err(ToolRouteError::Path) };
        };
        let (name, is_rest) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
        if name.contains(['{', '}', '*']) || (is_rest && !is_last) {
            return Err(ToolRouteError::Path);
        }
        Ok(if is_rest { Self::Rest(name.to_owned()) } else { Self::Segment(name.to_owned()) })
    }
}

/// `/` and the rest; a rest of nothing is the root.
fn rest_of(segments: &[&str]) -> Result<String, Ambiguity> {
    match segments {
        // the path ended before the slash in front of the rest
        [] => Err(Ambiguity::PathUnknown),
        [""] => Ok("/".to_owned()),
        segments => segments.iter().map(|segment| Ok(format!("/{}", argument(segment)?))).collect(),
    }
}

/// One segment, decoded once. What would be another path to somebody who decodes again, or splits at `\`, is refused.
fn argument(segment: &str) -> Result<String, Ambiguity> {
    let text = decoded(segment, false).ok_or(Ambiguity::PathSegment)?;
    let is_odd = |c: char| matches!(c, '/' | '\\' | '%') || c.is_control();
    if matches!(text.as_str(), "" | "." | "..") || text.contains(is_odd) {
        return Err(Ambiguity::PathSegment);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(pattern: &str, path: &str, expected: Result<Value, Ambiguity>) {
        let mut found = Map::new();
        let answer = Pattern::parse(pattern).map(|pattern| pattern.read(path, &mut found).map(|()| found.into()));
        assert_eq!(answer, Ok(expected), "{pattern} {path}");
    }

    #[test]
    fn segments_and_rests_are_arguments() {
        check("/files", "/files", Ok(json!({})));
        check("/", "/", Ok(json!({})));
        check("/files/", "/files/", Ok(json!({})));
        check("/files/{id}", "/files/42", Ok(json!({"id": "42"})));
        check("/files/{id}/parts/{n}", "/files/a%20b/parts/%C3%A9", Ok(json!({"id": "a b", "n": "\u{e9}"})));
        check("/files/{*path}", "/files/a/b.txt", Ok(json!({"path": "/a/b.txt"})));
        check("/files/{*path}", "/files/", Ok(json!({"path": "/"})));
        check("/{*path}", "/a;v=1/...", Ok(json!({"path": "/a;v=1/..."})));
        check("/{a}/{*b}", "/%3F/%23%3a", Ok(json!({"a": "?", "b": "/#:"})));
    }

    #[test]
    fn other_paths_are_unknown() {
        for (pattern, path) in [
            ("/files", "/files/"),
            ("/files", "/file"),
            ("/files", "/Files"),
            ("/files", "/f%69les"),
            ("/files", "//files"),
            ("/files", "/files/x"),
            ("/files/", "/files"),
            ("/files/{id}", "/files"),
            ("/files/{id}", "/files/a/b"),
            ("/files/{id}", "/other/a"),
            ("/files/{*path}", "/files"),
            ("/files/{*path}", "/files2/a"),
            ("/files/{*path}", "/x/../files/a"),
            ("/files", ""),
            ("/files", "files"),
            ("/files", "*"),
        ] {
            check(pattern, path, Err(Ambiguity::PathUnknown));
        }
    }

    #[test]
    fn what_leads_elsewhere_for_some_reader_is_refused() {
        for segment in [
            ".",
            "..",
            "%2e%2e",
            "%2E.",
            ".%2e",
            "%252e%252e",
            "%2f",
            "a%2Fb",
            "%252f",
            "a\\b",
            "%5c..",
            "%255c",
            "%00",
            "a%00.txt",
            "%0a",
            "%7f",
            "%C2%85",
            "%25",
            "100%25",
            "%",
            "%2",
            "%zz",
            "%ff",
            "%c0%ae%c0%ae",
            "\u{e9}",
            "a b",
        ] {
            check("/files/{id}", &format!("/files/{segment}"), Err(Ambiguity::PathSegment));
            check("/files/{*path}", &format!("/files/{segment}"), Err(Ambiguity::PathSegment));
            check("/files/{*path}", &format!("/files/a/{segment}/b"), Err(Ambiguity::PathSegment));
            check("/files/{*path}", &format!("/files/a/{segment}"), Err(Ambiguity::PathSegment));
        }
        for path in ["/files//", "/files//a", "/files/a/", "/files/a//b"] {
            check("/files/{*path}", path, Err(Ambiguity::PathSegment));
        }
        check("/files/{id}", "/files/", Err(Ambiguity::PathSegment));
    }

    #[test]
    fn patterns_have_one_meaning() {
        for good in ["/", "/a", "/a/", "/a.b~c/-_", "/{a}", "/{a}/{b}/{*c}", "/a/{*rest}"] {
            assert!(Pattern::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "", "a", "//", "/a//b", "/.", "/a/../b", "/a%20", "/a b", "/\u{e9}", "/a?b", "/a#", "/a\\b", "/{*a}/b",
            "/{a}b", "/a{b}", "/{a", "/a}", "/{{a}}", "/{**a}",
        ] {
            assert_eq!(Pattern::parse(bad), Err(ToolRouteError::Path), "{bad}");
        }
    }
}
