//! Golden pairs of names, the rows N01 to N76, and properties of folding.

use proptest::prelude::*;

use super::*;

/// Pairs of spellings, and whether they are the same name.
const PAIRS: &[(&str, &str, bool)] = &[
    // case
    ("admin", "ADMIN", true),
    ("admin", "Admin", true),
    ("admin", "aDmIn", true),
    ("é", "É", true),
    ("жанна", "ЖАННА", true),
    ("ἀθηνᾶ", "ἈΘΗΝΑ͂", true),
    ("ĳ", "Ĳ", true),
    ("straße", "STRASSE", true),
    ("straße", "STRAẞE", true),
    ("straße", "strase", false),
    // final sigma
    ("σας", "ΣΑΣ", true),
    ("σας", "σασ", true),
    // Turkish i: neither is the plain i under the root locale (R302)
    ("irmak", "IRMAK", true),
    ("ırmak", "irmak", false),
    ("ırmak", "IRMAK", false),
    ("İrmak", "irmak", false),
    ("İrmak", "i̇rmak", true),
    ("admin", "admın", false),
    ("admin", "ADMİN", false),
    // width
    ("admin", "ａｄｍｉｎ", true),
    ("admin", "ＡＤＭＩＮ", true),
    ("ｶﾞ", "ガ", true),
    ("a b", "a　b", true),
    ("a1", "a１", true),
    // compatibility letters
    ("admin", "𝐚dmin", true),
    ("admin", "ⓐdmin", true),
    ("kim", "\u{212A}im", true),
    ("ångström", "\u{212B}ngström", true),
    ("sasha", "ſasha", true),
    ("office", "oﬃce", true),
    ("x2", "x²", true),
    ("viii", "ⅷ", true),
    ("tel", "℡", true),
    ("1⁄2", "½", true),
    ("ﷺ", "صلى الله عليه وسلم", true),
    // composition
    ("é", "e\u{301}", true),
    ("ñandú", "n\u{303}andu\u{301}", true),
    ("한국", "한국", true),
    ("ạ̈", "a\u{308}\u{323}", true),
    ("é", "e", false),
    ("admin", "ádmin", false),
    ("a\u{301}\u{323}", "a\u{323}\u{301}", true),
    // invisible characters make no difference
    ("admin", "ad\u{200B}min", true),
    ("admin", "ad\u{AD}min", true),
    ("admin", "\u{FEFF}admin", true),
    ("admin", "ad\u{2060}min", true),
    ("admin", "ad\u{200D}min", true),
    ("admin", "admin\u{FE0F}", true),
    ("admin", "\u{202E}admin", true),
    ("admin", "a\u{2066}dmin\u{2069}", true),
    ("admin", "adm\u{34F}in", true),
    // spaces do
    ("admin", "admin ", false),
    ("admin", " admin", false),
    ("admin", "admin\u{A0}", false),
    ("admin ", "admin\u{A0}", true),
    ("a b", "a  b", false),
    ("ab", "a b", false),
    // other scripts and look-alikes are other names
    ("admin", "аdmin", false),
    ("scope", "ѕсоре", false),
    ("paypal", "paypa1", false),
    ("modern", "rnodern", false),
    ("o", "0", false),
    ("l", "I", false),
    ("😀", "💩", false),
    // signs that Crowd has trouble with (R321) are letters like others
    ("a#1", "A#1", true),
    ("a#1", "a", false),
    ("a/b", "A/B", true),
    ("a/b", "ab", false),
    ("a?b", "A?B", true),
    ("a?b", "a", false),
    ("a%b", "a_b", false),
    ("a\\b", "A\\B", true),
    ("admin@example.com", "Admin@EXAMPLE.com", true),
    ("-rf", "-RF", true),
    ("con", "CON", true),
];

#[test]
fn what_may_be_made_at_once_breaks_no_rule() {
    for letter in (0..=u8::MAX).filter(u8::is_ascii_graphic).map(char::from) {
        for text in [letter.to_string(), format!("a{letter}{letter}b")] {
            assert_eq!(check_each_rule(&text), Ok(()), "{text}");
        }
    }
    assert!(check_creatable(" a").is_err() && check_creatable("a\u{2126}").is_err());
}

#[test]
fn golden_pairs() {
    assert!(PAIRS.len() >= 60);
    for &(left, right, same) in PAIRS {
        assert_eq!(Key::of(left) == Key::of(right), same, "{left:?} and {right:?}");
        let names = (Username::new(left).unwrap(), Username::new(right).unwrap());
        assert_eq!(names.0 == names.1, same, "{left:?} and {right:?} as names");
        let groups = (GroupName::new(left).unwrap(), GroupName::new(right).unwrap());
        assert_eq!(groups.0 == groups.1, same, "{left:?} and {right:?} as groups");
    }
}

#[test]
fn a_name_keeps_its_spelling() {
    let name = Username::new("Ａlice").unwrap();
    assert_eq!((name.as_str(), name.key().as_str()), ("Ａlice", "alice"));
}

/// Rows of the list of bad names: the text, what a look-up says and what a creation says.
#[test]
fn bad_names_n01_to_n76() {
    use NameFault::*;
    let (long, wide) = ("a".repeat(256), "𝐀".repeat(255));
    let (huge, marks) = ("a".repeat(10 << 20), format!("a{}", "\u{301}".repeat(2_000)));
    let (address, fits) = (format!("{}@b.c", "a".repeat(300)), "a".repeat(255));
    let rows: &[(&str, &str, Option<NameFault>, Option<NameFault>)] = &[
        ("N01", "", Some(Empty), Some(Empty)),
        ("N02", " ", Some(Blank), Some(Blank)),
        ("N03", "\t", Some(Blank), Some(Blank)),
        ("N04", "\u{A0}", Some(Blank), Some(Blank)),
        ("N05", "\u{3000}", Some(Blank), Some(Blank)),
        ("only invisible", "\u{200B}\u{AD}", Some(Blank), Some(Blank)),
        ("N06", "admin ", None, Some(EdgeSpace)),
        ("N07", " admin", None, Some(EdgeSpace)),
        ("N08", "admin\u{A0}", None, Some(EdgeSpace)),
        ("N09", "admin\t", Some(Control), Some(Control)),
        ("N12", "ad\u{200B}min", None, Some(Invisible)),
        ("N13", "ad\u{AD}min", None, Some(Invisible)),
        ("N14", "\u{FEFF}admin", None, Some(Invisible)),
        ("N15", "ad\u{2060}min", None, Some(Invisible)),
        ("N16", "\u{202E}nimda", None, Some(Bidi)),
        ("N17", "a\u{2066}b\u{2069}", None, Some(Bidi)),
        ("mixed directions", "aשb", None, Some(Bidi)),
        ("N20", "𝐚dmin", None, Some(Compatibility)),
        ("N21", "ⓐdmin", None, Some(Compatibility)),
        ("N22", "\u{212A}im", None, Some(Compatibility)),
        ("N23", "ſasha", None, Some(Compatibility)),
        ("N24", "oﬃce", None, Some(Compatibility)),
        ("N25", "adm\u{131}n", None, None),
        ("N27", "\u{430}dmin", None, None),
        ("N29", "e\u{301}", None, None),
        ("N32", &long, Some(TooLong), Some(TooLong)),
        ("N33", &wide, None, Some(Compatibility)),
        ("N34", &huge, Some(TooLong), Some(TooLong)),
        ("N37", &marks, Some(TooLong), Some(TooLong)),
        ("N41", "*", None, None),
        ("N42", "*)(uid=*))(|(uid=*", None, None),
        ("N43", "\\2a", None, None),
        ("N45", "x,ou=admins,dc=ex", None, None),
        ("N49", "admin' OR '1'='1", None, None),
        ("N50", "x'); DROP TABLE users;--", None, None),
        ("N51", "%", None, None),
        ("N52", "_", None, None),
        ("N53", "a\\", None, None),
        ("N61", "<script>alert(1)</script>", None, None),
        ("N65", "=HYPERLINK(\"http://e\")", None, None),
        ("N68", "line\r\nSet-Cookie: a=b", Some(Control), Some(Control)),
        ("N69", "x\n{\"event\":\"fake\"}", Some(Control), Some(Control)),
        ("NUL", "a\0b", Some(Control), Some(Control)),
        ("N74", "admin#1", None, None),
        ("N75", &address, Some(TooLong), Some(TooLong)),
        ("N76", "-rf", None, None),
        ("N76", "CON", None, None),
        ("unassigned", "a\u{378}", None, Some(Unassigned)),
        ("private use", "a\u{E000}", None, Some(Unassigned)),
        ("emoji", "a😀", None, Some(Disallowed)),
        ("double space", "a  b", None, Some(InnerSpace)),
        ("ideographic space", "a\u{3000}b", None, Some(InnerSpace)),
        ("one space", "Anna Bell", None, None),
        ("fullwidth", "ａｄｍｉｎ", None, None),
        ("umlaut", "Jürgen", None, None),
        ("Hebrew", "דוד", None, None),
        ("longest", &fits, None, None),
    ];
    for &(row, text, lookup, creation) in rows {
        let shown: String = text.chars().take(30).collect();
        assert_eq!(Username::new(text).err().map(|e| e.0), lookup, "{row}: look-up of {shown:?}");
        assert_eq!(Username::for_creation(text).err().map(|e| e.0), creation, "{row}: creation of {shown:?}");
    }
}

/// Fails when the Unicode data behind [`Key`] changes: then [`FOLD_VERSION`] must change too, with a migration (T16).
#[test]
fn the_fold_version_names_the_data() {
    let mut digest = 0xcbf2_9ce4_8422_2325_u64;
    for c in '\0'..=char::MAX {
        let key = Key::of(c.encode_utf8(&mut [0; 4]));
        for &byte in key.as_bytes().iter().chain(&[0xff]) {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!((FOLD_VERSION, format!("{digest:016x}").as_str()), ("nfkc-casefold/17.0", "fbd54ef9dad8958c"));
}

#[test]
fn folding_every_character_is_idempotent() {
    for c in '\0'..=char::MAX {
        let key = Key::of(c.encode_utf8(&mut [0; 4]));
        assert_eq!(Key::of(key.as_str()), key, "U+{:04X}", u32::from(c));
    }
}

/// Letters, marks and oddities that interact.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(
        "aAıİſßẞσςΣᾳͅὈéÉe\u{301}\u{323}\u{308}ﬃａＡ\u{200B}\u{AD}\u{FEFF}\u{202E}\u{A0} \t\0#/?%_\\ǅᾼΐﷺ한ㄱガｶﾞ\u{1D165}\u{E0100}😀"
            .chars()
            .collect::<Vec<_>>(),
    );
    prop::collection::vec(prop_oneof![odd, any::<char>()], 0..24).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn folding_is_total_and_idempotent(text in odd_text()) {
        let key = Key::of(&text);
        prop_assert_eq!(Key::of(key.as_str()), key);
    }

    #[test]
    fn names_never_panic_and_creation_is_the_stricter_step(text in odd_text()) {
        let (found, created) = (Username::new(&text), Username::for_creation(&text));
        if let Ok(name) = created {
            let found = found.unwrap();
            prop_assert_eq!(found.key(), name.key());
            prop_assert!(Username::new(name.key().as_str()).is_ok(), "a key can be looked up");
        }
        let _ = GroupName::for_creation(&text);
    }

    #[test]
    fn composed_and_decomposed_fold_alike(text in odd_text()) {
        let nfd = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
        let nfc = ComposingNormalizerBorrowed::new_nfc().normalize(&text).into_owned();
        prop_assert_eq!(Key::of(&nfd), Key::of(&nfc));
    }
}
