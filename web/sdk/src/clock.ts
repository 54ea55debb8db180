/** The server's clock: what a frame said, carried on by the device's steady one. */
export class Clock {
	private server = 0;
	private heard = -Infinity;
	private readonly steady: () => number;

	constructor(steady: () => number) {
		this.steady = steady;
	}

	/** Takes the time out of a frame; what is no time is passed over. */
	hear(ms: number): void {
		if (ms <= 0) return;
		this.server = ms;
		this.heard = this.steady();
	}

	/** Tells whether the server's time was heard within the last minute. */
	believed(): boolean {
		return this.steady() - this.heard < 60_000;
	}

	/** In whole ms since 1970 UTC; 0 before the first frame. */
	now(): number {
		return this.server && this.server + Math.floor(Math.max(0, this.steady() - this.heard));
	}
}
