//! Where uploads lie: below which folder, and as whom.
use std::path::{Path, PathBuf};

use super::names::part_name;
use crate::hands::{Place, UnixUser};
use crate::store::uploads::UploadRecord;

/// Where uploads go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Area {
    /// A folder in each person's home, made when it is missing. Here is the way from the home.
    Home(PathBuf),
    /// One folder that is the server's own user's, who does everything. It must be there.
    Own(PathBuf),
    /// One folder for many Unix users, with a folder in it for each. It must be there: who made it would own it.
    Shared(PathBuf),
}

impl Area {
    /// What a path in the configuration means. One that begins with `~/` is in each person's home; any other is `shared`
    /// when people act as themselves.
    pub fn of(dir: &Path, shared: bool) -> Self {
        match dir.strip_prefix("~") {
            Ok(way) => Self::Home(way.to_owned()),
            Err(_) if shared => Self::Shared(dir.to_owned()),
            Err(_) => Self::Own(dir.to_owned()),
        }
    }

    /// The folder below which no link is followed.
    pub fn root(&self, user: &UnixUser) -> Place {
        Place::below(self.root_path(user), "")
    }

    /// The folder of an upload.
    pub fn folder(&self, user: &UnixUser, record: &UploadRecord) -> Place {
        let way = match self {
            Self::Home(_) | Self::Own(_) => PathBuf::from(&record.folder),
            // The first folder below the root is the person's own, so nobody else can have been there before.
            Self::Shared(_) => Path::new(&user.name).join(&record.folder),
        };
        Place::below(self.root_path(user), way)
    }

    /// The file that the bytes of an upload are collected in.
    pub fn part(&self, user: &UnixUser, record: &UploadRecord) -> Place {
        self.folder(user, record).join(part_name(&record.id))
    }

    /// The finished file.
    pub fn file(&self, user: &UnixUser, record: &UploadRecord) -> Place {
        self.folder(user, record).join(&record.filename)
    }

    /// An upload's folder for people, also when it is not known just now who its owner is on the cluster.
    pub fn shown(&self, user: Option<&UnixUser>, record: &UploadRecord) -> PathBuf {
        match (user, self) {
            (Some(user), _) => self.folder(user, record).path(),
            (None, Self::Home(way)) => Path::new("~").join(way).join(&record.folder),
            (None, Self::Own(dir)) => dir.join(&record.folder),
            (None, Self::Shared(dir)) => dir.join("…").join(&record.folder),
        }
    }

    fn root_path(&self, user: &UnixUser) -> PathBuf {
        match self {
            Self::Home(way) => user.home.join(way),
            Self::Own(dir) | Self::Shared(dir) => dir.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use slurmdash_api::uploads::UploadStatus;

    use super::*;

    #[test]
    fn every_person_has_a_folder_of_their_own() {
        let record = UploadRecord {
            id: "1".into(),
            owner_id: "u1".into(),
            username: "ada".into(),
            filename: "a.csv".into(),
            file_size: 1,
            chunk_size: 1,
            job_id: None,
            folder: "users/ada/data".into(),
            overwrite: false,
            status: UploadStatus::Uploading,
            created_at: 0,
            updated_at: 0,
            uploaded_chunks: 0,
            inode: None,
        };
        let user = UnixUser { name: "alovelace".into(), uid: 1000, gid: 1000, home: "/home/a".into() };
        for (dir, shared, file, unknown) in [
            ("~/up", true, "/home/a/up/users/ada/data/a.csv", "~/up/users/ada/data"),
            ("~/up", false, "/home/a/up/users/ada/data/a.csv", "~/up/users/ada/data"),
            ("/scratch", true, "/scratch/alovelace/users/ada/data/a.csv", "/scratch/…/users/ada/data"),
            ("/scratch", false, "/scratch/users/ada/data/a.csv", "/scratch/users/ada/data"),
        ] {
            let area = Area::of(Path::new(dir), shared);
            assert_eq!(area.file(&user, &record).path(), Path::new(file));
            assert_eq!(area.part(&user, &record).path(), Path::new(file).with_file_name(".1.part"));
            assert_eq!(area.shown(None, &record), Path::new(unknown));
            assert_eq!(area.shown(Some(&user), &record), Path::new(file).parent().unwrap());
        }
    }
}
