"""Makes every call that the Python client `crowd` offers, and looks at what comes of it.

Called by the test `clients` with the server's address and the name and password of an application that may do
everything in one empty directory.
"""

import re
import sys

import crowd

URL, NAME, PASSWORD = sys.argv[1:]

# The calls that were made, by name: whatever the client offers must be among them at the end.
made = set()


class Recorded(crowd.CrowdServer):
    def __getattribute__(self, name):
        if not name.startswith("_"):
            made.add(name)
        return super().__getattribute__(name)


def refused(call, *arguments, **options):
    """The message with which a call raises."""
    try:
        call(*arguments, raise_on_error=True, **options)
    except RuntimeError as error:
        assert str(error), "a refusal has a message"
        return str(error)
    raise AssertionError(f"{call.__name__}{arguments} is refused")


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


server = Recorded(URL, NAME, PASSWORD, timeout=30)

# Who asks.
equal(server.auth_ping(), True)
equal(crowd.CrowdServer(URL, NAME, "wrong").auth_ping(), False)
equal(crowd.CrowdServer(URL, "nobody", PASSWORD).auth_ping(), False)
cookie = server.get_cookie_conf()
equal((cookie["name"], cookie["secure"], cookie.get("domain", "")), ("crowd.token_key", True, ""))

# Users.
equal(server.add_user("anna", password="tea before four", email="anna@example.com"), True)
equal(
    server.add_user(
        "Çağla Su+%",
        password="şifre değil bu",
        email="cagla@example.com",
        first_name="Çağla",
        last_name="Su",
        display_name="Çağla \"Su\" <&>",
    ),
    True,
)
equal(server.add_user("anna", password="tea before four", email="other@example.com"), False)
refused(server.add_user, "ANNA", password="tea before four", email="other@example.com")
refused(server.add_user, "short", password="short", email="short@example.com")
equal(server.user_exists("Anna"), True)
equal(server.user_exists("short"), None)
equal(server.user_exists("nobody"), None)
anna = server.get_user("ANNA")
equal((anna["name"], anna["email"], anna["active"]), ("anna", "anna@example.com", True))
equal((anna["first-name"], anna["last-name"], anna["display-name"]), ("anna", "anna", "anna"))
equal(anna["attributes"]["attributes"], [])
equal(server.get_user("çağla su+%")["display-name"], "Çağla \"Su\" <&>")
equal(server.get_user("nobody"), None)

# Attributes, which come with the user.
equal(server.set_user_attribute("anna", "colour", "blue, 100% & <true>"), True)
equal(server.set_user_attribute("anna", "colour", "red"), True)
equal(server.set_user_attribute("nobody", "colour", "red"), False)
refused(server.set_user_attribute, "nobody", "colour", "red")
[colour] = server.get_user("anna")["attributes"]["attributes"]
equal((colour["name"], colour["values"]), ("colour", ["red"]))

# Passwords. A whole user that was read is sent back to switch the account.
equal(server.auth_user("Anna", "tea before four")["name"], "anna")
equal(server.auth_user("anna", "coffee"), None)
equal(server.auth_user("anna", ""), None)
equal(server.auth_user("nobody", "coffee"), None)
equal(server.set_active("anna", False), True)
equal(server.set_active("anna", False), True)
equal(server.get_user("anna")["active"], False)
equal(server.auth_user("anna", "tea before four"), None)
equal(server.set_active("anna", True), True)
equal(server.set_active("nobody", True), None)
[colour] = server.get_user("anna")["attributes"]["attributes"]
equal(colour["values"], ["red"])
equal(server.change_password("anna", "two lumps of sugar"), True)
equal(server.change_password("anna", "short"), False)
equal(server.change_password("nobody", "two lumps of sugar"), False)
refused(server.change_password, "anna", "short")
equal(server.auth_user("anna", "tea before four"), None)
equal(server.auth_user("anna", "two lumps of sugar")["email"], "anna@example.com")
equal(server.send_password_reset_link("anna"), True)
equal(server.send_password_reset_link("nobody"), False)

# Sessions.
session = server.get_session("anna", "two lumps of sugar", remote="192.0.2.1", proxy="192.0.2.2")
token = session["token"]
equal((session["user"]["name"], session["user"]["email"]), ("anna", "anna@example.com"))
assert re.fullmatch("[A-Za-z0-9_-]{24,}", token), token
again = server.get_session("anna", "two lumps of sugar", remote="192.0.2.1", proxy="192.0.2.2")
equal(again["token"], token)
assert server.get_session("anna", "two lumps of sugar")["token"] != token, "other facts have another token"
equal(server.get_session("anna", "coffee"), None)
equal(server.validate_session(token, remote="192.0.2.1", proxy="192.0.2.2")["user"]["name"], "anna")
equal(server.validate_session(token, remote="192.0.2.1"), None)
equal(server.validate_session("nosuchtokenanywhere00"), None)
equal(server.terminate_session(token), True)
equal(server.validate_session(token, remote="192.0.2.1", proxy="192.0.2.2"), None)
equal(server.terminate_session(token), True)

# Groups.
for group in ["staff", "devs", "leere Gruppe"]:
    equal(server.create_group(group, description=f"the {group}"), None)
assert server.create_group("Staff"), "a name that is taken is refused with a message"
refused(server.create_group, "staff")
equal(server.update_group("staff", {"description": "everybody & all", "active": True}), None)
assert server.update_group("nothing", {"description": ""}), "there is nothing to describe"
refused(server.update_group, "nothing", {})
equal(server.add_child_group("devs", "staff"), None)
assert server.add_child_group("devs", "staff"), "it is in there already"
refused(server.add_child_group, "staff", "devs")
equal(server.add_user_to_group("anna", "devs"), True)
equal(server.add_user_to_group("Çağla Su+%", "leere Gruppe"), True)
equal(server.add_user_to_group("anna", "devs"), False)
equal(server.add_user_to_group("anna", "nothing"), False)
refused(server.add_user_to_group, "nobody", "devs")
equal(server.get_groups("anna"), ["devs"])
equal(server.get_groups("nobody"), None)
equal(server.get_nested_groups("anna"), ["devs", "staff"])
equal(server.get_nested_groups("nobody"), None)
equal(server.get_nested_group_users("staff"), ["anna"])
equal(server.get_nested_group_users("nothing"), None)
equal(
    server.get_memberships(),
    {
        "devs": {"users": ["anna"], "groups": []},
        "leere Gruppe": {"users": ["Çağla Su+%"], "groups": []},
        "staff": {"users": [], "groups": ["devs"]},
    },
)


# Searches: the body is XML, and the answer JSON.
def found(*arguments, **options):
    answer = server.search(*arguments, **options)
    return [entity["name"] for entity in answer.get("users", answer.get("groups"))]


equal(found("user", "email", "@EXAMPLE.com"), ["anna", "Çağla Su+%"])
equal(found("user", "email", "@example.com", start_index=1, max_results=1), ["Çağla Su+%"])
equal(found("user", "displayName", "\"su\" <&>"), ["Çağla Su+%"])
equal(found("user", "name", "nobody"), [])
equal(server.search("user", "name", "anna")["users"][0]["email"], "anna@example.com")
equal(found("group", "name", "e"), ["devs", "leere Gruppe"])
equal(server.search("group", "name", "staff")["groups"][0]["description"], "everybody & all")
equal(server.search("neither", "name", "anna"), None)

# Taking away.
equal(server.remove_user_from_group("anna", "devs"), True)
equal(server.remove_user_from_group("anna", "devs"), False)
refused(server.remove_user_from_group, "anna", "devs")
equal(server.remove_child_group("devs", "staff"), None)
assert server.remove_child_group("devs", "staff"), "it is not in there any more"
refused(server.remove_child_group, "devs", "staff")
equal(server.remove_group("leere Gruppe"), None)
assert server.remove_group("leere Gruppe"), "it is gone"
refused(server.remove_group, "leere Gruppe")
equal(server.get_groups("Çağla Su+%"), [])

offered = {name for name, value in vars(crowd.CrowdServer).items() if callable(value) and name[0] != "_"}
assert offered <= made, f"never called: {sorted(offered - made)}"
print(f"crowd for Python: {len(offered)} calls")
