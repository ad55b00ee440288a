//! What a vector is run through.

use crate::vector::{Expected, Vector};

/// Something that answers requests: the core, or a layer above it.
pub trait Surface {
    /// Its name, for messages.
    fn name(&self) -> &'static str;

    /// The answers to all steps of `vector`, in order, by one server that was set up for it.
    fn check(&self, vector: &Vector) -> Vec<Expected>;
}

/// Runs one vector and says what differs, if anything does.
///
/// # Errors
///
/// The step, the expected and the found answer, as text.
pub fn run(surface: &dyn Surface, name: &str, vector: &Vector) -> Result<(), String> {
    let found = surface.check(vector);
    let expected: Vec<_> = vector.steps.iter().map(|step| step.expect.clone()).collect();
    if found == expected {
        return Ok(());
    }
    Err(format!("{}: {name}: expected {expected:?}, found {found:?}", surface.name()))
}
