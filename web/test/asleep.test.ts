// A tab in the background that the browser has frozen: nothing of it runs until it is
// looked at again.
import { after, afterEach, before, beforeEach, test } from "node:test";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Profile } from "../sdk/test/profile.ts";
import { Stand, button, chromiumHere, say, talkTo, told } from "./stand.ts";

let s: Stand;
let sleeper: Profile;
before(async () => { s = await Stand.start(); });
beforeEach(async () => { sleeper = await Profile.start(chromiumHere()); });
afterEach(async () => {
	await sleeper.end();
	await s.clear();
});
after(() => s.end());

/** Has a page fall asleep, and tells what wakes it. By then it has really slept. */
async function sleep(page: Page): Promise<() => Promise<void>> {
	await page.evaluate(() => {
		const w = window as { beats?: number };
		w.beats = 0;
		setInterval(() => w.beats!++, 10);
	});
	const beats = () => page.evaluate(() => (window as { beats?: number }).beats);
	await sleeper.freeze([page]);
	const asleep = await beats();
	return async () => {
		assert.equal(await beats(), asleep, "the page ran while it was frozen");
		await sleeper.wake(page);
	};
}

test("a tab that was kicked while it slept says so when it wakes", async () => {
	const page = await s.loggedIn("alice", "", sleeper.context);
	const wake = await sleep(page);
	await s.act("kick", { user: "alice" });
	await s.until("alice", (all) => all.length === 0);
	await wake();
	await told(page, /^Kicked by an operator/);
	await page.getByText("Not logged in", { exact: true }).waitFor();
});

test("a tab whose place was taken while it slept takes it back, as one without a network does", async () => {
	const page = await s.loggedIn("alice", "The sleeper", sleeper.context);
	const wake = await sleep(page);
	const other = await s.loggedIn("alice", "The early one");
	await wake();
	await told(other, /^Kicked: your Web limit is 1 and The sleeper logged in/);
	await page.getByText("In as alice", { exact: true }).waitFor();
});

test("a tab whose UserSig ended while it slept says so when it wakes", async () => {
	const page = await s.loggedIn("alice", "", sleeper.context);
	await button(page, "Let it end in 10 s").click();
	await page.getByText(/^Your UserSig ends in \d+ s\.$/).waitFor();
	const wake = await sleep(page);
	await s.until("alice", (all) => all.length === 0);
	await wake();
	await told(page, /^Out at \d\d:\d\d: your UserSig has ended\. A new one lets you in\.$/);
});

test("a tab that slept while the server was gone is in again by itself, and has what was said meanwhile", async () => {
	const page = await s.loggedIn("alice", "", sleeper.context);
	const bob = await s.loggedIn("bob");
	const [before] = await s.sessions("alice");
	const wake = await sleep(page);
	await s.stopServer("SIGKILL");
	await s.startServer();
	await bob.getByText("In as bob", { exact: true }).waitFor();
	await talkTo(bob, "alice");
	await say(bob, "are you awake?");
	await bob.getByRole("button", { name: /alice.*You: are you awake/s }).waitFor();
	assert.equal((await s.sessions("alice"))[0]?.connected, false);
	await wake();
	await page.getByRole("button", { name: /bob.*are you awake/s }).waitFor();
	await page.getByText("In as alice", { exact: true }).waitFor();
	assert.deepEqual((await s.sessions("alice")).map((x) => x.session), [before?.session]);
});
