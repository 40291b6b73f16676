//! The parts of the page, inside the program. `build.rs` makes the table of what stands in `web/`, each part in its
//! compressed form only: nearly every browser takes that, and the program is a tenth smaller.

use miniz_oxide::inflate::decompress_slice_iter_to_slice;

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    /// Where it is asked for.
    pub(super) path: &'static str,
    /// Its media type.
    pub(super) kind: &'static str,
    /// Its entity tag, in quotes: differs when what it says differs.
    pub(super) tag: &'static str,
    /// The same of its compressed form.
    pub(super) gzip_tag: &'static str,
    /// Bytes before compression.
    pub(super) length: usize,
    pub(super) gzip: &'static [u8],
}

/// What gzip puts before and behind the deflated bytes, as `build.rs` has it written: no names, no comments.
const GZIP_HEAD_BYTES: usize = 10;
const GZIP_TAIL_BYTES: usize = 8;

impl Asset {
    /// What it says, for who takes it uncompressed only.
    pub(super) fn plain(&self) -> Vec<u8> {
        let deflated = &self.gzip[GZIP_HEAD_BYTES..self.gzip.len() - GZIP_TAIL_BYTES];
        let mut plain = vec![0; self.length];
        let length =
            decompress_slice_iter_to_slice(&mut plain, [deflated].into_iter(), false, false);
        assert_eq!(length, Ok(self.length), "build.rs has compressed it");
        plain
    }
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file that is asked for at a path.
pub(super) fn find(path: &str) -> Option<&'static Asset> {
    let path = if path == "/index.html" { "/" } else { path };
    ASSETS.iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_says_what_stands_in_its_file() {
        for asset in ASSETS {
            let name = if asset.path == "/" { "/index.html" } else { asset.path };
            let file = format!("{}/web{name}", env!("CARGO_MANIFEST_DIR"));
            assert_eq!(asset.plain(), std::fs::read(file).unwrap(), "{name}");
        }
    }
}
