import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

test("from the first command to a kick that can be seen it is less than a minute", async () => {
	const began = Date.now();
	const first = await Stand.start(); // `rollcall dev`, and a browser
	try {
		const context = await first.context();
		const [one, two] = [await first.tab(context), await first.tab(context)];
		for (const page of [one, two]) await button(page, "alice").click();
		await told(one, /^Kicked: your Web limit is 1 and Chrome on Linux logged in at \d\d:\d\d\.$/);
		await one.getByRole("alert").getByText(/^Kicked/).waitFor();
		assert.ok(Date.now() - began < 60_000, `it took ${Date.now() - began} ms`);
	} finally {
		await first.end();
	}
});

// Each policy, and whether a page and a phone exclude each other under it.
for (const [policy, excludes, settings] of [
	["single", true, {}], ["dual", false, {}], ["triple", false, {}], ["multi", false, {}],
	["custom", true, { groups: [["Web", "Android"], ["iPhone", "Mac"]] }],
] as const) {
	test(`under ${policy}, two browsers kick each other, and each is told by whom and why`, async () => {
		await s.act("policy", { policy, ...settings });
		const user = `under-${policy}`;
		const one = await s.loggedIn(user, "Chrome at home");
		const two = await s.loggedIn(user, "Chrome at work");
		await told(one, /^Kicked: your Web limit is 1 and Chrome at work logged in at \d\d:\d\d\.$/);
		await told(two, "This login pushed Chrome at home out: your Web limit is 1.");
		await one.getByText("Not logged in", { exact: true }).waitFor();
		await button(one, "Log in again").click();
		await told(two, /^Kicked: your Web limit is 1 and Chrome at home logged in at \d\d:\d\d\.$/);
		await one.getByText(`In as ${user}`, { exact: true }).waitFor();

		await button(one, "Log a phone in").click();
		if (excludes) {
			await told(one, /^Kicked: the policy lets you be on Web or on Android, not on both, and The demo's phone \(Android\) logged in/);
			await button(one, "Log in again").click();
			await told(one, "This login pushed The demo's phone (Android) out: the policy lets you be on Web or on Android, not on both.");
			await told(one, /The phone was kicked: Signed out because the account logged in on "Chrome at home" \(Web\)/);
		} else {
			await one.locator(".phone").getByText("logged in", { exact: true }).waitFor();
		}
		await one.getByText(`In as ${user}`, { exact: true }).waitFor();
		const sessions = await s.sessions(user);
		assert.deepEqual(sessions.map((x) => x.platform), excludes ? ["Web"] : ["Web", "Android"]);
	});
}

test("with room for two, both stay; a third takes the place of the first", async () => {
	await s.act("policy", { instances: { Web: 2 } });
	const first = await s.loggedIn("alice", "First");
	const second = await s.loggedIn("alice", "Second");
	await first.getByText("In as alice", { exact: true }).waitFor();
	await s.loggedIn("alice", "Third");
	await told(first, /^Kicked: your Web limit is 2 and Third logged in at/);
	await second.getByText("In as alice", { exact: true }).waitFor();
	await button(second, "Look again").click();
	await second.locator(".name").getByText("Third").waitFor();
	await button(second, "Sign out everywhere else").click();
	await told(second, "You signed out everywhere else.");
});

test("a session is signed out from another one, and hears who did it", async () => {
	await s.act("policy", { instances: { Web: 2 } });
	const one = await s.loggedIn("alice", "One");
	const two = await s.loggedIn("alice", "Two");
	await two.getByRole("button", { name: /^Sign out session \d+$/ }).click();
	await told(one, /^Signed out at .* you did it yourself, on Two\.$/);
	await two.getByText("In as alice", { exact: true }).waitFor();
});

test("an operator's kick and a revocation are told apart", async () => {
	const page = await s.loggedIn("alice");
	await button(page, "Kick me").click();
	await told(page, /^Kicked by an operator at \d\d:\d\d\. Your UserSig is still good/);
	await button(page, "Log in again").click();
	await page.getByText("In as alice", { exact: true }).waitFor();
	await button(page, "Revoke my UserSigs").click();
	await told(page, /^Kicked at \d\d:\d\d: all UserSigs that you had until then were revoked\./);
	await button(page, "Log in again").click();
	await page.getByText("In as alice", { exact: true }).waitFor();
});

for (const [width, height] of [[1280, 800], [390, 844]] as const) {
	test(`on ${width} x ${height}, what a press does is in sight of the button, the cause before its effect`, async () => {
		const page = await s.loggedIn("alice", "", await s.context({ viewport: { width, height } }));
		await button(page, "Kick me").click();
		await told(page, /^Kicked by an operator/);
		const story = page.getByRole("log", { name: "What happened" });
		assert.deepEqual((await story.locator("span").allTextContents()).slice(0, 2).map((t) => t.split(" at ")[0]), ["Kicked by an operator", "An operator kicks this session."]);
		for (const seen of [story.locator("p").first(), button(page, "Kick me")]) {
			const box = await seen.boundingBox();
			assert.ok(box && box.y >= 0 && box.y + box.height <= height, `at ${box?.y} of ${height}`);
		}
	});
}

test("a changed policy throws nobody out, until it is applied", async () => {
	await s.act("policy", { instances: { Web: 3 } });
	const one = await s.loggedIn("dora", "One");
	const two = await s.loggedIn("dora", "Two");
	await two.getByLabel("Sessions of an account on the Web").selectOption("1");
	await told(two, /It counts from the next login on: nobody was thrown out by it\.$/);
	await one.getByText("In as dora", { exact: true }).waitFor();
	await button(two, "Apply it now").click();
	await told(two, "It is in force now: one session ended.");
	await told(one, /^Kicked: the policy was applied to everybody who was in at .* and Two stayed\.$/);
});

test("a second tab is opened by a button, and takes the place", async () => {
	const page = await s.loggedIn("alice");
	const [other] = await Promise.all([page.context().waitForEvent("page"), button(page, /^Open a second tab as alice$/).click()]);
	await other.getByText("In as alice", { exact: true }).waitFor();
	await told(page, /^Kicked: your Web limit is 1/);
	assert.equal(new URL(other.url()).hash, "");
});
