//! Hashes made by other programs: passlib 1.7.4, bcrypt 4.0, argon2-cffi, Python's hashlib and `openssl passwd`.

/// The password of [`VECTORS`], in NFC.
pub(crate) const PASSWORD: &str = "Grüne Äpfel 7";

/// The same in NFD, which has other bytes.
pub(crate) const PASSWORD_NFD: &str = "Gru\u{308}ne A\u{308}pfel 7";

/// The untagged text that R722 and R724 speak of.
pub(crate) const ATLASSIAN_SHA1: &str =
    "kcFPDX+yCgk383AggEEzx3u5vuhg0GSdOsEAnTiwXIXcnMrK9ptelrqnwzHuSNxvcDTMfSSxuN+Sp5r6TYO39g==";

/// Argon2id at OWASP's floor.
pub(crate) const ARGON2ID: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Z0uMm2dZ4C9eBIQuLTttVINmxFpmN70IuykkWnWfgK0";

/// Argon2id of [`PASSWORD_NFD`] as it stands, at OWASP's floor.
pub(crate) const ARGON2ID_NFD: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$By5y07wIGFa7DWIC4FPQ2hJZHKUVPFcQHtyB45Wd0o8";

/// Argon2id with other parameters that OWASP calls equivalent.
pub(crate) const ARGON2ID_EQUIVALENT: &str =
    "$argon2id$v=19$m=7168,t=5,p=1$AAECAwQFBgcICQoLDA0ODw$EY0XeWE0W+03Unm9bqjtBMvwf7Vk0SSwA8qQfM/OzQg";

/// Argon2id with the least that RFC 9106 allows.
pub(crate) const ARGON2ID_WEAK: &str =
    "$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$pS1hVkdZMSIpPNEGIeDF+fE4XgVRsNSqabdf7tKJOn8";

/// `{SSHA}` of [`PASSWORD_NFD`] as it stands.
pub(crate) const SSHA_NFD: &str = "{SSHA}nJ34LH5mQSAdC/OaaHp7Urf9Sa8AAQIDBAUGBw==";

/// bcrypt of 72 letters `a`.
pub(crate) const BCRYPT_72: &str = "$2b$04$abcdefghijklmnopqrstuuBzzIgyKkz7xMWYSzkIjUSnxEQFQ0WNe";

/// bcrypt of one letter `a`.
pub(crate) const BCRYPT_A: &str = "$2b$04$abcdefghijklmnopqrstuuMFdJu9yVgmagVAIC24fOZkaFqd3s9JC";

/// What Crowd stores, with the passwords (R725).
pub(crate) const CROWD: [(&str, &str); 3] = [
    ("password", "{PKCS5S2}DQIXJU038u4P7FdsuFTY/+35bm41kfjZa57UrdxHp2Mu3qF2uy+ooD+jF5t1tb8J"),
    (
        "CALYX-zippy-whiten-pinhead",
        "{PKCS5S2}MW+VUen5ZKtw2xxOljoZKS2A2XO8PTIA9bVMVmjHfy5bG8pXF41muDjOwjp4UBA1",
    ),
    ("admin", "{PKCS5S2}Tdl0jlvcysmT9PiRWkZZ1Hr4uHO2OJHvkd3siXt/8OnL7GczWsyzB1tMwkJlI2eX"),
];

/// Weak hashes of [`PASSWORD`], at least one of every scheme and form.
pub(crate) const VECTORS: [&str; 24] = [
    "{PKCS5S2}AAECAwQFBgcICQoLDA0OD/FJ/qHQeBCqlGpN8rA5Dp5UtaxNcWSiBB1n+IlnIQR9",
    "{ATLASSIAN-SHA1}kcFPDX+yCgk383AggEEzx3u5vuhg0GSdOsEAnTiwXIXcnMrK9ptelrqnwzHuSNxvcDTMfSSxuN+Sp5r6TYO39g==",
    "{SSHA}+KmYGQkp7W4KbaubH+4l+Fy+1jAAAQIDBAUGBw==",
    "{SSHA}WUahTLONzbZXMAXJD4DMyykym/0AAQID",
    "{SHA}/ja/ITBjsynrMPdut2pKR2+ypJc=",
    "{SSHA256}I3fKQzyUS+Pc/U3GY1BR6x170vZTFyeboRRel8pT1FsAAQIDBAUGBw==",
    "{SSHA512}YHUyt79wb6idBU6zf0gWnqdMzibpOI4XeuMDTKLMNpe/mkcPKb7GuKZx+B4wqsZHRypcCY+mav+ggg9x6l7eCAABAgMEBQYHCAkKCwwNDg8=",
    "{SHA256}g3332ThfnLSY9AWq3opqUdvfWzSryCcPHRBK6Vt4ei8=",
    "{SHA512}kcFPDX+yCgk383AggEEzx3u5vuhg0GSdOsEAnTiwXIXcnMrK9ptelrqnwzHuSNxvcDTMfSSxuN+Sp5r6TYO39g==",
    "$2a$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
    "$2b$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
    "$2y$04$abcdefghijklmnopqrstuuq3TFzGU5dQRoiK/Um5rgQfr4wGg1L/W",
    "$pbkdf2-sha256$1000$AAECAwQFBgcICQoLDA0ODw$VDVIZYo3/PUBAAPzZXekbNtfKX/qtUUTm9x5UyDSiBM",
    "$pbkdf2-sha512$1000$....................$h9b8jwku4xZEsP/br4RAQSWQ.R4FQ.eb92Dw1VocUtDwSU0Tx82aYS.4Pf6nA/2g7v1UhlrUuxhtgYddp9ohwA",
    "$pbkdf2-sha256$i=1000,l=32$AAECAwQFBgcICQoLDA0ODw$VDVIZYo3/PUBAAPzZXekbNtfKX/qtUUTm9x5UyDSiBM",
    "$pbkdf2-sha512$i=1000,l=64$AAECAwQFBgcICQoLDA0ODw$a3P7rxM+XO0VQMqobGwwqZdljXDdi/e762CKF6BGFEkSUdFhybuagE1aDipP15VvvSFRxg5W0PcAgPgdo4BJAw",
    "pbkdf2_sha256$1000$seasalt12345$zfHiEby8kmD6IVoCyFtfsnc6095WPi238vrEeZU1+2w=",
    "$6$rounds=1000$saltstring123456$0Zn7e7UCV7rvsj/8ZJkG9Xg3rOTZlcTYnqtHsJYtbvXxqTOD3YSvtaR8gEIuf8.So7uuJWeEU.T5A7zECJyvz0",
    "$6$0123456789abcdef$TWn6TwDXYxh5XLR76KIvmzct..I7rA3skf8KZFVDkst8pc64Rq7rSdakjtm1HRmRh1d3qYlN1kyLdGQLUxFgf0",
    "$5$rounds=1000$saltstring$WR7i5IHFvdBk9x/8HOu7ibqLXDFCRSFyHdrNujelOB/",
    "$5$saltstring$Kf1Feun.1OxVFMJf0K/QjfasMclKC4w.Y6dHQO0Zfm7",
    "$5$abc$1lnwpyTqvHrEn68uu7eBWG2yvhC9f7Kn4jXA2R.SlX4",
    ARGON2ID_WEAK,
    "$argon2id$v=19$m=1024,t=1,p=2$AAECAwQFBgcICQoLDA0ODw$6/lE8jzdnmi4DTmzizLNdA",
];
