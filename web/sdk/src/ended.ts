import { acknowledge } from "./courier.ts";
import { begin, drop, kicked } from "./leave.ts";
import { changed } from "./follow.ts";
import { CODE, ChatError } from "./codes.ts";
import { failLogin, loginOn } from "./login.ts";
import { goOn, rest, set, tryFailed } from "./cycle.ts";
import { int, type Notice, type ServerFrame } from "./wire.ts";
import { kickOf } from "./kick.ts";
import { loseRequests } from "./request.ts";
import { rememberEnd } from "./usersig.ts";
import { watchEnd } from "./warning.ts";
import type { Conn } from "./conn.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

/**
 * How long a server that can be heard has for its notice when a UserSig has ended,
 * before the client goes by the clock alone.
 */
const NOTICE_WITHIN = 500;

/** Hears what the server says unasked. */
export function pushed(e: Engine, s: Seat, c: Conn, f: ServerFrame): void {
	if (f.change) {
		if (e.here(s, c) && s.cycle.phase === "serving") changed(e, s, f.change);
	} else if (f.notice) {
		if (e.here(s, c) && !s.over && int(f.notice.session) === s.number) noticed(e, s, f.notice);
		else acknowledge(c, int(f.notice.session)); // for a session that the app has left: not shown
	}
}

/**
 * The session was ended. First it is kept that the app knows, then the server learns
 * it, then the app.
 */
export function noticed(e: Engine, s: Seat, n: Notice): void {
	e.journal.record(s).kickSeen = int(n.session);
	drop(e, s, true);
	e.journal.trySave(); // the app hears of it all the same
	if (s.cycle.conn) acknowledge(s.cycle.conn, int(n.session));
	if (s.login) {
		loginNoticed(e, s, n);
	} else if (n.expired) {
		userSigOver(e, s, n);
	} else {
		s.over = true;
		kicked(e, s, kickOf(n));
	}
}

/** Ends a login() that was answered with a notice. Servers answer it with a code; this is for those that do not. */
function loginNoticed(e: Engine, s: Seat, n: Notice): void {
	const code = int(n.code) || (n.expired ? CODE.USERSIG_EXPIRED : CODE.KICKED_OFF_BY_OTHER);
	e.raise("netStateChange", { state: "connected" });
	failLogin(e, s, new ChatError(code, kickOf(n).kick.message));
}

/** Sets the alarms for the end of the session's UserSig, which is good through the second given. */
export function endsAt(e: Engine, s: Seat, seconds: number): void {
	s.expiry?.stop();
	s.ends = (seconds + 1) * 1000;
	rememberEnd(e, s.userSig, s.ends);
	s.expiry = e.after(s.ends - e.clock.now(), () => endReached(e, s));
	watchEnd(e, s);
}

/**
 * By the server's clock the UserSig is over. A server that can be heard says so itself;
 * where a renewal is in doubt nobody else can.
 */
function endReached(e: Engine, s: Seat): void {
	if (e.seat !== s || s.over) return;
	const left = s.ends - e.clock.now();
	if (left > 0) s.expiry = e.after(left, () => endReached(e, s)); // the server's clock was heard anew meanwhile
	else if (s.cycle.conn) s.expiry = e.after(NOTICE_WITHIN, () => endUnheard(e, s));
	else endUnheard(e, s);
}

/**
 * The UserSig is over by the clock, and the server has not said so. With a renewal in
 * doubt the session may go on under the new one, so the server is asked, by a resume,
 * as soon as it can be.
 */
function endUnheard(e: Engine, s: Seat): void {
	if (e.seat !== s || s.over) return;
	if (!s.doubt) {
		userSigOver(e, s);
		return;
	}
	if (s.cycle.phase === "serving" && !s.renewal) {
		tryFailed(e, s, new ChatError(CODE.REQUEST_TIMEOUT, "no answer to a renewal, and the earlier UserSig has ended"));
	} // else the renewal's answer is waited for, or the session is on its way back
	s.expiry = e.after(NOTICE_WITHIN, () => endUnheard(e, s));
}

/**
 * The session has ended with its UserSig. A renewal that is on its way becomes a
 * login(), one that was kept or what the provider gives is for an automatic login of
 * which the app need not hear; without any it is over. The notice says why, if there
 * was one.
 */
export function userSigOver(e: Engine, s: Seat, notice?: Notice): void {
	s.over = true;
	s.notice = notice;
	s.refused.add(s.userSig);
	const k = s.renewal;
	if (k) {
		s.renewal = undefined;
		rest(s);
		loseRequests(e, s);
		loginOn(e, s, k);
		return;
	}
	const announced = s.cycle.announced && s.cycle.phase !== "serving";
	begin(e, s, true);
	rest(s);
	set(e, s, true);
	s.cycle.announced = announced;
	goOn(e, s);
	loseRequests(e, s);
}
