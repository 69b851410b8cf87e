//! Two directories in an order: who wins, who is shadowed, and what a change of the order would do.
#![expect(clippy::print_stdout, reason = "an example prints what it does")]

use std::error::Error;

use throng::core::directory::NewUser;
use throng::core::id::DirectoryId;
use throng::core::name::Username;
use throng::core::secret::Secret;
use throng::core::user::Profile;
use throng::sqlite::SqliteStore;
use throng::{Plan, Throng};

/// Puts somebody into one directory, whatever any order says: the administrator's way.
async fn put(
    throng: &Throng,
    directory: DirectoryId,
    name: &str,
    password: &str,
) -> Result<(), Box<dyn Error>> {
    let directory = throng.open(directory)?;
    let powers = directory.powers();
    let (users, passwords) = powers.users.zip(powers.passwords).ok_or("this directory cannot be written")?;
    let user = NewUser { name: Username::for_creation(name)?, profile: Profile::default(), active: true };
    let user = users.add_user(&user).await?;
    Ok(passwords.set_password(&user.external_id, &Secret::new(password)?).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let throng = Throng::builder(SqliteStore::in_memory().await?).build().await?;
    let staff = throng.internal_directory("Staff").await?;
    let guests = throng.internal_directory("Guests").await?;
    put(&throng, staff, "jsmith", "the lamp is still on").await?;
    put(&throng, guests, "JSmith", "paper boats sail slowly").await?;
    put(&throng, guests, "visitor", "seven wooden chairs").await?;

    let wiki = throng.ensure_application("wiki", Plan::new().seat(staff)?.seat(guests)?).await?;
    let who = wiki.authenticate("jsmith", "the lamp is still on").await?;
    println!("jsmith is the one in Staff, identity {}\n", who.identity());

    println!("The password of the namesake does not open the account, and never reaches Guests:");
    if let Err(error) = wiki.authenticate("jsmith", "paper boats sail slowly").await {
        println!("{error}\n{}", error.trail().map(ToString::to_string).unwrap_or_default());
    }
    println!("{}\n{}", wiki.explain("jsmith").await?, wiki.explain("visitor").await?);

    println!("With Guests first, the order would select the namesake. The claim says whose the name is:");
    wiki.reorder(&[guests, staff]).await?;
    println!("{}", wiki.explain("jsmith").await?);
    match wiki.authenticate("jsmith", "paper boats sail slowly").await {
        Err(error) => println!("login: {error}"),
        Ok(_) => return Err("a namesake must not inherit".into()),
    }
    Ok(())
}
