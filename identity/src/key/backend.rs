//! Which arithmetic checks Ed25519 signatures on this machine.

/// The curve arithmetic of the signature checks: `avx512`, `avx2` or `serial`, in order of speed.
///
/// The first needs a build with `--cfg curve25519_dalek_backend="avx512"`, which a crate's users have to set for
/// themselves, and a processor that has it; which one is used is found at run time (curve25519-dalek 5, as under ed25519-dalek 3).
#[must_use]
pub fn signature_backend() -> &'static str {
    #[cfg(all(target_arch = "x86_64", curve25519_dalek_backend = "avx512"))]
    if std::arch::is_x86_feature_detected!("avx512ifma") && std::arch::is_x86_feature_detected!("avx512vl") {
        return "avx512";
    }
    #[cfg(all(
        target_arch = "x86_64",
        not(any(curve25519_dalek_backend = "serial", curve25519_dalek_backend = "fiat"))
    ))]
    if std::arch::is_x86_feature_detected!("avx2") {
        return "avx2";
    }
    "serial"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_of_the_workspace_is_set_where_it_counts() {
        // a RUSTFLAGS variable, or a build from elsewhere, would lose it silently
        let is_asked_for = cfg!(all(target_arch = "x86_64", curve25519_dalek_backend = "avx512"));
        assert_eq!(is_asked_for, cfg!(target_arch = "x86_64"));
        assert!(["avx512", "avx2", "serial"].contains(&signature_backend()));
    }
}
