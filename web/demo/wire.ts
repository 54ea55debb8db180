// The tab's network, where it can be watched and cut.
import { HUNG_UP } from "./explain.ts";
import { browser, type Environment, type Socket, type SocketHandler } from "@rollcall/sdk";

/** One thing that happened on the wire. */
export interface Frame {
	number: number;
	at: Date;
	/** up: this tab sent it; down: the server did; none: the connection itself. */
	way: "up" | "down" | "none";
	/** What it is, by its name in the schema; opened, closed or failed of a connection. */
	kind: string;
	/** Of an answer: what had been asked. */
	asked: string;
	/** Its members, secrets shortened. */
	members: Record<string, unknown>;
	bytes: number;
}

const SECRETS = new Set(["userSig", "fixedHalf", "changingHalf", "presentHalf", "nextHalf", "proofs"]);

/** A frame's members as they may be shown: of a secret only how it begins. */
function shown(value: unknown): unknown {
	return JSON.parse(JSON.stringify(value), (key, v: unknown) => {
		if (!SECRETS.has(key)) return v;
		return Array.isArray(v) ? v.map(shortened) : shortened(v);
	});
}

const shortened = (v: unknown): string => `${String(v).slice(0, 6)}…`;

export class Wire {
	cut = false;
	private number = 0;
	private readonly open = new Set<() => void>();
	private readonly now: () => Date;
	private readonly heard: (f: Frame) => void;

	constructor(now: () => Date, heard: (f: Frame) => void) {
		this.now = now;
		this.heard = heard;
	}

	/** What the SDK is to run on. */
	environment(): Environment {
		const page = browser();
		return { ...page, connect: (url, protocol, h) => this.connect(page, url, protocol, h) };
	}

	/** Takes the tab's network away, or gives it back. */
	setCut(cut: boolean): void {
		this.cut = cut;
		if (cut) for (const end of [...this.open]) end();
		else dispatchEvent(new Event("online")); // the SDK tries at once
	}

	private connect(page: Environment, url: string, protocol: string, h: SocketHandler): Socket {
		if (this.cut) {
			const timer = setTimeout(() => h.failed("this tab's network is cut"));
			return { send() {}, close: () => clearTimeout(timer) };
		}
		const asked = new Map<string, string>();
		const end = () => {
			this.open.delete(end);
			this.tell("none", "closed", { because: "this tab's network was cut" });
			socket.close();
			h.closed(0, "");
		};
		const socket = page.connect(url, protocol, {
			opened: () => {
				this.open.add(end);
				this.tell("none", "opened", { url, protocol });
				h.opened();
			},
			failed: (text) => {
				this.tell("none", "failed", { text });
				h.failed(text);
			},
			received: (text) => {
				this.take("down", text, asked);
				h.received(text);
			},
			closed: (code, reason) => {
				this.open.delete(end);
				this.tell("none", "closed", { code, reason });
				h.closed(code, reason);
			},
		});
		return {
			send: (text) => {
				this.take("up", text, asked);
				socket.send(text);
			},
			close: () => {
				if (this.open.delete(end)) this.tell("none", "closed", { because: HUNG_UP });
				socket.close();
			},
		};
	}

	private take(way: "up" | "down", text: string, asked: Map<string, string>): void {
		let frame: Record<string, unknown>;
		try {
			frame = JSON.parse(text) as Record<string, unknown>;
		} catch {
			this.tell(way, "unreadable", {}, "", text.length);
			return;
		}
		const id = String(frame["id"] ?? "");
		const kind = Object.keys(frame).find((k) => k !== "id" && k !== "timeMs") ?? "empty";
		if (way === "up") asked.set(id, kind);
		const answers = way === "down" ? (asked.get(id) ?? "") : "";
		if (answers) asked.delete(id);
		this.tell(way, kind, shown(frame) as Record<string, unknown>, answers, text.length);
	}

	private tell(way: Frame["way"], kind: string, members: Record<string, unknown>, asked = "", bytes = 0): void {
		this.heard({ number: ++this.number, at: this.now(), way, kind, asked, members, bytes });
	}
}
