import type { Environment } from "./environment.ts";
/** This page as the state machine's world. */
export declare function browser(): Environment;
/** What people would call this browser: "Firefox on Windows". */
export declare function describeDevice(): string;
