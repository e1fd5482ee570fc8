//! A Rust file as the rules look at it: its code without comments, strings and test items, line for line.
//!
//! This is a lexer for exactly that purpose, not a parser: it knows comments, string and character literals, and
//! the braces that close an item under `#[cfg(test)]`. Blanked text keeps its newlines, so that line numbers hold.

/// One file's text, prepared once for all rules.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file as it is.
    pub(crate) text: String,
    /// The same with comments and literals blanked.
    pub(crate) code: String,
    /// The same with items under `#[cfg(test)]` blanked as well.
    pub(crate) product: String,
}

impl Source {
    pub(crate) fn new(text: String) -> Self {
        let code = blank_comments_and_literals(&text);
        let product = blank_test_items(&code);
        Self { text, code, product }
    }

    pub(crate) fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// Lines (from 1) on which `needle` stands as a whole word or path.
pub(crate) fn lines_with(code: &str, needle: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let stands_alone = |line: &str, at: usize| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + needle.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    };
    code.lines()
        .enumerate()
        .filter(|(_, line)| line.match_indices(needle).any(|(at, _)| stands_alone(line, at)))
        .map(|(index, _)| index + 1)
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Quoted,
    Raw { hashes: usize },
}

fn blank_comments_and_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut inside = Inside::Code;
    let mut at = 0;
    while at < chars.len() {
        let rest = chars.get(at..).unwrap_or_default();
        let (next, taken, keep) = step(inside, rest, out.chars().next_back());
        for &c in rest.iter().take(taken) {
            out.push(if keep || c == '\n' { c } else { ' ' });
        }
        inside = next;
        at += taken.max(1);
    }
    out
}

/// What the next characters mean: the new state, how many they are, and whether they are code.
fn step(inside: Inside, rest: &[char], before: Option<char>) -> (Inside, usize, bool) {
    match (inside, rest) {
        (Inside::Code, ['/', '/', ..]) => (Inside::LineComment, 2, false),
        (Inside::Code, ['/', '*', ..]) => (Inside::BlockComment { depth: 1 }, 2, false),
        (Inside::Code, ['"', ..]) => (Inside::Quoted, 1, false),
        (Inside::Code, ['r', '"' | '#', ..])
            if !before.is_some_and(|c| c.is_alphanumeric() && c != 'b' && c != 'c') =>
        {
            let hashes = rest.iter().skip(1).take_while(|&&c| c == '#').count();
            match rest.get(1 + hashes) {
                Some('"') => (Inside::Raw { hashes }, 2 + hashes, false),
                _ => (Inside::Code, 1, true),
            }
        }
        // A character literal, unless it is a lifetime: 'x' closes after one character, '\…' after its escape.
        (Inside::Code, ['\'', '\\', _, tail @ ..]) => {
            let body = tail.iter().position(|&c| c == '\'').map_or(0, |end| end + 1);
            (Inside::Code, 3 + body, false)
        }
        (Inside::Code, ['\'', _, '\'', ..]) => (Inside::Code, 3, false),
        (Inside::Code, _) => (Inside::Code, 1, true),
        (Inside::LineComment, ['\n', ..]) => (Inside::Code, 1, false),
        (Inside::BlockComment { depth }, ['/', '*', ..]) => {
            (Inside::BlockComment { depth: depth + 1 }, 2, false)
        }
        (Inside::BlockComment { depth: 1 }, ['*', '/', ..]) => (Inside::Code, 2, false),
        (Inside::BlockComment { depth }, ['*', '/', ..]) => {
            (Inside::BlockComment { depth: depth - 1 }, 2, false)
        }
        (Inside::Quoted, ['\\', _, ..]) => (Inside::Quoted, 2, false),
        (Inside::Quoted, ['"', ..]) => (Inside::Code, 1, false),
        (Inside::Raw { hashes }, ['"', tail @ ..])
            if tail.iter().take_while(|&&c| c == '#').count() >= hashes =>
        {
            (Inside::Code, 1 + hashes, false)
        }
        (other, _) => (other, 1, false),
    }
}

/// Blanks every item that follows a `#[cfg(test)]` (or `#[cfg(all(test, …))]`) up to its closing brace or semicolon.
fn blank_test_items(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = next_test_attribute(rest) {
        let (before, from) = rest.split_at(start);
        let (item, after) = from.split_at(item_end(from));
        out.push_str(before);
        out.extend(item.chars().map(|c| if c == '\n' { c } else { ' ' }));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn next_test_attribute(code: &str) -> Option<usize> {
    ["#[cfg(test)]", "#[cfg(all(test"].iter().filter_map(|attribute| code.find(attribute)).min()
}

/// Bytes up to the end of the item at the start of `code`, its attributes included.
fn item_end(code: &str) -> usize {
    let mut round = 0_usize;
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => round += 1,
            ')' | ']' => round = round.saturating_sub(1),
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 && round == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_not_code() {
        let source = Source::new(
            "// unsafe\n/* unsafe /* unsafe */ unsafe */ let a = \"unsafe \\\" unsafe\";\nlet b = r#\"unsafe \" unsafe\"#; let c = '\"'; fn f<'a>(x: &'a str) {} unsafe {}\n"
                .to_owned(),
        );
        assert_eq!(lines_with(&source.code, "unsafe"), [3]);
        assert_eq!(source.code.lines().count(), 3);
        assert!(source.code.contains("fn f<'a>(x: &'a str)"), "{}", source.code);
    }

    #[test]
    fn an_escaped_quote_in_a_character_does_not_open_a_string() {
        let source = Source::new("let a = '\\''; let b = '\\\\'; let c = '\\u{1f}'; unsafe {}\n".to_owned());
        assert_eq!(lines_with(&source.code, "unsafe"), [1]);
        let identifiers = Source::new("let var = \"x\"; for \"unsafe\" unsafe\n".to_owned());
        assert_eq!(lines_with(&identifiers.code, "unsafe"), [1]);
    }

    #[test]
    fn a_word_is_not_found_inside_another() {
        assert_eq!(lines_with("unsafe_code\nan_unsafe\nInstant::now()\n", "unsafe"), Vec::<usize>::new());
        assert_eq!(lines_with("std::sync::Arc;\nstd::synchronous;\n", "std::sync"), [1]);
    }

    #[test]
    fn test_items_are_not_product() {
        let source = Source::new(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { unsafe { } }\n}\nfn c() { unsafe {} }\n#[cfg(test)]\nmod more;\nunsafe fn d() {}\n"
                .to_owned(),
        );
        assert_eq!(lines_with(&source.product, "unsafe"), [6, 9]);
        assert_eq!(lines_with(&source.code, "unsafe"), [4, 6, 9]);
    }
}
