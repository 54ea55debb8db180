/**
 * Runs results and events one after the other, in the order in which they were put
 * in. Between two of them whoever waits for a result by await or then has run.
 */
export class Queue {
	private items: (() => void)[] = [];
	private running = false;
	private readonly report: (error: unknown) => void;

	constructor(report: (error: unknown) => void) {
		this.report = report;
	}

	push(item: () => void): void {
		this.items.push(item);
		if (!this.running) {
			this.running = true;
			void this.run();
		}
	}

	/** Forgets what waits; what is put in later runs. */
	clear(): void {
		this.items = [];
	}

	private async run(): Promise<void> {
		for (;;) {
			await settled();
			const item = this.items.shift();
			if (!item) break;
			try {
				item();
			} catch (error) {
				this.report(error);
			}
		}
		this.running = false;
	}
}

/** Lets an await, and one in the function that awaits it, go on first. */
async function settled(): Promise<void> {
	for (let i = 0; i < 4; i++) await undefined;
}
