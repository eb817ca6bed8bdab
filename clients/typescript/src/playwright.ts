/** A fixture for Playwright: a server for each worker, as at its start before each test. */

import { test as base } from "@playwright/test";

import { Invited, type Options } from "./index.js";

export { expect } from "@playwright/test";
export { tokenOf } from "./index.js";

/** What tests get. */
export interface InvitedFixtures {
  /** The server, as at its start. */
  invited: Invited;
}

/** What workers have. */
export interface InvitedWorkerFixtures {
  /** How the server is started. */
  invitedOptions: Options;
  /** The server of the worker. */
  invitedServer: Invited;
}

/** Playwright's `test`, with a server. */
export const test = base.extend<InvitedFixtures, InvitedWorkerFixtures>({
  invitedOptions: [{}, { option: true, scope: "worker" }],
  invitedServer: [
    async ({ invitedOptions }, use) => {
      const server = await Invited.start(invitedOptions);
      await use(server);
      await server.stop();
    },
    { scope: "worker" },
  ],
  invited: async ({ invitedServer }, use) => {
    await invitedServer.reset();
    await use(invitedServer);
  },
});
