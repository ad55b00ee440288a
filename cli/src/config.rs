//! Settings from files: below flags and the environment, above defaults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use serde::Deserialize;

use crate::exit::{Exit, Failure};
use crate::files;

/// Names one file in the place of all others.
pub(crate) const CONFIG_VARIABLE: &str = "HANDFAST_CONFIG";
/// Where a file is, below each of the configuration directories.
const PLACE: &str = "handfast/config.toml";
/// Longest file; one has a few hundred bytes.
const MAX_CONFIG_BYTES: u64 = 64 * 1024;

/// A setting: its member in the file, and the variable of the environment that goes before it.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    is_path: bool,
}

/// Everything that can be set. What has no variable has no setting.
pub(crate) const SETTINGS: [Setting; 5] = [
    Setting { name: "registry", variable: "HANDFAST_REGISTRY", is_path: false },
    Setting { name: "agent_key", variable: "HANDFAST_AGENT_KEY", is_path: true },
    Setting { name: "owner_key", variable: "HANDFAST_OWNER_KEY", is_path: true },
    Setting { name: "registry_dir", variable: "HANDFAST_REGISTRY_DIR", is_path: true },
    Setting { name: "passphrase_file", variable: "HANDFAST_PASSPHRASE_FILE", is_path: true },
];

/// What the files say, the user's own first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    files: Vec<ConfigFile>,
}

/// One file: where it is, and what it says if it is there.
#[derive(Clone, Debug)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    pub(crate) is_there: bool,
    values: Vec<(&'static str, OsString)>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    registry: Option<String>,
    agent_key: Option<String>,
    owner_key: Option<String>,
    registry_dir: Option<String>,
    passphrase_file: Option<String>,
}

/// The variables that say where files are.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// [`CONFIG_VARIABLE`].
    pub(crate) only: Option<OsString>,
    /// `XDG_CONFIG_HOME`.
    pub(crate) config_home: Option<OsString>,
    /// `XDG_CONFIG_DIRS`.
    pub(crate) config_dirs: Option<OsString>,
    /// `HOME`.
    pub(crate) home: Option<OsString>,
}

impl Places {
    /// As the environment says; an empty variable counts as none (XDG Base Directory Specification).
    pub(crate) fn of_environment() -> Self {
        let get = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            only: get(CONFIG_VARIABLE),
            config_home: get("XDG_CONFIG_HOME"),
            config_dirs: get("XDG_CONFIG_DIRS"),
            home: get("HOME"),
        }
    }

    fn home(&self) -> Option<PathBuf> {
        self.home.as_ref().map(PathBuf::from)
    }

    /// Every place of a file, the user's first. Directories that are not absolute are none (same specification).
    fn files(&self) -> Vec<PathBuf> {
        if let Some(only) = &self.only {
            return vec![PathBuf::from(only)];
        }
        let own = self.config_home.as_ref().map(PathBuf::from).filter(|path| path.is_absolute());
        let own = own.or_else(|| self.home().map(|home| home.join(".config")));
        let machine = self.config_dirs.clone().unwrap_or_else(|| "/etc/xdg".into());
        let machine: Vec<_> = std::env::split_paths(&machine).collect();
        own.into_iter().chain(machine).filter(|path| path.is_absolute()).map(|path| path.join(PLACE)).collect()
    }
}

impl Config {
    /// What the files say at these places.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or understood, and one that was named and is not there.
    pub(crate) fn load(places: &Places) -> Result<Self, Failure> {
        let read = |path: PathBuf| match path.try_exists() {
            Ok(false) if places.only.is_none() => Ok(ConfigFile { path, is_there: false, values: Vec::new() }),
            _ => ConfigFile::read(path, places.home().as_deref()),
        };
        Ok(Self { files: places.files().into_iter().map(read).collect::<Result<_, _>>()? })
    }

    /// The files, the user's first.
    pub(crate) fn files(&self) -> &[ConfigFile] {
        &self.files
    }

    /// What the first file that has it says of a setting.
    fn value(&self, name: &str) -> Option<(&OsString, &Path)> {
        self.files.iter().find_map(|file| {
            let value = file.values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (value, file.path.as_path()))
        })
    }

    /// The command line in which what the files say is the default: below flags and environment.
    pub(crate) fn applied_to(&self, command: Command) -> Command {
        let command = command.mut_args(|arg| {
            let variable = arg.get_env().map(ToOwned::to_owned);
            let setting = SETTINGS.iter().find(|setting| variable.as_deref() == Some(setting.variable.as_ref()));
            match setting.and_then(|setting| self.value(setting.name)) {
                Some((value, _)) => arg.required(false).default_value(value.clone()),
                None => arg,
            }
        });
        command.mut_subcommands(|inner| self.applied_to(inner))
    }
}

impl ConfigFile {
    fn read(path: PathBuf, home: Option<&Path>) -> Result<Self, Failure> {
        let failed = |what: String| {
            Failure::new(Exit::File, format!("`{}`: {what}", path.display()))
                .with_help("`handfast config show --help` lists the settings")
        };
        let text = files::text_up_to(&path, MAX_CONFIG_BYTES)?;
        let wire: Wire = toml::from_str(&text).map_err(|error| failed(error.to_string().trim().to_owned()))?;
        let Wire { registry, agent_key, owner_key, registry_dir, passphrase_file } = wire;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let mut values = Vec::new();
        for (setting, value) in SETTINGS.iter().zip([registry, agent_key, owner_key, registry_dir, passphrase_file]) {
            let Some(value) = value else { continue };
            if value.is_empty() {
                return Err(failed(format!("`{}` is empty", setting.name)));
            }
            let value = if setting.is_path { seen_from(folder, home, &value) } else { value.into() };
            values.push((setting.name, value));
        }
        Ok(Self { path, is_there: true, values })
    }
}

/// A path in a file, seen from where the file is.
fn seen_from(folder: &Path, home: Option<&Path>, value: &str) -> OsString {
    match (value.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest).into_os_string(),
        _ => folder.join(value).into_os_string(),
    }
}

/// Where the value of a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Flag,
    Environment(&'static str),
    File(PathBuf),
    Default,
    Unset,
}

/// Each setting with its value, as the command `matches` sees it.
pub(crate) fn origins(matches: &ArgMatches, config: &Config) -> Vec<(&'static str, Option<OsString>, Origin)> {
    let of = |setting: &Setting| {
        let mut raw = matches.try_get_raw(setting.name).ok().flatten().into_iter().flatten();
        let value = raw.next().map(ToOwned::to_owned);
        let source = value.as_ref().and_then(|_| matches.value_source(setting.name));
        let origin = match (source, config.value(setting.name)) {
            (Some(ValueSource::CommandLine), _) => Origin::Flag,
            (Some(ValueSource::EnvVariable), _) => Origin::Environment(setting.variable),
            (Some(_), Some((_, path))) => Origin::File(path.to_owned()),
            (Some(_), None) => Origin::Default,
            (None, _) => Origin::Unset,
        };
        (setting.name, value, origin)
    };
    SETTINGS.iter().map(of).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot write its file should stop
mod tests {
    use super::*;

    fn places(only: &str, config_home: &str, config_dirs: &str, home: &str) -> Places {
        let some = |text: &str| (!text.is_empty()).then(|| OsString::from(text));
        let [only, config_home, config_dirs, home] = [only, config_home, config_dirs, home].map(some);
        Places { only, config_home, config_dirs, home }
    }

    #[test]
    fn files_are_looked_for_in_the_places_of_the_specification() {
        for (places, expected) in [
            (places("", "", "", ""), &["/etc/xdg/handfast/config.toml"][..]),
            (places("", "", "", "/h"), &["/h/.config/handfast/config.toml", "/etc/xdg/handfast/config.toml"]),
            (
                places("", "/c", "/a:/b", "/h"),
                &["/c/handfast/config.toml", "/a/handfast/config.toml", "/b/handfast/config.toml"],
            ),
            (places("", "relative", "also", "/h"), &["/h/.config/handfast/config.toml"]),
            (places("here.toml", "/c", "/a", "/h"), &["here.toml"]),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(places.files(), expected, "{places:?}");
        }
    }

    #[test]
    fn the_first_file_that_has_a_setting_decides() {
        let directory = tempfile::tempdir().unwrap();
        let (own, machine) = (directory.path().join("own"), directory.path().join("machine"));
        for (folder, text) in [
            (&own, "registry = \"https://own.example\"\nowner_key = \"~/o.json\"\n"),
            (&machine, "registry = \"https://machine.example\"\nagent_key = \"a.json\"\n"),
        ] {
            std::fs::create_dir_all(folder.join("handfast")).unwrap();
            std::fs::write(folder.join(PLACE), text).unwrap();
        }
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let config = Config::load(&places("", &text(&own), &text(&machine), "/home/one")).unwrap();
        let value = |name| config.value(name).map(|(value, path)| (value.clone(), path.to_owned()));
        assert_eq!(value("registry"), Some(("https://own.example".into(), own.join(PLACE))));
        assert_eq!(value("owner_key"), Some(("/home/one/o.json".into(), own.join(PLACE))));
        let beside = machine.join("handfast/a.json").into_os_string();
        assert_eq!(value("agent_key"), Some((beside, machine.join(PLACE))));
        assert_eq!(value("registry_dir"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        for (text, expected) in [
            ("registri = \"x\"", "unknown field `registri`"),
            ("registry = 7", "invalid type"),
            ("registry = \"\"", "`registry` is empty"),
            ("registry = \"a\"\nregistry = \"b\"", "duplicate key"),
            ("registry", "expected"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Config::load(&places(path.to_str().unwrap(), "", "", "")).unwrap_err();
            assert!(error.exit() == Exit::File && error.to_string().contains(expected), "{text}: {error}");
        }
        let gone = Config::load(&places(directory.path().join("gone").to_str().unwrap(), "", "", "")).unwrap_err();
        assert_eq!(gone.exit(), Exit::File);
    }
}
