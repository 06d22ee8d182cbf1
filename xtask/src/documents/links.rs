//! Links lead to files, and to headings, that exist; every page can be reached.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::{Document, documents};
use crate::command::root;

/// Pages that nobody comes to by a link: their place says what they are.
const FOUND_BY_PLACE: [&str; 2] = ["README.md", "assets/fonts/README.md"];

/// Targets of links and pictures.
fn links(document: &Document) -> Vec<String> {
    // Code is shown as it is, brackets and all.
    let prose: String = document.prose().split('`').step_by(2).collect::<Vec<_>>().join("code");
    prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link.to_owned()).collect()
}

/// A path without `..` in it.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// What a link to this heading ends with, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn anchors(document: &Document) -> BTreeSet<String> {
    let prose = document.prose();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#')));
    headings
        .map(|anchor| {
            let times = seen.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let pages: BTreeMap<PathBuf, Document> = documents().into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut wrong = Vec::new();
    for page in pages.values() {
        for link in links(page).into_iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').map_or((link.as_str(), None), |(file, heading)| (file, Some(heading)));
            let to = if file.is_empty() { page.path.clone() } else { plain(&page.path.parent().unwrap().join(file)) };
            let there = root().join(&to).exists();
            let headed = heading.is_none_or(|heading| pages.get(&to).is_some_and(|to| anchors(to).contains(heading)));
            if !there || !headed {
                wrong.push(format!("{}: {link}", page.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "these lead nowhere:\n{}", wrong.join("\n"));
}

#[test]
fn every_page_is_reached_from_the_first() {
    let pages: BTreeMap<PathBuf, Document> = documents().into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut reached: BTreeSet<PathBuf> = FOUND_BY_PLACE.map(PathBuf::from).into();
    let mut next: Vec<PathBuf> = vec!["README.md".into()];
    while let Some(path) = next.pop() {
        for link in links(&pages[&path]) {
            let to = plain(&path.parent().unwrap().join(link.split('#').next().unwrap_or_default()));
            if pages.contains_key(&to) && reached.insert(to.clone()) {
                next.push(to);
            }
        }
    }
    let lost: Vec<_> = pages.keys().filter(|path| !reached.contains(*path)).collect();
    assert!(lost.is_empty(), "no link leads from README.md to {lost:?}");
}

#[test]
fn every_picture_is_shown() {
    let shown: BTreeSet<PathBuf> = documents()
        .iter()
        .flat_map(|page| links(page).into_iter().map(|link| plain(&page.path.parent().unwrap().join(link))).collect::<Vec<_>>())
        .collect();
    let pictures = super::files(&root().join("assets/screenshots"), "png");
    assert!(pictures.len() > 5);
    let unseen: Vec<_> = pictures.iter().filter(|picture| !shown.contains(*picture)).collect();
    assert!(unseen.is_empty(), "no page shows {unseen:?}");
}

#[test]
fn anchors_are_as_github_makes_them() {
    assert_eq!(anchor(" Certificates and TLS"), "certificates-and-tls");
    assert_eq!(anchor(" `--flag`, and 0.1: more"), "--flag-and-01-more");
    assert_eq!(anchor(" 遇到问题时"), "遇到问题时");
    let page = Document { path: "x.md".into(), text: "# A b\n```sh\n# no\n```\n## A b\n[x](y.md) `[z](no)`\n".to_owned() };
    assert_eq!(anchors(&page), BTreeSet::from(["a-b".to_owned(), "a-b-1".to_owned()]));
    assert_eq!(links(&page), ["y.md"]);
    assert_eq!(plain(Path::new("docs/../assets/./x.png")), Path::new("assets/x.png"));
}
