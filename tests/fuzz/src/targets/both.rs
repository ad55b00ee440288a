//! The fast path beside the general one: the bytes are the choices of the grammar in `handfast_conformance::both`.

use std::sync::LazyLock;

use handfast_conformance::both::{Corpus, episode_of_bytes};

static CORPUS: LazyLock<Corpus> = LazyLock::new(Corpus::read);

pub fn run(data: &[u8]) {
    if let Some(found) = episode_of_bytes(&CORPUS, data) {
        panic!("{found}");
    }
}
