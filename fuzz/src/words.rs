//! A naive model of words and texts (spec, section 2), and the way back: words written so that they are read alike.

/// A quote is not closed, or something is stuck to the closing one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The words of a line.
///
/// # Errors
/// [`Malformed`]
pub fn words(line: &str) -> Result<Vec<String>, Malformed> {
    let mut rest = line;
    let mut words = Vec::new();
    while let Some((word, after)) = first(rest)? {
        words.push(word);
        rest = after;
    }
    Ok(words)
}

/// The first word of a line, and what follows it. `None` if there is none.
///
/// # Errors
/// [`Malformed`] if this word is.
pub fn first(line: &str) -> Result<Option<(String, &str)>, Malformed> {
    let line = line.trim_start_matches([' ', '\t']);
    let mut word = String::new();
    let Some(inside) = line.strip_prefix('"') else {
        let end = line.find([' ', '\t']).unwrap_or(line.len());
        word.push_str(&line[..end]);
        return Ok((end > 0).then_some((word, &line[end..])));
    };
    let mut rest = inside;
    loop {
        if let Some(after) = rest.strip_prefix("\\\"") {
            word.push('"');
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\\\") {
            word.push('\\');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('"') {
            let is_closed = after.is_empty() || after.starts_with([' ', '\t']);
            return if is_closed { Ok(Some((word, after))) } else { Err(Malformed) };
        } else {
            let mut characters = rest.chars();
            word.push(characters.next().ok_or(Malformed)?);
            rest = characters.as_str();
        }
    }
}

/// The text that `rest` is: one quoted word, or all of it.
///
/// # Errors
/// [`Malformed`]
pub fn text(rest: &str) -> Result<Option<String>, Malformed> {
    let rest = rest.trim_start_matches([' ', '\t']);
    let text = if rest.starts_with('"') { words(rest)?.swap_remove(0) } else { rest.to_owned() };
    let clean: String = text.chars().filter(|c| !c.is_control() || *c == '\t').collect();
    let clean = if rest.starts_with('"') { &clean } else { clean.trim_end_matches([' ', '\t']) };
    Ok((!clean.is_empty()).then(|| clean.to_owned()))
}

/// A word in quotes, read back as it is.
#[must_use]
pub fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}
