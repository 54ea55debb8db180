import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

/**
 * Sets the alarm for the news that the UserSig in force ends soon. One that is good for
 * a short time only is told of at half of it. With a provider there is none: the app
 * need do nothing.
 */
export function watchEnd(e: Engine, s: Seat): void {
	s.warning.alarm?.stop();
	if (s.warning.userSig !== s.userSig) {
		const ahead = Math.min(e.set.warning, (s.ends - e.clock.now()) / 2);
		s.warning = { userSig: s.userSig, due: s.ends - ahead, given: false, alarm: undefined };
	}
	if (!s.warning.given && !e.set.provider) {
		s.warning.alarm = e.after(s.warning.due - e.clock.now(), () => warn(e, s));
	}
}

/** Tells the app that the UserSig ends soon, unless a new one is here already: if that is refused, watchEnd is called again. */
function warn(e: Engine, s: Seat): void {
	const now = e.clock.now();
	if (s.renewal || s.kept !== "" || now >= s.ends) return;
	if (now < s.warning.due) {
		watchEnd(e, s); // the server's clock was heard anew meanwhile
		return;
	}
	s.warning.given = true;
	e.raise("userSigWillExpire", { userID: s.user, time: Math.floor(s.ends / 1000) });
}
