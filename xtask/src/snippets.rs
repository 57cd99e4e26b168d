//! Code snippets of the documentation: taken out of the Markdown files and
//! type-checked against the real SDKs. A fence `text` or `console` is prose.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use crate::job::Job;
use crate::layout::Layout;
use crate::setup;

/// Documents whose snippets are checked, and folders of such documents.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "docs",
    "sdk-clients/python/README.md",
    "sdk-clients/typescript/README.md",
    "examples/support-desk/README.md",
    "CONTRIBUTING.md",
];

/// A fenced block of code.
#[derive(Debug, PartialEq, Eq)]
struct Snippet {
    language: String,
    line: usize,
    code: String,
}

/// The jobs that check the snippets of each language.
pub fn jobs(layout: &Layout) -> Result<Vec<Job>> {
    let dir = layout.made("snippets");
    if dir.exists() {
        fs::remove_dir_all(&dir).context("cannot clear .everturn/snippets")?;
    }
    fs::create_dir_all(dir.join("python"))?;
    fs::create_dir_all(dir.join("typescript"))?;
    let (mut python, mut typescript) = (0, 0);
    for document in documents(layout)? {
        let text = fs::read_to_string(&document)
            .with_context(|| format!("cannot read {}", document.display()))?;
        for snippet in snippets(&text) {
            let name = file_name(layout, &document, snippet.line);
            match snippet.language.as_str() {
                "python" => {
                    python += 1;
                    fs::write(dir.join("python").join(format!("{name}.py")), snippet.code)?;
                }
                "ts" | "typescript" => {
                    typescript += 1;
                    // A module of its own, so that names do not collide.
                    let code = format!("{}\nexport {{}};\n", snippet.code);
                    fs::write(dir.join("typescript").join(format!("{name}.ts")), code)?;
                }
                "json" => {
                    serde_json::from_str::<serde_json::Value>(&snippet.code).with_context(
                        || format!("{}:{}: not JSON", document.display(), snippet.line),
                    )?;
                }
                _ => {}
            }
        }
    }
    if python == 0 || typescript == 0 {
        bail!("no snippets found: {python} in Python, {typescript} in TypeScript");
    }
    Ok(vec![
        check_python(layout, &dir, python)?,
        check_typescript(layout, &dir, typescript)?,
    ])
}

fn check_python(layout: &Layout, dir: &Path, count: usize) -> Result<Job> {
    let config = json!({
        "include": ["python"],
        "typeCheckingMode": "standard",
        "pythonVersion": "3.11",
        "venvPath": layout.made(""),
        "venv": "venv",
    });
    let file = dir.join("pyright.json");
    fs::write(&file, config.to_string())?;
    let name = format!("docs: {count} Python snippets");
    Ok(Job::new(layout, &name, layout.venv_bin("basedpyright"))
        .args(["--level", "error", "--project"])
        .args([file]))
}

fn check_typescript(layout: &Layout, dir: &Path, count: usize) -> Result<Job> {
    let sdk = layout.path(setup::TYPESCRIPT_SDK);
    let config = json!({
        "compilerOptions": {
            "target": "es2023",
            "module": "nodenext",
            "moduleResolution": "nodenext",
            "strict": true,
            "noEmit": true,
            "skipLibCheck": true,
            "types": ["node"],
            "typeRoots": [sdk.join("node_modules/@types")],
            "paths": {
                "everturn": [sdk.join("dist/index.d.ts")],
                "everturn/testing": [sdk.join("dist/testing/index.d.ts")],
                "everturn/v1": [sdk.join("dist/v1.d.ts")],
            },
        },
        "include": ["typescript"],
    });
    fs::write(dir.join("tsconfig.json"), config.to_string())?;
    fs::write(
        dir.join("package.json"),
        json!({ "type": "module" }).to_string(),
    )?;
    let name = format!("docs: {count} TypeScript snippets");
    Ok(Job::new(layout, &name, sdk.join("node_modules/.bin/tsc"))
        .args(["--project"])
        .args([dir.join("tsconfig.json")]))
}

fn documents(layout: &Layout) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in DOCUMENTS {
        let path = layout.path(entry);
        if path.is_dir() {
            for file in fs::read_dir(&path)? {
                let file = file?.path();
                if file.extension().is_some_and(|extension| extension == "md") {
                    found.push(file);
                }
            }
        } else if path.exists() {
            found.push(path);
        } else {
            bail!("{entry} is missing");
        }
    }
    found.sort();
    Ok(found)
}

/// A name that leads back to the document: `docs_protocol_md_12`.
fn file_name(layout: &Layout, document: &Path, line: usize) -> String {
    let relative = document.strip_prefix(layout.root()).unwrap_or(document);
    let mut name: String = relative
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    // Writing to a string cannot fail.
    let _ = write!(name, "_{line}");
    name
}

fn snippets(markdown: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut open: Option<Snippet> = None;
    for (index, line) in markdown.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(snippet), None) => {
                snippet.code.push_str(line);
                snippet.code.push('\n');
            }
            (None, Some(language)) => {
                open = Some(Snippet {
                    language: language.trim().to_owned(),
                    line: index + 1,
                    code: String::new(),
                });
            }
            (None, None) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fenced_blocks_are_found_with_their_language_and_line() {
        let text = "# A\n```python\nx = 1\n```\ntext\n```\nplain\n```\n";
        let found = snippets(text);
        assert_eq!(found.len(), 2);
        assert_eq!(
            found[0],
            Snippet {
                language: "python".into(),
                line: 2,
                code: "x = 1\n".into()
            }
        );
        assert_eq!(found[1].language, "");
    }
}
