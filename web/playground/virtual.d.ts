declare module "virtual:rule" {
	/** Where the compiled rule is served. */
	const url: string;
	export default url;
}
