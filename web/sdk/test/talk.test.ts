import assert from "node:assert/strict";
import { test } from "node:test";
import { Told } from "./told.ts";
import { World, quiet } from "./world.ts";
import type { CacheFile, CacheStep } from "../src/environment.ts";
import type { Chat, Message } from "../src/index.ts";
import type { Change } from "../src/wire.ts";

const alice = { userID: "alice", userSig: "x" };

/** A storage as the browser's database is, which a page's end may overtake. */
class Storage {
	/** Nothing reaches it any more. */
	lost = false;
	/** Another tab is the writer. */
	others = false;
	private kept: Omit<CacheStep, "messages"> = { past: "", change: 0, whole: 0, rows: [] };
	private readonly rows = new Map<string, CacheStep["rows"][number]>();
	private readonly messages = new Map<number, { sequence: number }>();

	/** It is as a version of the SDK has left it that knew of no alterations. */
	older(): void {
		this.kept = JSON.parse(JSON.stringify({ ...this.kept, whole: undefined, rows: this.kept.rows.map((r) => ({ ...r, altered: undefined })) })) as typeof this.kept;
	}

	file(): CacheFile {
		const put = (step: CacheStep) => {
			if (this.lost || this.others) return;
			for (const r of step.rows) this.rows.set(r.peer, structuredClone(r));
			for (const { put: list, remove } of step.messages) {
				for (const [first, last] of remove) for (const n of this.messages.keys()) if (n >= first && n <= last) this.messages.delete(n);
				for (const m of list) this.messages.set(m.sequence, structuredClone(m));
			}
			this.kept = { ...step, rows: [...this.rows.values()] };
		};
		return {
			load: async () => (this.kept.change > 0 ? structuredClone(this.kept) : undefined),
			messages: async (_peer, first, last, count) =>
				[...this.messages.values()].filter((m) => m.sequence >= first && m.sequence <= last).sort((a, b) => a.sequence - b.sequence).slice(-count),
			write: async (step) => put(step),
			onWriter: (all) => void (this.others || put(all())),
			wipe: async () => {},
			close: () => {},
		};
	}
}

/** A world in which alice talks with bob, and her pages come and go. */
class Talk {
	readonly world = new World();
	readonly server = new Told();
	readonly storage = new Storage();
	chat!: Chat;
	/** What the app has heard. */
	heard: string[] = [];

	constructor() {
		const w = this.world;
		w.past = "p";
		w.cache = () => this.storage.file();
		w.friendly();
		const { onFrame } = w;
		w.onFrame = (f, l) => {
			const answer = this.server.answer(f);
			if (answer) l.answer(answer);
			else onFrame?.(f, l);
		};
	}

	/** A page is loaded, and alice logs in. */
	async load(): Promise<void> {
		this.chat = this.world.client().chat;
		const tell = (what: string) => ({ data }: { data: Message[] }) => void this.heard.push(...data.map((m) => `${what} ${m.sequence}`));
		this.chat.on("onMessageReceived", tell("message"));
		this.chat.on("onMessageRevoked", tell("recalled"));
		this.chat.on("onMessageReadByPeer", tell("read"));
		this.chat.on("onConversationListUpdated", () => this.heard.push("list"));
		await this.chat.login(alice);
		await quiet();
	}

	/** The page ends, without a word, and with it what had not reached the storage. */
	crash(): void {
		this.world.onDial = undefined;
		void this.chat.destroy({ keepSession: true });
		this.world.onDial = (l) => l.accept();
		this.storage.lost = false;
	}

	async push(c: Change): Promise<void> {
		this.world.line.say({ change: c });
		await quiet();
	}

	/** What was heard since it was asked last, of messages. */
	news(): string {
		return this.heard.splice(0).filter((x) => x !== "list").join(", ");
	}

	async history(local = true): Promise<string> {
		const { data } = await this.chat.getMessageList({ conversationID: "C2Cbob", count: 100, local });
		return data.messageList.map((m) => `${m.sequence}${m.isRevoked ? " recalled" : ""}`).join(", ") + data.gaps.map(([a, b]) => `, gap ${a} to ${b}`).join("");
	}
}

test("a word of the server is told in its order: messages, then the list", async () => {
	const t = new Talk();
	await t.load();
	t.heard.splice(0);
	await t.push(t.server.say("bob"));
	await t.push(t.server.say("bob"));
	assert.deepEqual(t.heard, ["message 1", "list", "message 2", "list"]);
});

test("a message that was stored and not told when the page ended is told by the next one", async () => {
	const t = new Talk();
	await t.load();
	await t.push(t.server.say("bob"));
	t.chat.on("onMessageReceived", () => void t.chat.destroy({ keepSession: true })); // the page ends while it hears
	t.world.line.say({ change: t.server.say("bob") });
	t.world.line.say({ change: t.server.say("bob") });
	await quiet();
	assert.equal(t.news(), "message 1, message 2");
	await t.load();
	assert.deepEqual([t.news(), await t.history()], ["message 3", "1, 2, 3"]);
	assert.deepEqual(t.world.line.heard.filter((f) => f.listMessages), [], "it was here");
});

test("what was told is not told again, though the page ended before it was stored", async () => {
	const t = new Talk();
	await t.load();
	await t.push(t.server.say("bob"));
	t.storage.lost = true;
	await t.push(t.server.say("bob"));
	assert.equal(t.news(), "message 1, message 2");
	t.crash();
	t.server.say("bob");
	await t.load();
	assert.deepEqual([t.news(), await t.history(), await t.history(false)], ["message 3", "1, 3, gap 2 to 2", "1, 2, 3"]);
});

test("without a database a reload is told what came meanwhile, and nothing again", async () => {
	const t = new Talk();
	t.storage.lost = true;
	await t.load();
	await t.push(t.server.say("bob"));
	t.news();
	t.crash();
	t.storage.lost = true;
	t.server.say("bob");
	await t.load();
	assert.equal(t.news(), "message 2");
});

test("it counts as told before a handler is called", async () => {
	const t = new Talk();
	await t.load();
	let kept: string | undefined;
	t.chat.on("onMessageReceived", () => (kept = t.world.kept.get("heard")));
	await t.push(t.server.say("bob"));
	assert.deepEqual((JSON.parse(kept ?? "[]") as { peers: unknown }[])[0]?.peers, [["bob", 1]]);
});

test("a tab hears for itself, whatever other tabs have heard and kept", async () => {
	const t = new Talk();
	await t.load();
	await t.push(t.server.say("bob"));
	t.crash();
	const mine = new Map(t.world.kept);
	t.world.kept.clear(); // another tab
	await t.load();
	t.news();
	await t.push(t.server.say("bob"));
	assert.equal(t.news(), "message 2");
	t.crash();
	for (const [key, text] of mine) t.world.kept.set(key, text);
	t.storage.others = true;
	await t.load();
	assert.equal(t.news(), "message 2");
});

test("what waits for its turn when the account leaves is told after the next login", async () => {
	const t = new Talk();
	await t.load();
	const out = () => {
		t.chat.off("onMessageReceived", out);
		void t.chat.logout();
	};
	t.chat.on("onMessageReceived", out);
	for (let i = 0; i < 3; i++) t.world.line.say({ change: t.server.say("bob") });
	await quiet();
	assert.equal(t.news(), "message 1");
	await t.chat.login(alice);
	await quiet();
	assert.equal(t.news(), "message 2, message 3");
});

test("a message that was recalled before its turn is not told, and neither is the recall", async () => {
	const t = new Talk();
	await t.load();
	t.world.line.say({ change: t.server.say("bob") });
	t.world.line.say({ change: t.server.say("bob") });
	t.world.line.say({ change: t.server.recall(2) });
	await quiet();
	assert.equal(t.news(), "message 1");
});

test("a recall is told by a page that did not see the message come", async () => {
	const t = new Talk();
	await t.load();
	for (let i = 0; i < 3; i++) await t.push(t.server.say("bob"));
	t.crash();
	await t.load();
	t.news();
	await t.push(t.server.recall(1));
	assert.deepEqual([t.news(), await t.history()], ["recalled 1", "1 recalled, 2, 3"]);
});

test("a receipt is told by a page that did not see the messages go", async () => {
	const t = new Talk();
	await t.load();
	for (const who of ["alice", "bob", "alice", "bob"]) await t.push(t.server.say(who));
	t.crash();
	await t.load();
	t.news();
	await t.push(t.server.read());
	assert.equal(t.news(), "read 1, read 3");
	await t.push(t.server.say("alice"));
	await t.push(t.server.say("bob"));
	t.crash();
	t.server.read();
	await t.load();
	assert.equal(t.news(), "message 5, message 6, read 5");
});

test("what was recalled and deleted while the page was closed is so when it is back", async () => {
	const t = new Talk();
	await t.load();
	for (let i = 0; i < 4; i++) await t.push(t.server.say("bob"));
	t.crash();
	t.server.recall(1);
	t.server.delete(2);
	await t.load();
	assert.deepEqual([t.news(), await t.history()], ["message 1, message 2, message 3, message 4, recalled 1", "1 recalled, 3, 4"]);
	t.crash();
	await t.load();
	assert.deepEqual([t.news(), await t.history()], ["", "1 recalled, 3, 4"]);
	assert.deepEqual(t.world.line.heard.find((f) => f.sync)?.sync, { since: "6", alteredSince: "6", count: 100 });
});

test("where nobody knows any more what became of messages they are looked at again", async () => {
	const t = new Talk();
	await t.load();
	for (let i = 0; i < 250; i++) await t.push(t.server.say("bob"));
	t.crash();
	t.news();
	t.server.recall(3);
	t.server.delete(200);
	t.server.keptFrom = 2;
	t.server.forgetful = true;
	await t.load();
	assert.equal(t.news(), "recalled 3");
	const { data } = await t.chat.getMessageList({ conversationID: "C2Cbob", nextReqMessageID: "6", local: true });
	assert.deepEqual(data.messageList.map((m) => [m.sequence, m.isRevoked]), [[2, false], [3, true], [4, false], [5, false]], "1 may have been deleted: nobody knows");
	assert.ok(!(await t.history()).includes(" 200,"));
	const asked = t.world.line.heard.filter((f) => f.listMessages).length;
	assert.equal(asked, 3);
});

test("what an older version of the page has kept is brought up to date", async () => {
	const t = new Talk();
	await t.load();
	for (let i = 0; i < 3; i++) await t.push(t.server.say("bob"));
	t.crash();
	t.news();
	t.storage.older();
	t.server.delete(1);
	t.server.recall(2);
	await t.load();
	assert.deepEqual([t.news(), await t.history()], ["recalled 2", "2 recalled, 3"]);
	assert.deepEqual(t.world.line.heard.find((f) => f.sync)?.sync, { since: "3", alteredSince: "0", count: 100 });
});

test("what was not told, and may have been deleted, is looked at before it is told", async () => {
	const t = new Talk();
	await t.load();
	t.chat.on("onMessageReceived", () => void t.chat.destroy({ keepSession: true }));
	for (let i = 0; i < 3; i++) t.world.line.say({ change: t.server.say("bob") });
	await quiet();
	t.news();
	t.server.delete(2);
	t.server.forgetful = true;
	await t.load();
	assert.equal(t.news(), "message 3");
});

test("a server that gives only what is out of date is not asked without end", async () => {
	const t = new Talk();
	await t.load();
	for (let i = 0; i < 3; i++) await t.push(t.server.say("bob"));
	await t.push(t.server.recall(2));
	const { onFrame } = t.world;
	let asked = 0;
	t.world.onFrame = (f, l) => {
		if (!f.listMessages) onFrame?.(f, l);
		else if (++asked < 100) l.answer({ messages: { messages: [], change: 1 } });
	};
	for (let i = 0; i < 3; i++) t.server.say("bob");
	await t.push(t.server.say("bob"));
	assert.equal(asked, 11);
	t.world.onFrame = onFrame;
	t.news();
	await t.world.pass(60_000);
	assert.equal(t.news(), "message 4, message 5, message 6, message 7");
});

test("a page from before a recall is asked for again", async () => {
	const t = new Talk();
	await t.load();
	for (let i = 0; i < 3; i++) await t.push(t.server.say("bob"));
	t.crash();
	await t.load();
	const { onFrame } = t.world;
	let late = 0;
	t.world.onFrame = (f, l) => {
		if (!f.listMessages || late++ > 0) {
			onFrame?.(f, l);
			return;
		}
		const old = t.server.answer(f);
		l.say({ change: t.server.recall(2) });
		queueMicrotask(() => setImmediate(() => l.say({ id: f.id!, ...old })));
	};
	assert.deepEqual([await t.history(false), late], ["1, 2 recalled, 3", 2]);
	assert.equal(await t.history(), "1, 2 recalled, 3");
});

test("a conversation that began while the page was closed is told from its first message", async () => {
	const t = new Talk();
	t.server.change = 1; // of something else, that the account has seen
	await t.load();
	t.crash();
	for (let i = 0; i < 250; i++) t.server.say("bob");
	await t.load();
	assert.equal(t.news(), Array.from({ length: 250 }, (_, i) => `message ${i + 1}`).join(", "));
});

for (const others of [false, true]) {
	test(`a long conversation is read back to its beginning${others ? ", also where another tab keeps it" : ""}`, async () => {
		const t = new Talk();
		t.storage.others = others;
		for (let i = 0; i < 1300; i++) t.server.say("bob");
		await t.load();
		const all: number[] = [];
		let next = "";
		do {
			const { data } = await t.chat.getMessageList({ conversationID: "C2Cbob", nextReqMessageID: next, count: 100 });
			assert.deepEqual(data.gaps, []);
			all.unshift(...data.messageList.map((m) => m.sequence));
			next = data.nextReqMessageID;
		} while (next !== "");
		assert.deepEqual(all, Array.from({ length: 1300 }, (_, i) => i + 1));
	});
}

test("a peer's message under the name of one of the account's own is a message", async () => {
	const t = new Talk();
	await t.load();
	const mine = t.chat.createTextMessage({ to: "bob", payload: { text: "my offer is 100" } });
	const sent = t.chat.sendMessage(mine);
	await quiet();
	const taken = t.server.say("alice");
	taken.messages![0]!.messageId = mine.ID;
	t.world.line.answer({ change: taken });
	await sent;
	const his = t.server.say("bob");
	his.messages![0]!.messageId = mine.ID;
	await t.push(his);
	assert.equal(t.news(), "message 2");
	await t.push(t.server.recall(2));
	assert.equal(t.news(), "recalled 2");
});

test("names that no account has reach no app, nor does what a third one has said", async () => {
	const t = new Talk();
	await t.load();
	const evil = "bob\u001b]0;owned\r\nroot";
	const m = (sender: string, sequence: number) => ({ sequence, sender, messageId: "x", timeMs: 1, content: { text: "hi" } });
	await t.push({ number: 1, conversation: { peer: evil, change: 1, lastSequence: 1, lastMessage: m(evil, 1) }, messages: [m(evil, 1)] });
	await t.push({ number: 2, conversation: { peer: "carol", change: 2, lastSequence: 1, lastMessage: m("mallory", 1) }, messages: [m("mallory", 1)] });
	await t.push({ number: 1, conversation: { peer: "bob", change: 1, lastSequence: 2, lastMessage: m("bob", 2) }, messages: [m("mallory", 1), m("bob", 2)] });
	assert.equal(t.news(), "message 2");
	assert.deepEqual((await t.chat.getConversationList()).data.conversationList.map((c) => c.conversationID), ["C2Cbob"]);
	assert.equal(await t.history(), "2");
});

test("a server that says there is more, and gives nothing, is asked now and then", async () => {
	const t = new Talk();
	const { onFrame } = t.world;
	let asked = 0;
	t.world.onFrame = (f, l) => {
		if (!f.sync) onFrame?.(f, l);
		else if (++asked < 200) l.answer({ sync: { change: asked, more: true } });
	};
	await t.load();
	await t.world.pass(300_000);
	assert.ok(asked > 4 && asked < 60, `${asked} times in five minutes`);
});

for (const code of [60018, 70500]) {
	test(`a message refused with ${code} is the app's to send again, and is there after a reload`, async () => {
		const t = new Talk();
		await t.load();
		const { onFrame } = t.world;
		let asked = 0;
		t.world.onFrame = (f, l) => {
			if (f.send) asked++;
			if (f.send) l.answer({ refusal: { code, text: "wait", retryAfterMs: 3000 } });
			else onFrame?.(f, l);
		};
		const message = t.chat.createTextMessage({ to: "bob", conversationType: "C2C", payload: { text: "hi" } });
		await assert.rejects(t.chat.sendMessage(message), { code, retryAfterMs: 3000 });
		await t.world.pass(3_600_000);
		assert.deepEqual([asked, message.status, t.chat.isReady()], [1, "fail", true]);
		t.crash();
		await t.load();
		await t.world.pass(60_000);
		const { data } = await t.chat.getMessageList({ conversationID: "C2Cbob", local: true });
		assert.deepEqual([asked, data.messageList.map((m) => [m.ID, m.status])], [1, [[message.ID, "fail"]]]);
	});
}
