import assert from "node:assert/strict";
import { test } from "node:test";
import { World, quiet } from "./world.ts";
import { EVENT, type Chat } from "../src/index.ts";
import type { ServerFrame } from "../src/wire.ts";

const alice = { userID: "alice", userSig: "x" };
const hello = { peer: "bob", change: "5", lastSequence: "1", lastMessage: { sequence: "1", sender: "bob", messageId: "m", content: { text: "hi" } } };

/** A world whose server lets the question for what has changed wait. */
async function waiting(): Promise<{ w: World; chat: Chat; answer: (f: ServerFrame) => void }> {
	const w = new World();
	w.friendly();
	const friendly = w.onFrame;
	let asked: string | undefined;
	w.onFrame = (f, l) => {
		if (f.sync) asked = f.id;
		else friendly?.(f, l);
	};
	const { chat } = w.client();
	await chat.login(alice);
	return { w, chat, answer: (f) => w.line.say({ id: asked!, ...f }) };
}

/** Asks for the list: how many there are, whether that is all, and when it was known; or the code. */
function ask(w: World, chat: Chat): { got: unknown } {
	const asked: { got: unknown } = { got: "nothing yet" };
	const began = w.now;
	chat.getConversationList().then(
		({ data }) => (asked.got = [data.conversationList.length, data.isSyncCompleted, w.now - began]),
		(e: { code: number }) => (asked.got = [e.code, w.now - began]),
	);
	return asked;
}

test("the list of a new device is waited for, also when SDK_READY is heard", async () => {
	const { w, chat, answer } = await waiting();
	let inside: { got: unknown } | undefined;
	chat.on(EVENT.SDK_READY, () => (inside = ask(w, chat)));
	const asked = ask(w, chat);
	await w.pass(1000);
	assert.equal(asked.got, "nothing yet");
	answer({ sync: { change: "4", conversations: [{ ...hello, change: "4" }], more: true } });
	await w.pass(1000);
	assert.equal(asked.got, "nothing yet");
	answer({ sync: { change: "5", conversations: [hello] } });
	await quiet();
	assert.deepEqual([asked.got, inside?.got], [[1, true, 2000], [1, true, 2000]]);
	const again = ask(w, chat); // bob's message is on its way
	await quiet();
	assert.deepEqual(again.got, [1, true, 0]);
});

test("what does not come is waited for no longer than it may come", async () => {
	const ends: [string, (w: World, chat: Chat, answer: (f: ServerFrame) => void) => unknown, unknown][] = [
		["no answer", (w) => w.pass(9000), [0, false, 10_000]],
		["the connection is lost", (w) => w.line.close(), [0, false, 1000]],
		["the server is busy", (_w, _chat, answer) => answer({ refusal: { code: 60018, retryAfterMs: 60_000 } }), [0, false, 1000]],
		["the server has no messages", (_w, _chat, answer) => answer({ refusal: { code: 60009 } }), [0, false, 1000]],
		["a kick", (w) => w.line.say({ notice: { session: "1", reason: "REASON_OPERATOR" } }), [0, false, 1000]],
		["a logout", (_w, chat) => chat.logout(), [6014, 1000]],
		["another account", (_w, chat) => chat.login({ userID: "carol", userSig: "y" }), [6014, 1000]],
		["the end of the client", (_w, chat) => chat.destroy({ keepSession: true }), [6013, 1000]],
	];
	for (const [name, end, want] of ends) {
		const { w, chat, answer } = await waiting();
		const asked = ask(w, chat);
		await w.pass(1000);
		assert.equal(asked.got, "nothing yet", name);
		await end(w, chat, answer);
		await quiet();
		assert.deepEqual(asked.got, want, name);
	}
});

test("nobody waits for a list that is not on its way", async () => {
	const { w, chat, answer } = await waiting();
	answer({ refusal: { code: 60018, retryAfterMs: 60_000 } });
	const later = ask(w, chat);
	await quiet();
	assert.deepEqual(later.got, [0, false, 0]);
	w.onDial = (l) => l.fail();
	w.line.close();
	const offline = ask(w, chat);
	await quiet();
	assert.deepEqual(offline.got, [0, false, 0]);
});
