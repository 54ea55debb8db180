import { ANSWER_WITHIN, otherKind, refusalOf } from "./ask.ts";
import { Backoff } from "./backoff.ts";
import { CODE, forAWhile } from "./codes.ts";
import { int, type Change, type Int, type MessagesAnswer, type ServerFrame, type SyncAnswer, type View } from "./wire.ts";
import { letGo } from "./firstlist.ts";
import { MOST_TOLD, noNews, type Model, type Row } from "./model.ts";
import { noticed } from "./ended.ts";
import { spanOf, type Asked, type Span } from "./spans.ts";
import { tell } from "./news.ts";
import type { Alarm, Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

/** How much is asked for at a time. */
const PAGE = 100;
/** So many answers in a row may be out of date: each takes a recall or deletion meanwhile. */
const MOST_STALE = 10;

/**
 * Brings what is known of who is in to what the server has: the conversations that
 * changed, then the messages that they lack. One request is on its way at a time.
 */
export interface Follower {
	busy: boolean;
	/** What has changed is being asked for, and not only later. */
	asking: boolean;
	/** The server knows no messages. */
	off: boolean;
	/** The highest change number heard of. */
	seen: number;
	/** When the session was granted, in ms by the server's clock. */
	born: number;
	/** Answers in a row that were out of date. */
	stale: number;
	/** Of the request that is waited for. */
	serial: number;
	alarm: Alarm | undefined;
	retry: Backoff;
}

export function newFollower(e: Engine): Follower {
	return { busy: false, asking: false, off: false, seen: 0, born: 0, stale: 0, serial: 0, alarm: undefined, retry: new Backoff(() => e.env.random()) };
}

/** Begins when a session is served on a new connection, by a server that names its past. */
export function follow(e: Engine, s: Seat, past: string): void {
	const f = s.follower;
	f.alarm?.stop();
	s.follower = { ...newFollower(e), serial: f.serial + 1, born: e.clock.now(), busy: true, asking: true };
	const c = s.cycle.conn;
	const begin = () => {
		if (!c || !e.here(s, c) || s.cycle.phase !== "serving") return;
		s.box.of(past);
		for (const row of s.box.model.rows.values()) row.told = row.heard; // what was left untold
		sync(e, s);
	};
	if (s.box.loaded) begin();
	else void s.box.ready.then(() => e.step(begin));
}

/** Asks what has changed. */
function sync(e: Engine, s: Seat): void {
	const model = s.box.model;
	const since = model.change, heard = s.follower.seen;
	s.follower.busy = s.follower.asking = true;
	askNext(e, s, { sync: { since: String(since), alteredSince: String(model.whole), count: PAGE } }, (a) => {
		const answer = a.sync;
		if (!answer) otherAnswer(e, s, a);
		else if (answer.more && !answer.conversations?.length) failed(e, s, 0); // there is said to be more, and nothing comes
		else having(e, s, aboutAll(model, answer), () => takeSync(e, s, answer, since, heard));
	});
}

/** The messages that an answer is about. */
const aboutAll = (model: Model, { conversations = [], alterations = [] }: SyncAnswer): Part[] => [
	...conversations.flatMap((v) => about(model, v, [])),
	...alterations.flatMap((x) => about(model, x, x.recalled)),
];

/** The messages of a conversation that were read by the other side now, or recalled. */
function about(model: Model, v: Pick<View, "peer" | "peerReadSequence"> | undefined, recalled: Int[] = []): Part[] {
	const row = model.rows.get(v?.peer ?? "");
	if (!row) return [];
	const read = int(row.view.peerReadSequence), reads = int(v?.peerReadSequence);
	return [[row, Math.max(read + 1, reads - PAGE + 1), reads], ...recalled.map((n): Part => [row, int(n), int(n)])];
}

/** Takes what changed since a change number, when one had been heard of. */
function takeSync(e: Engine, s: Seat, a: SyncAnswer, since: number, heard: number): void {
	const model = s.box.model;
	const upTo = int(a.change);
	const news = noNews();
	if (upTo < since) s.box.forget(); // the account has another past than this device knows
	const fresh = !model.synced;
	for (const v of a.conversations ?? []) {
		const old = int(v.lastMessage?.timeMs) < s.follower.born;
		model.view(v, news, fresh && old ? int(v.lastSequence) : fresh ? -1 : 0);
	}
	for (const x of a.alterations ?? []) model.alter(x, upTo, news);
	if (upTo >= since) model.change = Math.max(model.change, upTo); // pushes may have come before it
	const stuck = upTo === since && !a.more;
	if (stuck && s.follower.seen === heard) s.follower.seen = since; // the server has no more than this
	const more = a.more === true && upTo > since || upTo < since;
	if (!more) model.whole = model.change;
	if (!more && !model.synced) {
		model.synced = true;
		news.changed = true;
		letGo(s);
	}
	tell(e, s, news);
	if (more) sync(e, s);
	else catchUp(e, s);
}

/** Asks for the messages that are missing at the end of conversations, or are to be looked at again. */
function catchUp(e: Engine, s: Seat): void {
	const f = s.follower;
	const model = s.box.model;
	f.busy = true;
	const row = [...model.rows.values()].find((r) => r.look || (!r.view.deleted && r.told < int(r.view.lastSequence)));
	if (!row) {
		if (model.change < f.seen) sync(e, s);
		else {
			f.busy = false;
			f.retry.reset();
		}
		return;
	}
	const from = start(row);
	const reach = Math.min(model.reach(row, from), int(row.view.lastSequence));
	if (!row.look && reach > from) { // these are here
		having(e, s, [[row, from + 1, reach]], () => {
			told(e, s, row, reach);
			catchUp(e, s);
		});
		return;
	}
	const q = next(row, from);
	askNext(e, s, { listMessages: { peer: row.peer, before: String(q.before), after: String(q.after), count: PAGE } }, (a) => {
		const page = a.messages;
		if (page) having(e, s, lookedAt(row, spanOf(q, page)), () => takeNext(e, s, row, q, page));
		else if (a.refusal && !forAWhile(int(a.refusal.code), int(a.refusal.retryAfterMs)) && a.refusal.code !== CODE.UNKNOWN_REQUEST) {
			row.look = undefined;
			told(e, s, row, int(row.view.lastSequence)); // they are not given
			catchUp(e, s);
		} else otherAnswer(e, s, a);
	});
}

/** What to ask for: to look at messages again, or those after a sequence. */
function next(row: Row, from: number): Asked {
	const last = int(row.view.lastSequence);
	if (row.look) return row.look[0] > 1 ? { before: 0, after: row.look[0] - 1, last } : { before: row.look[1] + 1, after: 0, last };
	if (from > 0) return { before: 0, after: from, last };
	const known = row.spans[0]?.[0] ?? last + 1; // after 0 would be the newest ones
	return { before: Math.min(Math.max(known - 1, 1), PAGE) + 1, after: 0, last };
}

/** What of a span is to be looked at again. */
const lookedAt = (row: Row, [first, last]: Span): Part[] =>
	row.look ? [[row, Math.max(first, row.look[0]), Math.min(last, row.look[1])]] : [];

function takeNext(e: Engine, s: Seat, row: Row, q: Asked, page: MessagesAnswer): void {
	const f = s.follower;
	const model = s.box.model;
	const news = noNews();
	const before = JSON.stringify([row.look, row.spans]);
	const taken = model.page(row, q, page, news);
	tell(e, s, news);
	f.stale = taken ? 0 : f.stale + 1;
	if (f.stale > MOST_STALE) {
		failed(e, s, 0);
		return;
	}
	if (taken && before === JSON.stringify([row.look, row.spans])) { // it says nothing: they are not given
		if (row.look) row.look = undefined;
		else told(e, s, row, int(row.view.lastSequence));
	}
	catchUp(e, s);
}

/** From where on a conversation's messages are news. */
function start(row: Row): number {
	const last = int(row.view.lastSequence);
	return row.told < 0 ? Math.max(0, last - PAGE) : Math.max(row.told, last - MOST_TOLD, int(row.view.deletedSequence));
}

/** Tells the messages up to a sequence, as far as they are news. They are in memory. */
function told(e: Engine, s: Seat, row: Row, upTo: number): void {
	const news = noNews();
	const from = start(row);
	for (const n of [...row.messages.keys()].sort((a, b) => a - b)) {
		const m = row.messages.get(n);
		if (!m || n <= from || n > upTo || m.recalled) continue;
		if (row.told < 0 && int(m.timeMs) < s.follower.born) continue;
		news.received.push({ row, message: m });
	}
	row.told = Math.max(row.told, upTo, 0);
	news.told.push({ row, upTo: row.told });
	tell(e, s, news);
}

/** Takes a change that the server pushed, or answered a request with. */
export function changed(e: Engine, s: Seat, c: Change): void {
	const f = s.follower;
	if (f.off || !s.box.loaded) {
		f.seen = Math.max(f.seen, int(c.number));
		return;
	}
	const recalled = (c.messages ?? []).filter((m) => m.recalled).map((m) => int(m.sequence));
	bring(s, about(s.box.model, c.conversation, recalled), () => e.step(() => e.seat === s && takeChange(e, s, c)), () => takeChange(e, s, c));
}

function takeChange(e: Engine, s: Seat, c: Change): void {
	const f = s.follower;
	const model = s.box.model;
	const peer = c.conversation?.peer ?? "";
	const news = noNews();
	const known = model.rows.has(peer) || model.heard(peer) !== undefined;
	model.take(c, news);
	const row = model.rows.get(peer);
	if (!known && row && !news.missed && !model.synced) row.told = row.heard = -1;
	tell(e, s, news);
	if (news.missed) {
		f.seen = Math.max(f.seen, int(c.number));
		if (!f.busy) sync(e, s);
	} else if (!f.busy) {
		catchUp(e, s);
	}
}

/** Messages of a conversation, from a sequence to another one. */
type Part = [row: Row, first: number, last: number];

/** Sees to it that these are in memory, as far as they are here: they are by now, or later. */
function bring(s: Seat, parts: Part[], later: () => void, now: () => void): void {
	const model = s.box.model;
	const missing = parts.filter((p) => model.lacks(...p));
	if (missing.length === 0) {
		now();
		return;
	}
	void s.box.holding(async () => {
		for (const [row, first, last] of missing) model.bring(row, await s.box.kept(row, first, last, last - first + 1));
		later();
	});
}

/** Goes on when these are in memory, unless the follower has begun anew by then. */
function having(e: Engine, s: Seat, parts: Part[], then: () => void): void {
	const { serial } = s.follower;
	s.follower.busy = true;
	bring(s, parts, () => e.step(() => e.seat === s && s.follower.serial === serial && then()), then);
}

/** Asks the server; take gets the answer, whatever it is. */
function askNext(e: Engine, s: Seat, frame: object, take: (a: ServerFrame) => void): void {
	const f = s.follower;
	const c = s.cycle.conn;
	if (!c) return;
	const serial = ++f.serial;
	f.alarm?.stop();
	f.alarm = e.after(ANSWER_WITHIN, () => e.here(s, c) && s.follower.serial === serial && failed(e, s, 0));
	c.ask(frame, (a) => {
		if (e.seat !== s || s.follower.serial !== serial) return;
		s.follower.alarm?.stop();
		s.follower.busy = false;
		if (a) take(a);
	});
}

/** Goes by what is no answer of the kind that was asked for. */
function otherAnswer(e: Engine, s: Seat, a: ServerFrame): void {
	if (a.notice) { // the end of the session has overtaken it
		noticed(e, s, a.notice);
	} else if (a.refusal?.code === CODE.UNKNOWN_REQUEST) {
		s.follower.off = true;
		s.follower.asking = false;
		letGo(s);
	} else {
		failed(e, s, (a.refusal ? refusalOf(a.refusal) : otherKind()).retryAfterMs);
	}
}

/** Tries again after a while. */
function failed(e: Engine, s: Seat, hintMs: number): void {
	const f = s.follower;
	const c = s.cycle.conn;
	f.serial++;
	f.busy = true;
	f.asking = false;
	letGo(s);
	f.alarm?.stop();
	f.alarm = e.after(f.retry.next(hintMs), () => c && e.here(s, c) && s.cycle.phase === "serving" && sync(e, s));
}
