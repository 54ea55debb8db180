import { CODE, ChatError } from "./codes.ts";
import { letGo } from "./firstlist.ts";
import { endRequests } from "./request.ts";
import { newLogout, type Logout } from "./journal.ts";
import type { Conn } from "./conn.ts";
import type { Engine } from "./engine.ts";
import type { KickedOut } from "./types.ts";
import type { Seat } from "./seat.ts";

// How an attempt begins and ends, and how a seat is left.

/** Gives s a new attempt; what was left of an earlier one is dropped. */
export function begin(e: Engine, s: Seat, automatic: boolean): void {
	drop(e, s, true);
	s.over = true;
	s.secret = { fixed: "", present: "", next: "" };
	s.expiry?.stop();
	s.warning.alarm?.stop();
	const fixed = e.journal.half();
	const pending = newLogout(s, fixed, "", "", true);
	e.journal.prove(fixed, (proof) => (pending.proof = proof));
	s.attempt = {
		secret: { fixed, present: e.journal.half(), next: "" },
		automatic,
		userSig: "",
		sent: false,
		open: 0,
		pending,
	};
	e.journal.add(s.attempt.pending);
}

/**
 * Ends s's attempt. One that was sent and not answered leaves a pending logout
 * behind: the server may have made its session.
 */
export function drop(e: Engine, s: Seat, answered: boolean): void {
	const a = s.attempt;
	if (!a) return;
	s.attempt = undefined;
	a.pending.held = false;
	a.pending.userSig = a.userSig;
	if (answered || !a.sent) e.journal.remove(a.pending);
}

/**
 * Ends an attempt that was refused. The refusal answers one frame of it: another that
 * was never answered may have made its session, or may yet.
 */
export function dropRefused(e: Engine, s: Seat): void {
	if (s.attempt) drop(e, s, s.attempt.open === 0);
}

/**
 * Takes the account out by the app's will: what the server may hold of it becomes
 * pending logouts, which are returned; calls on their way get cause.
 */
export function leave(e: Engine, s: Seat, cause: ChatError): [Conn | undefined, Logout[]] {
	const left: Logout[] = [];
	if (!s.over) {
		const l = newLogout(s, s.secret.fixed, e.journal.record(s).proof, s.userSig, false);
		e.journal.add(l);
		left.push(l);
	}
	if (s.attempt?.sent) left.push(s.attempt.pending);
	return [vacate(e, s, cause), left];
}

/** Empties the seat: nobody is in. The connection, if there is one, is the caller's to end. */
export function vacate(e: Engine, s: Seat, cause: ChatError): Conn | undefined {
	const wasIn = e.status === 1;
	drop(e, s, false);
	e.seat = undefined;
	halt(s);
	for (const alarm of [s.deadline, s.expiry, s.warning.alarm, s.fetch.alarm, s.follower.alarm]) alarm?.stop();
	s.fetch.now = undefined;
	e.refuse(s.login, cause);
	e.refuse(s.renewal, cause);
	s.login = s.renewal = undefined;
	endRequests(e, s, cause.code === CODE.LOGGED_OUT_BEFORE_LOGIN ? new ChatError(CODE.NOT_LOGGED_IN, "logged out before the server answered") : cause);
	s.box.live = false;
	if (wasIn) e.raise("sdkStateNotReady", null);
	const c = s.cycle.conn;
	s.cycle.conn = undefined;
	return c;
}

/** Stops the cycle where it stands. */
export function halt(s: Seat): void {
	s.cycle.alarm?.stop();
	s.cycle.dialing = undefined;
	s.cycle.phase = "resting";
	letGo(s);
}

/** Ends the seat by somebody else's will, or because no UserSig is left for it. */
export function kicked(e: Engine, s: Seat, k: KickedOut): void {
	seen(e, s);
	const why = k.expired ? "the UserSig has ended" : `the session was ended: ${k.kick.reason}`;
	vacate(e, s, new ChatError(CODE.NOT_LOGGED_IN, why))?.hangUp();
	e.raise("kickedOut", k);
}

/**
 * Writes down that the app is told of the end of the account's last session, whoever
 * said so: what else took that session's place is no news any more. A notice may have
 * named a later one.
 */
function seen(e: Engine, s: Seat): void {
	const r = e.journal.record(s);
	if (r.kickSeen >= r.session) return;
	r.kickSeen = r.session;
	e.journal.trySave();
}
