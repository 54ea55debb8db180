import type { Backoff } from "./backoff.ts";
import type { ChatError } from "./codes.ts";
import type { Conn } from "./conn.ts";
import type { Alarm } from "./engine.ts";
import type { Follower } from "./follow.ts";
import type { Logout, Place } from "./journal.ts";
import type { Box } from "./box.ts";
import type { Notice } from "./wire.ts";
import type { Call, Request } from "./call.ts";

/** How far the way to a served session is. */
export type Phase =
	| "resting" // not under way: the seat is new, or waits for a UserSig
	| "waiting" // for the next try
	| "dialing"
	| "asking" // the login or resume is sent
	| "serving";

/**
 * A seat is an account's place at the client, from the login() that takes it until it
 * is left or lost. It outlives connections, and sessions too when the SDK logs in by
 * itself.
 */
export interface Seat extends Place {
	box: Box;
	/** Waits for its answer: LOGINING; undefined: LOGINED. */
	login: Call | undefined;
	/** Waits for the answer to a renewal on the connection. */
	renewal: Call | undefined;
	deadline: Alarm | undefined;
	requests: Set<Request>;

	// The UserSigs to log in with.
	/** The one in force, or that login() brought. */
	userSig: string;
	/** Of a renewal that the server has not yet answered. */
	kept: string;
	/** Not to be offered again for this seat. */
	refused: Set<string>;
	fetch: Fetch;

	// The session in force, if it is not over.
	/** It has ended or was never there: what comes next is a login. */
	over: boolean;
	number: number;
	connection: number;
	secret: Secret;
	/** When its UserSig is over, in ms by the server's clock. */
	ends: number;
	expiry: Alarm | undefined;
	warning: Warning;
	/** What the server said of the end of the last session, when that was its UserSig. */
	notice: Notice | undefined;
	/** A renewal was sent and not answered: only the server knows when the UserSig ends. */
	doubt: boolean;

	/** The login to be made: at first, and once the session is over. */
	attempt: Attempt | undefined;
	/** The kept UserSig in the resume on its way. */
	carried: string;

	follower: Follower;
	/** Those who wait for a list that this device never had. */
	waiting: (() => void)[];
	cycle: Cycle;
}

/** The way to a connection on which the server has granted the session. */
export interface Cycle {
	phase: Phase;
	/** The try that is awaited; what comes of an older one is late. */
	dialing: object | undefined;
	conn: Conn | undefined;
	alarm: Alarm | undefined;
	retry: Backoff;
	/** The app has heard of this cycle. */
	announced: boolean;
	/** Why the last try failed. */
	last: ChatError | undefined;
	/** Stale and log-in-again answers in a row. */
	detours: number;
}

/**
 * A session's: the fixed half names its attempt for good, the changing half is
 * replaced at each resume. Next is the half that a resume on its way brings. All in
 * base64; "" is none.
 */
export interface Secret {
	fixed: string;
	present: string;
	next: string;
}

/** One login() or automatic login: with all its retries it makes one session. */
export interface Attempt {
	secret: Secret;
	automatic: boolean;
	/** That was sent with it last. */
	userSig: string;
	/** At least once, perhaps. */
	sent: boolean;
	/** Frames sent that were not answered: the server may serve them yet. */
	open: number;
	/** Its place in the journal. */
	pending: Logout;
}

/** The asking of the provider, for one end of a UserSig. */
export interface Fetch {
	asked: number;
	/** When it was asked last, for whichever end. */
	last: number;
	alarm: Alarm | undefined;
	/** The asking that is under way; what comes of an older one is late. */
	now: object | undefined;
}

/** The news that a UserSig ends soon: the app hears it once for each. */
export interface Warning {
	userSig: string;
	due: number;
	given: boolean;
	alarm: Alarm | undefined;
}
