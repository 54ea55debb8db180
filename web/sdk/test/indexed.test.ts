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

test("a newer layout is not read", async () => {
	indexedDB.deleteDatabase("rollcall");
	await new Promise((done) => (indexedDB.open("rollcall", 99).onsuccess = done));
	await assert.rejects(indexedCache("alice").load(), { name: "VersionError" });
});
