//! The simulated power cut: what is left of a directory when only what was synced remains.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The recorder, built once for a suite, and the place for its library.
pub(crate) struct Recorder {
    folder: tempfile::TempDir,
}

/// What the recorder is told about one process.
pub(crate) struct Recording {
    root: PathBuf,
    copies: tempfile::TempDir,
}

impl Recorder {
    /// Builds the library with the system's C compiler.
    pub(crate) fn build() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/recorder.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"]);
        compiler.arg(folder.path().join("recorder.so")).arg(source).arg("-ldl");
        assert!(compiler.status().expect("a C compiler named `cc`").success(), "the recorder does not compile");
        Self { folder }
    }

    /// Has `child` recorded below `root`, an existing directory.
    pub(crate) fn watch(&self, child: &mut Command, root: &Path) -> Recording {
        let root = root.canonicalize().expect("the directory exists");
        let copies = tempfile::tempdir().expect("a folder");
        child.env("LD_PRELOAD", self.folder.path().join("recorder.so"));
        child.env("POWER_CUT_ROOT", &root).env("POWER_CUT_COPIES", copies.path());
        Recording { root, copies }
    }
}

impl Recording {
    /// Replaces the directory by what a power cut would have left of it. The recorded process must be gone.
    pub(crate) fn cut(&self) {
        fs::remove_dir_all(&self.root).expect("the directory goes");
        self.restore("root", &self.root);
    }

    /// A directory that was never synced is empty, and so is a file.
    fn restore(&self, copy: &str, directory: &Path) {
        fs::create_dir(directory).expect("a directory");
        let names = fs::read_to_string(self.copies.path().join(copy)).unwrap_or_default();
        for line in names.lines() {
            let mut parts = line.splitn(3, ' ');
            let (kind, copy, name) = (parts.next(), parts.next().expect("a copy"), parts.next().expect("a name"));
            let path = directory.join(name);
            if kind == Some("d") {
                self.restore(copy, &path);
                continue;
            }
            let content = fs::read(self.copies.path().join(copy)).unwrap_or_default();
            fs::write(path, content).expect("a file");
        }
    }
}
