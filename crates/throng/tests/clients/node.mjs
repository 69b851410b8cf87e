// Makes every call that the Node client `atlassian-crowd-client` offers, and looks at what comes of it.
//
// Called by the test `clients`, in the folder where the client is installed, with the server's address and the name and
// password of an application that may do everything in one empty directory.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

const require = createRequire(join(process.cwd(), "here.js"));
const Client = require("atlassian-crowd-client");
const [User, Group, Attributes, ValidationFactors] = ["user", "group", "attributes", "validation-factors"].map(
  (model) => require(`atlassian-crowd-client/lib/models/${model}`),
);

const [baseUrl, name, password] = process.argv.slice(2);
const connect = (secret) => new Client({ baseUrl, application: { name, password: secret } });

// Notes which calls were made: whatever the client offers must have been made in the end.
const waiting = new Set();
const recorded = (resource, path) => {
  for (const [key, call] of Object.entries(resource)) {
    const place = `${path}.${key}`;
    if (typeof call === "function") {
      waiting.add(place);
      resource[key] = (...parameters) => {
        waiting.delete(place);
        return call(...parameters);
      };
    } else {
      recorded(call, place);
    }
  }
  return resource;
};

const crowd = connect(password);
const { user, group, authentication, search, session, config } = crowd;
for (const [key, resource] of Object.entries({ user, group, authentication, search, session, config })) {
  recorded(resource, key);
}
const offered = waiting.size;

const refused = async (promise, type) => {
  await assert.rejects(promise, (error) => {
    assert.equal(error.type, type, error.message);
    assert.notEqual(error.message, "", "a refusal has a message");
    return true;
  });
};

// Who asks.
assert.equal((await config.cookie()).name, "crowd.token_key");
await refused(connect("wrong").config.cookie(), "APPLICATION_ACCESS_DENIED");

// Users. The client reads what was made from the answer.
const anna = new User("Anna", "Berg", "Anna Berg", "anna@example.com", "anna", "tea before four");
const made = await user.create(anna);
assert.deepEqual([made.username, made.displayname, made.active], ["anna", "Anna Berg", true]);
await user.create(new User("Çağla", "Su", "", "cagla@example.com", "Çağla Su+%", "şifre değil bu"));
await refused(user.create(anna), "INVALID_USER");
await refused(user.create(new User("S", "T", "S T", "s@example.com", "short", "short")), "INVALID_CREDENTIAL");
assert.equal((await user.get("ANNA")).email, "anna@example.com");
assert.equal((await user.get("çağla su+%")).displayname, "Çağla Su");
await refused(user.get("nobody"), "USER_NOT_FOUND");
await refused(user.get(""), "ILLEGAL_ARGUMENT");
const changed = await user.update("anna", new User("Anna", "Tal", "Anna Tal", "tal@example.com", "anna"));
assert.deepEqual([changed.lastname, changed.email, changed.active], ["Tal", "tal@example.com", true]);
await refused(user.update("anna", new User("A", "B", "A B", "a@example.com", "bela")), "INVALID_USER");
await refused(user.update("nobody", new User("A", "B", "A B", "a@example.com", "nobody")), "USER_NOT_FOUND");
await user.create(new User("", "", "", "", "bela", "two Blue stones"));
await refused(user.rename("bela", "anna"), "INVALID_USER");
await user.rename("bela", "Béla");
await refused(user.get("bela"), "USER_NOT_FOUND");
assert.equal((await user.get("béla")).username, "Béla");

// Attributes: the client keeps any value as JSON in one string.
const stored = await user.attributes.set("anna", new Attributes({ colour: "blue", floors: [1, 2], wide: "ß".repeat(99) }));
assert.deepEqual(stored.attributes, { colour: "blue", floors: [1, 2], wide: "ß".repeat(99) });
await user.attributes.set("anna", new Attributes({ colour: { of: "<&> \"quoted\" 100%" } }));
await user.attributes.remove("anna", "floors");
await user.attributes.remove("anna", "never there");
const kept = { colour: { of: "<&> \"quoted\" 100%" }, wide: "ß".repeat(99) };
assert.deepEqual((await user.attributes.list("anna")).attributes, kept);
assert.deepEqual((await user.get("anna", true)).attributes, kept);
await refused(user.attributes.list("nobody"), "USER_NOT_FOUND");

// Passwords.
assert.equal((await authentication.authenticate("ANNA", "tea before four")).username, "anna");
await refused(authentication.authenticate("anna", "coffee"), "INVALID_USER_AUTHENTICATION");
await refused(authentication.authenticate("nobody", "coffee"), "INVALID_USER_AUTHENTICATION");
await user.password.set("anna", "two lumps of sugar");
await refused(user.password.set("anna", "short"), "INVALID_CREDENTIAL");
await refused(authentication.authenticate("anna", "tea before four"), "INVALID_USER_AUTHENTICATION");
assert.equal((await authentication.authenticate("anna", "two lumps of sugar")).email, "tal@example.com");
await user.update("Béla", new User("", "", "Béla", "", "Béla", undefined, false));
await refused(authentication.authenticate("béla", "two Blue stones"), "INACTIVE_ACCOUNT");
await user.password.reset("anna");
await refused(user.password.reset("nobody"), "USER_NOT_FOUND");
await user.username.request("tal@example.com");
await user.username.request("nobody@example.com");

// Groups.
for (const groupname of ["staff", "devs", "leere Gruppe"]) {
  const created = await group.create(new Group(groupname, `the ${groupname}`));
  assert.deepEqual([created.groupname, created.description, created.active], [groupname, `the ${groupname}`, true]);
}
await refused(group.create(new Group("STAFF")), "INVALID_GROUP");
assert.equal((await group.update("staff", new Group("staff", "everybody & all"))).description, "everybody & all");
await refused(group.get("nothing"), "GROUP_NOT_FOUND");
await refused(group.update("nothing", new Group("nothing")), "GROUP_NOT_FOUND");
const described = await group.attributes.set("staff", new Attributes({ floor: 3, old: true }));
assert.deepEqual(described.attributes, { floor: 3, old: true });
await group.attributes.remove("staff", "old");
assert.deepEqual((await group.attributes.list("staff")).attributes, { floor: 3 });

// Memberships, from either end.
await user.groups.add("anna", "devs");
await refused(user.groups.add("anna", "devs"), "MEMBERSHIP_ALREADY_EXISTS");
await refused(user.groups.add("anna", "nothing"), "GROUP_NOT_FOUND");
await refused(user.groups.add("nobody", "devs"), "USER_NOT_FOUND");
await group.users.add("leere Gruppe", "Çağla Su+%");
await refused(group.users.add("nothing", "anna"), "GROUP_NOT_FOUND");
await refused(group.users.add("devs", "nobody"), "USER_NOT_FOUND");
await group.children.add("staff", "devs");
await group.parents.add("leere Gruppe", "staff");
await refused(group.children.add("devs", "staff"), "INVALID_MEMBERSHIP");
assert.equal(await user.groups.get("anna", "DEVS"), "devs");
assert.equal(await user.groups.get("anna", "staff", true), "staff");
await refused(user.groups.get("anna", "staff"), "MEMBERSHIP_NOT_FOUND");
assert.deepEqual(await user.groups.list("anna"), ["devs"]);
assert.deepEqual(await user.groups.list("anna", true), ["devs", "staff"]);
assert.deepEqual(await user.groups.list("anna", true, 1, 1), ["staff"]);
assert.equal(await group.users.get("devs", "Anna"), "anna");
assert.equal(await group.users.get("staff", "anna", true), "anna");
await refused(group.users.get("devs", "béla"), "MEMBERSHIP_NOT_FOUND");
assert.deepEqual(await group.users.list("staff"), []);
assert.deepEqual(await group.users.list("staff", true), ["anna", "Çağla Su+%"]);
const whole = await group.users.list("staff", true, 0, 1, true);
assert.deepEqual(whole.map((member) => [member.username, member.email]), [["anna", "tal@example.com"]]);
assert.equal(await group.parents.get("devs", "staff"), "staff");
assert.deepEqual(await group.parents.list("devs"), ["staff"]);
assert.deepEqual(await group.parents.list("devs", true), ["staff"]);
assert.equal((await group.children.get("staff", "devs")).name, "devs");
assert.deepEqual(await group.children.list("staff"), ["devs", "leere Gruppe"]);
assert.deepEqual(await group.children.list("staff", true, 1), ["leere Gruppe"]);
const dump = await group.membership();
assert.match(dump, /<membership group="devs"><users><user name="anna"><\/user><\/users><groups><\/groups><\/membership>/);
await user.groups.remove("anna", "devs");
await refused(user.groups.remove("anna", "devs"), "MEMBERSHIP_NOT_FOUND");
await group.users.remove("leere Gruppe", "Çağla Su+%");
await group.children.remove("staff", "devs");
await refused(group.children.remove("staff", "devs"), "MEMBERSHIP_NOT_FOUND");
assert.deepEqual(await group.users.list("staff", true), []);

// Searches in CQL.
assert.deepEqual(await search.user("email = *@example.com"), ["anna", "Çağla Su+%"]);
assert.deepEqual(await search.user("email=tal@example.com"), ["anna"]);
assert.deepEqual(await search.user("active=false or firstName = an*"), ["anna", "Béla"]);
assert.deepEqual(await search.user("", false, 1, 1), ["Béla"]);
const [tal] = await search.user('lastName = "TAL"', true);
assert.deepEqual([tal.username, tal.displayname], ["anna", "Anna Tal"]);
assert.deepEqual(await search.group("active=true"), ["devs", "leere Gruppe", "staff"]);
const [staff] = await search.group("name = sta*", true);
assert.equal(staff.description, "everybody & all");
await refused(search.user("name = = x"), "ILLEGAL_ARGUMENT");

// Sessions.
const factors = new ValidationFactors({ remote_address: "192.0.2.1", "X-Forwarded-For": "192.0.2.2" });
const opened = await session.create("anna", "two lumps of sugar", factors, 300);
assert.match(opened.token, /^[A-Za-z0-9_-]{24,}$/);
assert.equal(opened.expiresAt - opened.createdAt, 300_000);
assert.equal((await session.create("anna", "two lumps of sugar", factors, 300)).token, opened.token);
await refused(session.create("anna", "coffee", factors), "INVALID_USER_AUTHENTICATION");
await refused(session.create("béla", "two Blue stones"), "INACTIVE_ACCOUNT");
const trusted = await session.createUnvalidated("anna");
assert.notEqual(trusted.token, opened.token);
await refused(session.createUnvalidated("nobody"), "INVALID_USER_AUTHENTICATION");
assert.equal((await session.getUser(opened.token)).email, "tal@example.com");
assert.equal((await session.validate(opened.token, factors)).token, opened.token);
await refused(session.validate(opened.token), "INVALID_SSO_TOKEN");
assert.equal((await session.validate(trusted.token)).token, trusted.token);
await session.removeAll("anna", trusted.token);
await refused(session.validate(opened.token, factors), "INVALID_SSO_TOKEN");
assert.equal((await session.getUser(trusted.token)).username, "anna");
await session.remove(trusted.token);
await session.remove(trusted.token);
await refused(session.getUser(trusted.token), "INVALID_SSO_TOKEN");

// Taking away.
await group.remove("leere Gruppe");
await refused(group.remove("leere Gruppe"), "GROUP_NOT_FOUND");
await user.remove("Çağla Su+%");
await refused(user.remove("Çağla Su+%"), "USER_NOT_FOUND");
assert.deepEqual(await search.user(""), ["anna", "Béla"]);

assert.deepEqual([...waiting], [], "never called");
console.log(`atlassian-crowd-client for Node: ${offered} calls`);
