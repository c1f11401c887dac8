//! `cargo xtask guards`: takes each guard of the firewall down, one at a time, and sees whether tenancy-sql's own tests notice.
//!
//! A copy of the repository is changed so that an environment variable names the guard that is down, so one build does for
//! all. A guard is: an `if` whose body refuses; a match arm that refuses; a statement that walks or checks something and ends
//! in `?`. What does not compile that way, because a value is needed, is left as it is.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::steps::{Outcome, root};

/// The files that decide, below tenancy-sql/src.
const FILES: &[&str] = &[
    "rewrite",
    "lex",
    "names.rs",
    "functions/mod.rs",
    "firewall/mod.rs",
];

/// What the copy says a guard with.
const SWITCH: &str = "//! Which guard is down.

use std::sync::LazyLock;

static DOWN: LazyLock<Option<u32>> =
    LazyLock::new(|| std::env::var(\"TENANCY_GUARD\").ok().and_then(|number| number.parse().ok()));

pub(crate) fn up(number: u32) -> bool {
    *DOWN != Some(number)
}

pub(crate) fn err(number: u32, refused: crate::Refused) -> Result<(), crate::Refused> {
    if up(number) { Err(refused) } else { Ok(()) }
}
";

/// How long the tests may take with a guard down; without it they may not end. Must be far more than they take: whoever is
/// out of patience says nothing about the guard, and tells so.
const PATIENCE: Duration = Duration::from_secs(90);

/// One guard: where it is, and on which lines of the copy.
struct Guard {
    file: PathBuf,
    first: usize,
    last: usize,
    text: String,
}

/// Tries all guards, or those in files whose path contains one of `filters`.
pub(crate) fn run(filters: &[String]) -> Outcome {
    let copy = root().join("target/guards/copy");
    let mut left_out = BTreeSet::new();
    let mut guards;
    loop {
        guards = prepare(&copy, filters, &left_out)?;
        let wrong = compile_errors(&copy)?;
        if wrong.is_empty() {
            break;
        }
        let before = left_out.len();
        for (file, line) in &wrong {
            for guard in guards.iter().filter(|guard| {
                file.ends_with(&guard.file) && (guard.first..=guard.last).contains(line)
            }) {
                left_out.insert((guard.file.clone(), guard.first));
            }
        }
        if left_out.len() == before {
            return Err(format!(
                "the copy does not compile, and not because of a guard: {wrong:?}"
            ));
        }
    }
    let tests = build(&copy)?;
    if !passes(&copy, &tests, None) {
        return Err("the tests fail with all guards up".into());
    }
    let mut survived = Vec::new();
    let started = Instant::now();
    for (number, guard) in guards.iter().enumerate() {
        if passes(&copy, &tests, Some(number)) {
            let place = format!("{}:{}", guard.file.display(), guard.first + 1);
            println!("nobody noticed: {place}: {}", guard.text);
            survived.push(place);
        }
        if (number + 1) % 50 == 0 {
            println!(
                "{} of {} guards in {:?}",
                number + 1,
                guards.len(),
                started.elapsed()
            );
        }
    }
    println!(
        "guards: {} tried, {} not noticed, {} can't be taken down",
        guards.len(),
        survived.len(),
        left_out.len()
    );
    if survived.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "{} guards could be removed without a test failing",
            survived.len()
        ))
    }
}

/// Copies the repository and writes the switches in.
fn prepare(
    copy: &Path,
    filters: &[String],
    left_out: &BTreeSet<(PathBuf, usize)>,
) -> Result<Vec<Guard>, String> {
    let text = |error: std::io::Error| error.to_string();
    let listed = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .map_err(text)?;
    for name in String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|name| !name.is_empty())
    {
        let (from, to) = (root().join(name), copy.join(name));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(text)?;
        }
        let new = fs::read(&from).map_err(text)?;
        if fs::read(&to).ok().as_ref() != Some(&new) {
            fs::write(&to, new).map_err(text)?;
        }
    }
    let source = copy.join("tenancy-sql/src");
    fs::write(source.join("guard.rs"), SWITCH).map_err(text)?;
    let main = source.join("lib.rs");
    let lib = fs::read_to_string(&main).map_err(text)?;
    fs::write(
        &main,
        lib.replace("\nmod catalog;", "\nmod guard;\nmod catalog;"),
    )
    .map_err(text)?;
    let mut files = Vec::new();
    for name in FILES {
        rust_files(&source.join(name), &mut files).map_err(text)?;
    }
    files.sort();
    let mut guards = Vec::new();
    for path in files {
        let file = path.strip_prefix(copy).unwrap_or(&path).to_path_buf();
        let is_chosen = |filter: &String| file.to_string_lossy().contains(filter);
        if !filters.is_empty() && !filters.iter().any(is_chosen) {
            continue;
        }
        let original = fs::read_to_string(&path).map_err(text)?;
        let changed = switches(&original, &file, left_out, &mut guards);
        fs::write(&path, changed).map_err(text)?;
    }
    Ok(guards)
}

fn rust_files(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_file() {
        found.push(path.to_path_buf());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of one file with a switch at each guard. Lines stay where they are.
fn switches(
    original: &str,
    file: &Path,
    left_out: &BTreeSet<(PathBuf, usize)>,
    guards: &mut Vec<Guard>,
) -> String {
    let mut lines: Vec<String> = original.lines().map(str::to_owned).collect();
    let end = lines
        .iter()
        .position(|line| line == "#[cfg(test)]")
        .unwrap_or(lines.len());
    let mut at = 0;
    while at < end {
        let number = guards.len();
        let found = refusing_if(&lines, at, number)
            .or_else(|| checking_statement(&lines, at, number))
            .or_else(|| refusing_arm(&lines, at, number));
        let Some((first, changed)) =
            found.filter(|(first, _)| !left_out.contains(&(file.into(), *first)))
        else {
            at += 1;
            continue;
        };
        let last = first + changed.len() - 1;
        guards.push(Guard {
            file: file.into(),
            first,
            last,
            text: lines
                .get(first)
                .map_or(String::new(), |line| line.trim().to_owned()),
        });
        lines.splice(first..=last, changed);
        at = last + 1;
    }
    lines.join("\n") + "\n"
}

/// The lines from `first` that take the place of as many.
type Change = Option<(usize, Vec<String>)>;

fn line(lines: &[String], at: usize) -> &str {
    lines.get(at).map_or("", |line| line.trim())
}

/// `if condition {` whose body begins with a refusal, found at the line that opens the body.
fn refusing_if(lines: &[String], at: usize, number: usize) -> Change {
    let body = line(lines, at + 1);
    if !line(lines, at).ends_with('{')
        || !(body.starts_with("return Err(") || body.starts_with("Err("))
    {
        return None;
    }
    let is_start = |line: &str| line.starts_with("if ") || line.starts_with("} else if ");
    let first = (at.saturating_sub(12)..=at)
        .rev()
        .find(|first| is_start(line(lines, *first)))?;
    if (first..at).any(|at| line(lines, at).ends_with([';', '{']) || line(lines, at) == "}") {
        return None;
    }
    let mut changed: Vec<String> = lines.get(first..=at)?.to_vec();
    let chain = changed.iter().any(|line| line.contains("let "));
    if !chain {
        let opened = changed.first()?.replacen("if ", "if (", 1);
        *changed.first_mut()? = opened;
    }
    let header = changed
        .last()?
        .trim_end()
        .strip_suffix('{')?
        .trim_end()
        .to_owned();
    let close = if chain { "" } else { ")" };
    *changed.last_mut()? = format!("{header}{close} && crate::guard::up({number}) {{");
    Some((first, changed))
}

/// `self.check(...)?;` alone.
fn checking_statement(lines: &[String], at: usize, number: usize) -> Change {
    const STARTS: &[&str] = &[
        "self.",
        "rewriter.",
        "verify::",
        "kinds::",
        "limits::",
        "check_lexemes",
    ];
    let before = line(lines, at.checked_sub(1)?);
    if !STARTS
        .iter()
        .any(|start| line(lines, at).starts_with(start))
        || !before.ends_with([';', '{', '}'])
    {
        return None;
    }
    let last = (at..at + 12).find(|at| line(lines, *at).ends_with(';'))?;
    if !line(lines, last).ends_with("?;") {
        return None;
    }
    let mut changed: Vec<String> = lines.get(at..=last)?.to_vec();
    let opened = format!("if crate::guard::up({number}) {{ {}", changed.first()?);
    *changed.first_mut()? = opened;
    changed.last_mut()?.push_str(" }");
    Some((at, changed))
}

/// `pattern => Err(...)`.
fn refusing_arm(lines: &[String], at: usize, number: usize) -> Change {
    let text = lines.get(at)?;
    let arm = ["=> Err(", "=> return Err("]
        .into_iter()
        .find(|arm| text.contains(arm));
    let opened = || {
        line(lines, at.checked_sub(1)?)
            .ends_with("=> {")
            .then_some("Err(")
    };
    let found = match arm {
        Some(arm) => arm,
        None if text.trim().starts_with("Err(") => opened()?,
        None => return None,
    };
    let with = found.replace("Err(", &format!("crate::guard::err({number}, "));
    Some((at, vec![text.replacen(found, &with, 1)]))
}

fn cargo(copy: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(arguments)
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", root().join("target/guards/build"))
        // The tests run hundreds of times, and without debug assertions not every statement needs a stack of its own.
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .stdin(Stdio::null());
    command
}

/// Files and lines that do not compile.
fn compile_errors(copy: &Path) -> Result<Vec<(PathBuf, usize)>, String> {
    let output = cargo(
        copy,
        &[
            "check",
            "-q",
            "-p",
            "tenancy-sql",
            "--message-format",
            "short",
        ],
    )
    .output()
    .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    let place = |line: &str| {
        let mut parts = line.split(':');
        let file = parts.next()?;
        let number: usize = parts.next()?.parse().ok()?;
        line.contains(": error")
            .then(|| (PathBuf::from(file), number - 1))
    };
    let found: Vec<_> = text.lines().filter_map(place).collect();
    if found.is_empty() && !output.status.success() {
        return Err(text.into_owned());
    }
    Ok(found)
}

/// The test programs.
fn build(copy: &Path) -> Result<Vec<PathBuf>, String> {
    let output = cargo(
        copy,
        &[
            "test",
            "-p",
            "tenancy-sql",
            "--lib",
            "--test",
            "it",
            "--no-run",
        ],
    )
    .output()
    .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    let programs: Vec<PathBuf> = text
        .lines()
        .filter(|line| line.trim_start().starts_with("Executable"))
        .filter_map(|line| line.split_once('(')?.1.strip_suffix(')'))
        .map(PathBuf::from)
        .collect();
    if programs.is_empty() {
        return Err(text.into_owned());
    }
    Ok(programs)
}

/// Whether all tests pass with a guard down: first those that are quick, then the rest.
fn passes(copy: &Path, tests: &[PathBuf], down: Option<usize>) -> bool {
    let slow = ["soup", "a54"];
    let quick: Vec<&str> = slow.iter().flat_map(|name| ["--skip", name]).collect();
    [&*quick, &slow[..]].into_iter().all(|arguments| {
        tests.iter().all(|test| {
            let mut command = Command::new(copy.join("tenancy-sql").join(test));
            command
                .args(arguments)
                .current_dir(copy.join("tenancy-sql"))
                .env("RUST_BACKTRACE", "0")
                .env("PROPTEST_CASES", "100")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            if let Some(number) = down {
                command.env("TENANCY_GUARD", number.to_string());
            }
            ends_well(&mut command)
        })
    })
}

#[expect(clippy::disallowed_methods, reason = "a chore has nothing else to do")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

fn ends_well(command: &mut Command) -> bool {
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if started.elapsed() < PATIENCE => {
                pause();
            }
            Ok(None) | Err(_) => {
                println!("the tests did not end in {PATIENCE:?}: {command:?}");
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, expected: &str) {
        let mut guards = Vec::new();
        let changed = switches(original, Path::new("a.rs"), &BTreeSet::new(), &mut guards);
        assert_eq!(changed, expected);
    }

    #[test]
    fn guards_get_switches_and_lines_stay() {
        check(
            "if a || b {\n    return Err(x);\n}\n",
            "if (a || b) && crate::guard::up(0) {\n    return Err(x);\n}\n",
        );
        check(
            "if let Some(a) = b\n    && a\n{\n    return Err(x);\n}\n",
            "if let Some(a) = b\n    && a\n && crate::guard::up(0) {\n    return Err(x);\n}\n",
        );
        check(
            "{\nself.a(\n    b,\n)?;\n",
            "{\nif crate::guard::up(0) { self.a(\n    b,\n)?; }\n",
        );
        check("    A => Err(x),\n", "    A => crate::guard::err(0, x),\n");
        check(
            "if a {\n    Ok(())\n}\nlet b = self.c()?;\n",
            "if a {\n    Ok(())\n}\nlet b = self.c()?;\n",
        );
        check("#[cfg(test)]\nA => Err(x)\n", "#[cfg(test)]\nA => Err(x)\n");
    }
}
