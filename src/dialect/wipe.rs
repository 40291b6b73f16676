//! Wiping what may have held a password.

/// Writes zeros over `bytes`, which no compiler leaves out: it has to take them for read. Many bytes at a time, unlike
/// [`zeroize::Zeroize`], because every read is wiped.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    zeroize::optimization_barrier(bytes);
}
