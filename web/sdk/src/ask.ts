import { CODE, ChatError, forAWhile, isAboutUserSig, reason, saysExpired } from "./codes.ts";
import { begin, drop, dropRefused, kicked } from "./leave.ts";
import { comeBackLater, goOn, rest, tryFailed } from "./cycle.ts";
import { endsAt, noticed } from "./ended.ts";
import { failLogin } from "./login.ts";
import { follow } from "./follow.ts";
import { int, line, MAX_PROOFS, MAX_TRY, type Refusal, type ServerFrame, type SessionAnswer } from "./wire.ts";
import { keptAnswered } from "./renew.ts";
import { kickOf } from "./kick.ts";
import { refuse, usable } from "./provider.ts";
import type { Attempt, Seat } from "./seat.ts";
import type { Engine } from "./engine.ts";

export const VERSION = "0.1.0";
const CLIENT = `rollcall-web/${VERSION}`;

/** To a login or resume. */
export const ANSWER_WITHIN = 10_000;
/** So often in a row the server may answer stale or log in again before the client takes a breath. */
const MAX_DETOURS = 4;

/** Sends what brings s in: its attempt's login, or a resume of its session. */
export function ask(e: Engine, s: Seat): void {
	const c = s.cycle.conn;
	if (!c) return;
	if (e.journal.try >= MAX_TRY) {
		e.journal.renew();
		loginAgain(e, s);
		return;
	}
	e.journal.try++;
	const a = s.attempt;
	const frame = a ? loginFrame(e, s, a) : resumeFrame(e, s);
	try {
		e.journal.save();
	} catch (error) {
		tryFailed(e, s, new ChatError(CODE.IO_FAILED, `nothing is sent that could not be kept: ${reason(error)}`));
		return;
	}
	if (a) {
		a.sent = true;
		a.open++;
	}
	s.doubt ||= !a && s.carried !== "";
	s.cycle.phase = "asking";
	s.cycle.alarm?.stop();
	s.cycle.alarm = e.after(ANSWER_WITHIN, () => {
		if (e.here(s, c) && s.cycle.phase === "asking") tryFailed(e, s, new ChatError(CODE.REQUEST_TIMEOUT, "no answer from the server within 10 s"));
	});
	c.ask(frame, (f) => {
		if (f && a) a.open--;
		if (f && e.here(s, c)) {
			s.cycle.alarm?.stop();
			answered(e, s, f);
		}
	});
}

function loginFrame(e: Engine, s: Seat, a: Attempt): object {
	const r = e.journal.record(s);
	a.userSig = a.automatic ? usable(e, s) : s.userSig;
	const lost = e.journal.unanswered(s).filter((l) => l !== a.pending).map((l) => l.proof);
	return {
		login: {
			app: s.app,
			userId: s.user,
			userSig: a.userSig,
			platform: e.set.platform,
			deviceId: e.journal.device,
			deviceName: e.set.deviceName,
			automatic: a.automatic,
			tryNumber: String(e.journal.try),
			fixedHalf: a.secret.fixed,
			changingHalf: a.secret.present,
			lastSession: String(r.session),
			kickSeen: String(r.kickSeen),
			proofs: [r.proof, ...lost].filter(Boolean).slice(0, MAX_PROOFS),
			client: CLIENT,
		},
	};
}

function resumeFrame(e: Engine, s: Seat): object {
	s.secret.next ||= e.journal.half(); // stays until this step is answered
	s.carried = s.kept;
	return {
		resume: {
			app: s.app,
			userId: s.user,
			session: String(s.number),
			fixedHalf: s.secret.fixed,
			presentHalf: s.secret.present,
			nextHalf: s.secret.next,
			tryNumber: String(e.journal.try),
			userSig: s.carried,
			client: CLIENT,
		},
	};
}

/** Goes by what the server said to a login or resume. */
function answered(e: Engine, s: Seat, f: ServerFrame): void {
	if (f.session) granted(e, s, f.session);
	else if (f.refusal) refused(e, s, f.refusal);
	else if (f.stale) stale(e, s, int(f.stale.highest));
	else if (f.loginAgain) loginAgain(e, s);
	else if (f.notice) noticed(e, s, f.notice);
	else tryFailed(e, s, otherKind());
}

export const otherKind = (): ChatError => new ChatError(CODE.DISCONNECTED, "the server gave an answer of another kind");

/** The session is served on this connection. */
function granted(e: Engine, s: Seat, a: SessionAnswer): void {
	const c = s.cycle.conn;
	if (!c) return;
	if (s.attempt) loggedIn(e, s, s.attempt, a);
	else resumed(e, s, a);
	e.journal.trySave(); // what is kept proves the session, too
	s.connection = int(a.connection);
	endsAt(e, s, int(a.expiresS));
	s.cycle.phase = "serving";
	s.doubt = false;
	s.fetch = { asked: 0, last: s.fetch.last, alarm: undefined, now: undefined };
	c.keepAlive(heartbeat(int(a.heartbeatMs)));

	const k = s.login;
	s.login = undefined;
	s.deadline?.stop();
	s.notice = undefined;
	s.box.live = true;
	if (s.cycle.announced) e.raise("netStateChange", { state: "connected" });
	e.answer(k, { code: 0, data: { repeatLogin: false } });
	if (k) e.raise("sdkStateReady", null);
	follow(e, s, line(a.past));
}

function loggedIn(e: Engine, s: Seat, attempt: Attempt, a: SessionAnswer): void {
	s.secret = attempt.secret;
	s.number = int(a.session);
	s.userSig = attempt.userSig;
	if (s.kept === s.userSig) s.kept = "";
	const { proof } = attempt.pending;
	drop(e, s, true);
	s.over = false;
	const r = e.journal.record(s);
	r.session = s.number;
	r.kickSeen = 0;
	r.proof = proof;
}

function resumed(e: Engine, s: Seat, a: SessionAnswer): void {
	s.secret.present = s.secret.next;
	s.secret.next = "";
	if (s.carried) keptAnswered(e, s, s.carried, int(a.renewalCode));
}

/** How often the server wants to hear of us, within reason and with a margin for a slow network. */
export function heartbeat(ms: number): number {
	return Math.min(Math.max(((ms || 60_000) * 2) / 3, 1000), 600_000);
}

/** The server has seen a higher try number, so the next one is above it. */
function stale(e: Engine, s: Seat, highest: number): void {
	if (++s.cycle.detours > MAX_DETOURS) {
		tryFailed(e, s, new ChatError(CODE.DISCONNECTED, "the server answers stale again and again"));
		return;
	}
	e.journal.try = Math.max(e.journal.try, Math.min(highest, MAX_TRY));
	ask(e, s);
}

/**
 * There is nothing to resume, or the attempt's session has ended. What follows is a new
 * attempt; a login() stays one.
 */
function loginAgain(e: Engine, s: Seat): void {
	begin(e, s, !s.login);
	if (++s.cycle.detours > MAX_DETOURS) {
		tryFailed(e, s, new ChatError(CODE.DISCONNECTED, "the server asks to log in again and again"));
		return;
	}
	goOn(e, s);
}

export const refusalOf = (r: Refusal): ChatError => new ChatError(int(r.code), line(r.text), int(r.retryAfterMs));

/** Not granted, for good or for a while. */
function refused(e: Engine, s: Seat, r: Refusal): void {
	const error = refusalOf(r);
	if (s.login && error.code === CODE.INTERNAL && error.retryAfterMs > 0) {
		comeBackLater(e, s, error.retryAfterMs);
		s.cycle.last = error;
	} else if (s.login) {
		loginRefused(e, s, error, r);
	} else if (forAWhile(error.code, error.retryAfterMs)) {
		comeBackLater(e, s, error.retryAfterMs);
	} else {
		returnRefused(e, s, error);
	}
}

/** Ends a login() with the server's code. */
function loginRefused(e: Engine, s: Seat, error: ChatError, refusal: Refusal): void {
	if (saysExpired(error.code)) e.dead.add(s.userSig);
	if (error.code === CODE.KICKED_OFF_BY_OTHER) {
		const r = e.journal.record(s);
		r.kickSeen = int(refusal.kicked?.session) || r.session;
	}
	dropRefused(e, s);
	e.raise("netStateChange", { state: "connected" });
	failLogin(e, s, error);
}

/** Ends the stay of one who came back by himself, unless another UserSig may still serve. */
function returnRefused(e: Engine, s: Seat, error: ChatError): void {
	if (!isAboutUserSig(error.code)) {
		dropRefused(e, s);
		const reason = error.code === CODE.ACCOUNT_DISABLED ? "REASON_ACCOUNT_DISABLED" : "";
		kicked(e, s, kickOf({ reason, code: error.code, text: error.message, atMs: e.clock.now() }));
		return;
	}
	refuse(e, s, s.attempt ? s.attempt.userSig : s.userSig, error.code);
	dropRefused(e, s);
	begin(e, s, true);
	rest(s);
	goOn(e, s);
}
