//! A stored record's JSON, changed without knowing what is in it.
use std::fmt;

use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::store::StoreError;

/// An object whose fields keep their order and the exact text of their values, so that going back and forth ends with
/// the bytes it began with.
pub struct Fields {
    table: &'static str,
    fields: Raw,
}

struct Raw(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Reads a stored record: a version byte, which must be `version`, and JSON.
    pub fn read(table: &'static str, version: u8, bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((&found, json)) if found == version => {
                let fields = serde_json::from_slice(json).map_err(|error| StoreError::corrupt(table, error))?;
                Ok(Self { table, fields })
            }
            Some((found, _)) => Err(StoreError::corrupt(table, format!("unknown version {found}"))),
            None => Err(StoreError::corrupt(table, "empty")),
        }
    }

    /// None.
    pub fn empty(table: &'static str) -> Self {
        Self { table, fields: Raw(Vec::new()) }
    }

    /// Reads an object.
    pub fn from_json(table: &'static str, json: &[u8]) -> Result<Self, StoreError> {
        let fields = serde_json::from_slice(json).map_err(|error| StoreError::corrupt(table, error))?;
        Ok(Self { table, fields })
    }

    /// The object.
    pub fn json(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(&self.fields).map_err(|error| StoreError::corrupt(self.table, error))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields.0.is_empty()
    }

    /// Takes out the fields of these names that are there.
    pub fn split_off(&mut self, names: &[&str]) -> Self {
        let taken = self.fields.0.extract_if(.., |(name, _)| names.contains(&name.as_str())).collect();
        Self { table: self.table, fields: Raw(taken) }
    }

    /// Adds fields at the end.
    pub fn append(&mut self, other: Self) {
        self.fields.0.extend(other.fields.0);
    }

    /// Gives a field this value, in its place; adds it at the end when there is none of the name.
    pub fn set(&mut self, name: &str, value: &impl Serialize) -> Result<(), StoreError> {
        let value = to_raw_value(value).map_err(|error| StoreError::corrupt(self.table, error))?;
        match self.fields.0.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => self.fields.0.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// The bytes to store.
    pub fn write(&self, version: u8) -> Result<Vec<u8>, StoreError> {
        let mut bytes = vec![version];
        serde_json::to_writer(&mut bytes, &self.fields).map_err(|error| StoreError::corrupt(self.table, error))?;
        Ok(bytes)
    }

    /// A field's value; an error when it is something else than expected.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let found = self.fields.0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| self.parse(value)).transpose()
    }

    /// Takes a field out.
    pub fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, StoreError> {
        let Some(at) = self.fields.0.iter().position(|(field, _)| field == name) else { return Ok(None) };
        let (_, value) = self.fields.0.remove(at);
        self.parse(&value).map(Some)
    }

    /// Gives a field another name and value, in its place; adds it at the end when there is none of the old name.
    pub fn replace(&mut self, old: &str, name: &str, value: &str) -> Result<(), StoreError> {
        let value = to_raw_value(value).map_err(|error| StoreError::corrupt(self.table, error))?;
        let field = (name.to_owned(), value);
        match self.fields.0.iter_mut().find(|(field, _)| field == old) {
            Some(place) => *place = field,
            None => self.fields.0.push(field),
        }
        Ok(())
    }

    fn parse<T: DeserializeOwned>(&self, value: &RawValue) -> Result<T, StoreError> {
        serde_json::from_str(value.get()).map_err(|error| StoreError::corrupt(self.table, error))
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Raw;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Raw(fields))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_touched_keeps_its_text() {
        let stored = "\u{2}{\"z\":1.50,\"a\":{\"y\":null,\"b\":\"\\u00e9\"},\"old\":\"x\"}".as_bytes();
        let mut fields = Fields::read("t", 2, stored).unwrap();
        fields.replace("old", "new", "y").unwrap();
        fields.replace("none", "script", "#!").unwrap();
        assert_eq!(fields.get::<f64>("z").unwrap(), Some(1.5));
        assert_eq!(fields.take::<String>("script").unwrap().as_deref(), Some("#!"));
        assert_eq!(fields.take::<String>("script").unwrap(), None);
        fields.replace("new", "old", "x").unwrap();
        assert!(fields.write(2).unwrap() == stored);
    }

    #[test]
    fn what_no_version_wrote_is_refused() {
        for bytes in [&b""[..], b"\x02", b"\x02[]", b"\x02{", b"\x07{}"] {
            assert!(matches!(Fields::read("t", 2, bytes), Err(StoreError::Corrupt { table: "t", .. })), "{bytes:?}");
        }
        assert!(Fields::read("t", 2, b"\x02{\"a\":1}").unwrap().get::<String>("a").is_err());
    }
}
