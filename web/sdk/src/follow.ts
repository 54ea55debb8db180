import { ANSWER_WITHIN, otherKind, refusalOf } from "./ask.ts";
import { Backoff } from "./backoff.ts";
import { CODE, forAWhile } from "./codes.ts";
import { int, type Change, type ServerFrame } from "./wire.ts";
import { MOST_TOLD, noNews, type Row } from "./model.ts";
import { noticed } from "./ended.ts";
import { tell } from "./news.ts";
import type { Alarm, Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

/** How much is asked for at a time. */
const PAGE = 100;

/**
 * Brings what is known of who is in to what the server has: the conversations that
 * changed, then the messages that they lack. One request is on its way at a time.
 */
export interface Follower {
	busy: boolean;
	/** The server knows no messages. */
	off: boolean;
	/** The highest change number heard of. */
	seen: number;
	/** When the session was granted, in ms by the server's clock. */
	born: number;
	/** Of the request that is waited for. */
	serial: number;
	alarm: Alarm | undefined;
	retry: Backoff;
}

export function newFollower(e: Engine): Follower {
	return { busy: false, off: false, seen: 0, born: 0, serial: 0, alarm: undefined, retry: new Backoff(() => e.env.random()) };
}

/** Begins when a session is served on a new connection, by a server that names its past. */
export function follow(e: Engine, s: Seat, past: string): void {
	const f = s.follower;
	f.alarm?.stop();
	s.follower = { ...newFollower(e), serial: f.serial + 1, born: e.clock.now(), busy: true };
	const c = s.cycle.conn;
	const begin = () => {
		if (!c || !e.here(s, c) || s.cycle.phase !== "serving") return;
		s.box.of(past);
		sync(e, s);
	};
	if (s.box.loaded) begin();
	else void s.box.ready.then(() => e.step(begin));
}

/** Asks what has changed. */
function sync(e: Engine, s: Seat): void {
	const model = s.box.model;
	const since = model.change, heard = s.follower.seen;
	s.follower.busy = true;
	askNext(e, s, { sync: { since: String(since), count: PAGE } }, (a) => {
		if (!a.sync) {
			otherAnswer(e, s, a);
			return;
		}
		const upTo = int(a.sync.change);
		const news = noNews();
		if (upTo < since) s.box.forget(); // the account has another past than this device knows
		const fresh = !model.synced;
		for (const v of a.sync.conversations ?? []) {
			const old = int(v.lastMessage?.timeMs) < s.follower.born;
			model.view(v, news, fresh && old ? int(v.lastSequence) : fresh ? -1 : 0);
		}
		if (upTo >= since) model.change = upTo;
		const stuck = upTo === since && !a.sync.more;
		if (stuck && s.follower.seen === heard) s.follower.seen = since; // the server has no more than this
		const more = a.sync.more === true && upTo > since || upTo < since;
		if (!more && !model.synced) {
			model.synced = true;
			news.changed = true;
		}
		tell(e, s, news);
		if (more) sync(e, s);
		else catchUp(e, s);
	});
}

/** Asks for the messages that are missing at the end of conversations. */
function catchUp(e: Engine, s: Seat): void {
	const model = s.box.model;
	s.follower.busy = true;
	const row = [...model.rows.values()].find((r) => !r.view.deleted && r.told < int(r.view.lastSequence));
	if (!row) {
		if (model.change < s.follower.seen) sync(e, s);
		else {
			s.follower.busy = false;
			s.follower.retry.reset();
		}
		return;
	}
	const from = start(row);
	if (model.reach(row, from) >= int(row.view.lastSequence)) { // all is here
		told(e, s, row, int(row.view.lastSequence));
		catchUp(e, s);
		return;
	}
	const after = model.reach(row, from);
	askNext(e, s, { listMessages: { peer: row.peer, after: String(after), count: PAGE } }, (a) => {
		if (a.refusal && !forAWhile(int(a.refusal.code), int(a.refusal.retryAfterMs)) && a.refusal.code !== CODE.UNKNOWN_REQUEST) {
			told(e, s, row, int(row.view.lastSequence)); // they are not given
		} else if (!a.messages) {
			otherAnswer(e, s, a);
			return;
		} else {
			const news = noNews();
			model.page(row, a.messages, after, news);
			tell(e, s, news);
			told(e, s, row, a.messages.complete ? int(row.view.lastSequence) : Math.max(int(a.messages.toSequence), after + 1));
		}
		catchUp(e, s);
	});
}

/** From where on a conversation's messages are news. */
function start(row: Row): number {
	const last = int(row.view.lastSequence);
	return row.told < 0 ? Math.max(0, last - PAGE) : Math.max(row.told, last - MOST_TOLD, int(row.view.deletedSequence));
}

/** Tells the messages up to a sequence, as far as they are news, and counts them as told. */
function told(e: Engine, s: Seat, row: Row, upTo: number): void {
	const news = noNews();
	const from = start(row);
	for (const n of [...row.messages.keys()].sort((a, b) => a - b)) {
		const m = row.messages.get(n);
		if (!m || n <= from || n > upTo || m.recalled) continue;
		if (row.told < 0 && int(m.timeMs) < s.follower.born) continue;
		news.received.push({ row, message: m });
	}
	s.box.model.tell(row, Math.max(upTo, 0));
	tell(e, s, news);
}

/** Takes a change that the server pushed, or answered a request with. */
export function changed(e: Engine, s: Seat, c: Change): void {
	const f = s.follower;
	if (f.off || !s.box.loaded) {
		f.seen = Math.max(f.seen, int(c.number));
		return;
	}
	const news = noNews();
	const known = c.conversation?.peer ? s.box.model.rows.has(c.conversation.peer) : false;
	s.box.model.take(c, news);
	const row = s.box.model.rows.get(c.conversation?.peer ?? "");
	if (!known && row && !news.missed && !s.box.model.synced) row.told = -1;
	tell(e, s, news);
	if (news.missed) {
		f.seen = Math.max(f.seen, int(c.number));
		if (!f.busy) sync(e, s);
	} else if (!f.busy) {
		catchUp(e, s);
	}
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
	f.alarm?.stop();
	f.alarm = e.after(f.retry.next(hintMs), () => c && e.here(s, c) && s.cycle.phase === "serving" && sync(e, s));
}
