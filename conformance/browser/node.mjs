// The driver under Node: commands come on the standard input, what it says goes to the
// standard output, in lines.
import { webcrypto } from "node:crypto";
import { readSync, writeSync } from "node:fs";
import { files } from "./files.mjs";
import { play } from "./driver.mjs";

const buffer = Buffer.alloc(1 << 16);
let unread = Buffer.alloc(0);

/** The next command. Nothing happens while it is waited for. */
function hear() {
	for (;;) {
		const end = unread.indexOf(10);
		if (end >= 0) {
			const line = unread.toString("utf8", 0, end);
			unread = unread.subarray(end + 1);
			return JSON.parse(line);
		}
		const n = readSync(0, buffer);
		if (n === 0) return undefined;
		unread = Buffer.concat([unread, buffer.subarray(0, n)]);
	}
}

function say(what) {
	const line = Buffer.from(JSON.stringify(what) + "\n");
	for (let at = 0; at < line.length; ) at += writeSync(1, line, at);
}

/** Until nothing more follows by itself. */
const quiet = () => new Promise((done) => setImmediate(() => setImmediate(done)));

globalThis.crypto ??= webcrypto; // it is there from Node 19 on

await play({ ...files, hear, say, quiet });
