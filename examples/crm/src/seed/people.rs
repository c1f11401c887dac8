//! Names of people, and the mail addresses they would have.

/// Given names.
pub(super) const FIRST: [&str; 64] = [
    "Aisha",
    "Alejandro",
    "Amara",
    "Amélie",
    "Anders",
    "Anika",
    "Arjun",
    "Astrid",
    "Beatriz",
    "Benedikt",
    "Bo",
    "Camille",
    "Carlos",
    "Chiara",
    "Chloe",
    "Daniel",
    "Daria",
    "Dmitri",
    "Eleni",
    "Elif",
    "Emeka",
    "Emil",
    "Fatima",
    "Felix",
    "Freya",
    "Gabriel",
    "Giulia",
    "Hana",
    "Hannah",
    "Hugo",
    "Ibrahim",
    "Ines",
    "Isla",
    "Jakub",
    "James",
    "Jasmin",
    "João",
    "Jonas",
    "Kaito",
    "Katarzyna",
    "Kofi",
    "Lars",
    "Leila",
    "Liam",
    "Lucía",
    "Maja",
    "Malik",
    "Marta",
    "Mateo",
    "Mei",
    "Mikael",
    "Nadia",
    "Niamh",
    "Noah",
    "Olivia",
    "Omar",
    "Priya",
    "Rasmus",
    "Rosa",
    "Saoirse",
    "Sofia",
    "Tomás",
    "Yuki",
    "Zoë",
];

/// Family names.
pub(super) const LAST: [&str; 72] = [
    "Abbott",
    "Adeyemi",
    "Almeida",
    "Andersson",
    "Baker",
    "Becker",
    "Bianchi",
    "Blanc",
    "Brandt",
    "Bruun",
    "Castillo",
    "Chen",
    "Costa",
    "Daly",
    "Demir",
    "Diallo",
    "Dubois",
    "Eriksen",
    "Fernández",
    "Fischer",
    "Fontaine",
    "Garcia",
    "Haddad",
    "Hansen",
    "Hartmann",
    "Herrera",
    "Holm",
    "Horvat",
    "Hughes",
    "Iyer",
    "Jansen",
    "Johansson",
    "Kaya",
    "Keller",
    "Khan",
    "Kowalski",
    "Kraus",
    "Larsen",
    "Lefèvre",
    "Lindqvist",
    "Lopez",
    "Marino",
    "Martin",
    "Mbeki",
    "Mendes",
    "Meyer",
    "Moreau",
    "Müller",
    "Nakamura",
    "Nguyen",
    "Nielsen",
    "Novak",
    "Nowak",
    "O'Brien",
    "Okafor",
    "Oliveira",
    "Papadakis",
    "Patel",
    "Petrov",
    "Quinn",
    "Reyes",
    "Ricci",
    "Rossi",
    "Santos",
    "Sato",
    "Schneider",
    "Silva",
    "Sørensen",
    "Tanaka",
    "Varga",
    "Weber",
    "Yilmaz",
];

/// `Zoë O'Brien` at `x.example` is `zoe.obrien@x.example`.
pub(super) fn address(name: &str, domain: &str) -> String {
    let words: Vec<String> = name.split(' ').map(plain).collect();
    format!("{}@{domain}", words.join("."))
}

/// Lower-case ASCII letters and digits, nothing else.
pub(super) fn plain(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .map(|c| match c {
            'á' | 'ã' | 'à' => 'a',
            'é' | 'è' | 'ë' => 'e',
            'í' => 'i',
            'ó' | 'ø' => 'o',
            'ü' => 'u',
            other => other,
        })
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_address() {
        for name in FIRST.iter().chain(&LAST) {
            let letters = name.chars().filter(|c| c.is_alphabetic()).count();
            assert_eq!(plain(name).len(), letters, "{name}");
        }
        assert_eq!(address("Zoë O'Brien", "x.example"), "zoe.obrien@x.example");
    }
}
