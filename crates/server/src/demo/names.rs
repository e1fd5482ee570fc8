//! Names of rooms, which come in paths, and of people, which others see.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

use super::Refused;

/// Whether they are names.
pub(super) fn check(room: &str, name: &str) -> Result<(), Refused> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !(1..=64).contains(&room.len()) || !room.chars().all(is_plain) {
        return Err(Refused::RoomName);
    }
    let is_name = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if is_name { Ok(()) } else { Err(Refused::PersonName) }
}

/// Nobody guesses it, and nobody has had it before.
pub(super) fn random() -> Result<Box<str>, Refused> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Refused::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_say_nothing_to_a_terminal_or_a_path() {
        for (room, name) in [("standup", "Ada"), ("a-B_9", "Zoë ✨"), (&"r".repeat(64), &*"ä".repeat(40))]
        {
            assert!(check(room, name).is_ok(), "{room} {name}");
        }
        for room in ["", "a/b", "a b", "ä", &"r".repeat(65)] {
            assert!(matches!(check(room, "Ada"), Err(Refused::RoomName)), "{room}");
        }
        for name in ["", "a\u{7}b", &"n".repeat(41)] {
            assert!(matches!(check("room", name), Err(Refused::PersonName)), "{name}");
        }
    }
}
