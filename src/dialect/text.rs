//! Texts as they may stand in a line of any dialect, whatever they came in.

/// Takes control characters out of a text: line breaks and tabs become blanks (a line break of two characters one
/// blank), the others go.
pub(super) fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    append_harmless(&mut harmless, text);
    harmless
}

/// Appends a text without control characters; see [`harmless`].
pub(super) fn append_harmless(out: &mut String, text: &str) {
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_tabs_become_blanks_and_other_controls_go() {
        assert_eq!(harmless("a\tb\nc\rd\r\ne\n\rf"), "a b c d e  f");
        assert_eq!(harmless("a\0b\u{7}c\u{1b}[31md\u{7f}e\u{85}f\u{9b}"), "abc[31mdef");
        assert_eq!(harmless("größe \u{1f600} \"\\"), "größe \u{1f600} \"\\");
    }
}
