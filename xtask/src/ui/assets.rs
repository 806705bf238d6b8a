//! Names with a hash in them: the assets by logical name, and what refers to what.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::needs::digest;

const PREFIX: &str = "/assets/";

/// The UI's files, first by logical name as they come in, then finished.
#[derive(Default)]
pub struct Assets {
    sources: BTreeMap<String, Vec<u8>>,
    /// Logical name → (path in dist, content); `index.html` among them.
    finished: BTreeMap<String, (String, Vec<u8>)>,
}

impl Assets {
    /// Takes a file in.
    pub fn add(&mut self, name: String, content: Vec<u8>) -> Result<()> {
        if self.sources.contains_key(&name) {
            bail!("two files want to be the asset {name}");
        }
        self.sources.insert(name, content);
        Ok(())
    }

    /// Names everything by its content, from the leaves up, and rewrites the references.
    pub fn finish(&mut self, page: &str) -> Result<()> {
        let names: Vec<String> = self.sources.keys().cloned().collect();
        for name in names {
            self.finish_one(&name, &mut Vec::new())?;
        }
        let page = self.rewrite(page, &mut Vec::new()).context("ui/index.html")?;
        self.finished.insert("index.html".into(), ("index.html".into(), page.into_bytes()));
        Ok(())
    }

    fn finish_one(&mut self, name: &str, above: &mut Vec<String>) -> Result<String> {
        if let Some((path, _)) = self.finished.get(name) {
            return Ok(path.clone());
        }
        if above.iter().any(|other| other == name) {
            bail!("{} → {name}: assets that refer to each other can't be named by their content", above.join(" → "));
        }
        let Some(source) = self.sources.get(name) else {
            bail!("{PREFIX}{name} is not an asset (xtask/src/ui.rs says what is)");
        };
        let content = if has_references(name) {
            let text = String::from_utf8(source.clone()).with_context(|| format!("{name} is not UTF-8"))?;
            above.push(name.to_owned());
            let text = self.rewrite(&text, above).with_context(|| name.to_owned())?;
            above.pop();
            text.into_bytes()
        } else {
            source.clone()
        };
        let path = hashed(name, &content);
        self.finished.insert(name.to_owned(), (path.clone(), content));
        Ok(path)
    }

    fn rewrite(&mut self, text: &str, above: &mut Vec<String>) -> Result<String> {
        let mut parts = text.split(PREFIX);
        let mut rewritten = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_at(name_length(part));
            // The bare prefix is somebody building an address at run time, in which we have no say.
            if name.is_empty() {
                rewritten.push_str(PREFIX);
            } else {
                rewritten.push('/');
                rewritten.push_str(&self.finish_one(name, above)?);
            }
            rewritten.push_str(rest);
        }
        Ok(rewritten)
    }

    /// Path in dist and content of everything finished.
    pub fn finished(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.finished.values().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// Every path in dist.
    pub fn written(&self) -> BTreeSet<String> {
        self.finished().map(|(path, _)| path.to_owned()).collect()
    }

    /// The page and all HTML, CSS, JavaScript and WebAssembly that it leads to, but for the assets that are loaded
    /// `on_demand` and what only those lead to.
    pub fn first_page(&self, on_demand: &[String]) -> BTreeSet<String> {
        let later: BTreeSet<&String> =
            on_demand.iter().filter_map(|name| self.finished.get(name)).map(|(path, _)| path).collect();
        let mut reached = BTreeSet::new();
        let mut open = vec!["index.html".to_owned()];
        while let Some(path) = open.pop() {
            let counts = ["html", "css", "js", "wasm"].contains(&extension(&path)) && !later.contains(&path);
            if !counts || !reached.insert(path.clone()) {
                continue;
            }
            if let Some((_, content)) =
                self.finished().find(|(other, _)| *other == path).filter(|_| has_references(&path))
            {
                let text = String::from_utf8_lossy(content);
                open.extend(text.split(PREFIX).skip(1).map(|part| format!("assets/{}", &part[..name_length(part)])));
            }
        }
        reached
    }
}

fn has_references(name: &str) -> bool {
    ["html", "css", "js", "webmanifest"].contains(&extension(name))
}

/// The extension of a path, without its dot; empty when there is none.
pub fn extension(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// How far the name at the start of `text` goes.
fn name_length(text: &str) -> usize {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "._-/".contains(c))).unwrap_or(text.len());
    text[..end].trim_end_matches('.').len()
}

/// `fonts/a.woff2` → `assets/fonts-a-0123456789abcdef.woff2`.
fn hashed(name: &str, content: &[u8]) -> String {
    let flat = name.replace('/', "-");
    let hash = &digest(content)[..16];
    match flat.rsplit_once('.') {
        Some((stem, extension)) => format!("assets/{stem}-{hash}.{extension}"),
        None => format!("assets/{flat}-{hash}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets(files: &[(&str, &str)]) -> Assets {
        let mut assets = Assets::default();
        for (name, content) in files {
            assets.add((*name).to_owned(), content.as_bytes().to_vec()).unwrap();
        }
        assets
    }

    #[test]
    fn references_follow_the_content_from_the_leaves_up() {
        let page = "<link href=\"/assets/styles.css\"><script type=module src='/assets/boot.js'></script>";
        let files = [
            ("boot.js", "import init from \"/assets/app.js\"; init(\"/assets/app_bg.wasm\")"),
            ("app.js", "export default 1"),
            ("app_bg.wasm", "binary /assets/styles.css"),
            ("styles.css", "a{src:url(/assets/fonts/a.woff2)}"),
            ("fonts/a.woff2", "font"),
        ];
        let name = |content: &str, changed: &[(&str, &str)]| {
            let mut files = files.to_vec();
            files.retain(|(name, _)| !changed.iter().any(|(other, _)| other == name));
            files.extend(changed);
            let mut assets = assets(&files);
            assets.finish(page).unwrap();
            assets.finished.get(content).unwrap().clone()
        };
        let (style, content) = name("styles.css", &[]);
        let content = String::from_utf8(content).unwrap();
        assert!(content.starts_with("a{src:url(/assets/fonts-a-"), "{content}");
        assert!(content.ends_with(".woff2)}"), "{content}");
        assert_ne!(name("styles.css", &[("fonts/a.woff2", "another")]).0, style, "a new font is a new style sheet");
        let binary = name("app_bg.wasm", &[]).1;
        assert_eq!(binary, b"binary /assets/styles.css", "only text is rewritten");
    }

    #[test]
    fn the_first_page_is_what_the_page_leads_to() {
        let mut assets = assets(&[
            ("a.js", "'/assets/b.wasm' '/assets/later.js'"),
            ("b.wasm", ""),
            ("c.css", ""),
            ("d.woff2", ""),
            ("later.js", "'/assets/later.css'"),
            ("later.css", ""),
        ]);
        assets.finish("<script src=/assets/a.js>").unwrap();
        let first = assets.first_page(&["later.js".to_owned()]);
        assert_eq!(first.len(), 3, "{first:?}");
        assert!(!first.iter().any(|path| path.contains("later")), "{first:?}");
        assert_eq!(assets.first_page(&[]).len(), 5);
        assert_eq!(assets.written().len(), 7);
    }

    #[test]
    fn mistakes_are_named() {
        let mut typo = assets(&[("a.css", "")]);
        assert!(format!("{:#}", typo.finish("<a href='/assets/b.css'>").unwrap_err()).contains("/assets/b.css is not"));
        let mut circle = assets(&[("a.js", "'/assets/b.js'"), ("b.js", "'/assets/a.js'")]);
        assert!(format!("{:#}", circle.finish("").unwrap_err()).contains("a.js → b.js → a.js"));
        assert!(circle.add("a.js".into(), Vec::new()).is_err());
    }
}
