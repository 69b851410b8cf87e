//! The first forty lines: a store, a directory, an application, a user, a login and an explanation.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use throng::sqlite::SqliteStore;
use throng::{Error, NewAccount, Plan, Throng};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join("throng-embedded.db");
    let throng = Throng::builder(SqliteStore::open(&file).await?).build().await?;

    // Directories and applications are made once and found again at the next start.
    let people = throng.internal_directory("People").await?;
    let wiki = throng.ensure_application("wiki", Plan::new().seat(people)?).await?;

    if let Err(Error::NotFound { .. }) = wiki.find_user("anna").await {
        wiki.create_group("writers", "who may write").await?;
        let anna = NewAccount::named("anna").display_name("Anna Berg").password("coffee before noon");
        let anna = wiki.create_user(anna).await?;
        wiki.add_user_to_group(&anna, "writers").await?;
    }

    // A login gives a session token for the cookie, and the identity to which your content refers.
    let login = wiki.log_in("Anna", "coffee before noon").await?;
    println!("identity {}", login.who.identity());
    println!("session of {}", wiki.session(login.token.expose()).await?.user.value().profile.display_name);

    // Whoever fails is told nothing; the trail is for operators.
    if let Err(error) = wiki.log_in("anna", "tea at noon").await {
        println!("for anybody: {error}\nfor operators: {:?}", error.trail());
    }
    println!("{}", wiki.explain("anna").await?);
    Ok(())
}
