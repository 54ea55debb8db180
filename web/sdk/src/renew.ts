import { CODE, ChatError, forAWhile, saysExpired } from "./codes.ts";
import { endsAt, noticed } from "./ended.ts";
import { goOn } from "./cycle.ts";
import { int, line, type ServerFrame } from "./wire.ts";
import { login } from "./login.ts";
import type { Call } from "./call.ts";
import { watchEnd } from "./warning.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

/** The server has so long to answer a renewal before it is kept. */
const RENEW_WITHIN = 5000;

const RENEWED = { code: 0, data: { repeatLogin: true } };

/** Takes a renewUserSig() call: a login() that can be nothing but a renewal. */
export function renewUserSig(e: Engine, k: Call): void {
	const s = e.seat;
	if (!s) e.refuse(k, new ChatError(CODE.NOT_LOGGED_IN, "nobody is in: log in with the new UserSig"));
	else if (s.login) e.refuse(k, new ChatError(CODE.LOGIN_IN_PROCESS, `a login of ${s.user} is on its way`));
	else {
		k.user = s.user;
		login(e, k);
	}
}

/** Gives the account that is in a new UserSig. */
export function renew(e: Engine, s: Seat, k: Call): void {
	const c = s.cycle.conn;
	if (s.cycle.phase !== "serving" || !c) {
		keep(e, s, k);
		return;
	}
	s.renewal = k;
	s.doubt = true;
	const within = e.after(RENEW_WITHIN, () => s.renewal === k && keep(e, s, k));
	c.ask({ renew: { userSig: k.userSig } }, (f) => {
		within.stop();
		if (e.seat === s) renewed(e, s, k, f);
	});
}

/** Holds a renewal ready for the next resume, or for the automatic login that the seat is waiting for. */
function keep(e: Engine, s: Seat, k: Call): void {
	s.renewal = undefined;
	s.kept = k.userSig;
	e.answer(k, RENEWED);
	if (s.cycle.phase === "resting") {
		s.fetch.alarm?.stop();
		s.fetch.now = undefined;
		goOn(e, s);
	}
}

/**
 * Heard with the answer to a renewal, or with nothing when the connection ended before
 * it. Late or not, what the server did is true; but the call may have been kept, or
 * have become a login().
 */
function renewed(e: Engine, s: Seat, k: Call, f: ServerFrame | undefined): void {
	const waiting = s.renewal === k;
	const r = f?.refusal;
	if (f?.notice) {
		noticed(e, s, f.notice);
	} else if (f?.renew) {
		s.doubt = false;
		keptAnswered(e, s, k.userSig, CODE.OK);
		endsAt(e, s, int(f.renew.expiresS));
		if (waiting) {
			s.renewal = undefined;
			e.answer(k, RENEWED);
		}
	} else if (r) {
		s.doubt = false;
		const code = int(r.code);
		if (waiting && forAWhile(code, int(r.retryAfterMs))) {
			keep(e, s, k);
			return;
		}
		if (waiting) s.renewal = undefined;
		keptAnswered(e, s, k.userSig, code);
		if (waiting) e.refuse(k, new ChatError(code, line(r.text)));
	} else if (waiting) {
		keep(e, s, k);
	}
}

/** Goes by the server's word on a renewal: in force, or dropped. */
export function keptAnswered(e: Engine, s: Seat, userSig: string, code: number): void {
	if (s.kept === userSig) s.kept = "";
	if (code === CODE.OK) {
		s.userSig = userSig;
		return;
	}
	if (saysExpired(code)) e.dead.add(userSig);
	watchEnd(e, s); // of the old one, which stays
}
