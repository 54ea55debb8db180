import type { Box } from "./box.ts";
import type { Engine } from "./engine.ts";
import type { Seat } from "./seat.ts";

/** So long a call waits for a list that this device never had: as long as for the answer to a request. */
const WITHIN = 10_000;

/** Kept when the list of b is there, or does not come for now. Only one that was never here is waited for. */
export function firstList(e: Engine, b: Box): Promise<void> {
	const s = e.seat;
	if (!s || s.login || s.box !== b || s.cycle.phase !== "serving" || !s.follower.asking || b.model.synced) return Promise.resolve();
	return new Promise((resolve) => {
		const late = e.after(WITHIN, resolve);
		s.waiting.push(() => {
			late.stop();
			resolve();
		});
	});
}

/** Lets those go on that wait for the first list. */
export function letGo(s: Seat): void {
	for (const f of s.waiting.splice(0)) f();
}
