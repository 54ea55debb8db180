import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError, type KickedOut } from "../src/index.ts";
import { memoryCache, World, quiet } from "./world.ts";

const code = (error: unknown): unknown => (error instanceof ChatError ? error.code : error);
const alice = { userID: "alice", userSig: "x" };

test("the events of a login, a loss and a kick come in their order", async () => {
	const w = new World();
	w.friendly();
	const { chat, events } = w.client();
	const login = chat.login(alice).then(() => events.push("login"));
	assert.equal(chat.getLoginStatus(), 2);
	await login;
	await quiet();
	assert.deepEqual(events.splice(0), ["netStateChange connecting", "netStateChange connected", "login", "sdkStateReady", "onConversationListUpdated"]);

	w.line.close();
	assert.equal(chat.isReady(), true);
	await w.pass(1000);
	assert.deepEqual(events.splice(0), ["netStateChange connecting", "netStateChange connected"]);

	const call = chat.getLoginSessions().catch((e: unknown) => events.push(`call ${String(code(e))}`));
	w.line.say({ notice: { session: "1", reason: "REASON_NEWER_LOGIN", bySession: "2", byPlatform: 1 } });
	await call;
	await quiet();
	assert.deepEqual(events, ["call 6014", "sdkStateNotReady", "kickedOut"]);
	assert.deepEqual([chat.isReady(), chat.getLoginUser(), chat.getLoginStatus()], [false, "", 3]);
	assert.deepEqual(w.line.last, { acknowledgement: { session: "1" } });
	assert.equal(w.line.open, false);
});

test("whoever waits for the login goes on before the next event", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	const order: string[] = [];
	chat.on("sdkStateReady", () => order.push("ready"));
	await (async () => {
		await chat.login(alice);
		order.push("awaited");
	})();
	await quiet();
	assert.deepEqual(order, ["awaited", "ready"]);
});

test("nothing is sent that could not be kept", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	w.full = true;
	const login = chat.login(alice).catch(code);
	await w.pass(16_000);
	assert.equal(await login, 6022);
	assert.deepEqual(w.lines.flatMap((l) => l.heard), []);
});

test("what is kept is no UserSig and cannot resume", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	let login: Record<string, string> = {};
	const friendly = w.onFrame;
	w.onFrame = (f, l) => {
		login = (f.login as typeof login) ?? login;
		friendly?.(f, l);
	};
	await chat.login({ userID: "alice", userSig: "very-secret" });
	const kept = [...w.kept.values()].join();
	for (const secret of ["very-secret", login["fixedHalf"]!, login["changingHalf"]!]) assert.equal(kept.includes(secret), false, secret);
	await chat.destroy({ keepSession: true });

	const again = w.client().chat;
	await again.login(alice);
	assert.equal(login["lastSession"], "1");
	assert.equal((login["proofs"] as unknown as string[]).length, 1);
});

test("a state that cannot be understood makes a new device", async () => {
	for (const bad of ["", "null", "[]", '{"version":1}', '{"version":1,"device":"a b","try":1,"accounts":[],"logouts":[]}', '{"version":1,"device":"a","try":-1,"accounts":[],"logouts":[]}', '{"version":1,"device":"a","try":1,"accounts":[],"logouts":[{"server":"","app":1,"user":"u","fixed":"x","proof":""}]}']) {
		const w = new World();
		w.friendly();
		w.kept.set("state", bad);
		w.kept.set("unsent", bad);
		await w.client().chat.login(alice);
		const login = w.line.heard[0]?.login as { deviceId: string; tryNumber: string };
		assert.match(login.deviceId, /^[0-9a-f]{32}$/, bad);
		assert.equal(login.tryNumber, "1", bad);
	}
});

test("a login that nobody answers is logged out by the next page", async () => {
	const w = new World();
	w.onDial = (l) => l.accept();
	const { chat } = w.client();
	const login = chat.login(alice).catch(code);
	await quiet();
	const { fixedHalf } = w.line.heard[0]?.login as { fixedHalf: string };
	await chat.destroy({ keepSession: true });
	assert.equal(await login, 7009);

	w.friendly();
	w.client();
	await w.pass(1000);
	assert.equal((w.line.heard[0]?.logout as { fixedHalf: string }).fixedHalf, fixedHalf);
});

test("a server that names a time is not called before it", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	await chat.login(alice);
	w.line.close(4000, "drain retry_after_ms=60000");
	await w.pass(59_999);
	assert.equal(w.lines.length, 1);
	await w.pass(30_001);
	assert.equal(w.lines.length, 2);
	assert.equal(chat.isReady(), true);
});

test("a UserSig that ends while the server cannot be heard ends the session, and is told as that", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	const kicks: KickedOut[] = [];
	chat.on("kickedOut", ({ data }) => kicks.push(data));
	w.onFrame = (f, l) => f.login && l.answer({ session: { session: "1", connection: "1", expiresS: String(Math.floor(w.serverTime() / 1000) + 60) } });
	await chat.login(alice);
	w.onDial = (l) => l.fail();
	w.line.close();
	await w.pass(59_000.5); // a browser's clock tells parts of a millisecond
	assert.equal(kicks.length, 0);
	await w.pass(3000);
	assert.deepEqual(kicks.map((x) => [x.type, x.expired, x.kick.reason]), [["userSigExpired", true, "UserSig ended"]]);
	assert.ok(Math.abs(kicks[0]!.kick.time - 1_800_000_061) <= 1);
});

test("a connection on which nothing is heard is given up", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	await chat.login(alice);
	w.onFrame = undefined;
	await w.pass(31_000);
	assert.equal(w.lines[0]?.open, false);
	assert.ok(w.lines.length > 1);
});

test("a device that was awake again asks the server at once, and goes on as before", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	await chat.login(alice);
	const pings = () => w.line.heard.filter((f) => f.ping).length;
	w.wake();
	await quiet();
	assert.equal(pings(), 1);
	await w.pass(61_000); // it is every 20 s that the server wants to hear
	assert.equal(pings(), 4);
	w.onFrame = undefined;
	w.wake();
	await w.pass(10_000);
	assert.equal(w.lines[0]?.open, false);
});

test("what is being made when the client ends is given up", async () => {
	const w = new World();
	const { chat } = w.client();
	const login = chat.login(alice).catch(code);
	await quiet();
	assert.equal(w.line.open, true);
	await chat.destroy();
	assert.equal(await login, 7009);
	assert.equal(w.line.open, false);
});

test("a handler that throws stops nobody, and one may destroy the client", async () => {
	const w = new World();
	w.friendly();
	const { chat, events } = w.client();
	const broken = new Error("the app's");
	chat.on("netStateChange", () => { throw broken; });
	chat.on("sdkStateReady", () => void chat.destroy());
	await chat.login(alice);
	await w.pass(5000);
	assert.equal(w.reported[0], broken);
	assert.equal(events.at(-1), "sdkStateNotReady"); // it logs out first
	assert.ok(w.lines.some((l) => l.heard.some((f) => f.logout)));
	assert.equal(await chat.login(alice).catch(code), 6013);
	assert.equal(await chat.getConversationList().catch(code), 6013);
});

test("calls are made in their order, also before what is kept was read", async () => {
	const w = new World();
	w.friendly();
	w.onDial = (l) => setImmediate(() => l.accept());
	const { chat } = w.client();
	const order: unknown[] = [];
	const all = [
		chat.login(alice).catch((e: unknown) => order.push("alice", code(e))),
		chat.login({ userID: "bob", userSig: "y" }).catch((e: unknown) => order.push("bob", code(e))),
		chat.logout().then(() => order.push("out")),
		chat.login({ userID: "carol", userSig: "z" }).then(() => order.push("carol")),
	];
	await w.pass(3000);
	await Promise.all(all);
	assert.equal(chat.getLoginUser(), "carol");
	assert.deepEqual(order, ["alice", 6023, "bob", 6023, "out", "carol"]);
});

test("what comes from a server that speaks strangely breaks nothing", async () => {
	const w = new World();
	w.friendly();
	const { chat } = w.client();
	await chat.login(alice);
	const { line } = w;
	for (const f of [{}, { change: {} }, { change: { number: "x", conversation: { peer: 7 } } }, { notice: { session: "99" } }, { id: "12345", sync: {} }, { sessions: { sessions: [{}] } }]) line.say(f as never);
	await quiet();
	assert.equal(chat.isReady(), true);
	line.hear("{}");
	(line as unknown as { handler: { received(t: string): void } }).handler.received("no JSON");
	await w.pass(1000);
	assert.equal(w.lines.length, 2); // it was given up, and came back
	assert.equal(chat.isReady(), true);
});

test("a server that was set back has its conversations taken anew", async () => {
	const w = new World();
	w.friendly();
	w.past = "one";
	let wiped = 0;
	w.cache = () => ({ ...memoryCache(), wipe: async () => void wiped++ });
	let since: unknown;
	const friendly = w.onFrame;
	w.onFrame = (f, l) => {
		if (!f.sync) friendly?.(f, l);
		else {
			since = (f.sync as { since: string }).since;
			l.answer({ sync: since === "5" ? { change: "5" } : { change: "5", conversations: [{ peer: w.past, change: "5", lastSequence: "1", lastMessage: { sequence: "1", sender: w.past, timeMs: "1" } }] } });
		}
	};
	const { chat } = w.client();
	const list = async () => (await chat.getConversationList()).data.conversationList.map((c) => c.userProfile.userID);
	await chat.login(alice);
	await quiet();
	assert.deepEqual(await list(), ["one"]);
	w.line.close();
	await w.pass(1000);
	assert.deepEqual([since, wiped, await list()], ["5", 0, ["one"]]);
	w.past = "two";
	w.line.close();
	await w.pass(1000);
	assert.deepEqual([since, wiped, await list()], ["0", 1, ["two"]]);
});

test("what is pushed while an older answer is on its way is asked for again", async () => {
	const w = new World();
	w.friendly();
	const friendly = w.onFrame;
	w.onFrame = (f, l) => f.sync ? undefined : friendly?.(f, l);
	const { chat } = w.client();
	await chat.login(alice);
	await quiet();
	const asked = (): number => w.line.heard.filter((f) => f.sync).length;
	assert.equal(asked(), 1);
	const conversation = { peer: "bob", change: "5", lastSequence: "1", lastMessage: { sequence: "1", sender: "bob", messageId: "m", content: { text: "hi" } } };
	const id = w.line.last.id!;
	w.line.say({ change: { number: "5", conversation } }); // others came before it
	w.line.say({ id, sync: {} });
	await quiet();
	assert.equal(asked(), 2);
	w.line.answer({ sync: {} });
	await quiet();
	assert.equal(asked(), 2); // there is no more than this
});

test("options that make no client are refused", () => {
	const w = new World();
	for (const o of [{ SDKAppID: 0 }, { SDKAppID: 2 ** 32 }, { deviceName: "a\nb" }, { deviceName: "x".repeat(65) }, { loginTimeout: 0 }, { userSigWarning: -1 }, { proxyServer: "ftp://x" }, { proxyServer: "ws://u:p@h" }, { proxyServer: "" }]) {
		assert.throws(() => w.client(o), (e) => code(e) === 6017, JSON.stringify(o));
	}
});
