import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { indexedCache } from "../src/indexed.ts";

const row = (peer: string, told: number) => ({ peer, view: { peer }, spans: [[1, told]] as [number, number][], told, altered: 0 });
const message = (sequence: number) => ({ sequence, text: `t${sequence}` });

test("what is kept is there for the next page, account by account", async () => {
	const first = indexedCache("alice");
	assert.equal(await first.load(), undefined);
	await first.write({ past: "p", change: 9, whole: 9, rows: [row("bob", 9)], messages: [] }); // not the writer yet
	assert.equal(await first.load(), undefined);
	first.onWriter(() => ({ past: "p", change: 1, whole: 1, rows: [row("bob", 3)], messages: [{ peer: "bob", put: [1, 2, 3].map(message), remove: [] }] }));
	await first.write({ past: "p", change: 2, whole: 1, rows: [{ ...row("carol", 1), look: [1, 1] }], messages: [{ peer: "bob", put: [message(4)], remove: [[1, 2]] }] });

	const second = indexedCache("alice");
	const kept = await second.load();
	assert.deepEqual([kept?.past, kept?.change, kept?.whole, kept?.rows[1]?.look], ["p", 2, 1, [1, 1]]);
	assert.deepEqual((await second.load())?.rows.map((r) => r.peer), ["bob", "carol"]);
	assert.deepEqual((await second.messages("bob", 1, 9, 9)).map((m) => m.sequence), [3, 4]);
	assert.deepEqual((await second.messages("bob", 1, 9, 1)).map((m) => m.sequence), [4]);
	assert.deepEqual(await second.messages("carol", 1, 9, 9), []);
	assert.equal(await indexedCache("alice2").load(), undefined);

	await second.wipe();
	assert.equal(await first.load(), undefined);
	assert.deepEqual(await first.messages("bob", 1, 9, 9), []);
	first.close();
	second.close();
});

/** Opens the database beside the SDK; a number: in a layout of that version. */
const beside = (version?: number): Promise<IDBDatabase> => new Promise((go, fail) => {
	const open = indexedDB.open("rollcall", version);
	open.onsuccess = () => go(open.result);
	open.onerror = () => fail(open.error);
});
const removed = (): Promise<unknown> => new Promise((go) => (indexedDB.deleteDatabase("rollcall").onsuccess = go));
const all = () => ({ past: "p", change: 7, whole: 7, rows: [row("bob", 2)], messages: [{ peer: "bob", put: [message(1), message(2)], remove: [] }] });

test("what is removed under an open page is kept anew by the writer", async () => {
	const heard: unknown[] = [];
	const writer = indexedCache("alice", (why) => heard.push(why));
	writer.onWriter(all);
	await writer.write({ ...all(), change: 8, messages: [] });
	const reader = indexedCache("alice", (why) => heard.push(why));
	assert.equal((await reader.load())?.change, 8);
	await removed();
	assert.deepEqual(heard, [undefined, undefined]);
	await writer.write({ ...all(), change: 9, messages: [] });
	assert.equal((await reader.load())?.change, 9);
	assert.deepEqual((await reader.messages("bob", 1, 9, 9)).map((m) => m.sequence), [1, 2]);
	writer.close();
	reader.close();
});

test("a page makes way for a newer layout, says so, and leaves what is kept as it is", async () => {
	await removed();
	const heard: unknown[] = [];
	const older = indexedCache("alice", (why) => heard.push((why as Error | undefined)?.message));
	older.onWriter(all);
	await older.write(all());
	const newer = await beside(2);
	const said = "a newer version of this page was open in this browser, so reload this one";
	assert.deepEqual(heard, [undefined, said]);
	await older.write({ ...all(), change: 8, messages: [] }); // it is not the writer any more
	await assert.rejects(older.load(), { message: said });
	const kept = newer.transaction("accounts").objectStore("accounts").get("alice");
	await new Promise((go) => (kept.onsuccess = go));
	assert.equal((kept.result as { change: number }).change, 7);
	newer.close();

	heard.splice(0);
	const next = indexedCache("alice", (why) => heard.push((why as Error | undefined)?.message)); // an older page that is opened after it
	await assert.rejects(next.load(), { message: said });
	next.onWriter(all);
	await next.write(all());
	assert.deepEqual(heard, [said]);
	older.close();
	next.close();
	await removed();
});
