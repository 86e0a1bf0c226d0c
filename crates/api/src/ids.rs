//! New identifiers and secrets.

/// 16 bytes nobody can guess.
pub(crate) fn random() -> Result<[u8; 16], getrandom::Error> {
    filled()
}

/// 32 bytes: as strong as what is authenticated with them.
pub(crate) fn secret() -> Result<[u8; 32], getrandom::Error> {
    filled()
}

fn filled<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
