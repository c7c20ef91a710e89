//! What a server says to the request for a bundle, or the rest of it.

use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderName, LAST_MODIFIED};
use ureq::http::{Response, StatusCode};

use super::super::journal::Position;

/// What comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The bytes from the position on.
    Body,
    /// Nothing: all is there already.
    Complete,
}

/// Why nothing comes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Trying again may help.
    Again(String),
    ForGood(String),
}

impl Answer {
    /// Reads the head of a response; `position` is where its body begins then.
    pub(super) fn read<B>(
        response: &Response<B>,
        position: &mut Position,
    ) -> Result<Self, Refused> {
        let header = |name: HeaderName| response.headers().get(name)?.to_str().ok();
        match response.status() {
            StatusCode::OK => {
                *position = Position {
                    received: 0,
                    total: header(CONTENT_LENGTH).and_then(|text| text.trim().parse().ok()),
                    validator: validator(header(ETAG), header(LAST_MODIFIED)),
                };
                Ok(Self::Body)
            }
            StatusCode::PARTIAL_CONTENT => match header(CONTENT_RANGE).and_then(content_range) {
                Some((first, total)) if first == position.received && first < total => {
                    position.total = Some(total);
                    Ok(Self::Body)
                }
                _ => begin_anew(
                    position,
                    "the server sends another range than was asked for",
                ),
            },
            StatusCode::RANGE_NOT_SATISFIABLE => {
                let total = header(CONTENT_RANGE).and_then(|text| text.strip_prefix("bytes */"));
                let total = total.and_then(|total| total.trim().parse().ok());
                if total == Some(position.received) && position.received > 0 {
                    position.total = total;
                    return Ok(Self::Complete);
                }
                begin_anew(position, "the server has no such range")
            }
            status => {
                let why = format!("the server says {status}");
                Err(match is_passing(status) {
                    true => Refused::Again(why),
                    false => Refused::ForGood(why),
                })
            }
        }
    }
}

fn begin_anew(position: &mut Position, why: &str) -> Result<Answer, Refused> {
    *position = Position::default();
    Err(Refused::Again(why.into()))
}

/// Whether it may be better a moment later.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

/// What may stand in `If-Range`: a weak tag may not.
fn validator(etag: Option<&str>, last_modified: Option<&str>) -> Option<String> {
    let etag = etag.filter(|etag| etag.starts_with('"'));
    etag.or(last_modified).map(str::to_owned)
}

/// `bytes 500-999/1000` as first byte and length.
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn half() -> Position {
        Position {
            received: 500,
            total: Some(1_000),
            validator: Some("\"a\"".into()),
        }
    }

    fn read(
        status: u16,
        headers: &[(&str, &str)],
        position: &mut Position,
    ) -> Result<Answer, Refused> {
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Answer::read(&response.body(()).unwrap(), position)
    }

    #[test]
    fn a_whole_file_begins_at_the_beginning() {
        let mut position = half();
        let headers = [("Content-Length", "1200"), ("ETag", "\"b\"")];
        assert_eq!(read(200, &headers, &mut position), Ok(Answer::Body));
        assert_eq!((position.received, position.total), (0, Some(1_200)));
        assert_eq!(position.validator.as_deref(), Some("\"b\""));
        let weak = [("ETag", "W/\"b\""), ("Last-Modified", "then")];
        assert_eq!(read(200, &weak, &mut position), Ok(Answer::Body));
        assert_eq!(position.validator.as_deref(), Some("then"));
    }

    #[test]
    fn the_rest_goes_on_only_where_it_was_asked_for() {
        let mut position = half();
        let headers = [("Content-Range", "bytes 500-999/1000")];
        assert_eq!(read(206, &headers, &mut position), Ok(Answer::Body));
        assert_eq!(position, half());
        for range in [
            "bytes 0-999/1000",
            "bytes 500-999/*",
            "bytes 500",
            "",
            "bytes 500-999/400",
        ] {
            let mut position = half();
            let answer = read(206, &[("Content-Range", range)], &mut position);
            assert!(matches!(answer, Err(Refused::Again(_))), "{range}");
            assert_eq!(position, Position::default(), "{range}");
        }
    }

    #[test]
    fn a_range_behind_the_end_means_that_all_is_there_or_nothing_fits() {
        let mut whole = Position {
            received: 1_000,
            ..half()
        };
        let headers = [("Content-Range", "bytes */1000")];
        assert_eq!(read(416, &headers, &mut whole), Ok(Answer::Complete));
        let mut position = half();
        let answer = read(416, &headers, &mut position);
        assert!(matches!(answer, Err(Refused::Again(_))));
        assert_eq!(position, Position::default());
    }

    #[test]
    fn what_passes_is_tried_again_and_what_does_not_is_named() {
        for status in [408, 425, 429, 500, 502, 503, 504] {
            let answer = read(status, &[], &mut half());
            assert!(matches!(answer, Err(Refused::Again(_))), "{status}");
        }
        for status in [204, 304, 307, 400, 401, 403, 404, 410] {
            let answer = read(status, &[], &mut half());
            let Err(Refused::ForGood(why)) = answer else {
                panic!("{status}: {answer:?}");
            };
            assert!(why.contains(&status.to_string()), "{why}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_says_the_position_stays_sound(
            status in 200_u16..600,
            range in "[ -~]{0,30}|bytes [0-9]{1,5}-[0-9]{1,5}/[0-9*]{1,5}",
            length in "[ -~]{0,20}",
        ) {
            let mut position = half();
            let headers = [("Content-Range", range.as_str()), ("Content-Length", &length)];
            let answer = read(status, &headers, &mut position);
            prop_assert!([0, 500].contains(&position.received));
            if answer == Ok(Answer::Body) {
                prop_assert!(position.total.is_none_or(|total| total >= position.received));
            }
        }
    }
}
