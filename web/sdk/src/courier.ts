import { connect } from "./cycle.ts";
import { forAWhile } from "./codes.ts";
import { LONGEST_HINT, type Backoff } from "./backoff.ts";
import { LOGOUT_WAIT } from "./logout.ts";
import { int, MAX_TRY, type ServerFrame } from "./wire.ts";
import type { Alarm, Engine } from "./engine.ts";
import type { Conn } from "./conn.ts";
import type { Logout } from "./journal.ts";

// Times and bounds of logouts.
const WITHIN = 10_000; // a courier's connection may stand
const AGAIN_AFTER = 60_000; // one that the server does not know is sent once more
const BUSY_AGAIN_AFTER = 5000; // one that a busy server refused, at the earliest
const MOST = 16; // on one connection

/**
 * Delivers pending logouts while nobody is in whose connection could take them along.
 * There is one at a time.
 */
export interface Courier {
	busy: boolean;
	/** Until it sets out. */
	alarm: Alarm | undefined;
	/** The next one sets out at once. */
	hurried: boolean;
	/** Something was not delivered since it set out. */
	failed: boolean;
	retry: Backoff;
}

/** Those that could be sent now. */
export function pendingLogouts(e: Engine): Logout[] {
	const now = e.env.now();
	return e.journal.logouts.filter((l) => !l.held && now >= l.due && l.server === e.set.server && l.app === e.set.app);
}

/** Sees to it that pending logouts go out: called after each step. */
export function deliver(e: Engine): void {
	const out = pendingLogouts(e).filter((l) => l.flying === 0);
	const { conn, phase } = e.seat?.cycle ?? { conn: undefined, phase: "resting" };
	if (out.length === 0) return;
	if (conn && phase === "serving") sendLogouts(e, conn, out.slice(0, MOST));
	else if (phase === "resting" && !e.courier.busy) sendCourier(e); // else they go first on the connection that is being made
}

/** Sends logouts on c. Their try numbers are kept before; if that fails nothing is sent. */
export function sendLogouts(e: Engine, c: Conn, out: Logout[]): boolean {
	if (out.length === 0) return true;
	const first = e.journal.try + 1;
	e.journal.try = Math.min(e.journal.try + out.length, MAX_TRY); // the next login draws a new device
	try {
		e.journal.save();
	} catch {
		return false;
	}
	out.forEach((l, i) => {
		l.flying++;
		const again = l.again; // as it is sent: of two on their way at once neither is the second
		const logout = {
			app: l.app,
			userId: l.user,
			deviceId: e.journal.device,
			fixedHalf: l.fixed,
			tryNumber: String(Math.min(first + i, MAX_TRY)),
			userSig: l.userSig,
		};
		c.ask({ logout }, (f) => {
			l.flying--;
			answered(e, l, again, f);
		});
	});
	return true;
}

/** Goes by the answer to a logout, which was sent again after a while or for the first time. */
function answered(e: Engine, l: Logout, again: boolean, f: ServerFrame | undefined): void {
	const r = f?.refusal;
	const hint = int(r?.retryAfterMs);
	if (!f) e.courier.failed = true;
	else if (r && forAWhile(int(r.code), hint)) {
		e.courier.failed = true;
		postpone(e, l, Math.min(Math.max(hint, BUSY_AGAIN_AFTER), LONGEST_HINT));
	} else if (f.logout?.known || again) {
		e.journal.remove(l);
		e.journal.trySave(); // if not, it is sent again, which does no harm
	} else {
		l.again = true;
		postpone(e, l, AGAIN_AFTER);
	}
	settle(l);
}

/** Lets l be sent after ms, not before. */
function postpone(e: Engine, l: Logout, ms: number): void {
	l.due = e.env.now() + ms;
	e.after(ms, () => {}); // a step, which delivers
}

/** Tells those who wait for l that it was answered, or that it could not be delivered now. */
export function settle(l: Logout): void {
	const waiting = l.settled;
	l.settled = [];
	for (const f of waiting) f();
}

/** Calls f when all of these were answered, or could not be delivered now. */
export function settled(out: Logout[], f: () => void): void {
	let open = out.length;
	if (open === 0) f();
	for (const l of out) l.settled.push(() => --open === 0 && f());
}

function sendCourier(e: Engine): void {
	const k = e.courier;
	k.busy = true;
	const wait = k.hurried ? 0 : k.retry.next();
	k.hurried = false;
	k.alarm = e.after(wait, () => dialCourier(e));
}

/** Lets the courier set out at once: somebody waits for it. */
export function hurry(e: Engine): void {
	const k = e.courier;
	if (k.alarm) {
		k.alarm.stop();
		k.alarm = undefined;
		k.busy = false;
	}
	k.hurried = true;
}

function dialCourier(e: Engine): void {
	e.courier.alarm = undefined;
	connect(
		e,
		(c) => {
			e.courier.failed = false;
			carry(e, c, pendingLogouts(e).slice(0, MOST), WITHIN, () => {
				e.courier.busy = false;
				if (!e.courier.failed) e.courier.retry.reset();
			});
		},
		() => {
			for (const l of pendingLogouts(e)) if (l.flying === 0) settle(l);
			e.courier.busy = false;
		},
		pushedToNobody,
		() => {},
	);
}

/** Takes note of notices for sessions that the app has left. */
function pushedToNobody(c: Conn, f: ServerFrame): void {
	if (f.notice) acknowledge(c, int(f.notice.session));
}

export function acknowledge(c: Conn, session: number): void {
	c.send({ acknowledgement: { session: String(session) } });
}

/** Ends a connection with the logouts of what it served, or was to. Without a connection the courier takes them. */
export function farewell(e: Engine, c: Conn | undefined, left: Logout[]): void {
	if (c) carry(e, c, left, LOGOUT_WAIT, () => {});
	else hurry(e);
}

/**
 * Sends logouts on a connection that serves nothing else, and hangs up when all are
 * answered or time is up. Then is called in the end.
 */
function carry(e: Engine, c: Conn, out: Logout[], within: number, then: () => void): void {
	const sent = sendLogouts(e, c, out);
	if (!sent || out.length === 0) {
		e.courier.failed = !sent;
		c.hangUp();
		then();
		return;
	}
	const bell = e.after(within, () => c.hangUp());
	settled(out, () => {
		bell.stop();
		c.hangUp();
		then();
	});
}

