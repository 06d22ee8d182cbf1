//! How somebody without a picture looks: initials on a colour. The same in a tile and in a stream.

/// Quiet colours that white text can be read on.
const COLOURS: [[u8; 3]; 8] = [
    [0x3F, 0x6C, 0xA8],
    [0x8A, 0x55, 0x9E],
    [0xA8, 0x57, 0x3C],
    [0x2F, 0x7D, 0x6B],
    [0x9B, 0x4B, 0x6A],
    [0x5C, 0x6B, 0x2E],
    [0x55, 0x5E, 0xA8],
    [0x8A, 0x65, 0x1F],
];

/// Red, green, blue. The same person always has the same colour.
pub fn colour(name: &str) -> [u8; 3] {
    let hash = name.trim().bytes().fold(0x811c_9dc5u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    COLOURS[(hash >> 16) as usize % COLOURS.len()]
}

/// One or two characters that stand for a name: `Ada Lovelace` is `AL`, `ada` is `A`, `李小龙` is `龙` (Chinese people are called by the end of their name).
pub fn initials(name: &str) -> String {
    let name = name.trim();
    if let Some(last) = name.chars().last().filter(|c| matches!(c, '\u{3400}'..='\u{9fff}')) {
        return last.to_string();
    }
    let mut words = name.split_whitespace().filter_map(|w| w.chars().find(|c| c.is_alphanumeric()));
    let first = words.next();
    let letters: String = first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect();
    if letters.is_empty() { "?".to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_kinds_have_initials() {
        for (name, expected) in [
            ("Ada Lovelace", "AL"),
            ("ada", "A"),
            ("Jean Luc van Damme", "JD"),
            ("李小龙", "龙"),
            ("Guest 2", "G2"),
            ("  ", "?"),
            ("-- --", "?"),
            ("Ωmega", "Ω"),
        ] {
            assert_eq!(initials(name), expected, "{name}");
        }
        assert_eq!(colour("Ada"), colour(" Ada "));
    }
}
