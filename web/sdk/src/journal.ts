import { fromBase64, HALF_BYTES, MAX_TRY, toBase64 } from "./wire.ts";
import type { Environment, Keep } from "./environment.ts";

// What a client must know again after a reload. What is about to be sent is saved
// first: an attempt that a server may have heard of, or a try number it has seen, is
// kept. Nothing in it is a UserSig, and of a session that was granted only the hash of
// its fixed half is: it proves a replacement and cannot resume.

const KEY = "state";
const VERSION = 1;

// Bounds of what is kept; beyond them the oldest goes.
const MAX_RECORDS = 100;
const MAX_LOGOUTS = 100;

/** Where an account is: the same UserID elsewhere is somebody else. */
export interface Place {
	server: string;
	app: number;
	user: string;
}

/** What this device knows of its last session of an account. */
export interface Record extends Place {
	/** The last one that a login was answered with. */
	session: number;
	/** The session whose end the app has been told of. */
	kickSeen: number;
	/** SHA-256 of its fixed half. */
	proof: string;
}

/**
 * A pending logout: it ends the session of one attempt, and is kept until the server
 * has answered it. An attempt lies here from before it is sent until it is answered,
 * held back: found at the next start, it is one that nobody will answer any more.
 */
export interface Logout extends Place {
	fixed: string;
	/** SHA-256 of it; "" while it is not known. */
	proof: string;
	/** Proves an attempt that the server does not know; never kept. */
	userSig: string;
	held: boolean;
	/** Answered "not known" once. */
	again: boolean;
	/** Not to be sent before. */
	due: number;
	/** On how many connections it is on its way. */
	flying: number;
	/** To be told that it was answered, or could not be delivered now. */
	settled: (() => void)[];
}

interface State {
	version: number;
	device: string;
	try: number;
	accounts: Record[];
	logouts: (Place & { fixed: string; proof: string })[];
}

export function newLogout(place: Place, fixed: string, proof: string, userSig: string, held: boolean): Logout {
	const { server, app, user } = place;
	return { server, app, user, fixed, proof, userSig, held, again: false, due: 0, flying: 0, settled: [] };
}

const samePlace = (a: Place, b: Place): boolean => a.server === b.server && a.app === b.app && a.user === b.user;

export class Journal {
	device = "";
	try = 0;
	records: Record[] = [];
	logouts: Logout[] = [];

	private readonly env: Environment;
	private readonly keep: Keep;

	constructor(env: Environment, keep: Keep) {
		this.env = env;
		this.keep = keep;
		const state = read(keep.read(KEY));
		if (!state) {
			this.renew();
			return;
		}
		this.device = state.device;
		this.try = state.try;
		this.records = state.accounts;
		this.logouts = state.logouts.map((l) => newLogout(l, l.fixed, l.proof, "", false));
	}

	/** Makes this a new device, whose try numbers begin anew. */
	renew(): void {
		this.device = Array.from(this.env.randomBytes(HALF_BYTES), (b) => b.toString(16).padStart(2, "0")).join("");
		this.try = 0;
	}

	/** Draws a half of a secret. */
	half(): string {
		return toBase64(this.env.randomBytes(HALF_BYTES));
	}

	/** Finds the proof of a fixed half: long before it is wanted. */
	prove(fixed: string, found: (proof: string) => void): void {
		this.env.sha256(fromBase64(fixed)).then((hash) => found(toBase64(hash)), () => {}); // without it a lost session is replaced as a stranger's
	}

	/** Keeps the state; throws when it cannot be. */
	save(): void {
		const state: State = {
			version: VERSION,
			device: this.device,
			try: this.try,
			accounts: this.records,
			logouts: this.logouts.map(({ server, app, user, fixed, proof }) => ({ server, app, user, fixed, proof })),
		};
		this.keep.write(KEY, JSON.stringify(state));
	}

	/** Keeps the state if it can be: what is lost then does no harm, or is told by the next save. */
	trySave(): void {
		try {
			this.save();
		} catch {
			// The app hears of it all the same; what is sent needs save.
		}
	}

	/** The record of a place, made if need be; the one used last is the last. */
	record(p: Place): Record {
		const { server, app, user } = p;
		const r = this.records.find((x) => samePlace(x, p)) ?? { server, app, user, session: 0, kickSeen: 0, proof: "" };
		this.records = [...this.records.filter((x) => x !== r), r].slice(-MAX_RECORDS);
		return r;
	}

	add(l: Logout): void {
		this.logouts = [...this.logouts, l].slice(-MAX_LOGOUTS);
	}

	remove(l: Logout): void {
		this.logouts = this.logouts.filter((x) => x !== l);
	}

	/** The fixed halves that this device has sent for a place and got no answer to, the latest first. */
	unanswered(p: Place): Logout[] {
		return this.logouts.filter((l) => samePlace(l, p)).reverse();
	}
}

/** Reads a state; undefined: it cannot be worked with, and this is a new device. */
function read(text: string | undefined): State | undefined {
	try {
		const s = JSON.parse(text ?? "") as State;
		const place = (p: Place) => typeof p.server === "string" && typeof p.user === "string" && Number.isSafeInteger(p.app);
		const good =
			s.version === VERSION &&
			/^[\w-]{1,64}$/.test(s.device) &&
			Number.isSafeInteger(s.try) && s.try >= 0 && s.try <= MAX_TRY &&
			s.accounts.every((r) => place(r) && Number.isSafeInteger(r.session) && Number.isSafeInteger(r.kickSeen) && typeof r.proof === "string") &&
			s.logouts.every((l) => place(l) && typeof l.proof === "string" && fromBase64(l.fixed).length === HALF_BYTES);
		return good ? s : undefined;
	} catch {
		return undefined;
	}
}
