//! Packs the page of `web/` into a table: each file compressed, with its length, its tag and its type. Says for which
//! target it is built.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

fn main() {
    println!("cargo:rerun-if-changed=web");
    println!("cargo:rerun-if-changed=build.rs");
    // Tests have to know it to start the program as cargo started them.
    println!("cargo:rustc-env=MECD_TARGET={}", env::var("TARGET").expect("cargo sets it"));
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let mut files: Vec<_> = fs::read_dir(root.join("web"))
        .expect("there is a folder web")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let rows: Vec<String> = files.iter().map(|file| row(file, &out)).collect();
    let table = format!("&[\n{}]\n", rows.concat());
    fs::write(out.join("assets.rs"), table).expect("the output folder can be written");
}

/// The row of a file, whose compressed form is put where the program includes it from.
fn row(file: &Path, out: &Path) -> String {
    let name = file.file_name().and_then(|name| name.to_str()).expect("names are plain");
    let kind = kind(name).unwrap_or_else(|| panic!("web/{name}: of what type is it?"));
    let bytes = fs::read(file).expect("a file of the page can be read");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&bytes).expect("memory takes it");
    let packed = out.join(format!("{name}.gz"));
    fs::write(&packed, encoder.finish().expect("memory takes it")).expect("it can be written");
    let length = bytes.len();
    let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
    let tag = format!("{:016x}", fnv1a(&bytes));
    let (tag, gzip_tag) = (format!("\"{tag}\""), format!("\"{tag}-gzip\""));
    format!(
        "    Asset {{ path: {path:?}, kind: {kind:?}, tag: {tag:?}, gzip_tag: {gzip_tag:?}, \
         length: {length}, gzip: include_bytes!({packed:?}) }},\n"
    )
}

fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "webmanifest" => "application/manifest+json",
        "png" => "image/png",
        _ => return None,
    })
}

/// A tag for what a file says: it only has to differ when that does.
fn fnv1a(bytes: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325;
    bytes
        .iter()
        .fold(start, |hash: u64, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
