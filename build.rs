//! Stamps the version with the commit it was built from, and gives the Windows programs their icon and manifest.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let commit = commit();
    println!("cargo::rustc-env=PARLOR_DATE={}", date(&commit));
    println!("cargo::rustc-env=PARLOR_COMMIT={commit}");
    for (name, given) in [("PARLOR_TARGET", "TARGET"), ("PARLOR_PROFILE", "PROFILE")] {
        println!("cargo::rustc-env={name}={}", env::var(given).unwrap_or_default());
    }
    // The target is what counts: Windows programs are built on Linux, too.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("windows") {
        windows_resources();
        if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("gnu") {
            // libopus is compiled with a guard around its stack, which in mingw-w64 is a library of its own, with needs of its own.
            for library in [":libssp.a", "msvcrt", "advapi32", "kernel32"] {
                println!("cargo::rustc-link-arg-bins=-l{library}");
            }
        }
    }
}

/// The commit in short; `unknown` outside a repository; `dev` in builds for development, which would otherwise be
/// built anew after every commit.
fn commit() -> String {
    println!("cargo::rerun-if-env-changed=PARLOR_COMMIT");
    if let Some(given) = env::var("PARLOR_COMMIT").ok().filter(|given| !given.is_empty()) {
        return given;
    }
    if env::var("PROFILE").as_deref() != Ok("release") {
        return "dev".to_owned();
    }
    // The log of HEAD changes with every commit and checkout. A file that is not there would rebuild every time.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["rev-parse", "--short=10", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
}

/// The day of the commit, not of the build: the same commit gives the same program. Empty where nobody knows.
fn date(commit: &str) -> String {
    println!("cargo::rerun-if-env-changed=PARLOR_DATE");
    let given = env::var("PARLOR_DATE").ok().filter(|given| !given.is_empty());
    given.or_else(|| git(&["show", "--no-patch", "--format=%cs", commit])).unwrap_or_default()
}

fn git(arguments: &[&str]) -> Option<String> {
    // Only this package's own repository: a source archive may lie inside somebody else's.
    if !Path::new(".git").exists() {
        return None;
    }
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn windows_resources() {
    println!("cargo::rerun-if-changed=assets/icon/parlor.ico");
    println!("cargo::rerun-if-changed=wix/parlor.manifest");
    let mut resource = winresource::WindowsResource::new();
    resource.set_icon("assets/icon/parlor.ico").set_manifest_file("wix/parlor.manifest");
    if let Err(error) = resource.compile() {
        println!("cargo::error=icon and manifest: {error}");
    }
}
