import { Invited, type Options } from "../src/index.js";

/** Runs `work` with a server of its own. */
export async function withServer<T>(
  options: Options,
  work: (invited: Invited) => Promise<T>,
): Promise<T> {
  const invited = await Invited.start(options);
  try {
    return await work(invited);
  } finally {
    await invited.stop();
  }
}
