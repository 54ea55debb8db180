export const policies = [
	{ value: "single", text: "Single: one platform at a time" },
	{ value: "dual", text: "Dual: one platform, and the Web" },
	{ value: "triple", text: "Triple: phone, desktop and the Web" },
	{ value: "multi", text: "Multi: all platforms together" },
] as const;
