import { Backoff } from "./backoff.ts";
import { begin, leave } from "./leave.ts";
import { CODE, ChatError } from "./codes.ts";
import { dial, set } from "./cycle.ts";
import { farewell } from "./courier.ts";
import { isUserID } from "./wire.ts";
import { nameBox } from "./box.ts";
import { newFollower } from "./follow.ts";
import { renew } from "./renew.ts";
import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

// No more logins than these, counting those that cause traffic.
const MAX_LOGINS = 5;
const LOGINS_WITHIN = 10_000;

/** The longest wait between two tries of a login: somebody waits for it, and a network that is back is noticed in time. */
const LOGIN_RETRY = 2000;

/** The longest UserSig. */
export const MAX_USERSIG = 2048;

/** What the app is told when it is in already. */
export const REPEATED = { code: 0, data: { repeatLogin: true } };


/** Takes a login() call. What is refused on the spot changes nothing. */
export function login(e: Engine, k: Call): void {
	const s = e.seat;
	const same = s?.user === k.user;
	if (!isUserID(k.user)) {
		e.refuse(k, new ChatError(CODE.ILLEGAL_USER_ID, "illegal userID: want 1 to 32 of a-z, A-Z, 0-9, _ and -"));
	} else if (typeof k.userSig !== "string" || k.userSig.length > MAX_USERSIG) {
		e.refuse(k, new ChatError(CODE.INVALID_PARAMETERS, `userSig: want a text of at most ${MAX_USERSIG} bytes`));
	} else if (s && same && (s.login || s.renewal)) {
		e.refuse(k, new ChatError(CODE.LOGIN_IN_PROCESS, `a login of ${k.user} is on its way`));
	} else if (isOver(e, k.userSig)) {
		if (!s) nameBox(e, e.place(k.user));
		e.refuse(k, new ChatError(CODE.USERSIG_EXPIRED_HERE, "this UserSig has expired: get a new one"));
	} else if (s && same && (k.userSig === s.userSig || (s.kept !== "" && k.userSig === s.kept))) {
		e.answer(k, REPEATED);
	} else if (!mayLogin(e)) {
		e.refuse(k, new ChatError(CODE.CALL_FREQUENCY, "more than 5 logins in 10 s"));
	} else if (s && same) {
		renew(e, s, k);
	} else {
		enter(e, k);
	}
}

/**
 * Gives the seat to k's account. Who had it is logged out: with the logouts that go
 * before anything else on the new connection.
 */
function enter(e: Engine, k: Call): void {
	if (e.seat) {
		const [c] = leave(e, e.seat, new ChatError(CODE.LOGGED_OUT_BEFORE_LOGIN, `${k.user} logs in instead`));
		c?.hangUp();
	}
	const p = e.place(k.user);
	const s: Seat = {
		...p,
		box: nameBox(e, p),
		login: undefined, renewal: undefined, deadline: undefined, requests: new Set(),
		userSig: "", kept: "", refused: new Set(),
		fetch: { asked: 0, last: -Infinity, alarm: undefined, now: undefined },
		over: true, number: 0, connection: 0, secret: { fixed: "", present: "", next: "" }, ends: 0, expiry: undefined,
		warning: { userSig: "", due: 0, given: false, alarm: undefined },
		notice: undefined, doubt: false, attempt: undefined, carried: "",
		follower: newFollower(e), waiting: [],
		cycle: { phase: "resting", dialing: undefined, conn: undefined, alarm: undefined, retry: new Backoff(() => 0), announced: false, last: undefined, detours: 0 },
	};
	e.seat = s;
	loginOn(e, s, k);
}

/** Lets the login() call k go for s. */
export function loginOn(e: Engine, s: Seat, k: Call): void {
	s.login = k;
	s.userSig = k.userSig;
	s.deadline = e.after(e.set.loginWithin, () => loginTimedOut(e, s));
	begin(e, s, false);
	set(e, s, false, LOGIN_RETRY);
	dial(e, s);
}

function loginTimedOut(e: Engine, s: Seat): void {
	if (e.seat !== s || !s.login) return;
	const seconds = e.set.loginWithin / 1000;
	let error = s.cycle.last;
	if (error?.code === CODE.INTERNAL) failLogin(e, s, error); // the server said so
	else {
		if (s.attempt?.sent) error = new ChatError(CODE.REQUEST_TIMEOUT, `no answer from the server within ${seconds} s`);
		failLogin(e, s, error ?? new ChatError(CODE.CONNECT_TIMEOUT, `no connection within ${seconds} s`));
	}
}

/** Ends a login(). What was sent and not answered is logged out. */
export function failLogin(e: Engine, s: Seat, error: ChatError): void {
	const [c, left] = leave(e, s, error);
	e.journal.trySave();
	farewell(e, c, left);
}

/** Counts the logins that cause traffic. */
function mayLogin(e: Engine): boolean {
	const now = e.env.now();
	e.logins = e.logins.filter((t) => now - t < LOGINS_WITHIN);
	return e.logins.length < MAX_LOGINS && e.logins.push(now) > 0;
}

/**
 * Tells whether a UserSig is known to have ended: the server has said so, or its end has
 * passed by the server's clock. The local clock alone is not believed, nor, when nobody
 * is in, a server's that was heard long ago.
 */
export function isOver(e: Engine, userSig: string): boolean {
	const ends = e.ends.get(userSig);
	return e.dead.has(userSig) || (ends !== undefined && (e.seat !== undefined || e.clock.believed()) && e.clock.now() >= ends);
}
