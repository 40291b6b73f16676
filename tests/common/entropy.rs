//! What nobody could guess, were it not the same in every run.

use mecd::server::entropy::Entropy;

/// Numbers in their order, of which none comes twice whatever start of the server it is: every run is the same.
pub(crate) fn entropy(start: u64) -> Entropy {
    let mut given = u128::from(start) << 64;
    Entropy::from_source(move || {
        given += 1;
        given.to_be_bytes()
    })
}
