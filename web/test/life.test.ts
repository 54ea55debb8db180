import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

const inAs = (user: string) => `In as ${user}`;

test("a UserSig ends, and a new one lets in again", async () => {
	const page = await s.loggedIn("alice");
	await button(page, "Let it end in 10 s").click();
	await told(page, /^Your UserSig ends at .* renew it, and the session goes on\.$/);
	await told(page, /^Out at \d\d:\d\d: your UserSig has ended\. A new one lets you in\.$/);
	await button(page, "Log in again").click();
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
});

test("a UserSig that is renewed in time does not end the session", async () => {
	const page = await s.loggedIn("alice");
	await button(page, "Let it end in 10 s").click();
	await told(page, /^Your UserSig ends at/);
	await button(page, "Renew it").click();
	await told(page, /^The session goes on with a new UserSig/);
	const { sessions } = (await s.act("state", { user: "alice" })) as { sessions: { session: number }[] };
	const over = Date.now() + 11_000; // beyond the end of the first UserSig
	await page.waitForFunction((over) => Date.now() > over, over);
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
	const later = (await s.act("state", { user: "alice" })) as { sessions: { session: number }[] };
	assert.deepEqual(later.sessions.map((x) => x.session), sessions.map((x) => x.session));
});

test("the key is rotated while tabs stay in, and new UserSigs are good", async () => {
	const page = await s.loggedIn("alice");
	await button(page, "Rotate the key").click();
	await told(page, /^The app has a new key, k\w+, and the old one is gone\. Nobody was logged out/);
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
	await button(page, "Renew it").click();
	await told(page, /^The session goes on with a new UserSig/);
	await s.loggedIn("bob");
});

test("the server restarts, and the session goes on", async () => {
	const page = await s.loggedIn("alice");
	const { sessions } = (await s.act("state", { user: "alice" })) as { sessions: { session: number }[] };
	await button(page, "Restart the server").click();
	await told(page, "The connection is lost. You stay logged in: the SDK makes a new one by itself.");
	await told(page, "Connected again.");
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
	const later = (await s.act("state", { user: "alice" })) as { sessions: { session: number }[] };
	assert.deepEqual(later.sessions, sessions, "the same session, on a new connection");
});

test("a reload is the same device: nobody is kicked by it", async () => {
	const page = await s.loggedIn("alice");
	await page.reload();
	await page.getByText(inAs("alice"), { exact: true }).waitFor();
	await told(page, "Logged in as alice. This tab is a session now.");
	const { sessions } = (await s.act("state", { user: "alice" })) as { sessions: unknown[] };
	assert.equal(sessions.length, 1);
});

test("a duplicated tab is another device, and takes the place", async () => {
	const page = await s.loggedIn("alice");
	// what a browser does for "duplicate": the new tab has a copy of the sessionStorage
	const copy = await page.evaluate(() => Object.entries(sessionStorage));
	const other = await page.context().newPage();
	await other.addInitScript((entries: [string, string][]) => {
		if (!sessionStorage.length) for (const [key, value] of entries) sessionStorage.setItem(key, value);
	}, copy);
	await other.goto(s.trial.demo);
	await other.getByText(inAs("alice"), { exact: true }).waitFor();
	await told(page, /^Kicked: your Web limit is 1/);
	const { sessions } = (await s.act("state", { user: "alice" })) as { sessions: { session: number }[] };
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
