// The rule of internal/policy itself, compiled to WebAssembly. This page alone loads it.
import "./built/wasm_exec.js";
import url from "virtual:rule";

export interface Device {
	name: string;
	away: boolean;
}

export interface Case {
	policy: string;
	limits: Record<string, number>;
	devices: Device[];
	in: string;
}

export interface Answer {
	devices: Device[];
	gone: { name: string; away: boolean; text: string }[];
	groups: string[][];
	line: string;
	names: Record<string, string>;
}

declare global {
	// what wasm_exec.js and the compiled rule put here
	var Go: new () => { importObject: WebAssembly.Imports; run(instance: WebAssembly.Instance): Promise<void> };
	var rollcallPlayground: (text: string) => string;
}

/** Loads the rule. Returns what asks it; that throws an Error which says why a case cannot be. */
export async function load(): Promise<(c: Case) => Answer> {
	const go = new Go();
	const { instance } = await WebAssembly.instantiateStreaming(fetch(url), go.importObject);
	void go.run(instance); // until the page is left
	return (c) => {
		const answer = JSON.parse(rollcallPlayground(JSON.stringify(c))) as Answer & { error?: string };
		if (answer.error) throw new Error(answer.error);
		return answer;
	};
}
