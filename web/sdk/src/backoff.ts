/** Nobody is sent away for good: a server may ask for so much, in ms. */
export const LONGEST_HINT = 3_600_000;

/**
 * How long to wait before trying again: a time between nothing and a ceiling that
 * doubles with each try ("full jitter"), so that many clients that lost the same
 * server at the same moment come back spread over time. A server that says when to
 * come back is believed, and its clients are spread after that moment.
 */
export class Backoff {
	private ceiling = 0;
	private readonly random: () => number;
	private readonly cap: number;

	constructor(random: () => number, capMs = 30_000) {
		this.random = random;
		this.cap = capMs;
	}

	next(hintMs = 0): number {
		this.ceiling = Math.min(this.cap, Math.max(500, 2 * this.ceiling));
		const hint = Math.min(Math.max(hintMs, 0), LONGEST_HINT);
		return hint + this.random() * Math.max(this.ceiling, hint / 2);
	}

	/** Makes the next wait a first one again. */
	reset(): void {
		this.ceiling = 0;
	}
}
