// What a device keeps, and what its browser would reckon for it.
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import { join } from "node:path";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

export const files = {
	read(dir, file) {
		try {
			return readFileSync(join(dir, file), "utf8");
		} catch {
			return null;
		}
	},
	write(dir, file, text) {
		mkdirSync(dir, { recursive: true });
		writeFileSync(join(dir, file), text);
	},
	sha256: (bytes) => [...createHash("sha256").update(Uint8Array.from(bytes)).digest()],
	inflate: (bytes) => inflateSync(Uint8Array.from(bytes), { maxOutputLength: 1 << 16 }).toString(),
};
