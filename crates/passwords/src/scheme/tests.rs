use proptest::prelude::*;

use super::vectors::{ARGON2ID, ATLASSIAN_SHA1, BCRYPT_72, BCRYPT_A, CROWD, PASSWORD, PASSWORD_NFD, VECTORS};
use super::*;

fn parse(text: &str) -> Result<StoredHash, HashError> {
    StoredHash::parse(&EncodedHash::new(text).unwrap())
}

fn check(text: &str, password: &str) -> Check {
    parse(text).unwrap().check(password.as_bytes(), &mut Workspace::new()).unwrap()
}

#[test]
fn hashes_of_other_programs_open_for_their_password_alone_r721_r724_r725() {
    for text in VECTORS {
        assert_eq!(check(text, PASSWORD), Check::Matches, "{text}");
        for wrong in [PASSWORD_NFD, "Grüne Äpfel 8", "grüne äpfel 7", "Grüne Äpfel 7 ", text] {
            assert!(check(text, wrong) != Check::Matches, "{text} {wrong}");
        }
    }
    for (password, text) in CROWD {
        assert_eq!(check(text, password), Check::Matches, "{text}");
        assert_eq!(check(text, "Password"), Check::Differs, "{text}");
    }
    assert_eq!(check(ARGON2ID, PASSWORD), Check::Matches);
    assert_eq!(check(ARGON2ID, "Grüne Äpfel 8"), Check::Differs);
}

#[test]
fn a_wrapped_hash_opens_for_its_password_alone_and_does_not_hold_the_digest_t57() {
    let mut workspace = Workspace::new();
    let cost = Cost::OWASP_FLOOR;
    for text in VECTORS {
        let inner = parse(text).unwrap();
        let wrapped = inner.sealed(cost, &[9; 16], &mut workspace).unwrap();
        for engine in [&STANDARD_NO_PAD, &ADAPTED, &BCRYPT] {
            assert!(!wrapped.expose().contains(&engine.encode(&inner.digest)), "{text}");
        }
        let outer = StoredHash::parse(&wrapped).unwrap();
        assert_eq!((outer.scheme(), outer.strength()), (Scheme::Wrapped, cost.strength()));
        assert_eq!(outer.recipe.encode(), inner.recipe.encode());
        assert_eq!(outer.check(PASSWORD.as_bytes(), &mut workspace).unwrap(), Check::Matches, "{text}");
        assert_eq!(outer.check(b"wrong", &mut workspace).unwrap(), Check::Differs, "{text}");
    }
}

#[test]
fn unknown_schemes_are_unsupported_t54_p21_p23() {
    for text in [
        "",
        "*",
        "!",
        "!!",
        "x",
        "X",
        "nopass",
        "plaintext",
        "{CRYPT}!",
        "{CLEARTEXT}secret",
        "{MD5}X03MO1qnZdYdgyfeuILPmQ==",
        "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
        "{ssha}WUahTLONzbZXMAXJD4DMyykym/0AAQID",
        "{Ssha}WUahTLONzbZXMAXJD4DMyykym/0AAQID",
        "{pkcs5s2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J",
        " {SSHA}WUahTLONzbZXMAXJD4DMyykym/0AAQID",
        "DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J",
        ATLASSIAN_SHA1,
        "$2x$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
        "$2$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
        "$argon2i$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        "$argon2d$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        "$argon2id$v=16$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
        "$ARGON2ID$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0",
    ] {
        assert_eq!(parse(text).unwrap_err(), HashError::Unsupported, "{text}");
    }
}

#[test]
fn costs_beyond_the_caps_are_refused_before_anything_is_computed_t52_x5() {
    use Parameter::*;
    let argon2id = |params: &str| {
        format!("$argon2id$v=19${params}$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0")
    };
    let with_salt = |bytes: usize| {
        let salt = STANDARD_NO_PAD.encode(vec![1; bytes]);
        format!("$argon2id$v=19$m=8,t=1,p=1${salt}$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0")
    };
    let with_tag = |bytes: usize| {
        let tag = STANDARD_NO_PAD.encode(vec![1; bytes]);
        format!("$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw${tag}")
    };
    let bcrypt = |cost: &str| format!("$2b${cost}$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W");
    let crypt = |rounds: &str| format!("$5$rounds={rounds}$abc$1lnwpyTqvHrEn68uu7eBWG2yvhC9f7Kn4jXA2R.SlX4");
    let pbkdf2 = |rounds: &str| {
        format!("$pbkdf2-sha256${rounds}$AAECAwQFBgcICQoLDA0ODw$VDVIZYo3/PUBAAPzZXekbNtfKX/qtUUTm9x5UyDSiBM")
    };
    let django = |rounds: &str| {
        format!("pbkdf2_sha256${rounds}$seasalt12345$zfHiEby8kmD6IVoCyFtfsnc6095WPi238vrEeZU1+2w=")
    };
    let wrapped = |recipe: &str| {
        format!(
            "$throng-wrap${recipe}$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0"
        )
    };
    for (row, text, parameter, at_the_cap) in [
        ("P11", argon2id("m=4294967295,t=1,p=1"), Memory, argon2id("m=262144,t=1,p=1")),
        ("P11", argon2id("m=99999999999999999999999,t=1,p=1"), Memory, argon2id("m=262144,t=16,p=8")),
        ("P11", argon2id("m=262145,t=1,p=1"), Memory, argon2id("m=8,t=1,p=1")),
        ("RFC 9106", argon2id("m=63,t=1,p=8"), Memory, argon2id("m=64,t=1,p=8")),
        ("P12", argon2id("m=8,t=4294967295,p=1"), Passes, argon2id("m=8,t=16,p=1")),
        ("P12", argon2id("m=8,t=0,p=1"), Passes, argon2id("m=8,t=1,p=1")),
        ("P13", argon2id("m=19456,t=1,p=16777215"), Lanes, argon2id("m=19456,t=1,p=8")),
        ("T52", with_salt(7), Salt, with_salt(8)),
        ("T52", with_salt(65), Salt, with_salt(64)),
        ("T52", with_tag(15), Output, with_tag(16)),
        ("T52", with_tag(65), Output, with_tag(64)),
        ("P18", bcrypt("31"), BcryptCost, bcrypt("14")),
        ("P19", bcrypt("99"), BcryptCost, bcrypt("10")),
        ("P18", bcrypt("03"), BcryptCost, bcrypt("04")),
        ("T52", pbkdf2("10000001"), Pbkdf2Rounds, pbkdf2("10000000")),
        ("T52", pbkdf2("i=4294967296,l=32"), Pbkdf2Rounds, pbkdf2("i=10000000,l=32")),
        ("T52", pbkdf2("0"), Pbkdf2Rounds, pbkdf2("1")),
        ("T52", django("99999999999"), Pbkdf2Rounds, django("870000")),
        ("T52", crypt("999999999"), CryptRounds, crypt("1000000")),
        ("T52", crypt("999"), CryptRounds, crypt("1000")),
        ("T52", "{SSHA}WUahTLONzbZXMAXJD4DMyykym/0AAQI=".into(), LdapSalt, VECTORS[3].into()),
        ("T52", "{SSHA}/ja/ITBjsynrMPdut2pKR2+ypJc=".into(), LdapSalt, VECTORS[2].into()),
        (
            "T57",
            wrapped("bcrypt,c=31,s=AAECAwQFBgcICQoLDA0ODw"),
            BcryptCost,
            wrapped("bcrypt,c=14,s=AAECAwQFBgcICQoLDA0ODw"),
        ),
        (
            "T57",
            wrapped("pbkdf2-sha1,r=10000001,l=32,s=AAECAwQFBgcICQoLDA0ODw"),
            Pbkdf2Rounds,
            wrapped("pbkdf2-sha1,r=10000000,l=32,s=AAECAwQFBgcICQoLDA0ODw"),
        ),
        (
            "T57",
            wrapped("pbkdf2-sha1,r=10000,l=4000000000,s=AAECAwQFBgcICQoLDA0ODw"),
            Output,
            wrapped("pbkdf2-sha1,r=10000,l=64,s=AAECAwQFBgcICQoLDA0ODw"),
        ),
        (
            "T57",
            wrapped("argon2id,m=4294967295,t=1,p=1,l=32,s=AAECAwQFBgcICQoLDA0ODw"),
            Memory,
            wrapped("argon2id,m=8,t=1,p=1,l=32,s=AAECAwQFBgcICQoLDA0ODw"),
        ),
        (
            "T57",
            wrapped("sha512-crypt,r=999999999,s=YWJj"),
            CryptRounds,
            wrapped("sha512-crypt,r=1000000,s=YWJj"),
        ),
    ] {
        match parse(&text) {
            Err(HashError::Limits { parameter: found, .. }) => assert_eq!(found, parameter, "{row} {text}"),
            other => panic!("{row} {text}: {other:?}"),
        }
        assert!(parse(&at_the_cap).is_ok(), "{row} {at_the_cap}");
    }
}

#[test]
fn texts_that_their_scheme_does_not_store_are_malformed_p20_p22_p23() {
    let pkcs5s2 = |bytes: usize| format!("{{PKCS5S2}}{}", STANDARD.encode(vec![7; bytes]));
    assert!(parse(&pkcs5s2(48)).is_ok());
    for (row, text) in [
        ("P22", pkcs5s2(47)),
        ("P22", pkcs5s2(49)),
        ("P22", pkcs5s2(0)),
        ("P22", pkcs5s2(49).trim_end_matches('=').into()),
        ("P22", pkcs5s2(48) + "\n"),
        ("P22", pkcs5s2(48) + "="),
        ("P22", "{PKCS5S2}not base64 at all, and not 48 bytes".into()),
        ("T54", format!("{{PKCS5S2}}{ATLASSIAN_SHA1}")),
        ("P23", format!("{{SSHA}}{}", STANDARD.encode([7; 19]))),
        ("P23", format!("{{SHA}}{}", STANDARD.encode([7; 19]))),
        ("P23", format!("{{SHA}}{}", STANDARD.encode([7; 24]))),
        ("P23", "{SSHA}{SSHA}WUahTLONzbZXMAXJD4DMyykym/0AAQID".into()),
        ("P20", "$2b$10$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1é".into()),
        ("P20", "$2b$10$abcdefghijklmnopqrstéuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L".into()),
        ("P20", "$2b$é$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W".into()),
        ("P19", "$2b$+4$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W".into()),
        ("T54", "$2b$10$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/".into()),
        ("T54", ARGON2ID.replace("m=19456", "m=019456")),
        ("T54", ARGON2ID.replace("m=19456", "m=+19456")),
        ("T54", ARGON2ID.replace("m=19456,t=2", "t=2,m=19456")),
        ("T54", ARGON2ID.replace("p=1", "p=1,keyid=AAAA")),
        ("T54", format!("{ARGON2ID}$")),
        ("T54", format!("{ARGON2ID}=")),
        ("T54", "$argon2id$v=19$m=8,t=1,p=1".into()),
        ("T54", "$argon2id$".into()),
        ("T54", "$pbkdf2-sha256$i=1000,l=31$AAECAwQFBgcICQoLDA0ODw$VDVIZYo3/PUBAAPzZXekbNtfKX/qtUUTm9x5UyDSiBM".into()),
        ("T54", "$5$abc$1lnwpyTqvHrEn68uu7eBWG2yvhC9f7Kn4jXA2R.SlX".into()),
        ("T54", "$5$abc$1lnwpyTqvHrEn68uu7eBWG2yvhC9f7Kn4jXA2R.SlXz".into()),
        ("T54", "$6$abc$1lnwpyTqvHrEn68uu7eBWG2yvhC9f7Kn4jXA2R.SlX4".into()),
        ("T57", "$throng-wrap$md5,s=$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0".into()),
        ("T57", "$throng-wrap$sha1,s=$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0".into()),
    ] {
        assert!(matches!(parse(&text), Err(HashError::Malformed { .. })), "{row} {text}: {:?}", parse(&text));
    }
}

#[test]
fn untagged_atlassian_text_is_read_only_when_named_t54_r722() {
    let tagged = legacy_atlassian(ATLASSIAN_SHA1).unwrap();
    assert_eq!(check(tagged.expose(), PASSWORD), Check::Matches);
    let malformed = HashError::Malformed { scheme: Scheme::AtlassianSha1 };
    for text in ["", "secret", "{SHA}/ja/ITBjsynrMPdut2pKR2+ypJc=", &ATLASSIAN_SHA1[..86], &"A".repeat(2_000)]
    {
        assert_eq!(legacy_atlassian(text), Err(malformed), "{text}");
    }
    assert_eq!(malformed.to_string(), "the password hash is not a well-formed {ATLASSIAN-SHA1}");
}

#[test]
fn bcrypt_refuses_what_it_would_cut_p08() {
    let long = "a".repeat(72);
    assert_eq!(check(BCRYPT_72, &long), Check::Matches);
    assert_eq!(check(BCRYPT_72, &format!("{long}XYZ")), Check::TooLong { max_bytes: 72 });
    assert_eq!(check(BCRYPT_72, &"a".repeat(71)), Check::Differs);
    assert_eq!(check(BCRYPT_A, "a"), Check::Matches);
}

#[test]
fn passwords_with_nul_are_never_cut_or_filled_up_p03_p04() {
    for same_to_bcrypt in ["a\0", "a\0a", "a\0b"] {
        assert_eq!(check(BCRYPT_A, same_to_bcrypt), Check::Differs);
    }
    for text in VECTORS {
        assert_eq!(check(text, &format!("{PASSWORD}\0")), Check::Differs, "{text}");
        assert_eq!(check(text, &format!("{PASSWORD}\0x")), Check::Differs, "{text}");
        assert_eq!(check(text, &format!("\0{PASSWORD}")), Check::Differs, "{text}");
    }
}

#[test]
fn tags_are_free_of_each_other_and_unsalted_schemes_are_told() {
    for (tag, scheme) in TAGS {
        assert_eq!(TAGS.iter().filter(|(other, _)| tag.starts_with(other)).count(), 1, "{tag}");
        assert!(!scheme.to_string().is_empty());
    }
    let unsalted: Vec<_> = VECTORS.iter().filter(|text| !parse(text).unwrap().scheme().is_salted()).collect();
    assert_eq!(unsalted, [VECTORS[1], VECTORS[4], VECTORS[7], VECTORS[8]].iter().collect::<Vec<_>>());
    assert_eq!(format!("{:?}", parse(VECTORS[0]).unwrap()), "StoredHash({PKCS5S2})");
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        if let Ok(hash) = EncodedHash::new(text) {
            let _ = StoredHash::parse(&hash);
        }
    }

    #[test]
    fn no_text_after_a_tag_panics(tag in 0..TAGS.len(), rest in "[$,=a-zA-Z0-9./+é\n]{0,90}") {
        let _ = parse(&format!("{}{rest}", TAGS[tag].0));
    }

    #[test]
    fn a_changed_hash_never_panics_nor_passes_the_caps(
        vector in 0..=VECTORS.len(),
        cut in any::<prop::sample::Index>(),
        removed in 0_usize..4,
        put in "[$,=0-9a-z/+.é\u{0}]{0,12}",
    ) {
        let wrapped = "$throng-wrap$pbkdf2-sha1,r=10000,l=32,s=AAECAwQFBgcICQoLDA0ODw$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0";
        let mut text = VECTORS.get(vector).copied().unwrap_or(wrapped).to_owned();
        let at = cut.index(text.len());
        let end = (at + removed).min(text.len());
        text.replace_range(at..end, &put);
        if let Ok(hash) = parse(&text) {
            prop_assert!(u64::from(hash.memory_kib()) <= Parameter::Memory.range().1);
            prop_assert!((16..=64).contains(&hash.digest.len()));
        }
    }
}
