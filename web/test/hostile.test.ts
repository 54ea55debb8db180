import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, afterEach, before, test } from "node:test";
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Stand, button, message, say, talkTo, told } from "./stand.ts";

let s: Stand;
before(async () => { s = await Stand.start(); });
afterEach(() => s.clear());
after(() => s.end());

const tries = [
	`<img src=x onerror="window.hacked=1">`,
	`<script>window.hacked=1</script>`,
	`"><svg/onload=window.hacked=1>`,
	`{@html "<b>"}{{7*7}}\${7*7}`,
	`javascript:window.hacked=1`,
];

/** Nothing has run, and nothing has become markup. */
async function unharmed(page: Page): Promise<void> {
	assert.equal(await page.evaluate(() => (window as { hacked?: number }).hacked), undefined);
	assert.equal(await page.locator("main img, main script, main svg, main b").count(), 0);
}

test("a message is a text, whatever it says", async () => {
	const alice = await s.loggedIn("alice");
	const bob = await s.loggedIn("bob");
	await bob.getByLabel("Talk to").fill("alice");
	await bob.keyboard.press("Enter");
	for (const text of tries) {
		await bob.getByPlaceholder("Message").fill(text);
		await button(bob, "Send").click();
		await alice.getByText(text).first().waitFor(); // in the list
	}
	await alice.getByRole("button", { name: /bob/ }).click();
	for (const text of tries) await alice.getByRole("log", { name: "Messages with bob" }).getByText(text, { exact: true }).waitFor();
	await unharmed(alice);
	await unharmed(bob);
});

test("so is what a message of data says of itself, of a client that can send any", async () => {
	const alice = await s.loggedIn("alice");
	const context = await s.context();
	await context.addInitScript(() => {
		const { send } = WebSocket.prototype;
		WebSocket.prototype.send = function (data) {
			const frame = JSON.parse(String(data)) as { send?: { content: { text?: string; custom?: object; cloudCustomData?: string } } };
			const text = frame.send?.content.text;
			if (text) frame.send!.content = { custom: { data: btoa(text), description: text, extension: text }, cloudCustomData: text };
			send.call(this, JSON.stringify(frame));
		};
	});
	const bob = await s.loggedIn("bob", "", context);
	await talkTo(bob, "alice");
	await talkTo(alice, "bob");
	for (const text of tries) {
		await say(bob, text);
		await alice.getByRole("log", { name: "Messages with bob" }).getByText(`Data: ${text}`, { exact: true }).waitFor();
	}
	await alice.getByRole("button", { name: /the server to this tab: change/ }).first().click(); // the frame, with all of it
	await alice.getByLabel("The frame").getByText("hacked=1").waitFor();
	await unharmed(alice);
	await unharmed(bob);
});

test("so is the name of a device, where it is listed and in the sentence of a kick", async () => {
	await s.act("policy", { instances: { Web: 2 } });
	const name = `<img src=x onerror="hacked=1">`;
	const one = await s.loggedIn("alice");
	await s.loggedIn("alice", name);
	await button(one, "Look again").click();
	await one.getByText(name).first().waitFor();
	await s.act("policy", { instances: { Web: 1 } });
	await s.loggedIn("alice", `<b onclick=1>third</b>`);
	await told(one, /^Kicked: your Web limit is 1 and <b onclick=1>third<\/b> logged in/);
	await unharmed(one);
});

test("a name that is none is refused before anything is sent", async () => {
	const page = await s.tab();
	for (const name of ["<img src=x onerror=hacked=1>", "alice smith", "名", "a".repeat(33), ""]) {
		await page.getByLabel("Name", { exact: true }).fill(name);
		await button(page, "Log in").click();
		await page.getByText("Want 1 to 32 letters, digits, _ or -.").waitFor();
	}
	for (const [spelled, name] of [[encodeURIComponent("<img src=x onerror=hacked=1>"), "<img src=x onerror=hacked=1>"], ["%", ""]] as const) {
		const named = await s.tab(undefined, `#${spelled}`);
		await named.getByText("Not logged in", { exact: true }).waitFor();
		assert.equal(await named.getByLabel("Name", { exact: true }).inputValue(), name);
		await button(named, "Log in").click();
		await named.getByText("Want 1 to 32 letters, digits, _ or -.").waitFor();
		await unharmed(named);
	}
});

test("a page of another site that opens the demo for somebody logs nobody in", async () => {
	const evil = createServer((_, w) => {
		w.setHeader("Content-Type", "text/html");
		w.end(`<!doctype html><title>evil</title><script>location = ${JSON.stringify(`${s.trial.demo}#alice/1`)}</script>`);
	});
	await new Promise<void>((go) => evil.listen(0, "127.0.0.1", go));
	try {
		const mine = await s.loggedIn("alice");
		const [other] = await Promise.all([mine.context().waitForEvent("page"), button(mine, "Open a second tab as alice").click()]);
		await other.getByText("In as alice", { exact: true }).waitFor();
		const page = await other.context().newPage();
		await page.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`);
		await page.waitForURL(s.trial.demo);
		await page.getByText("Not logged in", { exact: true }).waitFor();
		assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "alice");
		await page.waitForFunction(() => !document.querySelector<HTMLButtonElement>("button[type=submit]")?.disabled);
		await other.getByText("In as alice", { exact: true }).waitFor();
		await button(page, "Log in").click(); // a person who presses is let in
		await told(other, /^Kicked: your Web limit is 1/);
	} finally {
		evil.close();
	}
});

/** A client that says whatever the test wants. */
async function bare(user: string): Promise<{ say(f: object): void; next(is: (m: WireMessage) => boolean): Promise<WireMessage> }> {
	const { app, userSig } = await s.act("usersig", { user });
	const socket = new WebSocket(`${s.trial.clients}/v1/connect`, "rollcall.v1.json");
	const heard: WireMessage[] = [];
	let wake = () => {};
	let id = 0;
	const say = (f: object) => socket.send(JSON.stringify({ id: String(++id), ...f }));
	socket.onmessage = ({ data }) => {
		const f = JSON.parse(String(data)) as { session?: object; change?: { messages?: WireMessage[] } };
		heard.push(...(f.change?.messages ?? []));
		if (f.session) heard.push({ messageId: "", sender: "", content: { text: "in" } });
		wake();
	};
	const next = async (is: (m: WireMessage) => boolean): Promise<WireMessage> => {
		for (;;) {
			const found = heard.find(is);
			if (found) return found;
			await new Promise<void>((go) => (wake = go));
		}
	};
	await new Promise((go) => (socket.onopen = go));
	say({ login: { app, userId: user, userSig, platform: 1, deviceId: "bare", tryNumber: "1", fixedHalf: btoa("0123456789abcdef"), changingHalf: btoa("fedcba9876543210") } });
	await next((m) => m.content?.text === "in");
	return { say, next };
}

interface WireMessage {
	messageId: string;
	sender: string;
	content?: { text: string };
}

test("a peer who names a message as alice has named hers takes neither from her", async () => {
	const alice = await s.loggedIn("alice");
	const bob = await bare("bob");
	await talkTo(alice, "bob");
	await say(alice, "my offer is 100");
	const hers = await bob.next((m) => m.content?.text === "my offer is 100");
	bob.say({ send: { peer: "alice", messageId: hers.messageId, content: { text: "agreed: 900" } } });
	await message(alice, "agreed: 900").waitFor();
	await message(alice, "my offer is 100").waitFor();
	await alice.reload();
	await talkTo(alice, "bob");
	await message(alice, "agreed: 900").waitFor();
	await message(alice, "my offer is 100").waitFor();
});

test("a page of another site can do nothing here", async () => {
	const evil = createServer((_, w) => {
		w.setHeader("Content-Type", "text/html");
		w.end("<!doctype html><title>evil</title><iframe></iframe>");
	});
	await new Promise<void>((go) => evil.listen(0, "127.0.0.1", go));
	try {
		const page = await (await s.context()).newPage();
		await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
		const demo = s.trial.demo;
		const got = await page.evaluate(async (demo) => {
			const ask = (init: RequestInit) => fetch(`${demo}dev/usersig`, { method: "POST", body: `{"user":"alice"}`, ...init }).then((r) => `${r.type} ${r.status}`, () => "refused");
			const socket = new WebSocket(`${demo.replace("http", "ws")}v1/connect`, "rollcall.v1.json");
			const opened = new Promise((go) => { socket.onopen = () => go("open"); socket.onerror = () => go("refused"); });
			const frame = document.querySelector("iframe")!;
			const framed = new Promise((go) => (frame.onload = () => go(frame.contentDocument === null ? "blocked or foreign" : "readable")));
			frame.src = demo;
			return {
				json: await ask({ headers: { "Content-Type": "application/json" } }),
				form: await ask({ headers: { "Content-Type": "text/plain" }, mode: "no-cors" }),
				socket: await opened,
				framed: await framed,
			};
		}, demo);
		const own = await s.tab();
		assert.equal(await own.evaluate(async (demo) => {
			const socket = new WebSocket(`${demo.replace("http", "ws")}v1/connect`, "rollcall.v1.json");
			return new Promise((go) => { socket.onopen = () => go("open"); socket.onerror = () => go("refused"); });
		}, demo), "open", "the server's own page is refused, too");
		assert.equal(got.json, "refused");
		assert.equal(got.form, "opaque 0"); // it was sent, and says nothing to the page; the server has refused it
		assert.equal(got.socket, "refused");
		const inside = page.frames()[1];
		assert.equal(await inside?.getByText("Log in").count(), 0, "the demo is shown inside another site");
	} finally {
		evil.close();
		evil.closeAllConnections();
	}
});
