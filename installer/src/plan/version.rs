//! Releases of Slurm and what differs between them.

/// A release: year and month, as `22.05` is `SlurmVersion(22, 5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SlurmVersion(pub(crate) u16, pub(crate) u16);

/// Releases, in order: a daemon speaks with those of two before. Source: the upgrade guide of Slurm.
const RELEASES: [SlurmVersion; 14] = [
    SlurmVersion(19, 5),
    SlurmVersion(20, 2),
    SlurmVersion(20, 11),
    SlurmVersion(21, 8),
    SlurmVersion(22, 5),
    SlurmVersion(23, 2),
    SlurmVersion(23, 11),
    SlurmVersion(24, 5),
    SlurmVersion(24, 11),
    SlurmVersion(25, 5),
    SlurmVersion(25, 11),
    SlurmVersion(26, 5),
    SlurmVersion(26, 11),
    SlurmVersion(27, 5),
];

impl SlurmVersion {
    /// Whether an upgrade to another release takes jobs and accounting along.
    pub(crate) fn can_become(self, newer: Self) -> bool {
        let place = |version: Self| RELEASES.iter().position(|release| *release == version);
        match (place(self), place(newer)) {
            (Some(old), Some(new)) => (old..=old + 2).contains(&new),
            _ => self == newer,
        }
    }

    /// Reads a package's version or what `slurmctld -V` says: `22.05.8-4+deb12u3`, `1:23.11.4-1.2ubuntu5`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.split_once(':').map_or(text, |(_, rest)| rest);
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        Some(Self(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }

    /// Whether its units run slurmctld and slurmdbd as the user slurm. Source: `etc/*.service.in` of Slurm 23.11.
    pub(crate) fn has_own_user(self) -> bool {
        self >= Self(23, 11)
    }

    /// Whether `scontrol reconfigure` takes nearly every change, as it starts the daemons anew. Source: release notes of
    /// Slurm 23.11.
    pub(crate) fn reconfigures_all(self) -> bool {
        self >= Self(23, 11)
    }

    /// Whether it gives out cores one by one where nothing else is said. Source: release notes of 23.02.
    pub(crate) fn gives_out_cores(self) -> bool {
        self >= Self(23, 2)
    }

    /// Whether it has a plugin for control groups of version 2, and `CgroupPlugin`. Source: release notes of 22.05.
    pub(crate) fn knows_cgroup_v2(self) -> bool {
        self >= Self(22, 5)
    }

    /// Whether `CgroupPlugin=disabled` is understood. Source: release notes of 23.02.
    pub(crate) fn can_do_without_cgroup(self) -> bool {
        self >= Self(23, 2)
    }
}

impl std::fmt::Display for SlurmVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_goes_two_releases_far_and_never_back() {
        let v = SlurmVersion;
        for (old, new, can) in [
            (v(22, 5), v(22, 5), true),
            (v(22, 5), v(23, 2), true),
            (v(22, 5), v(23, 11), true),
            (v(22, 5), v(24, 5), false),
            (v(22, 5), v(21, 8), false),
            (v(99, 1), v(99, 1), true),
            (v(22, 5), v(99, 1), false),
        ] {
            assert_eq!(old.can_become(new), can, "{old} → {new}");
        }
    }

    #[test]
    fn packages_versions_are_read() {
        for (text, version) in [
            ("22.05.8-4+deb12u3", Some(SlurmVersion(22, 5))),
            ("1:23.11.4-1.2ubuntu5", Some(SlurmVersion(23, 11))),
            ("24.11", Some(SlurmVersion(24, 11))),
            ("slurm", None),
            ("", None),
        ] {
            assert_eq!(SlurmVersion::parse(text), version, "{text}");
        }
        assert_eq!(SlurmVersion(22, 5).to_string(), "22.05");
    }
}
