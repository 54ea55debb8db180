// The SDK in Chromium, on the real server: what no other test can show. The pages come
// from the server's own origin, by a route of Playwright's; all else is real.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { once } from "node:events";
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { client, heard, route, waitFor } from "./pages.ts";
import type { ChatError, Message } from "../src/index.ts";

interface Dev {
	app: number;
	clients: string;
	tickets: Record<string, string>;
}

let server: ChildProcess;
let browser: Browser;
let dev: Dev;

before(async () => {
	server = spawn(process.env["ROLLCALL"] ?? "rollcall", ["dev", "--json", "--listen", "127.0.0.1:0", "--ops", "", "--admin", ""], { stdio: ["ignore", "pipe", "inherit"] });
	const [line] = (await once(createInterface({ input: server.stdout! }), "line")) as [string];
	dev = JSON.parse(line) as Dev;
	browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-features=LocalNetworkAccessChecks"] });
});

after(async () => {
	await browser?.close();
	server?.kill("SIGTERM");
});

/** A browser of its own. */
async function context(): Promise<BrowserContext> {
	const c = await browser.newContext();
	await route(c, origin());
	return c;
}

const origin = (): string => dev.clients.replace(/^ws/, "http");

/** A page with a client, which hears everything. */
async function tab(c: BrowserContext, script?: string): Promise<Page> {
	const page = await c.newPage();
	if (script) await page.addInitScript(script);
	await page.goto(`${origin()}/`);
	await client(page, dev.app);
	return page;
}

const login = (page: Page, userID: string): Promise<unknown> =>
	page.evaluate((x) => window.chat.login(x).then((r) => r.code, (e: ChatError) => e.code), { userID, userSig: dev.tickets[userID]! });

const device = (page: Page): Promise<{ ids: string[]; own: string; name: string }> =>
	page.evaluate(async () => {
		const { sessionList } = (await window.chat.getLoginSessions()).data;
		const own = sessionList.find((s) => s.isCurrent)!;
		return { ids: sessionList.map((s) => s.deviceID), own: own.deviceID, name: own.deviceName };
	});

test("two tabs kick each other", async () => {
	const c = await context();
	const [a, b] = [await tab(c), await tab(c)];
	assert.equal(await login(a, "alice"), 0);
	assert.match((await device(a)).name, /^Chrome on Linux$/);
	assert.equal(await login(b, "alice"), 0);
	await waitFor(a, "kickedOut");
	const [kick] = (await heard(a, "kickedOut")) as [{ type: string; kick: { rule: string; limit: number; by: { platform: string; deviceName: string } } }];
	assert.equal(kick.type, "multipleAccount");
	assert.deepEqual([kick.kick.rule, kick.kick.limit, kick.kick.by.platform, kick.kick.by.deviceName], ["over the limit", 1, "Web", "Chrome on Linux"]);
	assert.deepEqual(await a.evaluate(() => [window.chat.isReady(), window.chat.getLoginUser(), window.chat.getLoginStatus()]), [false, "", 3]);
	assert.equal(await login(a, "alice"), 0);
	await waitFor(b, "kickedOut");
	await c.close();
});

test("a reload is the same device, and replaces itself silently", async () => {
	const c = await context();
	const a = await tab(c);
	await login(a, "alice");
	const before = (await device(a)).own;
	await a.reload();
	await client(a, dev.app);
	assert.equal(await login(a, "alice"), 0);
	assert.deepEqual(await device(a), { ids: [before], own: before, name: "Chrome on Linux" });
	await c.close();
});

test("a duplicated tab is a device of its own", async () => {
	const c = await context();
	const a = await tab(c);
	await login(a, "alice");
	const first = (await device(a)).own;
	const [copy] = await Promise.all([c.waitForEvent("page"), a.evaluate(() => void window.open(location.href))]);
	await copy.waitForLoadState();
	assert.notEqual(await copy.evaluate(() => sessionStorage.getItem("rollcall")), null);
	await client(copy, dev.app);
	assert.equal(await login(copy, "alice"), 0);
	assert.notEqual((await device(copy)).own, first);
	await waitFor(a, "kickedOut");
	await c.close();
});

test("messages are kept, and read without a network", async () => {
	const [c, d] = [await context(), await context()];
	const [a, b] = [await tab(c), await tab(d)];
	await login(a, "alice");
	await login(b, "bob");
	await b.evaluate(() => window.chat.sendMessage(window.chat.createTextMessage({ to: "alice", payload: { text: "hello <b>you</b>" } })));
	await waitFor(a, "onMessageReceived");
	await a.evaluate(() => window.chat.sendMessage(window.chat.createCustomMessage({ to: "bob", payload: { data: "{}" } })));
	await waitFor(b, "onMessageReceived");
	const read = () => a.evaluate(async () => {
		const list = (await window.chat.getConversationList()).data.conversationList;
		const page = (await window.chat.getMessageList({ conversationID: "C2Cbob" })).data;
		return [list.length, list[0]?.lastSequence, page.messageList.map((m) => m.payload), page.gaps.length];
	});
	const all = [1, 2, [{ text: "hello <b>you</b>" }, { data: "{}", description: "", extension: "" }], 0];
	assert.deepEqual(await read(), all);
	await a.reload();
	await client(a, dev.app);
	await c.setOffline(true);
	assert.equal(await a.evaluate(() => window.chat.getConversationList().catch((e: ChatError) => e.code)), 6014);
	assert.equal(await login(a, "alice"), 9508);
	assert.deepEqual(await read(), all);
	assert.equal(await login(a, "bob"), 9508);
	assert.equal(await a.evaluate(async () => (await window.chat.getConversationList()).data.conversationList.length), 0);
	await c.close();
	await d.close();
});

test("a message is told once, and a recall to the page that comes after a reload", async () => {
	const [c, d] = [await context(), await context()];
	const [a, b] = [await tab(c), await tab(d)];
	await login(a, "alice");
	await login(b, "bob");
	const say = (text: string) => b.evaluate((t) => window.chat.sendMessage(window.chat.createTextMessage({ to: "alice", payload: { text: t } })).then(({ data }) => data.message), text);
	const texts = async (event: string) => ((await heard(a, event)) as Message[][]).flat().map((m) => m.payload["text" as never]);
	const first = await say("one");
	await waitFor(a, "onMessageReceived");
	await a.reload();
	await say("two");
	await client(a, dev.app);
	await login(a, "alice");
	await waitFor(a, "onMessageReceived");
	assert.deepEqual(await texts("onMessageReceived"), ["two"]);
	await a.reload();
	await b.evaluate((m) => window.chat.revokeMessage(m), first);
	await client(a, dev.app);
	await login(a, "alice");
	await waitFor(a, "onMessageRevoked");
	assert.deepEqual(await texts("onMessageReceived"), []);
	await c.close();
	await d.close();
});

test("a network that is back is noticed", async () => {
	const c = await context();
	const a = await tab(c);
	await login(a, "alice");
	await a.evaluate(() => window.heard.splice(0));
	await a.evaluate(() => window.dispatchEvent(new Event("online"))); // asks the server at once, and stays
	assert.equal((await device(a)).ids.length, 1);
	assert.deepEqual(await heard(a, "netStateChange"), []);
	await c.close();
});

test("without a database messages work, and the app is told", async () => {
	const c = await context();
	const a = await tab(c, "IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); }");
	await login(a, "alice");
	await a.evaluate(() => window.chat.sendMessage(window.chat.createTextMessage({ to: "bob", payload: { text: "still" } })));
	await waitFor(a, "error");
	assert.equal(((await heard(a, "error")) as { code: number }[])[0]?.code, 6019);
	assert.equal(await a.evaluate(async () => (await window.chat.getMessageList({ conversationID: "C2Cbob" })).data.messageList.at(-1)?.payload["text" as never]), "still");
	await c.close();
});

test("without any storage it is a new device each time, and the app is told", async () => {
	const c = await context();
	const a = await tab(c, "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('no', 'SecurityError'); } })");
	assert.equal(await login(a, "alice"), 0);
	assert.equal(((await heard(a, "error")) as { code: number }[])[0]?.code, 6022);
	await c.close();
});

test("another tab writes the cache when the writer is closed", async () => {
	const [c, d] = [await context(), await context()];
	const [writer, other, b] = [await tab(c), await tab(c), await tab(d)];
	await login(b, "bob");
	await login(writer, "alice");
	await login(other, "alice"); // kicks the writer, whose lock stays
	await writer.close();
	await b.evaluate(() => window.chat.sendMessage(window.chat.createTextMessage({ to: "alice", payload: { text: "to the heir" } })));
	await waitFor(other, "onMessageReceived");
	const kept = () => other.evaluate(async () => {
		const open = indexedDB.open("rollcall");
		await new Promise((done) => (open.onsuccess = done));
		const all = open.result.transaction("messages").objectStore("messages").getAll();
		await new Promise((done) => (all.onsuccess = done));
		open.result.close();
		return (all.result as { content?: { text?: string } }[]).some((m) => m.content?.text === "to the heir");
	});
	for (const until = Date.now() + 10_000; !(await kept()); ) assert.ok(Date.now() < until, "the heir writes nothing");
	await c.close();
	await d.close();
});

test("storage that is wiped under a page: what is gone is not taken for there, and the device stays itself", async () => {
	const c = await context();
	const a = await tab(c);
	await login(a, "alice");
	const bob = await tab(await context());
	await login(bob, "bob");
	for (const text of ["one", "two", "three"]) await a.evaluate((text) => window.chat.sendMessage(window.chat.createTextMessage({ to: "bob", payload: { text } })), text);
	await a.reload(); // what was said is in the storage now, and not in memory
	await client(a, dev.app);
	await login(a, "alice");
	const first = (await device(a)).own;
	const read = (local: boolean) => a.evaluate(async (local) => {
		const { messageList, gaps } = (await window.chat.getMessageList({ conversationID: "C2Cbob", count: 3, local })).data;
		return { texts: messageList.map((m) => ("text" in m.payload ? m.payload.text : "")), missing: gaps.length > 0 };
	}, local);
	const whole = { texts: ["one", "two", "three"], missing: false };
	assert.deepEqual(await read(true), whole);
	await (await c.newCDPSession(a)).send("Storage.clearDataForOrigin", { origin: origin(), storageTypes: "all" });
	await a.evaluate(() => sessionStorage.clear());
	for (const end = Date.now() + 10_000; !(await read(true)).missing; ) assert.ok(Date.now() < end, "what is gone is taken for there");
	assert.deepEqual(await read(false), whole);
	await a.evaluate(() => window.chat.logout());
	assert.equal(await login(a, "alice"), 0);
	await a.reload();
	await client(a, dev.app);
	assert.equal(await login(a, "alice"), 0);
	assert.deepEqual(await device(a), { ids: [first], own: first, name: "Chrome on Linux" });
	await c.close();
	await bob.context().close();
});
