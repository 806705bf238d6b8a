//! Randomness from the operating system, in the shapes the program needs.
use getrandom::fill;

/// The operating system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

/// `N` random bytes.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// An id of 128 random bits: 32 lower-case hex digits.
pub fn id() -> Result<String, NoRandomness> {
    Ok(hex(&bytes::<16>()?))
}

/// A password of 20 letters and digits without look-alikes (about 113 bits).
pub fn password() -> Result<String, NoRandomness> {
    text(20)
}

/// So many letters and digits without look-alikes, each of 5.8 bits.
pub fn text(length: usize) -> Result<String, NoRandomness> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        // Bytes past the last whole multiple would make some letters likelier; they are thrown away.
        let limit = 256 - 256 % LETTERS.len();
        for byte in bytes::<32>()? {
            if usize::from(byte) < limit && text.len() < length {
                text.push(char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
            }
        }
    }
    Ok(text)
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (super::password().unwrap(), super::password().unwrap());
        assert_eq!(one.len(), 20);
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one, two);
    }
}
