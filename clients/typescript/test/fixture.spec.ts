import { expect, test, tokenOf } from "@invited/test/playwright";

test.use({ invitedOptions: { clock: "2026-01-01T00:00:00Z" } });

for (const time of ["the first", "the second"]) {
  test(`each test begins at the start: ${time}`, async ({ invited }) => {
    const invitation = await invited.invite("hooli", "ada@example.com");
    expect(invitation["createdAt"]).toBe("2026-01-01T00:00:00.000Z");
    const { status } = await invited.accept(tokenOf(await invited.mail("ada@example.com")));
    expect(status).toBe("accepted");
    await invited.advance("1d");
  });
}
