//! Whether a program needs a dynamic loader, read from its ELF header (64 bits, little-endian; elf(5)).

use anyhow::{Context, Result, ensure};

/// The `p_type` of the program header that names the loader.
const PT_INTERP: u64 = 3;

/// The loader that the program asks for; `None` for a static one.
pub fn interpreter(file: &[u8]) -> Result<Option<String>> {
    ensure!(file.starts_with(b"\x7fELF\x02\x01"), "not a 64-bit little-endian ELF file");
    let table = number(file, 32, 8)?;
    let size = number(file, 54, 2)?;
    let count = number(file, 56, 2)?;
    for index in 0..count {
        let header = usize::try_from(table + index * size)?;
        if number(file, header, 4)? == PT_INTERP {
            let start = usize::try_from(number(file, header + 8, 8)?)?;
            let length = usize::try_from(number(file, header + 32, 8)?)?;
            let name = file.get(start..start + length).context("the loader's name is outside of the file")?;
            return Ok(Some(String::from_utf8_lossy(name).trim_end_matches('\0').to_owned()));
        }
    }
    Ok(None)
}

fn number(file: &[u8], at: usize, length: usize) -> Result<u64> {
    let bytes = file.get(at..at + length).context("the ELF file is cut short")?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(headers: &[(u32, &str)]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[32] = 64;
        file[54] = 56;
        file[56] = u8::try_from(headers.len()).unwrap();
        let mut names = Vec::new();
        for (kind, name) in headers {
            let mut header = vec![0; 56];
            header[..4].copy_from_slice(&kind.to_le_bytes());
            let start = 64 + 56 * headers.len() + names.len();
            header[8..16].copy_from_slice(&(start as u64).to_le_bytes());
            header[32..40].copy_from_slice(&(name.len() as u64).to_le_bytes());
            names.extend_from_slice(name.as_bytes());
            file.extend(header);
        }
        file.extend(names);
        file
    }

    #[test]
    fn a_dynamic_program_names_its_loader() {
        let file = program(&[(1, "code"), (3, "/lib64/ld.so\0")]);
        assert_eq!(interpreter(&file).unwrap().as_deref(), Some("/lib64/ld.so"));
    }

    #[test]
    fn a_static_program_has_none() {
        assert_eq!(interpreter(&program(&[(1, "code"), (2, "")])).unwrap(), None);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(interpreter(b"#!/bin/sh").is_err());
        assert!(interpreter(&program(&[(3, "x")])[..70]).is_err());
    }
}
