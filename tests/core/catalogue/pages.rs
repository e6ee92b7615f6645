//! The page of each cause.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eks_access::catalogue::{CAUSES, Cause, find};
use eks_access::page;

pub(crate) fn parts(cause: &Cause) -> [(&'static str, &'static str); 5] {
    [
        ("What happened", cause.page.what_happened),
        ("Why", cause.page.why),
        ("How to be sure", cause.page.how_to_be_sure),
        ("What to do", cause.page.what_to_do),
        ("If it comes back", cause.page.if_it_comes_back),
    ]
}

#[test]
fn every_page_has_its_headings_in_order_and_something_under_each() {
    for cause in CAUSES {
        let page = page::markdown(cause);
        let mut from = 0;
        for (heading, text) in parts(cause) {
            assert!(text.len() > 20, "{}: nothing under `{heading}`", cause.id);
            assert!(text.is_ascii(), "{}: `{heading}` is not ASCII", cause.id);
            let at = page[from..]
                .find(&format!("\n## {heading}\n\n"))
                .unwrap_or_else(|| {
                    panic!("{}: no heading `{heading}` after byte {from}", cause.id);
                });
            from += at + 1;
        }
    }
}

#[test]
fn pages_link_only_to_causes_that_exist_and_by_their_title() {
    for cause in CAUSES {
        let page = page::markdown(cause);
        for piece in page.split("](").skip(1) {
            let target = piece.split(')').next().unwrap();
            let id = target
                .strip_suffix(".md")
                .unwrap_or_else(|| panic!("{}: `{target}`", cause.id));
            let linked = find(id)
                .unwrap_or_else(|| panic!("{} links to `{id}`, which is no cause", cause.id));
            assert!(
                page.contains(&format!("[{}]({target})", linked.title)),
                "{} links to {id} by another name than `{}`",
                cause.id,
                linked.title
            );
        }
    }
}

#[test]
fn committed_pages_equal_the_generated_ones() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/causes");
    let mut pages: BTreeMap<PathBuf, String> = CAUSES
        .iter()
        .map(|cause| {
            (
                folder.join(format!("{}.md", cause.id)),
                page::markdown(cause),
            )
        })
        .collect();
    pages.insert(folder.join("README.md"), page::index());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (path, text) in &pages {
            std::fs::write(path, text).unwrap();
        }
    }
    for (path, text) in &pages {
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == *text,
            "{} is not what the catalogue says; run the tests with UPDATE_DOCS=1 and commit the pages",
            path.display()
        );
    }
}
