/** The pages there are. */
export const places = [
	{ href: "/", text: "Demo" },
	{ href: "/playground", text: "Policy playground" },
] as const;
