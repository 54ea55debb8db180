import assert from "node:assert/strict";
import { test } from "node:test";
import { Model, noNews } from "../src/model.ts";
import { holds, spanOf, type Asked, type Span } from "../src/spans.ts";
import { int, type Change, type MessagesAnswer } from "../src/wire.ts";
import { Told } from "./told.ts";

/** A device's model, and its storage as the browser keeps it. */
class Device {
	readonly model = Object.assign(new Model(), { user: "alice" });
	private readonly file = new Map<number, object>();

	get row() {
		return this.model.rows.get("bob");
	}

	/** Lets the model take something that is about these messages, once they are in memory. */
	take(about: Span[], f: (m: Model) => void): void {
		for (const [first, last] of about) {
			for (let n = first; n <= last; n++) if (this.row && this.file.has(n)) this.model.bring(this.row, [this.file.get(n)!]);
		}
		f(this.model);
		for (const { put, remove } of this.model.step().messages) {
			for (const span of remove) for (const n of this.file.keys()) if (holds(span, n)) this.file.delete(n);
			for (const m of put) this.file.set(m.sequence, m);
		}
	}

	/** What it has of a message. */
	has(n: number): unknown {
		return this.row?.messages.has(n) ? this.row.messages.get(n) : this.file.get(n);
	}
}

// A model of what a device knows is held against the server's truth: whatever comes in
// whichever order, and when it has heard of all changes, what it has is what the server
// has, wherever it claims to miss nothing and not to have to look again. What the server
// does not keep any more it may have, unless it was deleted.
test("random histories: what is said to be whole is whole", () => {
	let seed = 1;
	const random = (n: number) => {
		seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
		return (seed >>> 12) % n; // its lower bits are hardly random
	};
	let held = 0;
	for (let history = 0; history < 4000; history++) {
		const d = new Device();
		const server = new Told();
		const pages: [Asked, MessagesAnswer][] = []; // on their way
		for (let step = 0; step < 40; step++) {
			const n = 1 + random(Math.max(server.last, 1));
			const what = random(13);
			let pushed: Change | undefined;
			if (what <= 3) pushed = server.say(random(2) ? "bob" : "alice");
			else if (what === 4 && server.alive(n)) pushed = server.delete(n);
			else if (what === 5 && server.alive(n) && !server.alive(n)?.recalled) pushed = server.recall(n);
			else if (what === 6 && random(6) === 0 && server.last > 0) pushed = server.clear();
			else if (what === 7 && random(3) === 0) server.keptFrom = Math.max(server.keptFrom, random(server.last + 1));
			else if (what <= 9 && server.last > 0) { // it asks what it missed
				const x = server.alterations(d.model.whole, random(3) === 0);
				d.take((x.recalled ?? []).map((r): Span => [int(r), int(r)]), (m) => {
					m.view(server.view(), noNews());
					if (m.change > 0) m.alter(x, server.change, noNews());
					m.change = m.whole = server.change;
					m.synced = true;
				});
			} else if (what <= 11 && d.row) { // a page is asked for, and may come late
				const look = d.row.look?.[0] ?? n;
				const q = random(2) ? { before: 0, after: look - 1, last: server.last } : { before: n + 1, after: 0, last: server.last };
				pages.push([q, server.page(q, 1 + random(4))]);
			} else if (what === 12) d.row?.messages.clear(); // nothing of it is in memory any more
			if (pushed && random(3) > 0) d.take([[n, n]], (m) => m.take(pushed, noNews()));
			const row = d.row;
			const arrived = random(2) ? pages.shift() : undefined;
			if (row && arrived) d.take(row.look ? [spanOf(...arrived)] : [], (m) => m.page(row, ...arrived, noNews()));
			if (d.model.whole < server.change) continue; // it knows that it has missed something
			for (const [first, last] of row?.spans ?? []) {
				assert.ok(first >= 1 && first <= last && last <= server.last);
				for (let i = first; i <= last; i++) {
					if (row?.look && holds(row.look, i)) continue;
					const has = d.has(i), want = server.alive(i);
					if (has === undefined && i < server.keptFrom) continue;
					held++;
					assert.deepEqual(has, want, `history ${history}, step ${step}: ${i} of ${first} to ${last}`);
				}
			}
		}
	}
	assert.ok(held > 100_000, `${held} looks are too few`);
});
