import type { Engine } from "./engine.ts";

// Up to which messages the app has heard of: this tab's own, since each tab is a device,
// and kept before the app hears of them, so that a reload tells none again.

const KEY = "heard";
const MAX_ACCOUNTS = 4;
const MAX_PEERS = 200;

interface Kept {
	owner: string;
	past: string;
	/** Those of whom something was heard last stand last. */
	peers: [peer: string, sequence: number][];
}

function all(e: Engine): Kept[] {
	try {
		const kept = JSON.parse(e.keep.read(KEY) ?? "[]") as Kept[];
		return kept.filter((x) => typeof x.owner === "string" && typeof x.past === "string" && x.peers.every(([peer, n]) => typeof peer === "string" && Number.isSafeInteger(n)));
	} catch {
		return []; // it goes by what all tabs have
	}
}

/** What the app has heard of an account's messages. */
export class Heard {
	/** The server's name for the past that it is of. */
	past = "";
	private readonly engine: Engine;
	private readonly owner: string;
	private peers = new Map<string, number>();

	constructor(e: Engine, owner: string) {
		this.engine = e;
		this.owner = owner;
		const kept = all(e).find((x) => x.owner === owner);
		if (!kept) return;
		this.past = kept.past;
		this.peers = new Map(kept.peers);
	}

	/** Up to which message of a conversation; undefined: it is not known here. */
	of(peer: string): number | undefined {
		return this.peers.get(peer);
	}

	mark(peer: string, sequence: number): void {
		this.peers.delete(peer);
		this.peers.set(peer, sequence);
		for (const old of this.peers.keys()) if (this.peers.size > MAX_PEERS) this.peers.delete(old);
	}

	/** Begins with nothing, of this past. */
	clear(past: string): void {
		this.past = past;
		this.peers.clear();
		this.save();
	}

	/** Returns when it is kept, if it can be. */
	save(): void {
		const e = this.engine;
		const others = all(e).filter((x) => x.owner !== this.owner);
		const mine: Kept = { owner: this.owner, past: this.past, peers: [...this.peers] };
		try {
			e.keep.write(KEY, JSON.stringify([...others, mine].slice(-MAX_ACCOUNTS)));
		} catch {
			// A reload may tell some again.
		}
	}
}
