// What orval makes. Several values of a filter stand in one parameter, by comma.
const input = "./api.json";
const one = (target, client) => ({ input, output: { target, client, override: { fetch: { explode: false } } } });
export default { fetch: one("./generated/orval/api.ts", "fetch"), zod: one("./generated/orval/zod.ts", "zod") };
