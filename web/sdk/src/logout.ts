import { CODE, ChatError, reason } from "./codes.ts";
import { farewell, settled } from "./courier.ts";
import { leave } from "./leave.ts";
import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";

/** logout() waits so long for the server. */
export const LOGOUT_WAIT = 2000;

export const DONE = { code: 0, data: {} };

/** Takes a logout() call. */
export function logout(e: Engine, k: Call): void {
	const s = e.seat;
	e.named = undefined;
	if (!s) {
		e.answer(k, DONE);
		return;
	}
	const [c, left] = leave(e, s, new ChatError(CODE.LOGGED_OUT_BEFORE_LOGIN, "logged out"));
	try {
		e.journal.save();
	} catch (error) {
		e.refuse(k, new ChatError(CODE.IO_FAILED, `logged out, but this could not be kept: ${reason(error)}`));
	}
	settled(left, () => e.answer(k, DONE));
	e.after(LOGOUT_WAIT, () => e.answer(k, DONE));
	farewell(e, c, left);
}
