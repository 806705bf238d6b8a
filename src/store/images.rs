//! Apptainer images as last seen on the nodes: by partition, type and name.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use slurmdash_api::UnixSeconds;

use super::audit::AuditEntry;
use super::key::Key;
use super::record::{Entry, Lookup, Record};
use super::walk::{Page, PageRequest, Source as _, Walk};
use super::{Store, StoreError};

/// One image file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// Node it was seen on; empty when it is the same on all, or not known.
    pub node: String,
    /// Absolute path there.
    pub path: String,
    /// The file's name without `.sif`.
    pub name: String,
    /// Partition it can be used in; empty when not known.
    pub partition: String,
    /// What it is for: `viz`, `compute`, `custom`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Size, bytes.
    pub size: u64,
    /// Version it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Architecture, such as `amd64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Labels in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// When it was last seen.
    pub seen_at: UnixSeconds,
}

const BY_PARTITION: Lookup<ImageRecord> = Lookup::counted("images.by_partition", |image| {
    Some(Entry::new(Key::new().text(&image.partition), Key::new().text(&image.kind).text(&image.name)))
});
const BY_TYPE: Lookup<ImageRecord> = Lookup::counted("images.by_type", |image| {
    Some(Entry::new(Key::new().text(&image.partition).text(&image.kind), Key::new().text(&image.name)))
});
const BY_NAME: Lookup<ImageRecord> =
    Lookup::plain("images.by_name", |image| Some(Entry::new(Key::new(), Key::new().text(&image.name))));

impl Record for ImageRecord {
    const TABLE: &'static str = "images";
    const VERSION: u8 = 1;
    const LOOKUPS: &'static [Lookup<Self>] = &[BY_PARTITION, BY_TYPE, BY_NAME];

    fn key(&self) -> Key {
        image_key(&self.node, &self.path)
    }
}

fn image_key(node: &str, path: &str) -> Key {
    Key::new().text(node).text(path)
}

/// Which images.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ImageFilter {
    /// All, by name.
    #[default]
    All,
    /// Of one partition, by type and name.
    Partition(String),
    /// Of one partition and type, by name.
    Type(String, String),
}

impl Store {
    /// Takes down what a scan found on a node: those images, and no others, are there now.
    pub async fn replace_images(
        &self,
        node: String,
        images: Vec<ImageRecord>,
        audit: AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let here = Key::new().text(&node);
            let end = here.after_prefix();
            let before = Walk::<ImageRecord>::table().between(Some(here), end).keys(tx, usize::MAX)?;
            let now: Vec<Key> = images.iter().map(Record::key).collect();
            for key in before.iter().filter(|key| !now.contains(key)) {
                tx.remove::<ImageRecord>(key)?;
            }
            for image in images.iter().filter(|image| image.node == node) {
                tx.put(image)?;
            }
            tx.audited(&audit, ())
        })
        .await
    }

    /// The image at a path of a node.
    pub fn image(&self, node: &str, path: &str) -> Result<Option<ImageRecord>, StoreError> {
        self.read(|view| view.get(&image_key(node, path)))
    }

    /// A page of images in alphabetical order.
    pub fn image_page(&self, filter: &ImageFilter, page: &PageRequest) -> Result<Page<ImageRecord>, StoreError> {
        let walk = match filter {
            ImageFilter::All => Walk::group(&BY_NAME, Key::new()),
            ImageFilter::Partition(partition) => Walk::group(&BY_PARTITION, Key::new().text(partition)),
            ImageFilter::Type(partition, kind) => Walk::group(&BY_TYPE, Key::new().text(partition).text(kind)),
        };
        self.read(|view| walk.ascending().page(view, page))
    }

    /// How many images there are.
    pub fn image_count(&self, filter: &ImageFilter) -> Result<u64, StoreError> {
        self.read(|view| match filter {
            ImageFilter::All => view.total::<ImageRecord>(),
            ImageFilter::Partition(partition) => view.count(&BY_PARTITION, &Key::new().text(partition)),
            ImageFilter::Type(partition, kind) => view.count(&BY_TYPE, &Key::new().text(partition).text(kind)),
        })
    }
}
