// The browser of somebody who signs in: opens the address it is given, types a login and a password for each page that
// asks, and writes down what it saw. It runs no script of any page, and trusts the certificate of one server.
//
// sign_in.cjs URL; the environment says who signs in: SIGN_IN_LOGIN, SIGN_IN_PASSWORDS (a JSON list; null cancels),
// SIGN_IN_TLS (the folder with ca.pem and server.pem), SIGN_IN_REPORT (the file to write).
const crypto = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { chromium } = require("playwright-core");

const { SIGN_IN_LOGIN, SIGN_IN_PASSWORDS, SIGN_IN_TLS, SIGN_IN_REPORT } = process.env;

// The key of the server's certificate, which must be one that the authority has signed.
function trusted() {
  const read = (name) => new crypto.X509Certificate(fs.readFileSync(path.join(SIGN_IN_TLS, name)));
  const [authority, server] = [read("ca.pem"), read("server.pem")];
  if (!server.checkIssued(authority) || !server.verify(authority.publicKey)) {
    throw new Error("the server's certificate is not the authority's");
  }
  const key = server.publicKey.export({ type: "spki", format: "der" });
  return crypto.createHash("sha256").update(key).digest("base64");
}

async function signIn(page, seen) {
  await page.goto(process.argv[2]);
  for (const password of JSON.parse(SIGN_IN_PASSWORDS)) {
    seen.forms.push({ title: await page.title(), text: await page.locator("main").innerText() });
    await page.getByLabel("Login").fill(SIGN_IN_LOGIN);
    await page.getByLabel("Password").fill(password ?? "");
    const button = password === null ? "Cancel" : "Sign in";
    await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: button }).click()]);
  }
  seen.title = await page.title();
  seen.alert = await page.getByRole("alert").allInnerTexts();
}

async function main() {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "browser-"));
  const seen = { forms: [], addresses: [], said: [] };
  const context = await chromium.launchPersistentContext(home, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    javaScriptEnabled: false,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--no-proxy-server",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--ignore-certificate-errors-spki-list=${trusted()}`,
    ],
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(60_000);
    page.on("request", (request) => {
      const { origin, pathname, searchParams } = new URL(request.url());
      const referer = request.headers().referer ?? null;
      seen.addresses.push({ method: request.method(), at: origin + pathname, names: [...searchParams.keys()], referer });
    });
    page.on("console", (message) => seen.said.push(message.text()));
    await signIn(page, seen);
  } catch (error) {
    seen.error = String(error);
  } finally {
    fs.writeFileSync(SIGN_IN_REPORT, JSON.stringify(seen));
    await context.close();
    fs.rmSync(home, { recursive: true, force: true });
  }
}

main();
