import { Backoff } from "./backoff.ts";
import { CODE, ChatError } from "./codes.ts";
import { Conn, asksBack, sendsAway, type Loss } from "./conn.ts";
import { ask } from "./ask.ts";
import { failLogin } from "./login.ts";
import { fetchUserSig, usable } from "./provider.ts";
import { halt, kicked } from "./leave.ts";
import { hurry, sendLogouts, pendingLogouts } from "./courier.ts";
import { loseRequests } from "./request.ts";
import { pushed, userSigOver } from "./ended.ts";
import { kickOf } from "./kick.ts";
import { PATH, PROTOCOL } from "./wire.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

const DIAL_WITHIN = 10_000;
const FIRST_SPREAD = 200;
/** So many pending logouts go before a login or resume on its connection. */
const MAX_LOGOUTS_FIRST = 16;

/** Makes s ready for a new cycle. A quiet one is not announced before something goes wrong. */
export function set(e: Engine, s: Seat, quiet: boolean, capMs?: number): void {
	halt(s);
	const retry = new Backoff(() => e.env.random(), capMs);
	s.cycle = { phase: "resting", dialing: undefined, conn: s.cycle.conn, alarm: undefined, retry, announced: false, last: undefined, detours: 0 };
	if (!quiet) announce(e, s);
}

function announce(e: Engine, s: Seat): void {
	if (s.cycle.announced) return;
	s.cycle.announced = true;
	e.raise("netStateChange", { state: "connecting" });
}

/**
 * Begins a cycle because a session's connection was lost: at once, or not before the
 * server wants it, but not at the same moment as everybody.
 */
function comeBackFrom(e: Engine, s: Seat, l: Loss): void {
	set(e, s, false);
	dialIn(e, s, l.retryAfterMs > 0 ? s.cycle.retry.next(l.retryAfterMs) : e.env.random() * FIRST_SPREAD);
}

function dialIn(e: Engine, s: Seat, ms: number): void {
	s.cycle.phase = "waiting";
	s.cycle.alarm = e.after(ms, () => {
		if (e.seat === s && s.cycle.phase === "waiting") dial(e, s);
	});
}

/** Connects once for whoever calls; failed may be heard, then nothing more is. */
export function connect(e: Engine, opened: (c: Conn) => void, failed: (error: ChatError) => void, pushed: (c: Conn, f: import("./wire.ts").ServerFrame) => void, lost: (c: Conn, l: Loss) => void): void {
	let conn: Conn | undefined;
	let over = false;
	const fail = (error: ChatError) => {
		if (over) return;
		over = true;
		late.stop();
		e.dialing.delete(socket);
		failed(error);
	};
	const late = e.after(DIAL_WITHIN, () => {
		if (conn || over) return;
		fail(new ChatError(CODE.CONNECT_TIMEOUT, "no connection within 10 s"));
		socket.close();
	});
	const socket = e.env.connect(e.set.server + PATH, PROTOCOL, {
		opened: () => e.step(() => {
			if (over) return;
			late.stop();
			e.dialing.delete(socket);
			conn = new Conn(e, socket, pushed, lost);
			opened(conn);
		}),
		failed: (text) => e.step(() => fail(new ChatError(CODE.DISCONNECTED, text))),
		received: (text) => e.step(() => conn?.received(text)),
		closed: (code, reason) => e.step(() => conn ? conn.ended(code, reason) : fail(new ChatError(CODE.DISCONNECTED, "the connection could not be made"))),
	});
	e.dialing.add(socket);
}

export function dial(e: Engine, s: Seat): void {
	const d = {};
	s.cycle.phase = "dialing";
	s.cycle.dialing = d;
	const mine = () => e.seat === s && s.cycle.dialing === d;
	connect(
		e,
		(c) => {
			if (!mine()) {
				c.hangUp();
				return;
			}
			s.cycle.dialing = undefined;
			s.cycle.conn = c;
			sendLogouts(e, c, pendingLogouts(e).slice(0, MAX_LOGOUTS_FIRST));
			goOn(e, s);
		},
		(error) => {
			if (!mine()) return;
			s.cycle.dialing = undefined;
			tryFailed(e, s, error);
		},
		(c, f) => pushed(e, s, c, f),
		(c, l) => lost(e, s, c, l),
	);
}

/** Takes the next step of a cycle. */
export function goOn(e: Engine, s: Seat): void {
	if (s.attempt?.automatic && usable(e, s) === "") {
		rest(s);
		fetchUserSig(e, s);
	} else if (s.cycle.conn) {
		ask(e, s);
	} else {
		dial(e, s);
	}
}

/** Ends a seat's connection, and the cycle for now. */
export function rest(s: Seat): void {
	const c = s.cycle.conn;
	s.cycle.conn = undefined;
	halt(s);
	c?.hangUp();
}

/** Goes on with the next try after a while. */
export function tryFailed(e: Engine, s: Seat, error: ChatError): void {
	rest(s);
	s.cycle.last = error;
	announce(e, s);
	e.raise("netStateChange", { state: "disconnected", code: error.code, message: error.message });
	s.cycle.detours = 0;
	dialIn(e, s, s.cycle.retry.next());
}

/** The server asks to come back later, which is no failure. */
export function comeBackLater(e: Engine, s: Seat, retryAfterMs: number): void {
	rest(s);
	s.cycle.detours = 0;
	dialIn(e, s, s.cycle.retry.next(retryAfterMs));
}

/** Heard when the connection ended, unless we hung up. */
function lost(e: Engine, s: Seat, c: Conn, l: Loss): void {
	if (!e.here(s, c)) return;
	const served = s.cycle.phase === "serving";
	s.cycle.conn = undefined;
	if (sendsAway(l)) sentAway(e, s, l.code);
	else if (served) comeBackFrom(e, s, l);
	else if (asksBack(l)) comeBackLater(e, s, l.retryAfterMs);
	else tryFailed(e, s, new ChatError(CODE.DISCONNECTED, "the connection was lost"));
	loseRequests(e, s);
}

// What a close means that asks not to come back, when no notice came before it.
const AWAY: Record<number, string> = {
	4500: "the session was kicked",
	4501: "the session's UserSig has ended or was made worthless",
	4502: "the session was logged out on another connection of its client",
	4503: "the device logged in again and this session was its earlier one",
	4504: "a frame did not parse",
	4505: "a frame was larger than allowed",
	4506: "more requests than allowed before a login",
};
const AWAY_CODES: Record<number, number> = { 4504: CODE.PARSE_FAILED, 4506: CODE.TOO_MANY_REQUESTS, 4501: CODE.USERSIG_EXPIRED };

function sentAway(e: Engine, s: Seat, code: number): void {
	const text = AWAY[code] ?? `close code ${code}`;
	if (s.login) failLogin(e, s, new ChatError(AWAY_CODES[code] ?? CODE.DISCONNECTED, `the server closed the connection: ${text}`));
	else if (code === 4501) userSigOver(e, s);
	else kicked(e, s, kickOf({ text, atMs: e.clock.now(), reason: code === 4503 ? "REASON_SAME_DEVICE_ELSEWHERE" : "" }));
}

/** The network may be back, or the device was awake again: nothing waits for its turn. */
export function wake(e: Engine): void {
	const s = e.seat;
	if (s?.cycle.phase === "serving") s.cycle.conn?.probe();
	else if (s?.cycle.phase === "waiting" && s.cycle.announced) {
		s.cycle.alarm?.stop();
		dialIn(e, s, e.env.random() * FIRST_SPREAD);
	}
	if (e.courier.alarm) hurry(e);
}
