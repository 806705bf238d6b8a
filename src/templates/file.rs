//! Reads one template from the text of its YAML file: bounded, strict, and with the place of what is wrong.
use std::cell::Cell;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use slurmdash_api::templates::{Template, TemplateFile, TemplateParameter, TemplateResources};

use super::check;

/// Largest template file, bytes.
pub const MAX_FILE_SIZE: usize = 256 * 1024;
/// Most text a file may stand for once its aliases are followed, bytes.
const MAX_EXPANDED: usize = 4 * MAX_FILE_SIZE;

/// What is wrong with a template's text, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
}

impl Fault {
    /// A fault of the file as a whole.
    pub fn of_file(message: impl Into<String>) -> Self {
        Self { line: None, column: None, message: message.into() }
    }
}

/// A template as its file has it: `Template` without `id`, which is the file's name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateYaml {
    name: String,
    #[serde(default)]
    description: String,
    category: String,
    /// A template is for everyone unless its file says otherwise.
    #[serde(default = "yes")]
    is_public: bool,
    #[serde(default)]
    resources: Checked<TemplateResources>,
    #[serde(default)]
    parameters: Vec<Checked<TemplateParameter>>,
    #[serde(default)]
    files: Vec<Checked<TemplateFile>>,
    script: String,
}

fn yes() -> bool {
    true
}

/// Reads the template `id` from the bytes of its file.
pub fn parse(id: &str, bytes: &[u8]) -> Result<Template, Fault> {
    if bytes.len() > MAX_FILE_SIZE {
        return Err(Fault::of_file(format!("is larger than {} KiB", MAX_FILE_SIZE / 1024)));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        Fault {
            line: Some(before.split(|&b| b == b'\n').count()),
            // What comes before the fault is UTF-8, so its characters can be counted.
            column: Some(1 + String::from_utf8_lossy(&before[line_start..]).chars().count()),
            message: "is not UTF-8 from here on; save the file as UTF-8".into(),
        }
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let left = Cell::new(MAX_EXPANDED);
    Weigh(&left).deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| fault(&error))?;
    let yaml: TemplateYaml = serde_yaml::from_str(text).map_err(|error| fault(&error))?;
    let template = Template {
        id: id.to_owned(),
        name: yaml.name,
        description: yaml.description.trim_end().to_owned(),
        category: yaml.category,
        is_public: yaml.is_public,
        resources: yaml.resources.0,
        parameters: yaml.parameters.into_iter().map(|checked| checked.0).collect(),
        files: yaml.files.into_iter().map(|checked| checked.0).collect(),
        script: yaml.script.replace("\r\n", "\n"),
    };
    check::template(&template).map_err(|(key, message)| {
        let line = text.lines().position(|line| line.starts_with(key) && line[key.len()..].starts_with(':'));
        Fault { line: line.map(|at| at + 1), column: line.map(|_| 1), message }
    })?;
    Ok(template)
}

fn fault(error: &serde_yaml::Error) -> Fault {
    let place = error.location();
    let mut message = error.to_string();
    // serde_yaml ends its messages with the place, which travels in fields of its own here.
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let message = message.replace(
        "data did not match any variant of untagged enum ParameterValue",
        "a default is text, a number, true or false",
    );
    Fault {
        line: place.as_ref().map(serde_yaml::Location::line),
        column: place.as_ref().map(serde_yaml::Location::column),
        message,
    }
}

/// A part of the file that is checked while it is read, so that what is wrong with it has its place.
#[derive(Default)]
struct Checked<T>(T);

impl<'de, T: Deserialize<'de> + check::Check> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Part<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de> + check::Check> Visitor<'de> for Part<T> {
            type Value = Checked<T>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("keys with values")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Checked<T>, A::Error> {
                let part = T::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                part.check().map_err(A::Error::custom)?;
                Ok(Checked(part))
            }
        }
        deserializer.deserialize_map(Part(std::marker::PhantomData))
    }
}

/// Walks a document without keeping anything of it and stops when it stands for too much text: a few hundred bytes of
/// YAML can name gigabytes through aliases.
#[derive(Clone, Copy)]
struct Weigh<'a>(&'a Cell<usize>);

impl Weigh<'_> {
    fn take<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        // Every value costs something, or empty ones could be named without end.
        match self.0.get().checked_sub(bytes + 1) {
            Some(left) => {
                self.0.set(left);
                Ok(())
            }
            None => Err(E::custom("stands for too much text; write it out without aliases")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Weigh<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Weigh<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a template")
    }
    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.take(1)
    }
    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.take(8)
    }
    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.take(8)
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.take(8)
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.take(text.len())
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.take(0)
    }
    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        self.take(0)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        self.take(0)?;
        while seq.next_element_seed(self)?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.take(0)?;
        while map.next_key_seed(self)?.is_some() {
            map.next_value_seed(self)?;
        }
        Ok(())
    }
    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(A::Error::custom("a tag (!…) has no meaning in a template"))
    }
}

#[cfg(test)]
mod tests {
    use slurmdash_api::jobs::ParameterValue;

    use super::*;

    const GOOD: &str = "name: A\ncategory: c\nscript: |\n  true\n";

    fn fault_of(text: &str) -> (Option<usize>, Option<usize>, String) {
        let fault = parse("t", text.as_bytes()).unwrap_err();
        (fault.line, fault.column, fault.message)
    }

    #[test]
    fn the_least_template_is_enough() {
        let template = parse("t", format!("\u{feff}{GOOD}").as_bytes()).unwrap();
        assert_eq!((template.id.as_str(), template.name.as_str(), template.is_public), ("t", "A", true));
        assert_eq!(template.script, "true\n");
    }

    #[test]
    fn unknown_and_double_keys_are_named_with_their_place() {
        assert_eq!(fault_of(&format!("{GOOD}colour: red\n")).0, Some(5));
        assert!(fault_of(&format!("{GOOD}colour: red\n")).2.contains("`colour`"));
        let (line, column, message) =
            fault_of(&format!("{GOOD}parameters:\n  - name: a\n    label: A\n    type: text\n    colour: red\n"));
        assert_eq!((line, column), (Some(9), Some(5)), "{message}");
        assert!(message.contains("`colour`"), "{message}");
        assert!(fault_of(&format!("{GOOD}name: B\n")).2.contains("duplicate field `name`"));
    }

    #[test]
    fn wrong_types_and_broken_yaml_have_their_place() {
        let (line, column, message) = fault_of("name: A\ncategory: c\nis_public: perhaps\nscript: x\n");
        assert_eq!((line, column), (Some(3), Some(12)), "{message}");
        let (line, _, message) = fault_of("name: A\n  category: [c\nscript: x\n");
        assert!(line.is_some(), "{message}");
        assert!(fault_of("").2.contains("name"), "{}", fault_of("").2);
        assert!(parse("t", b"- a\n- b\n").is_err());
        assert!(fault_of(&format!("{GOOD}---\n{GOOD}")).2.contains("more than one document"));
        assert_eq!(parse("t", b"name: A\ndescription: \xff\n").unwrap_err().line, Some(2));
        assert_eq!(parse("t", b"name: A\ndescription: \xff\n").unwrap_err().column, Some(14));
        assert!(parse("t", &vec![b'#'; MAX_FILE_SIZE + 1]).is_err());
    }

    #[test]
    fn what_a_part_says_is_checked_at_its_place() {
        let parameter = |rest: &str| fault_of(&format!("{GOOD}parameters:\n  - name: a\n    label: A\n{rest}"));
        let (line, _, message) = parameter("    type: integer\n    default: many\n");
        assert_eq!(line, Some(6), "{message}");
        assert!(message.contains("default"), "{message}");
        assert!(parameter("    type: choice\n").2.contains("choices"));
        assert!(parameter("    type: text\n    default: [1]\n").2.contains("a default is text"));
        assert!(fault_of(&format!("{GOOD}parameters:\n  - {{name: path, label: P, type: text}}\n")).2.contains("PATH"));
        let twice = "  - {name: a, label: P, type: text}\n";
        let (line, _, message) = fault_of(&format!("{GOOD}parameters:\n{twice}{twice}"));
        assert_eq!((line, message.contains("twice")), (Some(5), true), "{message}");
        assert!(fault_of(&format!("{GOOD}resources:\n  nodes: 0\n")).2.contains("nodes"));
        assert!(fault_of(&format!("{GOOD}resources:\n  time: soon\n")).2.contains("time"));
        let number = parse(
            "t",
            format!("{GOOD}parameters:\n  - {{name: a, label: P, type: number, default: 1e-3}}\n").as_bytes(),
        );
        assert_eq!(number.unwrap().parameters[0].default, Some(ParameterValue::Number(0.001)));
    }

    #[test]
    fn aliases_are_followed_but_not_without_end() {
        let text = "name: &n A\ncategory: *n\nscript: x\n";
        assert_eq!(parse("t", text.as_bytes()).unwrap().category, "A");
        let bomb = format!(
            "name: A\ncategory: c\nscript: &s \"{}\"\nparameters: [{{name: a, label: A, type: choice, choices: [{}]}}]\n",
            "x".repeat(100_000),
            "*s, ".repeat(20_000)
        );
        assert!(fault_of(&bomb).2.contains("too much text"));
        let laughs = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, i| {
            format!("{text}a{i}: &a{i} [{}]\n", format!("*a{}, ", i - 1).repeat(9))
        });
        assert!(parse("t", laughs.as_bytes()).is_err());
        assert!(parse("t", "[".repeat(100_000).as_bytes()).is_err());
        assert!(parse("t", format!("name: {}", "{a: ".repeat(20_000)).as_bytes()).is_err());
    }
}
