import { holds, joined, spanOf, without, type Asked, type Span } from "./spans.ts";
import { int, isUserID, type Alterations, type Change, type MessagesAnswer, type View, type WireMessage } from "./wire.ts";
import type { CacheStep } from "./environment.ts";

// What a device knows of an account's conversations, and what a word of the server
// makes of it. Pure: no clock, no storage, no events.

/** So many messages of a conversation stay in memory, the newest. */
const IN_MEMORY = 500;
/** So many missed messages of a conversation are told, the latest. */
export const MOST_TOLD = 1000;

export interface Row {
	peer: string;
	view: View;
	/** Spans of sequences of which nothing is missing, lowest first. */
	spans: Span[];
	/** The messages up to here are on their way to the app; -1: what is said from now on is news. */
	told: number;
	/** The app has heard of the messages up to here. */
	heard: number;
	/** The change number with which a message was last recalled or deleted. */
	altered: number;
	/** What is here of these may have been recalled or deleted meanwhile. */
	look: Span | undefined;
	/** undefined: deleted. */
	messages: Map<number, WireMessage | undefined>;
}

/** A message of a conversation, for the app. */
export interface Item {
	row: Row;
	message: WireMessage;
}

/** What a step has changed, for the app. */
export interface News {
	changed: boolean;
	received: Item[];
	/** Up to which message of a conversation the app has heard with these. */
	told: { row: Row; upTo: number }[];
	recalled: Item[];
	read: Item[];
	/** Something before it was missed: ask what. */
	missed: boolean;
}

export const noNews = (): News => ({ changed: false, received: [], told: [], recalled: [], read: [], missed: false });

export class Model {
	/** The account whose conversations these are. */
	user = "";
	/** The server's name for the past that all this is of; "" is not known. */
	past = "";
	/** The change number seen. */
	change = 0;
	/** That up to which recalls and deletions were seen, too. */
	whole = 0;
	/** The whole list was here once. */
	synced = false;
	readonly rows = new Map<string, Row>();
	/** Up to where the app has heard of a conversation that is new here, if it has. */
	heard: (peer: string) => number | undefined = () => undefined;
	private touched = new Map<string, { put: Set<number>; remove: Span[] }>();

	/** Begins with what was kept. */
	load({ past, change, whole, rows }: Omit<CacheStep, "messages">): void {
		this.past = past;
		this.change = change;
		this.whole = whole || 0; // an older version of this page kept none
		this.synced = change > 0;
		for (const r of rows) this.rows.set(r.peer, { ...r, view: r.view as View, heard: r.told, altered: r.altered || 0, look: r.look, messages: new Map() });
	}

	clear(): void {
		this.change = 0;
		this.whole = 0;
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

	/** Takes a view, unless a newer one is here. Not one that names somebody who cannot be. */
	view(v: View, news: News, told = 0): Row | undefined {
		const peer = v.peer;
		if (!isUserID(peer) || v.lastMessage && !this.saidIn(peer, v.lastMessage)) return undefined;
		const row = this.rows.get(peer) ?? newRow(peer, this.heard(peer) ?? told);
		if (int(v.change) < int(row.view.change)) return row;
		const before = row.view;
		row.view = v;
		this.rows.set(peer, row);
		news.changed = true;
		this.touch(row);
		const deleted = int(v.deletedSequence);
		if (deleted > int(before.deletedSequence)) {
			this.remove(row, [0, deleted]);
			row.told = Math.max(row.told, deleted);
			row.heard = Math.max(row.heard, deleted);
		}
		if (v.lastMessage) {
			this.put(row, v.lastMessage, news);
			this.cover(row, [int(v.lastMessage.sequence), int(v.lastSequence)]);
		}
		const read: Span = [int(before.peerReadSequence) + 1, int(v.peerReadSequence)];
		const mine = [...row.messages.values()].filter((m) => m !== undefined).filter((m) => m.sender !== peer && holds(read, int(m.sequence)));
		news.read.push(...mine.sort((a, b) => int(a.sequence) - int(b.sequence)).map((message) => ({ row, message })));
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
			if (m.recalled) row.altered = Math.max(row.altered, n);
		}
		this.removeEach(row, c.deleted, n);
		if (this.whole === this.change) this.whole = Math.max(this.whole, n);
		this.change = Math.max(this.change, n);
	}

	/** Takes what became of messages while the device was away, up to a change. Those that are kept are in memory. */
	alter(x: Alterations, change: number, news: News): void {
		const row = this.rows.get(x.peer ?? "");
		if (!row) return;
		for (const n of x.recalled ?? []) {
			const { content: _, ...m } = row.messages.get(int(n)) ?? {};
			this.put(row, { ...m, recalled: true }, news);
			row.altered = Math.max(row.altered, change);
		}
		this.removeEach(row, x.deleted, change);
		const first = row.spans[0]?.[0], last = row.spans.at(-1)?.[1];
		if (x.all && first !== undefined && last !== undefined) {
			row.look = [first, last];
			row.altered = Math.max(row.altered, change);
		}
		this.touch(row);
	}

	/**
	 * Takes a page of messages. Of what it spans, nothing is but what is in it. False: it
	 * is not taken, since it is from before something was recalled or deleted.
	 */
	page(row: Row, q: Asked, a: MessagesAnswer, news: News): boolean {
		if (int(a.change) > 0 && int(a.change) < row.altered) return false;
		const span = spanOf(q, a);
		const [first, last] = span;
		if (first < 1 || first > last) return true;
		const there = new Map((a.messages ?? []).filter((m) => holds(span, int(m.sequence))).map((m) => [int(m.sequence), m]));
		const from = Math.min(int(a.keptFrom) || Infinity, ...there.keys()); // what is before it may only be too old for the server
		const gone: Span[] = [[Math.max(first, from), last]];
		if (row.look) gone.push([Math.max(first, row.look[0]), Math.min(last, row.look[1])]);
		for (const g of gone.filter(([a, b]) => a <= b)) {
			this.touch(row).remove.push(g);
			for (const [n, m] of row.messages) if (m && holds(g, n) && !there.has(n)) row.messages.set(n, undefined);
		}
		for (const m of there.values()) this.put(row, m, news);
		this.cover(row, span);
		if (row.look) {
			let [a, b] = row.look;
			if (holds(span, a)) a = last + 1;
			if (holds(span, b)) b = first - 1;
			row.look = a <= b ? [a, b] : undefined;
		}
		return true;
	}

	/** Up to where nothing is missing from a sequence on. */
	reach(row: Row, from: number): number {
		return row.spans.find(([first, last]) => first <= from + 1 && last > from)?.[1] ?? from;
	}

	/** The sequences from first to last that may be missing here. */
	gaps(row: Row, first: number, last: number): Span[] {
		return without([first, last], row.spans);
	}

	/** Whether messages from first to last are here, and not in memory. */
	lacks(row: Row, first: number, last: number): boolean {
		for (const [a, b] of row.spans) {
			for (let n = Math.max(first, a); n <= Math.min(last, b); n++) if (!row.messages.has(n)) return true;
		}
		return false;
	}

	/** Takes messages that were kept into memory, unless it knows better. */
	bring(row: Row, list: WireMessage[]): void {
		for (const m of list) {
			const n = int(m.sequence);
			if (n > int(row.view.deletedSequence) && !row.messages.has(n)) row.messages.set(n, m);
		}
	}

	/** What has changed since it was asked last, to be kept. */
	step(): CacheStep {
		const step: CacheStep = { past: this.past, change: this.change, whole: this.whole, rows: [], messages: [] };
		for (const [peer, { put, remove }] of this.touched) {
			const row = this.rows.get(peer);
			if (!row) continue;
			step.rows.push(kept(row));
			const all = [...put].map((n) => row.messages.get(n)).filter((m) => m !== undefined);
			if (all.length + remove.length > 0) step.messages.push({ peer, put: all.map((m) => ({ ...m, sequence: int(m.sequence) })), remove });
		}
		this.touched.clear();
		return step;
	}

	/** All that is here. */
	all(): CacheStep {
		for (const row of this.rows.values()) {
			const t = this.touch(row);
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

	/** Lets go of all older messages: they are not kept any more. */
	countOnMemory(): void {
		for (const row of this.rows.values()) {
			row.spans = [];
			for (const n of row.messages.keys()) this.cover(row, [n, n]);
		}
	}

	/** The app has heard of the messages up to a sequence. */
	hears(row: Row, sequence: number): void {
		row.heard = Math.max(row.heard, sequence);
		this.touch(row);
	}

	private touch(row: Row): { put: Set<number>; remove: Span[] } {
		const t = this.touched.get(row.peer) ?? { put: new Set<number>(), remove: [] };
		this.touched.set(row.peer, t);
		return t;
	}

	/** One of the two sides has sent it: a server that names anybody else is not to be believed. */
	private saidIn(peer: string, m: WireMessage): boolean {
		return m.sender === peer || m.sender === this.user;
	}

	private put(row: Row, m: WireMessage, news: News): void {
		const n = int(m.sequence);
		if (!this.saidIn(row.peer, m) || n === 0 || n <= int(row.view.deletedSequence)) return;
		const before = row.messages.get(n);
		if (row.messages.has(n) && before === undefined) return; // deleted stays deleted
		this.touch(row).put.add(n);
		if (before?.recalled && !m.recalled) return; // an older word
		row.messages.set(n, m);
		if (before && m.recalled && !before.recalled && n <= row.heard) news.recalled.push({ row, message: m });
	}

	private remove(row: Row, span: Span): void {
		for (const n of row.messages.keys()) if (holds(span, n)) row.messages.delete(n);
		if (span[0] === span[1]) row.messages.set(span[0], undefined);
		this.touch(row).remove.push(span);
	}

	private removeEach(row: Row, sequences: (string | number)[] | undefined, change: number): void {
		for (const x of sequences ?? []) {
			const n = int(x);
			if (n < 1 || n > int(row.view.lastSequence)) continue;
			this.remove(row, [n, n]);
			this.cover(row, [n, n]);
			row.altered = Math.max(row.altered, change);
		}
	}

	private cover(row: Row, span: Span): void {
		if (span[0] < 1 || span[0] > span[1]) return;
		row.spans = joined(row.spans, span);
		this.touch(row);
	}
}

const newRow = (peer: string, told: number): Row => ({ peer, view: { peer }, spans: [], told, heard: told, altered: 0, look: undefined, messages: new Map() });
const kept = ({ peer, view, spans, heard, altered, look }: Row) => ({ peer, view, spans, told: heard, altered, look });
