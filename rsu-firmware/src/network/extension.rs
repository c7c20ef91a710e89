//! Extension elements of the DSMP header.

use super::Dropped;

/// The extension elements of a DSMP header, walked lazily over the frame.
///
/// The layout is not public: YD/T 3707-2020 puts it into its annex B. Assumed is the one of the
/// protocol's relative IEEE 1609.3: a count byte, then for each element one byte identifier, one
/// byte length, contents. No element is defined that a receiver has to understand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// Whole elements only.
    elements: &'a [u8],
}

/// One extension element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// What the element is.
    pub id: u8,
    /// Its contents, at most 255 bytes.
    pub contents: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// Whether the header has no extension element.
    pub const fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Checks the elements and returns what follows them.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Dropped> {
        let (&count, elements) = bytes.split_first().ok_or(Dropped::TruncatedHeader)?;
        let mut rest = elements;
        for _ in 0..count {
            (_, rest) = element(rest).ok_or(Dropped::BadExtension)?;
        }
        let (elements, rest) = elements.split_at(elements.len() - rest.len());
        Ok((Self { elements }, rest))
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        let (extension, rest) = element(self.elements)?;
        self.elements = rest;
        Some(extension)
    }
}

fn element(bytes: &[u8]) -> Option<(Extension<'_>, &[u8])> {
    let (&[id, length], rest) = bytes.split_first_chunk()?;
    let (contents, rest) = rest.split_at_checked(usize::from(length))?;
    Some((Extension { id, contents }, rest))
}
