/**
 * Starts `invited dev` for tests, and speaks to what only development has.
 *
 * Nothing but Node is needed. The program is found by the variable `INVITED_BIN`, or as `invited` in
 * `PATH`. It gets no variable `INVITED_...` of whoever runs the tests.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createInterface } from "node:readline";

import type {
  AnsweredInvitation,
  Invitation,
  InvitationPreview,
  InvitedEvent,
  KeptMail as Mail,
} from "./types.js";

export type { AnsweredInvitation, Invitation, InvitationPreview, InvitedEvent, Mail };

/** What JSON can be. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An object of JSON. */
export type JsonObject = { [name: string]: Json };

/** How a server is started. */
export interface Options {
  /** A seed document, in place of the samples. */
  seed?: string;
  /** The time at which the clock stands: RFC 3339. */
  clock?: string;
  /** The number from which ids, keys and links follow. */
  seedIds?: number;
  /** Other flags of `invited dev`. */
  args?: readonly string[];
}

/** A response. */
export interface Answer<T = Json> {
  status: number;
  headers: Headers;
  /** Its JSON, its text where that is no JSON, or null without one. */
  body: T;
}

/** A response that is an error. */
export class InvitedError extends Error {
  /** The code of the error: `already_invited`, or `ALREADY_INVITED` from the ClickHouse dialect. */
  readonly code: string;

  /** `problem` is the document of the response, with its text as `detail` where that is no JSON. */
  constructor(
    readonly status: number,
    readonly problem: JsonObject,
    readonly headers: Headers,
  ) {
    const { code, detail, error } = problem;
    // The dialect has one text for both.
    const said = String(error ?? [code, detail].filter(Boolean).join(": "));
    super(`${status} ${said}`.trim());
    this.name = "InvitedError";
    this.code = String(code ?? (error === undefined ? "" : said.split(":")[0]));
  }
}

/** The token of a link. */
export function tokenOf(mail: Pick<Mail, "link">): string {
  return mail.link?.split("#")[1] ?? "";
}

/** A server. It ends with `stop`, or with the process that started it. */
export class Invited {
  private constructor(
    private readonly process: ChildProcess,
    /** The URL of the server, without a slash at its end. */
    readonly url: string,
    /** Where the paths of the API begin. */
    readonly apiUrl: string,
    /** A key that may do everything, for an application that sends one. */
    readonly key: string,
  ) {}

  /** Starts a server on a free port. */
  static async start(options: Options = {}): Promise<Invited> {
    const words = ["dev", "--port", "0", "--json", "--quiet", ...(options.args ?? [])];
    if (options.seed !== undefined) words.push("--seed", options.seed);
    if (options.clock !== undefined) words.push("--clock", options.clock);
    if (options.seedIds !== undefined) words.push("--seed-ids", String(options.seedIds));
    // INVITED_DATABASE of a developer would name a file that a reset empties.
    const env = { ...process.env };
    for (const name in env) if (name.startsWith("INVITED_")) delete env[name];
    // "cat" ends with stdin, and so the server with this process, however that ends.
    words.push("--", "cat");
    const binary = process.env["INVITED_BIN"] || "invited";
    const child = spawn(binary, words, { env, stdio: ["pipe", "pipe", "inherit"] });
    const ended = new Promise<never>((_, reject) => {
      const hint = `no program ${binary}: put invited into PATH, or name it with INVITED_BIN`;
      child.once("error", (cause) => reject(new Error(hint, { cause })));
      child.once("exit", (code) => reject(new Error(`invited did not start: exit code ${code}`)));
    });
    ended.catch(() => undefined);
    const line = once(createInterface({ input: child.stdout }), "line");
    const [text] = (await Promise.race([line, ended])) as [string];
    const ready = JSON.parse(text) as { url: string; apiUrl: string; key: string };
    // Tests that fail before `stop` end all the same: a server that nobody asks holds nobody up.
    child.unref();
    for (const pipe of [child.stdin, child.stdout]) (pipe as Socket).unref();
    return new Invited(child, ready.url, ready.apiUrl, ready.key);
  }

  /** Ends the server. */
  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.ref();
    const exit = once(this.process, "exit");
    this.process.stdin?.end();
    await exit;
  }

  /**
   * Sends a request with a JSON body, to a path or to a URL, as `Location` and `Link` have it.
   * Returns the body of the response, as `Answer` has it.
   */
  async request<T = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<T> {
    return (await this.send<T>(method, path, body, headers)).body;
  }

  /** Sends a request as `request` does. Returns the whole response. */
  async send<T = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const request = { method, headers: new Headers(headers), body: JSON.stringify(body) };
    if (body !== undefined && !request.headers.has("content-type")) {
      request.headers.set("content-type", "application/json");
    }
    const response = await fetch(new URL(path, this.url), request);
    const text = await response.text();
    const isJson = /[/+]json(;|$)/.test(response.headers.get("content-type") ?? "");
    const content = isJson && text !== "" ? (JSON.parse(text) as Json) : text || null;
    if (response.status >= 400) {
      const problem = isJson && text !== "" ? (content as JsonObject) : { detail: text };
      throw new InvitedError(response.status, problem, response.headers);
    }
    return { status: response.status, headers: response.headers, body: content as T };
  }

  /** Makes an invitation. Returns it. */
  invite(
    organization: string,
    email: string,
    role = "member",
    more: JsonObject = {},
  ): Promise<Invitation> {
    const path = `/v1/organizations/${organization}/invitations`;
    return this.request("POST", path, { email, role, ...more });
  }

  /** Accepts with the token of a link. Returns what is shown of the invitation then. */
  accept(token: string, proof: JsonObject = {}): Promise<AnsweredInvitation> {
    return this.request("POST", "/v1/invitations/accept", { token, ...proof });
  }

  /** The newest mail to an address; it is waited for, at most `wait` seconds (up to 30). */
  async mail(to: string, kind: Mail["kind"] = "invitation", wait = 5): Promise<Mail> {
    const within = `${Math.round(wait * 1000)}ms`;
    const query = new URLSearchParams({ to, kind, wait: within, limit: "1" });
    const [found] = await this.request<{ id: string }[]>("GET", `/dev/mailbox?${query}`);
    if (found === undefined) throw new Error(`no ${kind} mail to ${to} within ${wait} s`);
    return this.request<Mail>("GET", `/dev/mailbox/${found.id}`);
  }

  /** The code in the newest mail that brings one. */
  async code(to: string, wait = 5): Promise<string> {
    return (await this.mail(to, "code", wait)).code ?? "";
  }

  /** Stops the clock so long after what it shows, as `"8d"`. Returns its time. */
  async advance(by: string | number): Promise<string> {
    return (await this.request<{ now: string }>("POST", "/dev/clock", { advance: by })).now;
  }

  /** Stops the clock at a time (RFC 3339). Returns it. */
  async setClock(time: string): Promise<string> {
    return (await this.request<{ now: string }>("POST", "/dev/clock", { set: time })).now;
  }

  /** Puts everything back to the start. */
  async reset(): Promise<void> {
    await this.request("POST", "/dev/reset");
  }

  /** Remembers everything as it is. Returns the id for `restore`. */
  async snapshot(): Promise<string> {
    return (await this.request<{ id: string }>("POST", "/dev/snapshot")).id;
  }

  /** Puts everything back as it was. */
  async restore(snapshot: string): Promise<void> {
    await this.request("POST", "/dev/restore", { id: snapshot });
  }

  /** An endpoint of this process that is told of events, all or those of `types`. */
  webhook(...types: string[]): Promise<Webhook> {
    return Webhook.listen(this, types);
  }
}

/** An endpoint that is told of events until it is closed. */
export class Webhook {
  private readonly events: InvitedEvent[] = [];
  private readonly waiting: ((event: InvitedEvent) => void)[] = [];
  /** The id of the webhook, as paths have it. */
  id = "";
  /** The secret that deliveries are signed with. */
  secret = "";

  private constructor(
    private readonly invited: Invited,
    private readonly server: Server,
  ) {}

  /** Listens, and registers at `invited`. */
  static async listen(invited: Invited, types: readonly string[]): Promise<Webhook> {
    // As a server does, an endpoint that is not closed lets its process end.
    const server = createServer().unref();
    server.on("connection", (socket) => socket.unref());
    const webhook = new Webhook(invited, server);
    server.on("request", (request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (part: string) => (body += part));
      request.on("end", () => {
        response.writeHead(204).end();
        const event = JSON.parse(body) as InvitedEvent;
        const waiter = webhook.waiting.shift();
        if (waiter === undefined) webhook.events.push(event);
        else waiter(event);
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const body = types.length > 0 ? { url, types } : { url };
    const made = invited.request<{ id: string; secret: string }>("POST", "/v1/webhooks", body);
    made.catch(() => server.close());
    ({ id: webhook.id, secret: webhook.secret } = await made);
    return webhook;
  }

  /** The next event that it was told of. */
  async next(wait = 5): Promise<InvitedEvent> {
    const event = this.events.shift();
    if (event !== undefined) return event;
    return new Promise((resolve, reject) => {
      const waiter = (event: InvitedEvent) => {
        clearTimeout(timer);
        resolve(event);
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(new Error(`no event within ${wait} s`));
      }, wait * 1000);
      this.waiting.push(waiter);
    });
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    // A reset has removed it.
    await this.invited.request("DELETE", `/v1/webhooks/${this.id}`).catch(() => undefined);
  }
}
