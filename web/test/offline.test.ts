import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
after(() => s.end());

test("what a tab has seen can be read when its ticket is worthless, and when the server has stopped", async () => {
	const alice = await s.loggedIn("alice");
	const bob = await s.loggedIn("bob");
	await alice.getByLabel("Talk to").fill("bob");
	await alice.keyboard.press("Enter");
	await alice.getByPlaceholder("Message").fill("keep this");
	await button(alice, "Send").click();
	await bob.getByRole("button", { name: /alice/ }).click();
	await bob.getByRole("log", { name: "Messages with alice" }).getByText("keep this").waitFor();

	await button(bob, "Revoke my UserSigs").click(); // out, with a ticket that is good no more
	await bob.getByText("Not logged in", { exact: true }).waitFor();
	await bob.getByRole("button", { name: /alice.*keep this/s }).click();
	await bob.getByRole("log", { name: "Messages with alice" }).getByText("keep this").waitFor();
	await bob.context().route("**/dev/usersig", (route) => route.fulfill({ json: { app: s.trial.app, userSig: "none", ends: 2_000_000_000 } }));
	await bob.reload();
	await button(bob, "bob").click(); // with a ticket that is none
	await told(bob, /^Not logged in: .* \(700\d\d\)$/);
	await bob.getByRole("button", { name: /alice.*keep this/s }).click();
	await bob.getByRole("log", { name: "Messages with alice" }).getByText("keep this").waitFor();
	await bob.context().unrouteAll();
	await button(bob, "Log in again").click();
	await bob.getByText("In as bob", { exact: true }).waitFor();

	await s.stopServer();
	await bob.getByText("Connecting again", { exact: true }).waitFor();
	await bob.getByLabel("Talk to").fill("carol"); // away from the conversation, and back
	await bob.keyboard.press("Enter");
	await bob.getByText("Say something to carol.").waitFor();
	await bob.getByRole("button", { name: /alice.*keep this/s }).click();
	await bob.getByRole("log", { name: "Messages with alice" }).getByText("keep this").waitFor();

	await bob.getByPlaceholder("Message").fill("not now");
	await button(bob, "Send").click();
	await bob.getByRole("log", { name: "What happened" }).getByText(/^Not sent: there is no connection to the server \(9508\)$/).waitFor();
	await button(bob, "Rotate the key").click();
	await bob.getByRole("log", { name: "What happened" }).getByText(/^The server does not answer\. Is `rollcall dev` still running\?$/).waitFor();
	assert.deepEqual(s.complaints, []);
});

