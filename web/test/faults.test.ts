// What breaks around a page: the server, the network, the browser's storage, the clock.
import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import type { BrowserContext, Page } from "playwright-core";
import { Profile } from "../sdk/test/profile.ts";
import { Stand, button, chromiumHere, findings, message, pictures, say, talkTo, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

/** Alice and bob are in, and she has said something to him. What was said in other tests they do not know. */
async function pair(a?: BrowserContext): Promise<{ alice: Page; bob: Page; names: [alice: string, bob: string] }> {
	const names: [string, string] = [`alice${++pairs}`, `bob${pairs}`];
	const [alice, bob] = await Promise.all([s.loggedIn(names[0], "", a), s.loggedIn(names[1])]);
	await talkTo(alice, names[1]);
	await say(alice, "before");
	await bob.getByRole("button", { name: /alice.*before/s }).click();
	await message(bob, "before").waitFor();
	return { alice, bob, names };
}
let pairs = 0;

/** What the browser keeps, by the database's own word. */
const kept = (page: Page): Promise<{ owners: string[]; texts: string[] }> => page.evaluate(async () => {
	const result = <T>(r: IDBRequest<T>) => new Promise<T>((go, fail) => {
		r.onsuccess = () => go(r.result);
		r.onerror = () => fail(r.error);
	});
	const open = indexedDB.open("rollcall");
	open.onupgradeneeded = () => open.transaction?.abort(); // it is not there
	const db = await result(open).catch(() => undefined);
	if (!db) return { owners: [], texts: [] };
	const tx = db.transaction(["accounts", "messages"]);
	const owners = (await result(tx.objectStore("accounts").getAllKeys())) as string[];
	const messages = (await result(tx.objectStore("messages").getAll())) as { content?: { text?: string } }[];
	db.close();
	return { owners: owners.map((o) => o.split(" ")[0] ?? ""), texts: messages.map((m) => m.content?.text ?? "") };
});

/** Waits until the browser keeps a text. */
async function keeps(page: Page, text: string): Promise<void> {
	for (const end = Date.now() + 10_000; !(await kept(page)).texts.includes(text); ) assert.ok(Date.now() < end, `"${text}" is not kept`);
}

test("the server dies before it answers: what was said can be sent again, and is said once", async () => {
	const { alice, bob, names: [a, b] } = await pair();
	s.halt();
	await say(alice, "in doubt");
	await button(alice, "Renew it").click();
	await alice.getByText("One moment…").waitFor();
	await s.stopServer("SIGKILL");
	await told(alice, "Perhaps not sent: the connection was lost before the answer came. Send it again: it will be there once (9520)");
	await told(alice, "The server does not answer. Is `rollcall dev` still running?");
	await message(alice, "in doubt").getByText("not sent").waitFor();
	await alice.getByText("No server", { exact: true }).waitFor();
	assert.deepEqual(await findings(alice), []);
	await alice.screenshot({ path: `${pictures}/no-server.png` });
	await button(bob, "Log out").click();
	await told(bob, "You logged out. The server does not know it yet: it hears of it as soon as it can be reached.");

	await s.startServer();
	await told(alice, "Connected again.");
	await alice.getByText(`In as ${a}`, { exact: true }).waitFor();
	await message(alice, "in doubt").getByRole("button", { name: "send again" }).click();
	await message(alice, "in doubt").getByText("· sent").waitFor();
	await s.until(b, (all) => all.length === 0);
	await bob.getByLabel("Name", { exact: true }).fill(b);
	await button(bob, "Log in").click();
	await bob.getByRole("button", { name: /alice.*in doubt/s }).click();
	await message(bob, "in doubt").waitFor();
	assert.equal(await message(bob, "in doubt").count(), 1);
});

test("a message that arrived although its answer was lost is seen to be sent, without a second one", async () => {
	const context = await s.context();
	let deaf = false;
	let cut = async () => {};
	await context.routeWebSocket(/v1\/connect/, (page) => {
		const server = page.connectToServer();
		page.onMessage((m) => server.send(m));
		server.onMessage((m) => deaf || page.send(m));
		cut = () => page.close({ code: 4000 });
	});
	const { alice, bob } = await pair(context);
	deaf = true;
	await say(alice, "arrived");
	await message(bob, "arrived").waitFor();
	deaf = false;
	await cut();
	await told(alice, /^Perhaps not sent:/);
	await message(alice, "arrived").getByText(/· (sent|read)/).waitFor();
	assert.equal(await message(alice, "arrived").count(), 1);
	assert.equal(await message(bob, "arrived").count(), 1);
});

test("a full disk: messages go on, the person is told, and what was kept stays", async () => {
	const context = await s.context();
	const devtools = await context.newCDPSession(await context.newPage());
	await devtools.send("Storage.overrideQuotaForOrigin", { origin: new URL(s.trial.demo).origin, quotaSize: 2_000_000 });
	const { alice, bob, names: [a] } = await pair(context);
	await keeps(alice, "before");
	const error = await alice.evaluate(async () => { // everything else that this origin keeps takes all there is
		const open = indexedDB.open("else", 1);
		open.onupgradeneeded = () => open.result.createObjectStore("all", { autoIncrement: true });
		await new Promise((go) => (open.onsuccess = go));
		let error = "";
		for (let size = 65_536; size > 2000; ) {
			const tx = open.result.transaction("all", "readwrite");
			tx.objectStore("all").add(crypto.getRandomValues(new Uint8Array(size)));
			error = await new Promise((go) => {
				tx.oncomplete = () => go("");
				tx.onabort = () => go(tx.error?.name ?? "?");
			});
			if (error) size /= 4;
		}
		open.result.close();
		return error;
	});
	assert.equal(error, "QuotaExceededError");
	const long = `too much ${"of it ".repeat(500)}`;
	await say(bob, long);
	await told(alice, "From now on conversations are not kept on this device: the browser's storage is full (6019)");
	await message(alice, "too much").waitFor();
	await say(alice, "never mind");
	await message(bob, "never mind").waitFor();
	assert.deepEqual((await kept(alice)).texts, ["before"]);
	await alice.reload();
	await alice.getByText(`In as ${a}`, { exact: true }).waitFor();
	await alice.getByRole("button", { name: /bob.*never mind/s }).click();
	for (const text of ["before", "too much", "never mind"]) await message(alice, text).waitFor();
});

test("a tab whose own storage has filled up goes on, and says what could not be kept", async () => {
	const { alice, bob, names: [a] } = await pair();
	await alice.evaluate(() => {
		for (let size = 1 << 20, n = 0; size >= 1; n++) {
			try {
				sessionStorage.setItem(`else${n}`, "x".repeat(size));
			} catch {
				size >>= 1;
			}
		}
	});
	await button(alice, "Cut my network").click();
	await button(alice, "Mend my network").click();
	await told(alice, "Connected again.");
	await say(alice, "is it full?");
	await message(bob, "is it full?").waitFor();
	await button(alice, "Log out").click();
	await told(alice, "Logged out, but this could not be kept: this tab's storage is full (6022)");
	await alice.getByText("Pick a name.").waitFor();
	await alice.reload();
	await alice.getByLabel("Name", { exact: true }).fill(a);
	await button(alice, "Log in").click();
	await told(alice, "This page may not keep anything: a reload is a new device (6022)");
	await alice.getByRole("button", { name: /bob.*is it full/s }).waitFor();
	assert.equal((await s.sessions(a)).length, 1);
});

test("a browser that lets pages keep nothing lets one in all the same, who is told so", async () => {
	const blocked = await Profile.start(chromiumHere(), { profile: { default_content_setting_values: { cookies: 2 } } });
	try {
		const page = await s.loggedIn("frank", "", blocked.context);
		assert.equal(await page.evaluate(() => {
			try {
				return sessionStorage.length;
			} catch (error) {
				return (error as Error).name;
			}
		}), "SecurityError");
		await told(page, "This page may not keep anything: a reload is a new device (6022)");
		await told(page, /^From now on conversations are not kept on this device: .*denied.* \(6019\)$/);
		await s.loggedIn("grace");
		await talkTo(page, "grace");
		await say(page, "from memory");
		await message(page, "from memory").getByText("· sent").waitFor();
		await talkTo(page, "heidi"); // away from the conversation, and back
		await page.getByRole("button", { name: /grace.*from memory/s }).click();
		await message(page, "from memory").waitFor();
	} finally {
		await blocked.end();
	}
});

test("storage that is wiped under an open page is filled again", async () => {
	const { alice, bob } = await pair();
	await keeps(alice, "before");
	const devtools = await alice.context().newCDPSession(alice);
	await devtools.send("Storage.clearDataForOrigin", { origin: new URL(s.trial.demo).origin, storageTypes: "all" });
	await say(bob, "after");
	await message(alice, "after").waitFor();
	await keeps(alice, "after");
	await keeps(alice, "before");
	await s.stopServer();
	await talkTo(alice, "carol"); // away from the conversation, and back
	await alice.getByRole("button", { name: /bob.*after/s }).click();
	for (const text of ["before", "after"]) await message(alice, text).waitFor();
	await s.startServer();
	await told(alice, "Connected again.");
});

/** From now on the pages of a context are of a version that keeps conversations in a newer layout. */
async function newer(context: BrowserContext): Promise<void> {
	await context.route(/assets\/demo-.*\.js$/, async (route) => {
		const answer = await route.fetch();
		const text = await answer.text();
		const changed = text.replace(/(=`rollcall`,\w+=)1,/, "$12,");
		assert.notEqual(changed, text, "the version of the layout was not found in the page's script");
		await route.fulfill({ response: answer, body: changed });
	});
}

test("of two versions of a page the older one says that it keeps nothing any more, whichever came first", async () => {
	const context = await s.context();
	const { alice, bob, names: [a, b] } = await pair(context);
	await keeps(alice, "before");
	await newer(context);
	const word = "From now on conversations are not kept on this device: a newer version of this page was open in this browser, so reload this one (6019)";
	const dora = await s.loggedIn("dora", "", context);
	await told(alice, word);
	await talkTo(dora, a);
	await say(dora, "from the newer one");
	await alice.getByRole("button", { name: /dora.*from the newer one/s }).click();
	await message(alice, "from the newer one").waitFor();
	await keeps(dora, "from the newer one");

	await context.unrouteAll();
	const erin = await s.loggedIn("erin", "", context); // the older one, opened after the newer
	await told(erin, word);
	await talkTo(erin, b);
	await say(erin, "from the older one");
	await bob.getByRole("button", { name: /erin.*from the older one/s }).waitFor();
	assert.deepEqual((await kept(dora)).owners.sort(), [a, "dora"]);

	await newer(context);
	await alice.reload();
	await alice.getByText(`In as ${a}`, { exact: true }).waitFor();
	await say(bob, "to the reloaded one");
	await alice.getByRole("button", { name: /bob.*to the reloaded one/s }).click();
	await message(alice, "before").waitFor();
	await keeps(alice, "to the reloaded one");
	assert.doesNotMatch(await alice.getByRole("log", { name: "What happened" }).innerText(), /6019/);
});

for (const hours of [30, -30]) {
	test(`a clock that is ${Math.abs(hours)} hours ${hours > 0 ? "ahead" : "behind"} is named, and does no harm`, async () => {
		const context = await s.context({ colorScheme: hours > 0 ? "dark" : "light" });
		await context.addInitScript((ms) => {
			const Right = Date;
			globalThis.Date = class extends Right {
				constructor(...given: []) {
					if (given.length) super(...given);
					else super(Right.now() + ms);
				}
				static override now = () => Right.now() + ms;
			} as DateConstructor;
		}, hours * 3600_000);
		const { alice, bob } = await pair(context);
		await alice.getByText(`This computer's clock is 30 hours ${hours > 0 ? "ahead of" : "behind"} the server's. That does no harm`).waitFor();
		assert.deepEqual(await findings(alice), []);
		if (hours > 0) await alice.screenshot({ path: `${pictures}/clock-dark.png` });
		await say(bob, "on time");
		await message(alice, "on time").waitFor();
		await button(alice, "Let it end in 10 s").click();
		await alice.getByText(/^Your UserSig ends in \d s\.$/).waitFor();
		await button(alice, "Renew it").click();
		await told(alice, /^The session goes on with a new UserSig/);
		await button(alice, "Kick me").click();
		const at = new Date().toLocaleTimeString("en-GB", { hour: "2-digit" });
		await told(alice, new RegExp(`^Kicked by an operator at (${at}|${String((Number(at) + 1) % 24).padStart(2, "0")}):\\d\\d\\.`));
		const line = alice.getByRole("log", { name: "What happened" }).locator("p").filter({ hasText: /^.*Kicked by/ });
		assert.match((await line.locator("time").textContent()) ?? "", new RegExp(`^(${at}|${String((Number(at) + 1) % 24).padStart(2, "0")}):`));
	});
}
