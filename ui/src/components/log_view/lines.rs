//! The lines of a log in the document, in blocks: the browser lays out and paints only the blocks that are in sight
//! (`content-visibility` in the style sheet). Only lines that are new, still being written, or marked otherwise than
//! before are touched.
use web_sys::{Element, HtmlElement};

use super::found::Found;
use super::terminal::{Span, Terminal};
use crate::browser::document;

/// Lines of a block.
const BLOCK: usize = 100;

/// What is marked in the lines.
#[derive(Clone, Copy)]
pub struct Marks<'a> {
    /// The occurrences.
    pub found: &'a Found,
    /// Place of the current one among them.
    pub at: usize,
}

/// Which lines are in the document.
#[derive(Default)]
pub struct Lines {
    generation: usize,
    first: usize,
    end: usize,
}

impl Lines {
    /// Number after the last line that is shown.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Which output is shown; another one begins anew.
    pub fn generation(&self) -> usize {
        self.generation
    }

    /// Brings `body` up to date.
    pub fn show(&mut self, body: &HtmlElement, terminal: &Terminal, generation: usize, marks: Marks<'_>) {
        if self.generation != generation || terminal.first() >= self.end {
            body.set_text_content(None);
            *self = Self { generation, first: terminal.first(), end: terminal.first() };
        }
        while self.first < terminal.first() {
            if let Some(line) = self.element(body, self.first) {
                line.remove();
            }
            self.first += 1;
            if self.first.is_multiple_of(BLOCK)
                && let Some(block) = body.first_element_child()
            {
                block.remove();
            }
        }
        // The line that was last may have grown since.
        if self.end > self.first {
            if let Some(line) = self.element(body, self.end - 1) {
                line.remove();
            }
            self.end -= 1;
        }
        for number in self.end..terminal.end() {
            let block = self.block(body, number).or_else(|| {
                // The one before is full now, and may be left out of the layout while it is out of sight.
                if let Some(full) = body.last_element_child() {
                    let _ = full.set_attribute("data-full", "");
                }
                let block = document().create_element("div").ok()?;
                block.set_class_name("log-block");
                body.append_child(&block).ok()?;
                Some(block)
            });
            if let (Some(block), Some(line)) = (block, draw(terminal, number, marks)) {
                let _ = block.append_child(&line);
            }
        }
        self.end = terminal.end();
    }

    fn block(&self, body: &HtmlElement, number: usize) -> Option<Element> {
        let place = (number / BLOCK).checked_sub(self.first / BLOCK)?;
        body.children().item(u32::try_from(place).ok()?)
    }

    /// A line's element.
    pub fn element(&self, body: &HtmlElement, number: usize) -> Option<Element> {
        if number < self.first || number >= self.end {
            return None;
        }
        let place = number - (number / BLOCK * BLOCK).max(self.first);
        self.block(body, number)?.children().item(u32::try_from(place).ok()?)
    }

    /// Draws a line anew, as its marks are now.
    pub fn redraw(&self, body: &HtmlElement, terminal: &Terminal, number: usize, marks: Marks<'_>) {
        if let (Some(old), Some(new)) = (self.element(body, number), draw(terminal, number, marks)) {
            let _ = old.replace_with_with_node_1(&new);
        }
    }
}

fn draw(terminal: &Terminal, number: usize, marks: Marks<'_>) -> Option<Element> {
    let element = document().create_element("div").ok()?;
    element.set_class_name("log-line");
    let mut cuts: Vec<(usize, usize, bool)> =
        marks.found.in_line(number).map(|(place, hit)| (hit.start, hit.end, place == marks.at)).collect();
    cuts.reverse();
    let mut at = 0;
    for span in terminal.line(number) {
        for (text, mark) in pieces(&span, &mut at, &mut cuts) {
            add(&element, &text, &class_of(&span), mark);
        }
    }
    Some(element)
}

/// Cuts a span where marks begin and end; `cuts` has those that are not over, the next one last.
fn pieces(span: &Span, at: &mut usize, cuts: &mut Vec<(usize, usize, bool)>) -> Vec<(String, Option<bool>)> {
    if cuts.is_empty() {
        *at += span.text.chars().count();
        return vec![(span.text.clone(), None)];
    }
    let mut pieces: Vec<(String, Option<bool>)> = Vec::new();
    for letter in span.text.chars() {
        while cuts.last().is_some_and(|(_, end, _)| *end <= *at) {
            cuts.pop();
        }
        let mark = cuts.last().filter(|(start, ..)| start <= at).map(|(_, _, current)| *current);
        let begins = cuts.last().is_some_and(|(start, ..)| start == at);
        match pieces.last_mut() {
            Some((text, before)) if *before == mark && !begins => text.push(letter),
            _ => pieces.push((letter.to_string(), mark)),
        }
        *at += 1;
    }
    pieces
}

fn add(line: &Element, text: &str, class: &str, mark: Option<bool>) {
    if class.is_empty() && mark.is_none() {
        let _ = line.append_child(&document().create_text_node(text));
        return;
    }
    let Ok(piece) = document().create_element(if mark.is_some() { "mark" } else { "span" }) else { return };
    piece.set_class_name(class);
    if mark == Some(true) {
        let _ = piece.set_attribute("data-current", "");
    }
    piece.set_text_content(Some(text));
    let _ = line.append_child(&piece);
}

/// The classes of a span; none for plain text.
fn class_of(span: &Span) -> String {
    let style = span.style;
    let mut classes = Vec::new();
    if style.colour > 0 {
        classes.push(format!("ansi-{}", style.colour));
    }
    for (is, class) in [(style.bold, "ansi-bold"), (style.dim, "ansi-dim"), (style.underline, "ansi-underline")] {
        if is {
            classes.push(class.to_owned());
        }
    }
    classes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::terminal::Style;
    use super::*;

    #[test]
    fn marks_may_go_over_the_borders_of_spans() {
        let span = |text: &str| Span { text: text.into(), style: Style::default() };
        let (mut at, mut cuts) = (0, vec![(6, 7, true), (2, 5, false)]);
        assert_eq!(pieces(&span("abcd"), &mut at, &mut cuts), [("ab".into(), None), ("cd".into(), Some(false))]);
        assert_eq!(
            pieces(&span("efgh"), &mut at, &mut cuts),
            [("e".into(), Some(false)), ("f".into(), None), ("g".into(), Some(true)), ("h".into(), None)]
        );
        assert_eq!(pieces(&span("ij"), &mut at, &mut cuts), [("ij".into(), None)]);
    }
}
