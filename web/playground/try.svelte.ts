import { load, type Answer, type Case, type Device } from "./rule.ts";

export const platforms = [
	{ name: "Android", letter: "a" },
	{ name: "iPhone", letter: "i" },
	{ name: "iPad", letter: "p" },
	{ name: "HarmonyOS", letter: "h" },
	{ name: "Windows", letter: "d" },
	{ name: "Mac", letter: "m" },
	{ name: "Linux", letter: "l" },
	{ name: "Web", letter: "w" },
] as const;

export const platformOf = (device: string): string => platforms.find((p) => p.letter === device[0])?.name ?? "Other";

/** The most devices that stand at once. */
const MOST = 32;

/** One login and what came of it. */
export interface Step {
	number: number;
	asked: Case;
	answer: Answer;
}

/** An account with which a policy is tried out. */
export class Try {
	policy = $state("dual");
	limits = $state<Record<string, number>>({});
	devices = $state<Device[]>([]);
	steps = $state<Step[]>([]);
	groups = $state<string[][]>([]);
	/** Why there is no rule to ask, or a case cannot be. */
	wrong = $state("");
	ready = $state(false);
	private ask: ((c: Case) => Answer) | undefined;
	private counts: Record<string, number> = {};

	async start(): Promise<void> {
		try {
			this.ask = await load();
			this.ready = true;
			this.regroup();
		} catch (error) {
			this.wrong = `The rule could not be loaded: ${error instanceof Error ? error.message : String(error)}`;
		}
	}

	limit(platform: string): number {
		return this.limits[platform] ?? 1;
	}

	/** Another policy counts from the next login on: nobody goes by a change. */
	regroup(): void {
		const answer = this.judge({ policy: this.policy, limits: {}, devices: [], in: "w1" });
		if (answer) this.groups = answer.groups;
	}

	logIn(letter: string): void {
		if (this.devices.length >= MOST) {
			this.wrong = `There are ${MOST} devices: log one out first.`;
			return;
		}
		const count = (this.counts[letter] ?? 0) + 1;
		const asked = $state.snapshot({ policy: this.policy, limits: this.limits, devices: this.devices, in: letter + count });
		const answer = this.judge(asked);
		if (!answer) return;
		this.counts[letter] = count;
		this.devices = answer.devices;
		this.steps = [{ number: (this.steps[0]?.number ?? 0) + 1, asked, answer }, ...this.steps].slice(0, 50);
	}

	logOut(name: string): void {
		this.devices = this.devices.filter((d) => d.name !== name);
	}

	toggleAway(name: string): void {
		this.devices = this.devices.map((d) => (d.name === name ? { ...d, away: !d.away } : d));
	}

	clear(): void {
		this.devices = [];
		this.steps = [];
		this.counts = {};
		this.wrong = "";
	}

	private judge(c: Case): Answer | undefined {
		try {
			this.wrong = "";
			return this.ask?.(c);
		} catch (error) {
			this.wrong = error instanceof Error ? error.message : String(error);
			return undefined;
		}
	}
}
