//! Every setting works from every source, and whatever is wrong is said in a sentence that helps.

use super::super::{flags, print};
use super::*;
use std::collections::{BTreeMap, BTreeSet};

/// Words of which each setting understands at least one.
const SAMPLES: [&str; 16] = [
    "true",
    "7",
    "3",
    "30000",
    "127.0.0.1:7",
    "10.1.2.3",
    "json",
    "all",
    "debug",
    "/somewhere/else",
    "some text",
    "redis://h:1/2",
    "nginx",
    "tx",
    "opus",
    "clients",
];

fn words_of(config: &Config, key: &str) -> Vec<String> {
    let mut words = Vec::new();
    config.clone().each(|setting| {
        if setting.key == key {
            words = setting.words();
        }
    });
    words
}

/// A word that the setting takes and that is not its default.
fn sample(key: &Key) -> String {
    let fits = |word: &&str| {
        let mut taken = false;
        Config::default().each(|mut setting| {
            if setting.key == key.name {
                taken = setting.set(&[(*word).to_owned()]) && setting.words() != key.default;
            }
        });
        taken
    };
    SAMPLES.into_iter().find(fits).unwrap_or_else(|| panic!("add a word for {} to SAMPLES", key.name)).to_owned()
}

fn file(text: &str) -> (tempfile::TempDir, Sources) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    fs::write(&path, text).unwrap();
    (folder, Sources::default().with_file(path))
}

fn environment(variables: &[(&str, &str)]) -> Sources {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    Sources::default().with_environment(|name| variables.get(name).map(|&value| value.to_owned()))
}

fn flags(args: &[&str]) -> Sources {
    let args = std::iter::once("parlor-server").chain(args.iter().copied());
    flags::read(&flags::command().try_get_matches_from(args).unwrap(), |_| None).1
}

/// The file's name left out.
fn faults(sources: &Sources) -> Vec<String> {
    let faults = sources.load().err().map_or(Vec::new(), |faults| faults.0);
    let strip = |fault: String| fault.rsplit_once("server.toml:").map_or(fault.clone(), |(_, rest)| rest.to_owned());
    faults.iter().map(|fault| strip(fault.to_string())).collect()
}

#[test]
fn every_key_works_from_a_file_a_variable_and_a_flag() {
    for key in keys() {
        let word = sample(key);
        let (section, name) = key.name.rsplit_once('.').unwrap_or(("", &key.name));
        let header = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        let value = match key.shape {
            Shape::Switch | Shape::Number => word.clone(),
            _ => format!("\"{word}\""),
        };
        let (_folder, from_file) = file(&format!("{header}{name} = {value}\n"));
        let flag = format!("--{}={word}", key.flag);
        for (sources, which) in [(from_file, "file"), (environment(&[(&key.env, &word)]), "variable"), (flags(&[&flag]), "flag")]
        {
            let (config, faults) = sources.read();
            assert!(faults.is_empty(), "{which}: {faults:?}");
            assert_eq!(words_of(&config, &key.name), std::slice::from_ref(&word), "{} from a {which}", key.name);
        }
    }
}

#[test]
fn every_key_is_in_the_help_in_the_printed_file_and_in_the_guide() {
    let help = flags::command().render_long_help().to_string();
    let printed = print::toml(&Config::default());
    let mut section = String::new();
    let mut names = BTreeSet::new();
    for line in printed.lines().map(|line| line.trim_start_matches("# ")) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((name, _)) = line.split_once(" = ") {
            names.insert(crate::base::settings::join(&section, name));
        }
    }
    for key in keys() {
        assert!(help.contains(&format!("--{} ", key.flag)) || help.contains(&format!("--{}[", key.flag)), "{}", key.flag);
        assert!(help.contains(&format!("[env: {}]", key.env)), "{}", key.env);
        assert!(names.contains(&key.name), "{} in\n{printed}", key.name);
        assert!(key.help.ends_with('.') && !key.help.contains('\n'), "{}: help is a sentence: {}", key.name, key.help);
    }
}

/// `PARLOR_WRITE_DOCS=1 cargo test` writes the table.
#[test]
fn the_guide_has_the_table_of_keys() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators.md");
    let guide = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- keys: written by a test -->\n", "<!-- end of keys -->");
    let (before, rest) = guide.split_once(begin).unwrap();
    let (table, after) = rest.split_once(end).unwrap();
    if std::env::var_os("PARLOR_WRITE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{}{end}{after}", print::table())).unwrap();
    } else {
        assert_eq!(table, print::table(), "run this test with PARLOR_WRITE_DOCS=1");
    }
}

#[test]
fn names_are_unique_in_all_three_spellings() {
    for spelling in [|key: &Key| key.name.clone(), |key: &Key| key.flag.clone(), |key: &Key| key.env.clone()] {
        let names: BTreeSet<String> = keys().iter().map(spelling).collect();
        assert_eq!(names.len(), keys().len());
    }
}

#[test]
fn what_is_printed_can_be_read_again() {
    let args =
        ["--listen=127.0.0.1:1", "--listen=[::1]:2", "--open", "--limits-rooms=12", "--log-format=json", "--public=a.example"];
    let config = flags(&args).load().unwrap();
    let (_folder, sources) = file(&print::toml(&config));
    let again = sources.load().unwrap();
    for key in keys() {
        assert_eq!(words_of(&again, &key.name), words_of(&config, &key.name), "{}", key.name);
    }
}

#[test]
fn no_secret_is_printed() {
    let secret = "a very secret key";
    let args = [format!("--access-key={secret}"), format!("--admin-key={secret}"), "--redis=redis://me:hidden@h:1/0".to_owned()];
    let config = flags(&args.each_ref().map(String::as_str)).load().unwrap();
    for shown in [print::toml(&config), format!("{config:?}")] {
        assert!(!shown.contains(secret) && !shown.contains("hidden"), "{shown}");
    }
    assert!(config.access_key.unwrap().is(secret));
    let (_folder, sources) = file("admin_key = \"short\"\nredis = 5\n");
    let said = faults(&sources).join("\n");
    assert!(!said.contains("short") && said.contains("admin_key") && said.contains("redis"), "{said}");
}

#[test]
fn flags_count_more_than_variables_and_those_more_than_the_file() {
    let (_folder, sources) = file("[limits]\nrooms = 1\nduo = 2\nmulti = 3\n");
    let sources = sources.with_environment(|name| match name {
        "PARLOR_LIMITS_ROOMS" => Some("4".to_owned()),
        "PARLOR_LIMITS_DUO" => Some("5".to_owned()),
        "PARLOR_LIMITS_LIVE" => Some(String::new()),
        _ => None,
    });
    let rooms = keys().iter().find(|key| key.name == "limits.rooms").unwrap();
    let limits = sources.with_flag(rooms, vec!["6".to_owned()]).load().unwrap().limits;
    assert_eq!((limits.rooms, limits.duo, limits.multi), (6, 5, 3));
    assert_eq!(limits.live, Config::default().limits.live, "an empty variable says nothing");
}

#[test]
fn lists_are_written_as_each_source_writes_lists() {
    let both: Vec<std::net::SocketAddr> = vec!["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()];
    let (_folder, from_file) = file("listen = [\"127.0.0.1:1\", \"[::1]:2\"]\n");
    for sources in [
        from_file,
        environment(&[("PARLOR_LISTEN", "127.0.0.1:1,[::1]:2")]),
        flags(&["--listen", "127.0.0.1:1", "--listen", "[::1]:2"]),
        flags(&["--listen", "127.0.0.1:1,[::1]:2"]),
    ] {
        assert_eq!(sources.load().unwrap().listen, both);
    }
    assert!(flags(&["--open"]).load().unwrap().open);
    assert!(!flags(&["--open=false"]).load().unwrap().open);
}

#[test]
fn the_old_name_of_the_log_level_still_works() {
    let level = |variables: &[(&str, &str)]| environment(variables).load().unwrap().log.level.to_string();
    assert_eq!(level(&[("PARLOR_LOG", "debug")]), "debug");
    assert_eq!(level(&[("PARLOR_LOG", "debug"), ("PARLOR_LOG_LEVEL", "warn")]), "warn");
}

#[test]
fn every_fault_names_line_key_and_what_is_allowed() {
    let (_folder, sources) = file(
        "listen = [\"nowhere\"]\nopen = \"yes\"\nplane = true\n\n[limits]\nrooms = 0\nroms = 1\n\n[limts]\nrooms = 1\n\n[log]\nformat = \"xml\"\nlevel = 3\n[public]\na = 1\n",
    );
    let wanted = [
        ("1: `listen` must be an address and port such as", "not nowhere"),
        ("2: `open` must be true or false", "without quotes"),
        ("3: `plane` is unknown; there are listen, data", "limits"),
        ("6: `limits.rooms` must be a whole number from 1 to 1000000", "not 0"),
        ("7: `limits.roms` is unknown; in [limits] there are rooms, duo", ""),
        ("9: `limts` is unknown", "there are"),
        ("13: `log.format` must be pretty or json", "not xml"),
        ("14: `log.level` must be off, error", "in quotes"),
        ("15: `public` must be", ""),
    ];
    let faults = faults(&sources);
    for (begins, contains) in wanted {
        assert!(
            faults.iter().any(|f| f.starts_with(begins) && f.contains(contains)),
            "{begins} {contains}\n{}",
            faults.join("\n")
        );
    }
    assert_eq!(faults.len(), wanted.len(), "{}", faults.join("\n"));
}

#[test]
fn what_is_no_toml_and_what_is_no_file_are_faults() {
    let (_folder, sources) = file("open = true\nlisten = [\"a\"\nx y\n");
    assert!(faults(&sources)[0].starts_with("2: this is no TOML") || faults(&sources)[0].starts_with("3: this is no TOML"));
    let (_folder, sources) = file("open = true\nopen = false\n");
    assert!(faults(&sources)[0].starts_with("2: this is no TOML"), "{:?}", faults(&sources));
    let missing = Sources::default().with_file("/nowhere/server.toml");
    assert!(missing.load().unwrap_err().to_string().contains("/nowhere/server.toml: there is no such file"));
}

#[test]
fn variables_and_flags_are_named_where_they_are_wrong() {
    let said = environment(&[("PARLOR_LIMITS_ROOMS", "many")]).load().unwrap_err().to_string();
    assert_eq!(said, "PARLOR_LIMITS_ROOMS: `limits.rooms` must be a whole number from 1 to 1000000, not many");
    let said = flags(&["--limits-rooms=many"]).load().unwrap_err().to_string();
    assert!(said.starts_with("--limits-rooms: "), "{said}");
}

#[test]
fn settings_that_do_not_go_together_are_faults() {
    for (args, word) in [
        (&["--tls-cert=/a"][..], "tls.key"),
        (&["--tls-key=/a"], "tls.cert"),
        (&["--public=http://a/"], "public"),
        (&["--advertise=a/b"], "advertise"),
        (&["--redis=mysql://a"], "redis"),
        (&["--admin-key=short"], "12 characters"),
    ] {
        let said = flags(args).load().unwrap_err().to_string();
        assert!(said.contains(word), "{args:?}: {said}");
    }
}

#[test]
fn the_usual_folder_is_taken_where_none_is_chosen_and_it_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").to_string_lossy().into_owned();
    let with =
        |state: String| Sources::default().with_environment(move |name| (name == "STATE_DIRECTORY").then(|| state.clone()));
    assert_eq!(with(format!("{state}:/other")).load().unwrap().data, Some(PathBuf::from(&state)));
    assert_eq!(with("/dev/null/state".to_owned()).load().unwrap().data, None);
    assert_eq!(Sources::default().load().unwrap().data, None);
    assert!(!Path::new(&state).exists(), "looking changes nothing");
}
