//! Ed25519 keys in the format of OpenSSH's files. Source: PROTOCOL.key of OpenSSH; RFC 8709, section 4.
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const KIND: &[u8] = b"ssh-ed25519";
/// As `slurmdash ssh-ca` calls its keys.
const COMMENT: &str = "slurmdash-user-ca";

/// The private key's file and the public key's line. `check` is a number that says on reading whether a passphrase was
/// right, any will do.
pub(super) fn encode(seed: &[u8; 32], check: [u8; 4]) -> Option<(String, String)> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
    let public = pair.public_key().as_ref();
    let mut blob = Vec::new();
    put(&mut blob, KIND);
    put(&mut blob, public);

    let mut private = [check, check].concat();
    private.extend(&blob);
    put(&mut private, &[seed, public].concat());
    put(&mut private, COMMENT.as_bytes());
    // Padding to the block size of no cipher, 8: 1, 2, 3, …
    private.extend((1..=7).take((8 - private.len() % 8) % 8));

    let mut whole = MAGIC.to_vec();
    for field in [b"none".as_slice(), b"none", b""] {
        put(&mut whole, field);
    }
    whole.extend(1_u32.to_be_bytes());
    put(&mut whole, &blob);
    put(&mut whole, &private);

    let encoded = BASE64.encode(&whole);
    let mut file = format!("{BEGIN}\n");
    for line in encoded.as_bytes().chunks(70) {
        file.extend(line.iter().map(|byte| char::from(*byte)));
        file.push('\n');
    }
    file.push_str(END);
    file.push('\n');
    Some((file, line(&blob)))
}

/// The public key's line of a private key's file. `None` when it is no Ed25519 key without a passphrase.
pub(super) fn public_of(file: &str) -> Option<String> {
    let encoded = file.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let encoded: String = encoded.chars().filter(|c| !c.is_whitespace()).collect();
    let whole = BASE64.decode(encoded.as_bytes()).ok()?;
    let rest = whole.strip_prefix(MAGIC)?;
    let (cipher, rest) = take(rest)?;
    let (_, rest) = take(rest)?;
    let (_, rest) = take(rest)?;
    let (blob, _) = take(rest.strip_prefix(&1_u32.to_be_bytes())?)?;
    let (kind, rest) = take(blob)?;
    let (public, rest) = take(rest)?;
    (cipher == b"none" && kind == KIND && public.len() == 32 && rest.is_empty()).then(|| line(blob))
}

fn line(blob: &[u8]) -> String {
    format!("ssh-ed25519 {} {COMMENT}", BASE64.encode(blob))
}

/// A string as SSH writes it: its length, then its bytes (RFC 4251, section 5). Ours are far below 4 GiB.
fn put(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    to.extend(bytes);
}

fn take(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = from.split_at_checked(4)?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn ssh_keygen_reads_what_is_written() {
        let (file, public) = encode(&[9; 32], [1, 2, 3, 4]).unwrap();
        assert_eq!(public_of(&file), Some(public.clone()));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, &file).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let told = std::process::Command::new("ssh-keygen").args(["-y", "-f"]).arg(&path).output().unwrap();
        assert_eq!(String::from_utf8(told.stdout).unwrap().trim_end(), public);
        let rewritten = std::process::Command::new("ssh-keygen")
            .args(["-p", "-q", "-N", "", "-P", "", "-f"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(rewritten.status.success(), "{rewritten:?}");
        assert_eq!(public_of(&std::fs::read_to_string(&path).unwrap()), Some(public));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (file, _) = encode(&[9; 32], [0; 4]).unwrap();
        for text in ["", "no key", &file[..100], &file.replace('b', "c")] {
            assert_eq!(public_of(text), None, "{text}");
        }
    }
}
