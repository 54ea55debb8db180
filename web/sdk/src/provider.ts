import { goOn } from "./cycle.ts";
import { isOver } from "./login.ts";
import { kicked } from "./leave.ts";
import { kickOf } from "./kick.ts";
import { saysExpired } from "./codes.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

// A provider that keeps giving what the server refuses is asked so often, with doubling
// waits from so long.
const MAX_FETCHES = 5;
const FIRST_GAP = 1000;
const WITHIN = 30_000;

/** The UserSig to log in with, the newest first; "" if there is none. */
export function usable(e: Engine, s: Seat): string {
	return [s.kept, s.userSig].find((x) => x !== "" && !s.refused.has(x) && !isOver(e, x)) ?? "";
}

/** Remembers that a UserSig is of no use any more. */
export function refuse(e: Engine, s: Seat, userSig: string, code: number): void {
	s.refused.add(userSig);
	if (saysExpired(code)) e.dead.add(userSig);
	if (s.kept === userSig) s.kept = "";
}

/** Asks the provider, or gives up. */
export function fetchUserSig(e: Engine, s: Seat): void {
	s.fetch.alarm?.stop();
	s.fetch.now = undefined;
	if (!e.set.provider || s.fetch.asked === MAX_FETCHES) {
		kicked(e, s, kickOf({ reason: "REASON_USERSIG_ENDED", text: "the UserSig has ended", atMs: e.clock.now(), ...s.notice, expired: true }));
		return;
	}
	const n = s.fetch.asked++;
	const wait = n > 0 ? FIRST_GAP * 2 ** (n - 1) : FIRST_GAP - (e.env.now() - s.fetch.last); // a session may be over as soon as it begins
	s.fetch.alarm = e.after(wait, () => callProvider(e, s));
}

/** Lets the app's function work: it may take its time, and hang. */
function callProvider(e: Engine, s: Seat): void {
	const now = {};
	s.fetch.now = now;
	s.fetch.last = e.env.now();
	const given = (userSig: unknown) => e.step(() => {
		if (e.seat !== s || s.fetch.now !== now) return;
		s.fetch.now = undefined;
		s.fetch.alarm?.stop();
		if (typeof userSig === "string" && userSig !== "") s.userSig = userSig;
		goOn(e, s);
	});
	s.fetch.alarm = e.after(WITHIN, () => given(""));
	const provider = e.set.provider;
	void Promise.resolve().then(() => provider?.(s.user)).then(given, () => given(""));
}
