import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button, say, talkTo, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

const inAs = (user: string) => `In as ${user}`;

test("the key is rotated while tabs stay in; new UserSigs are good, those of the old key are not", async () => {
	const [alice, bob] = await Promise.all([s.loggedIn("alice"), s.loggedIn("bob")]);
	const sessions = async (user: string) => (await s.sessions(user)).map((x) => [x.session, x.connected]);
	const before = [await sessions("alice"), await sessions("bob")];
	const old = await s.act("usersig", { user: "carol" });
	await button(alice, "Rotate the key").click();
	await told(alice, /^The app has a new key, k\w+, and the old one is gone\. Nobody was logged out/);
	await talkTo(bob, "alice");
	await say(bob, "still here");
	await alice.getByRole("button", { name: /bob.*still here/s }).click();
	await button(alice, "Renew it").click();
	await told(alice, /^The session goes on with a new UserSig/);
	assert.deepEqual([await sessions("alice"), await sessions("bob")], before, "the same sessions");
	assert.equal(before.flat(2).length, 4);

	const context = await s.context();
	const carol = await s.tab(context);
	await context.route("**/dev/usersig", (route) => route.fulfill({ json: old }));
	await button(carol, "carol").click();
	await told(carol, /^Not logged in: .*\(70009\)$/);
	await context.unrouteAll();
	await button(carol, "Log in again").click();
	await carol.getByText(inAs("carol"), { exact: true }).waitFor();
});

test("the server restarts, and the session goes on", async () => {
	const page = await s.loggedIn("alice");
	const sessions = await s.sessions("alice");
	await button(page, "Restart the server").click();
	await told(page, "The connection is lost. You stay logged in: the SDK makes a new one by itself.");
	await told(page, "Connected again.");
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
	const later = await s.sessions("alice");
	assert.deepEqual(later, sessions, "the same session, on a new connection");
});

test("a reload is the same device: nobody is kicked by it", async () => {
	const page = await s.loggedIn("alice");
	await page.reload();
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
	await told(page, "Logged in as alice. This tab is a session now.");
	await page.getByText("this tab", { exact: true }).waitFor();
	assert.equal(await page.getByText(/^This login pushed/).count(), 0);
	const sessions = await s.sessions("alice");
	assert.equal(sessions.length, 1);
});

test("a duplicated tab is another device, and takes the place", async () => {
	const page = await s.loggedIn("alice");
	// what a browser does for "duplicate": the new tab has a copy of the sessionStorage
	const [other] = await Promise.all([page.context().waitForEvent("page"), page.evaluate(() => void window.open(location.href))]);
	assert.notEqual(await other.evaluate(() => sessionStorage.getItem("rollcall")), null);
	await other.getByText(inAs("alice"), { exact: true }).waitFor();
	await told(page, /^Kicked: your Web limit is 1/);
	await told(other, /^This login pushed .* out: your Web limit is 1\.$/);
	const sessions = await s.sessions("alice");
	assert.equal(sessions.length, 1);
});

test("a tab that slept for an hour is in when it wakes", async () => {
	const context = await s.context();
	await context.clock.install();
	const page = await s.loggedIn("alice", "", context);
	await page.clock.fastForward("01:00:00");
	await page.clock.resume();
	const bob = await s.loggedIn("bob");
	await bob.getByLabel("Talk to").fill("alice");
	await bob.keyboard.press("Enter");
	await bob.getByPlaceholder("Message").fill("are you awake?");
	await bob.keyboard.press("Enter");
	await page.getByRole("button", { name: /bob.*are you awake/s }).waitFor();
});

test("two people talk: unread, read, taken back", async () => {
	const alice = await s.loggedIn("alice");
	const bob = await s.loggedIn("bob");
	await alice.getByLabel("Talk to").fill("bob");
	await alice.keyboard.press("Enter");
	for (const text of ["one", "two"]) {
		await alice.getByPlaceholder("Message").fill(text);
		await button(alice, "Send").click();
	}
	const row = bob.getByRole("button", { name: /alice.*two.*2 unread/s });
	await row.waitFor();
	assert.match(await bob.title(), /^\(2\) bob/);
	await row.click();
	await alice.getByRole("log", { name: "Messages with bob" }).getByText(/· read/).nth(1).waitFor();
	await alice.getByText("take back").click();
	await bob.getByRole("log", { name: "Messages with alice" }).getByText("Taken back").waitFor();
});
