// What takes as long as a UserSig lasts; all at once.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { Stand, button, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
after(async () => {
	await s.clear();
	await s.end();
});

const inAs = (user: string) => `In as ${user}`;

describe("a UserSig", { concurrency: true }, () => {
	test("ends, and a new one lets in again", async () => {
		const page = await s.loggedIn("alice");
		await button(page, "Let it end in 10 s").click();
		await told(page, /^Your UserSig ends at .* renew it, and the session goes on\.$/);
		await told(page, /^Out at \d\d:\d\d: your UserSig has ended\. A new one lets you in\.$/);
		await button(page, "Log in again").click();
		await page.getByText(inAs("alice"), { exact: true }).waitFor();
	});

	test("that is renewed in time does not end the session", async () => {
		const page = await s.loggedIn("bob");
		await button(page, "Let it end in 10 s").click();
		await told(page, /^Your UserSig ends at/);
		await button(page, "Renew it").click();
		await told(page, /^The session goes on with a new UserSig/);
		const sessions = await s.sessions("bob");
		for (let presses = 0; presses < 6; presses++) { // each with a UserSig of its own, which it has by the second
			const at = Math.floor(Date.now() / 1000);
			await page.waitForFunction((at) => Date.now() / 1000 > at + 1, at);
			await button(page, "Renew it").click();
		}
		await told(page, /^That was quick: a device may log in or show a new UserSig five times in ten seconds\. Wait a moment \(7008\)$/);
		const over = Date.now() + 11_000; // beyond the end of the first UserSig
		await page.waitForFunction((over) => Date.now() > over, over);
		await page.getByText(inAs("bob"), { exact: true }).waitFor();
		const later = await s.sessions("bob");
		assert.deepEqual(later.map((x) => x.session), sessions.map((x) => x.session));
	});
});
