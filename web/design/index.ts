import "./tokens.css";
import "./base.css";

export { default as Avatar } from "./Avatar.svelte";
export { default as Badge } from "./Badge.svelte";
export { default as Bar } from "./Bar.svelte";
export { default as Button } from "./Button.svelte";
export { default as Choice } from "./Choice.svelte";
export { default as Field } from "./Field.svelte";
export { default as Note } from "./Note.svelte";
export { default as Panel } from "./Panel.svelte";
export { default as Switch } from "./Switch.svelte";
export type { Tone } from "./tone.ts";
