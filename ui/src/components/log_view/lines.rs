//! The lines of a log in the document. Only lines that are new, or still being written, are touched.
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::terminal::{Span, Terminal};
use crate::browser::document;

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

    /// Brings `body` up to date.
    pub fn show(&mut self, body: &HtmlElement, terminal: &Terminal, generation: usize) {
        if self.generation != generation || terminal.first() >= self.end {
            body.set_text_content(None);
            *self = Self { generation, first: terminal.first(), end: terminal.first() };
        }
        while self.first < terminal.first() {
            if let Some(line) = body.first_element_child() {
                line.remove();
            }
            self.first += 1;
        }
        // The line that was last may have grown since.
        if self.end > self.first {
            if let Some(line) = body.last_element_child() {
                line.remove();
            }
            self.end -= 1;
        }
        for number in self.end..terminal.end() {
            if let Some(line) = draw(&terminal.line(number)) {
                let _ = body.append_child(&line);
            }
        }
        self.end = terminal.end();
    }

    /// A line's element.
    pub fn element(&self, body: &HtmlElement, number: usize) -> Option<Element> {
        let place = number.checked_sub(self.first).filter(|_| number < self.end)?;
        body.children().item(u32::try_from(place).ok()?)
    }

    /// Marks the lines that match, and the current one of them; takes older marks away.
    pub fn mark(&self, body: &HtmlElement, matches: &[usize], current: Option<usize>) {
        if let Ok(marked) = body.query_selector_all("[data-match]") {
            for place in 0..marked.length() {
                if let Some(line) = marked.item(place).and_then(|node| node.dyn_into::<Element>().ok()) {
                    let _ = line.remove_attribute("data-match");
                }
            }
        }
        for &number in matches {
            if let Some(line) = self.element(body, number) {
                let kind = if Some(number) == current { "current" } else { "other" };
                let _ = line.set_attribute("data-match", kind);
            }
        }
    }
}

fn draw(line: &[Span]) -> Option<Element> {
    let element = document().create_element("div").ok()?;
    element.set_class_name("log-line");
    for span in line {
        let class = class_of(span);
        if class.is_empty() {
            let _ = element.append_child(&document().create_text_node(&span.text));
        } else if let Ok(piece) = document().create_element("span") {
            piece.set_class_name(&class);
            piece.set_text_content(Some(&span.text));
            let _ = element.append_child(&piece);
        }
    }
    Some(element)
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
