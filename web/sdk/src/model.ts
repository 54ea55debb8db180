import { int, type Change, type MessagesAnswer, type View, type WireMessage } from "./wire.ts";
import type { CacheStep } from "./environment.ts";

// What a device knows of an account's conversations, and what a word of the server
// makes of it. Pure: no clock, no storage, no events.

/** So many messages of a conversation stay in memory, the newest. */
const IN_MEMORY = 500;
/** So many missed messages of a conversation are told, the latest. */
export const MOST_TOLD = 1000;

type Span = [first: number, last: number];

export interface Row {
	peer: string;
	view: View;
	/** Spans of sequences of which nothing is missing, lowest first. */
	spans: Span[];
	/** The app has heard of the messages up to here. */
	told: number;
	/** undefined: deleted. */
	messages: Map<number, WireMessage | undefined>;
}

/** What a step has changed, for the app. */
export interface News {
	changed: boolean;
	received: { row: Row; message: WireMessage }[];
	recalled: { row: Row; message: WireMessage }[];
	read: { row: Row; message: WireMessage }[];
	/** Something before it was missed: ask what. */
	missed: boolean;
}

export const noNews = (): News => ({ changed: false, received: [], recalled: [], read: [], missed: false });

export class Model {
	/** The server's name for the past that all this is of; "" is not known. */
	past = "";
	/** The change number seen. */
	change = 0;
	/** The whole list was here once. */
	synced = false;
	readonly rows = new Map<string, Row>();
	private touched = new Map<string, { put: Set<number>; remove: Span[] }>();

	/** Begins with what was kept. */
	load({ past, change, rows }: { past: string; change: number; rows: { peer: string; view: unknown; spans: Span[]; told: number }[] }): void {
		this.past = past;
		this.change = change;
		this.synced = change > 0;
		for (const r of rows) this.rows.set(r.peer, { ...r, view: r.view as View, messages: new Map() });
	}

	clear(): void {
		this.change = 0;
		this.synced = false;
		this.rows.clear();
		this.touched.clear();
	}

	/** Those of the list: pinned ones first, then by their last message. */
	list(): Row[] {
		const time = (r: Row) => int(r.view.lastMessage?.timeMs);
		return [...this.rows.values()]
			.filter((r) => !r.view.deleted)
			.sort((a, b) => Number(b.view.pinned ?? false) - Number(a.view.pinned ?? false) || time(b) - time(a) || int(b.view.change) - int(a.view.change));
	}

	get unread(): number {
		return this.list().reduce((n, r) => n + int(r.view.unread), 0);
	}

	/** Takes a view, unless a newer one is here. */
	view(v: View, news: News, told = 0): Row | undefined {
		const peer = v.peer;
		if (!peer) return undefined;
		const row: Row = this.rows.get(peer) ?? { peer, view: { peer }, spans: [], told, messages: new Map() };
		if (int(v.change) < int(row.view.change)) return row;
		const before = row.view;
		row.view = v;
		this.rows.set(peer, row);
		news.changed = true;
		this.touch(peer);
		const deleted = int(v.deletedSequence);
		if (deleted > int(before.deletedSequence)) {
			this.remove(row, [0, deleted]);
			row.told = Math.max(row.told, deleted);
		}
		if (v.lastMessage) this.put(row, v.lastMessage, news);
		for (const [n, m] of row.messages) {
			if (m && m.sender !== peer && n > int(before.peerReadSequence) && n <= int(v.peerReadSequence)) news.read.push({ row, message: m });
		}
		return row;
	}

	/** Takes a change that was pushed, or that answers a request. */
	take(c: Change, news: News): void {
		const n = int(c.number);
		if (n > this.change + 1) {
			news.missed = true;
			return;
		}
		const row = c.conversation && this.view(c.conversation, news);
		if (!row) return;
		for (const m of c.messages ?? []) {
			this.put(row, m, news);
			this.cover(row, [int(m.sequence), int(m.sequence)]);
		}
		for (const d of c.deleted ?? []) this.remove(row, [int(d), int(d)]);
		this.change = Math.max(this.change, n);
	}

	/**
	 * Takes a page of messages. Of what it spans, nothing is but what is in it; asked
	 * for after a sequence, the page begins right behind that.
	 */
	page(row: Row, a: MessagesAnswer, after: number | undefined, news: News): void {
		const list = a.messages ?? [];
		let span: Span = [int(a.fromSequence), int(a.toSequence)];
		if (span[0] === 0 && list.length > 0) span = [int(list[0]?.sequence), int(list.at(-1)?.sequence)];
		if (span[0] > 0) {
			if (after !== undefined) span[0] = Math.min(span[0], after + 1);
			else if (a.complete) span[0] = 1;
			const there = new Set(list.map((m) => int(m.sequence)));
			for (const [n, m] of row.messages) if (m && n >= span[0] && n <= span[1] && !there.has(n)) this.remove(row, [n, n]);
			this.cover(row, span);
		}
		for (const m of list) this.put(row, m, news);
		this.touch(row.peer);
	}

	/** Up to where nothing is missing from a sequence on. */
	reach(row: Row, from: number): number {
		return row.spans.find(([first, last]) => first <= from + 1 && last > from)?.[1] ?? from;
	}

	/** The sequences from first to last that may be missing here. */
	gaps(row: Row, first: number, last: number): Span[] {
		const gaps: Span[] = [];
		let next = first;
		for (const [a, b] of row.spans) {
			if (a > next && next <= last) gaps.push([next, Math.min(a - 1, last)]);
			next = Math.max(next, b + 1);
		}
		if (next <= last) gaps.push([next, last]);
		return gaps;
	}

	/** What has changed since it was asked last, to be kept. */
	step(): CacheStep {
		const step: CacheStep = { past: this.past, change: this.change, rows: [], messages: [] };
		for (const [peer, { put, remove }] of this.touched) {
			const row = this.rows.get(peer);
			if (!row) continue;
			step.rows.push(kept(row));
			const all = [...put].map((n) => row.messages.get(n)).filter((m) => m !== undefined);
			step.messages.push({ peer, put: all.map((m) => ({ ...m, sequence: int(m.sequence) })), remove });
		}
		this.touched.clear();
		return step;
	}

	/** All that is here. */
	all(): CacheStep {
		for (const row of this.rows.values()) {
			const t = this.touch(row.peer);
			for (const [n, m] of row.messages) {
				if (m) t.put.add(n);
				else t.remove.push([n, n]);
			}
		}
		return this.step();
	}

	/** Lets go of older messages; keeps tells whether the storage has them. */
	trim(row: Row, keeps: boolean): void {
		if (row.messages.size <= IN_MEMORY) return;
		const old = [...row.messages.keys()].sort((a, b) => b - a).slice(IN_MEMORY);
		for (const n of old) row.messages.delete(n);
		const lowest = Math.max(...old) + 1;
		if (!keeps) row.spans = row.spans.filter(([, last]) => last >= lowest).map(([first, last]) => [Math.max(first, lowest), last]);
	}

	tell(row: Row, sequence: number): void {
		row.told = Math.max(row.told, sequence);
		this.touch(row.peer);
	}

	private touch(peer: string): { put: Set<number>; remove: Span[] } {
		const t = this.touched.get(peer) ?? { put: new Set<number>(), remove: [] };
		this.touched.set(peer, t);
		return t;
	}

	private put(row: Row, m: WireMessage, news: News): void {
		const n = int(m.sequence);
		if (n === 0 || n <= int(row.view.deletedSequence)) return;
		const before = row.messages.get(n);
		if (before && m.recalled && !before.recalled) news.recalled.push({ row, message: m });
		if (before?.recalled && !m.recalled) return; // an older word
		if (row.messages.has(n) && before === undefined) return; // deleted stays deleted
		row.messages.set(n, m);
		this.touch(row.peer).put.add(n);
	}

	private remove(row: Row, span: Span): void {
		for (const n of row.messages.keys()) if (n >= span[0] && n <= span[1]) row.messages.delete(n);
		if (span[0] === span[1]) row.messages.set(span[0], undefined);
		this.touch(row.peer).remove.push(span);
	}

	private cover(row: Row, span: Span): void {
		const apart = row.spans.filter(([a, b]) => b < span[0] - 1 || a > span[1] + 1);
		const joined = row.spans.filter((s) => !apart.includes(s));
		const all: Span[] = [...apart, [Math.min(span[0], ...joined.map((s) => s[0])), Math.max(span[1], ...joined.map((s) => s[1]))]];
		row.spans = all.sort((a, b) => a[0] - b[0]);
		this.touch(row.peer);
	}
}

const kept = ({ peer, view, spans, told }: Row) => ({ peer, view, spans, told });
