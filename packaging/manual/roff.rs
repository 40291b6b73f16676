//! A manual page in the macros of man(7): what has to be escaped, and where lines begin.

/// Bytes of a line of text before its hyphens are escaped: then it is seldom wider than a terminal.
const LINE_BYTES_MAX: usize = 72;

/// A page as it grows.
pub(crate) struct Page(String);

impl Page {
    /// A page `name(section)`, of that date.
    pub(crate) fn new(name: &str, section: u8, date: &str, version: &str) -> Self {
        let name = escaped(&name.to_uppercase());
        let version = escaped(version);
        Self(format!(".TH {name} {section} {date} \"{version}\"\n"))
    }

    pub(crate) fn section(&mut self, title: &str) {
        self.0 += &format!(".SH {}\n", escaped(title));
    }

    pub(crate) fn subsection(&mut self, title: &str) {
        self.0 += &format!(".SS {}\n", escaped(title));
    }

    /// Text that is filled, without a paragraph before it.
    pub(crate) fn text(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            if !line.is_empty() && line.len() + 1 + word.len() > LINE_BYTES_MAX {
                self.0 += &format!("{}\n", escaped(&line));
                line.clear();
            }
            line += if line.is_empty() { "" } else { " " };
            line += word;
        }
        self.0 += &format!("{}\n", escaped(&line));
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        self.0 += ".PP\n";
        self.text(text);
    }

    /// A term and what it means. In the term, words of small letters are what is to be typed, and are bold; words of
    /// capitals stand for something else, and are slanted.
    pub(crate) fn entry(&mut self, term: &str, meaning: &str) {
        self.0 += &format!(".TP\n{}\n", styled(term));
        self.text(meaning);
    }

    /// Goes on in a line of its own.
    pub(crate) fn line(&mut self, text: &str) {
        self.0 += ".br\n";
        self.text(text);
    }

    /// Lines that stay as they are.
    pub(crate) fn example(&mut self, lines: &[&str]) {
        self.0 += ".PP\n.EX\n";
        for line in lines {
            self.0 += &format!("    {}\n", escaped(line));
        }
        self.0 += ".EE\n";
    }

    /// A line in the style of [`Page::entry`].
    pub(crate) fn styled_line(&mut self, line: &str) {
        self.0 += &format!("{}\n", styled(line));
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// Hyphens are written as what is typed, so that what is copied from the page can be pasted.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn styled(line: &str) -> String {
    let mut styled = String::new();
    for piece in line.split_inclusive(|c: char| " ,=:[]".contains(c)) {
        let word = piece.trim_end_matches(|c| " ,=:[]".contains(c));
        let (word, rest) = piece.split_at(word.len());
        let literal = word.starts_with('-') || word.chars().any(char::is_lowercase);
        let font = if literal { 'B' } else { 'I' };
        match word {
            "" => {}
            "..." => styled += word,
            _ => styled += &format!("\\f{font}{}\\fR", escaped(word)),
        }
        styled += &escaped(rest);
    }
    if styled.starts_with('.') { format!("\\&{styled}") } else { styled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_request() {
        let mut page = Page::new("a", 8, "2000-01-01", "a 1");
        page.paragraph(".br");
        page.paragraph("'br a\\b --c");
        let text = page.finish();
        assert!(text.ends_with(".PP\n\\&.br\n.PP\n\\&'br a\\eb \\-\\-c\n"), "{text}");
    }

    #[test]
    fn what_is_typed_is_bold_and_what_stands_for_something_is_slanted() {
        let styled = styled("key new [FILE], --set KEY=VALUE");
        let wanted =
            "\\fBkey\\fR \\fBnew\\fR [\\fIFILE\\fR], \\fB\\-\\-set\\fR \\fIKEY\\fR=\\fIVALUE\\fR";
        assert_eq!(styled, wanted);
    }
}
