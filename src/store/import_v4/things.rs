//! Templates, images and notifications.
use super::Refusal;
use super::fields::{Column, Fields, LINE, NAME, PROSE, WORD};
use super::item::Item;
use super::people::People;
use crate::store::images::ImageRecord;
use crate::store::notifications::NotificationRecord;
use crate::store::templates::TemplateRecord;

const DESCRIPTION: Column = Column(&["description", "desc", "help"]);
const CREATED_AT: Column = Column(&["created_at", "created"]);
const UPDATED_AT: Column = Column(&["updated_at", "modified_at", "updated"]);

/// The old id of a template.
pub const TEMPLATE_ID: Column = Column(&["template_id", "id"]);
const NAMED: Column = Column(&["name", "display_name", "title"]);
const CATEGORY: Column = Column(&["category"]);
const IS_PUBLIC: Column = Column(&["is_public", "public"]);
const OWNER: Column = Column(&["created_by", "owner_id", "owner", "user_id", "author"]);
const DEFINITION: Column = Column(&[
    "definition",
    "template_yaml",
    "yaml",
    "yaml_content",
    "template",
    "content",
    "config",
    "template_data",
    "script",
    "script_template",
]);

/// Every column of `job_templates_v2` that something is taken from.
pub const TEMPLATE_COLUMNS: &[Column] =
    &[TEMPLATE_ID, NAMED, DESCRIPTION, CATEGORY, IS_PUBLIC, OWNER, CREATED_AT, UPDATED_AT, DEFINITION];

/// Reads one template. It keeps its id, because jobs name it.
pub fn template(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let id = fields.id().to_owned();
    let created_at = fields.time_or_zero(CREATED_AT);
    Ok(Item::Template(TemplateRecord {
        name: fields.line(NAMED, NAME).unwrap_or_else(|| id.clone()),
        id,
        description: fields.text(DESCRIPTION, PROSE),
        category: fields.line(CATEGORY, WORD).unwrap_or_else(|| "custom".into()),
        // Nothing is shown to everybody that was not before.
        is_public: fields.boolean(IS_PUBLIC).unwrap_or(false),
        owner_id: people.named(fields, OWNER)?.map(|person| person.id),
        created_at,
        updated_at: fields.time(UPDATED_AT).unwrap_or(created_at),
        definition: fields.document(DEFINITION),
    }))
}

/// The old id of an image.
pub const IMAGE_ID: Column = Column(&["id", "image_id"]);
const PATH: Column = Column(&["path", "file_path", "image_path"]);
const PARTITION: Column = Column(&["partition"]);
const TYPE: Column = Column(&["type", "image_type", "kind"]);
const NODE: Column = Column(&["node", "node_name", "hostname"]);
const SIZE: Column = Column(&["size", "file_size", "size_bytes"]);
const VERSION: Column = Column(&["version"]);
const ARCH: Column = Column(&["arch", "architecture"]);
const LABELS: Column = Column(&["labels", "metadata"]);
const SEEN_AT: Column = Column(&["updated_at", "scanned_at", "last_scanned", "last_seen", "seen_at", "created_at"]);

/// Every column of `apptainer_images` that something is taken from.
pub const IMAGE_COLUMNS: &[Column] =
    &[IMAGE_ID, NAMED, PATH, PARTITION, TYPE, NODE, SIZE, VERSION, DESCRIPTION, ARCH, LABELS, SEEN_AT];

/// Reads one image.
pub fn image(fields: &mut Fields<'_>, _people: &People) -> Result<Item, Refusal> {
    let path = fields.exact(PATH, LINE).filter(|path| path.starts_with('/'));
    let path = path.ok_or("has no absolute path on one line")?;
    let file = path.rsplit('/').next().unwrap_or_default();
    let name = fields.line(NAMED, NAME).unwrap_or_else(|| file.to_owned());
    Ok(Item::Image(ImageRecord {
        node: fields.line(NODE, NAME).unwrap_or_default(),
        name: name.strip_suffix(".sif").unwrap_or(&name).to_owned(),
        path,
        partition: fields.line(PARTITION, WORD).unwrap_or_default(),
        kind: fields.line(TYPE, WORD).map_or_else(|| "custom".into(), |kind| kind.to_lowercase()),
        size: fields.number(SIZE).unwrap_or(0),
        version: fields.line(VERSION, NAME),
        description: fields.text(DESCRIPTION, PROSE),
        arch: fields.line(ARCH, WORD),
        labels: fields.labels(LABELS),
        seen_at: fields.time_or_zero(SEEN_AT),
    }))
}

/// The old id of a notification.
pub const NOTIFICATION_ID: Column = Column(&["id", "notification_id"]);
const PERSON: Column = Column(&["user_id", "recipient", "created_by", "username"]);
const AT: Column = Column(&["timestamp", "created_at", "time"]);
const KIND: Column = Column(&["type", "kind", "event_type", "level"]);
const TITLE: Column = Column(&["title", "subject"]);
const MESSAGE: Column = Column(&["message", "body", "content", "text"]);
const LINK: Column = Column(&["link", "url", "action_url"]);
const READ: Column = Column(&["read", "is_read"]);

/// Every column of `notifications` that something is taken from.
pub const NOTIFICATION_COLUMNS: &[Column] = &[NOTIFICATION_ID, PERSON, AT, KIND, TITLE, MESSAGE, LINK, READ];

/// Reads one notification.
pub fn notification(fields: &mut Fields<'_>, people: &People) -> Result<Item, Refusal> {
    let person = people.named(fields, PERSON)?.ok_or("is nobody's")?;
    let link = fields.line(LINK, LINE);
    let is_set = link.is_some();
    // Only pages of the dashboard: `//host` would lead elsewhere.
    let link = link.filter(|link| link.starts_with('/') && !link.starts_with("//") && !link.contains('\\'));
    if is_set && link.is_none() {
        fields.adjust("link: is no page of the dashboard and is left out");
    }
    Ok(Item::Notification(NotificationRecord {
        seq: 0,
        user_id: person.id,
        at: fields.time_or_zero(AT),
        kind: fields.line(KIND, WORD).unwrap_or_else(|| "info".into()),
        title: fields.line(TITLE, NAME).unwrap_or_default(),
        message: fields.text(MESSAGE, PROSE).unwrap_or_default(),
        link,
        is_read: fields.boolean(READ).unwrap_or(false),
    }))
}
