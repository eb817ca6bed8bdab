// starts.mjs INVITED RUNS: how long it takes from the start of a process until a test can ask the server that it starts, for `invited dev`
// and for the emulator of WorkOS in its two forms, in turns. Prints the fastest and the median of each.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";

const [invited, runs] = process.argv.slice(2);

/** Starts a command; `address` finds the URL in what it prints, if it prints one. Returns the milliseconds to its first answer. */
async function start(command, words, address) {
  const begin = performance.now();
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "ignore"] });
  let url = typeof address === "string" ? address : undefined;
  createInterface({ input: child.stdout }).on("line", (line) => (url ??= address(line)));
  let status;
  while (status === undefined) {
    if (child.exitCode !== null) throw new Error(`${command} ${words.join(" ")} ended with ${child.exitCode}`);
    status = url && (await fetch(url).then((answer) => answer.status, () => undefined));
    if (status === undefined) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const milliseconds = performance.now() - begin;
  child.kill("SIGTERM");
  await once(child, "exit");
  return milliseconds;
}

/** A port that is free now, for what takes none by itself. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

const inProcess = `import { createEmulator } from "workos/emulate";
  console.log(new URL("http://localhost:" + (await createEmulator({ port: 0 })).port).href);`;
const ways = {
  "invited dev": () => start(invited, ["dev", "--port", "0", "--json"], (line) => JSON.parse(line).url + "/livez"),
  "workos, createEmulator": () => start(process.execPath, ["--input-type=module", "--eval", inProcess], (line) => line),
  "workos emulate": async () => {
    const port = await freePort();
    return start("node_modules/.bin/workos", ["emulate", "--port", `${port}`], `http://localhost:${port}/`);
  },
};
const taken = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let run = 0; run < Number(runs); run += 1) {
  for (const [name, way] of Object.entries(ways)) taken[name].push(await way());
}
for (const [name, all] of Object.entries(taken)) {
  all.sort((one, other) => one - other);
  const seconds = [all[0], all[Math.floor(all.length / 2)]].map((one) => (one / 1000).toFixed(2));
  console.log(`${name}: fastest ${seconds[0]} s, median ${seconds[1]} s`);
}
