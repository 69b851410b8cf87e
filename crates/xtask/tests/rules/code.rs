//! Rules about what Rust code may say.

use super::Violation;
use super::source::{Source, closing, is_word, word};

/// What a rule about code looks like.
pub(crate) type Rule = fn(&Source) -> Vec<Violation>;

/// The only places that read the machine's clock: the engine's system module, and measurements.
const CLOCKS: [&str; 2] = ["crates/engine/src/system.rs", "benches/"];

/// The only places of core that may be asynchronous: the ports.
const PORTS: [&str; 5] = [
    "crates/core/src/directory",
    "crates/core/src/moves/journal",
    "crates/core/src/preview/census",
    "crates/core/src/store",
    "crates/core/src/sync/source",
];

/// What core must not reach for: it does no I/O, reads no clock and no environment.
const OUTSIDE: [&str; 5] = ["std::fs", "std::net", "std::env", "std::time::Instant", "std::time::SystemTime"];

/// Endings of names that say nothing about the thing named.
const EMPTY_WORDS: [&str; 7] = ["manager", "helper", "helpers", "util", "utils", "impl", "impls"];

/// Work that is not done is not in the code.
pub(crate) fn finished(source: &Source) -> Vec<Violation> {
    let marks = ["todo!", "unimplemented!"];
    on_lines(
        source,
        source.lines(),
        |line| marks.iter().find(|mark| word(line, mark).is_some()).copied(),
        |mark| format!("`{mark}` is banned: finish it or leave it out"),
    )
}

/// Errors are told apart by their kind.
pub(crate) fn errors_not_read_as_text(source: &Source) -> Vec<Violation> {
    let found = source.squeezed().find(".to_string().contains(");
    let shipped = found.into_iter().filter(|line| !source.is_test(*line));
    shipped
        .map(|line| Violation::new(&source.file, line, "a text is no fact: match on the kind of the error"))
        .collect()
}

/// Statements are checked by tests against every engine, not by a macro against one.
pub(crate) fn no_query_macros(source: &Source) -> Vec<Violation> {
    on_lines(source, source.lines(), query_macro, |name| {
        format!("`{name}!` needs a database to compile: use the function of that name")
    })
}

/// A statement is a constant; values are bound.
pub(crate) fn no_formatted_sql(source: &Source) -> Vec<Violation> {
    let squeezed = source.squeezed();
    let mut found = Vec::new();
    for name in
        ["query", "query_with", "query_as", "query_as_with", "query_scalar", "query_scalar_with", "raw_sql"]
    {
        for (at, _) in squeezed.text.match_indices(name) {
            let rest = &squeezed.text[at + name.len()..];
            let arguments = if rest.starts_with("::<") {
                rest.find(">(").map_or("", |open| &rest[open + 1..])
            } else {
                rest
            };
            if squeezed.text[..at].ends_with(is_word) || !arguments.starts_with('(') {
                continue;
            }
            if arguments[..closing(arguments, 0)].contains("format!(") {
                let rule = format!("`{name}` with `format!`: a statement is a constant, values are bound");
                found.push(Violation::new(&source.file, squeezed.line(at), rule));
            }
        }
    }
    found
}

/// A lint that is set aside says why, and complains once it no longer fires.
pub(crate) fn no_blanket_allow(source: &Source) -> Vec<Violation> {
    let allows =
        |line: &str| ["#[allow(", "#![allow("].into_iter().find(|allow| line.contains(allow)).map(|_| ());
    // What a macro stamps cannot be expected: it fits one place and not the next.
    let stamped = source.code.match_indices("macro_rules!").filter_map(|(at, _)| {
        let open = source.code[at..].find('{').map(|open| at + open)?;
        let line = |to: usize| source.code[..to].matches('\n').count() + 1;
        Some(line(open)..=line(closing(&source.code, open)))
    });
    let stamped: Vec<_> = stamped.collect();
    let written = source.shipped().filter(|(number, _)| !stamped.iter().any(|lines| lines.contains(number)));
    on_lines(source, written, allows, |()| "use `expect` with a reason in place of `allow`".to_owned())
}

/// Nouns for types, verbs for functions.
pub(crate) fn names(source: &Source) -> Vec<Violation> {
    let mut found = on_lines(source, source.shipped(), public_name, |rule| rule);
    for (at, _) in source.code.match_indices("pub trait ") {
        let Some(open) = source.code[at..].find('{').map(|open| at + open) else {
            continue;
        };
        let first = source.code[..open].matches('\n').count() + 1;
        for (number, line) in (first..).zip(source.code[open..closing(&source.code, open)].lines()) {
            if !source.is_test(number) && word(line, "fn").is_some_and(|at| line[at..].starts_with("fn get_"))
            {
                found.push(Violation::new(&source.file, number, GETTER));
            }
        }
    }
    found
}

/// Time is a parameter.
pub(crate) fn clock(source: &Source) -> Vec<Violation> {
    if CLOCKS.iter().any(|place| source.file.starts_with(place)) {
        return Vec::new();
    }
    let reads = ["SystemTime::now", "Instant::now"];
    on_lines(
        source,
        // Tokio's clock stands still in tests that pause it.
        source.lines().filter(|(number, line)| !(source.is_test(*number) && line.contains("tokio::time::"))),
        |line| reads.iter().find(|read| word(line, read).is_some()).copied(),
        |read| format!("`{read}` outside the engine's system module: take a `Clock`"),
    )
}

/// Core decides; whoever drives it waits.
pub(crate) fn core_is_synchronous(source: &Source) -> Vec<Violation> {
    if !in_core(source) || PORTS.iter().any(|port| within(&source.file, port)) {
        return Vec::new();
    }
    on_lines(
        source,
        source.lines(),
        |line| word(line, "async"),
        |_| "core is synchronous, apart from the files of its ports".to_owned(),
    )
}

/// Core does no I/O and reads neither clock nor environment.
pub(crate) fn core_is_pure(source: &Source) -> Vec<Violation> {
    if !in_core(source) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (line, path) in source.imports() {
        found.extend(OUTSIDE.iter().filter(|place| within(&path, place)).map(|place| (line, *place)));
    }
    for (line, text) in source.lines() {
        found.extend(OUTSIDE.iter().filter(|place| word(text, place).is_some()).map(|place| (line, *place)));
    }
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|(line, place)| Violation::new(&source.file, line, format!("core must not use `{place}`")))
        .collect()
}

const GETTER: &str = "a function is named after what it returns, without `get_`";

/// Whether a path is a place or below it, whatever separates the two.
fn within(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| !rest.starts_with(is_word))
}

fn in_core(source: &Source) -> bool {
    source.file.starts_with("crates/core/src/")
}

fn on_lines<'a, T>(
    source: &Source,
    lines: impl Iterator<Item = (usize, &'a str)>,
    check: impl Fn(&'a str) -> Option<T>,
    rule: impl Fn(T) -> String,
) -> Vec<Violation> {
    lines
        .filter_map(|(number, line)| Some(Violation::new(&source.file, number, rule(check(line)?))))
        .collect()
}

/// The name of a macro of sqlx that checks a statement while compiling.
fn query_macro(line: &str) -> Option<&str> {
    line.match_indices("!(").find_map(|(at, _)| {
        let before = &line[..at];
        let start = before.trim_end_matches(is_word).len();
        before[start..].starts_with("query").then_some(&before[start..])
    })
}

/// The rule that the public item declared in this line breaks by its name.
fn public_name(line: &str) -> Option<String> {
    let mut words = line.trim_start().strip_prefix("pub ")?.split_whitespace();
    let keyword = words.find(|word| !["const", "async", "unsafe", "extern"].contains(word))?;
    let name: String = words.next()?.chars().take_while(|character| is_word(*character)).collect();
    match keyword {
        "fn" => name.starts_with("get_").then(|| GETTER.to_owned()),
        "struct" | "enum" | "union" | "trait" | "type" | "mod" => EMPTY_WORDS
            .contains(&last_word(&name).as_str())
            .then(|| format!("`{name}`: name it after what it is, not `{}`", last_word(&name))),
        _ => None,
    }
}

/// The last word of a name in either case, in lower case.
fn last_word(name: &str) -> String {
    let snake = name.rsplit('_').next().unwrap_or(name);
    let camel = snake.rfind(char::is_uppercase).map_or(snake, |at| &snake[at..]);
    camel.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that a rule complains about, when it stands in a file of that name.
    fn lines(rule: Rule, file: &str, text: &str) -> Vec<usize> {
        rule(&Source::new(file, text)).into_iter().map(|violation| violation.line).collect()
    }

    const ANY: &str = "crates/engine/src/a.rs";

    #[test]
    fn unfinished_work_is_caught() {
        assert_eq!(lines(finished, ANY, "fn a() { todo!() }\nfn b() { unimplemented!(\"c\") }"), [1, 2]);
        assert_eq!(lines(finished, ANY, "// todo!()\nlet a = \"todo!()\";"), [] as [usize; 0]);
    }

    #[test]
    fn reading_an_error_as_text_is_caught() {
        assert_eq!(lines(errors_not_read_as_text, ANY, "error\n    .to_string()\n    .contains(\"a\")"), [2]);
        assert_eq!(
            lines(errors_not_read_as_text, ANY, "#[test]\nfn a() {\n b.to_string().contains(c) }"),
            []
        );
    }

    #[test]
    fn a_query_macro_is_caught() {
        assert_eq!(lines(no_query_macros, ANY, "sqlx::query!(\"a\");\nsqlx::query_as!(A, \"b\");"), [1, 2]);
        assert_eq!(lines(no_query_macros, ANY, "sqlx::query(\"a\");"), []);
    }

    #[test]
    fn formatted_sql_is_caught() {
        let text = "sqlx::query(&format!(\"a\"));\nsqlx::query_as::<_, (i64,)>(\n    AssertSqlSafe(format!(\"b\")),\n);";
        assert_eq!(lines(no_formatted_sql, ANY, text), [1, 2]);
        assert_eq!(lines(no_formatted_sql, ANY, "return query(&format!(\"a\"));"), [1]);
        assert_eq!(lines(no_formatted_sql, ANY, "sqlx::query(\"a\").bind(format!(\"b\"));"), []);
        assert_eq!(lines(no_formatted_sql, ANY, "let query = a(); log(format!(\"b\"));"), []);
    }

    #[test]
    fn a_blanket_allow_is_caught() {
        assert_eq!(lines(no_blanket_allow, ANY, "#![allow(dead_code)]\n#[allow(unused)]\nfn a() {}"), [1, 2]);
        assert_eq!(lines(no_blanket_allow, ANY, "#[expect(unused)]\nfn a() {}"), []);
        assert_eq!(
            lines(no_blanket_allow, ANY, "#[cfg(test)]\nmod t {\n #[allow(unused)]\n fn a() {}\n}"),
            []
        );
    }

    #[test]
    fn an_empty_name_is_caught() {
        let text = "pub struct UserManager;\npub trait StoreImpl {}\npub const fn get_a() {}\npub mod string_utils;\n";
        assert_eq!(lines(names, ANY, text), [1, 2, 3, 4]);
        assert_eq!(lines(names, ANY, "pub trait A {\n    fn get_b(&self);\n}"), [2]);
        let fine = "pub struct Simple;\npub fn target() {}\npub enum Implicit {}\nstruct OwnHelper;\npub fn utility() {}";
        assert_eq!(lines(names, ANY, fine), []);
    }

    #[test]
    fn reading_the_clock_is_caught() {
        assert_eq!(
            lines(clock, ANY, "let a = Instant::now();\nlet b = std::time::SystemTime::now();"),
            [1, 2]
        );
        assert_eq!(lines(clock, "crates/engine/src/system.rs", "Instant::now()"), []);
        assert_eq!(lines(clock, "benches/benches/login.rs", "Instant::now()"), []);
    }

    #[test]
    fn asynchrony_in_core_is_caught() {
        let text = "async fn a() {}\nlet b = async move {};\n#[async_trait]\n";
        assert_eq!(lines(core_is_synchronous, "crates/core/src/name.rs", text), [1, 2]);
        assert_eq!(lines(core_is_synchronous, "crates/core/src/store.rs", text), []);
        assert_eq!(lines(core_is_synchronous, ANY, text), []);
    }

    #[test]
    fn io_in_core_is_caught() {
        let text = "use std::{fmt, net::IpAddr};\nlet a = std::env::args();\nuse std::time::{\n  Duration, Instant};";
        assert_eq!(lines(core_is_pure, "crates/core/src/a.rs", text), [1, 2, 3]);
        assert_eq!(
            lines(core_is_pure, "crates/core/src/a.rs", "use std::time::Duration;\nuse std::fmt;"),
            []
        );
        assert_eq!(lines(core_is_pure, ANY, text), []);
    }
}
