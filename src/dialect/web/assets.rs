//! The parts of the page, inside the program. `build.rs` makes the table of what stands in `web/`.

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
    pub(super) plain: &'static [u8],
    pub(super) gzip: &'static [u8],
}

static ASSETS: &[Asset] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file that is asked for at a path.
pub(super) fn find(path: &str) -> Option<&'static Asset> {
    let path = if path == "/index.html" { "/" } else { path };
    ASSETS.iter().find(|asset| asset.path == path)
}
