// Plays a person at the phone in a real browser: one JSON order on the command line, one JSON answer on stdout.
// order: {link, identity, code, action: "approve" | "wrong" | "refuse" | "read", pictures: folder}
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const order = JSON.parse(process.argv[2]);
const profile = mkdtempSync(join(tmpdir(), "phone-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update"],
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  locale: "zh-CN",
});
const page = browser.pages()[0] || await browser.newPage();
const faults = [];
page.on("console", (line) => line.type() === "error" && faults.push(line.text()));
page.on("pageerror", (error) => faults.push(String(error)));

async function picture(name) {
  await page.screenshot({ path: join(order.pictures, `${name}.png`), fullPage: true });
}

const answer = { faults };
await page.goto(order.link);
await page.waitForFunction(() => document.querySelectorAll("#identity option").length > 0);
// A phone with one identity reads the link by itself.
if (await page.locator("#identity option").count() > 1) {
  await page.selectOption("#identity", order.identity);
  await page.locator("#scan").getByRole("button").tap();
}
await page.waitForFunction(() => !document.getElementById("request").hidden
  || document.getElementById("message").textContent);
answer.codes = await page.locator("#codes button").allTextContents();
answer.display = await page.locator("#display li").allTextContents();
answer.items = await page.locator("#items li").allTextContents();
answer.overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
await picture("asked");
if (order.action === "approve" || order.action === "wrong") {
  answer.locked = await page.locator("#approve").isDisabled();
  const wrong = answer.codes.find((code) => code !== order.code);
  const wanted = order.action === "wrong" ? wrong : order.code;
  await page.locator("#codes button", { hasText: wanted }).tap();
  await picture("chosen");
  await page.locator("#approve").tap();
} else if (order.action === "refuse") {
  await page.locator("#refuse").tap();
}
await page.waitForFunction(() => document.getElementById("message").textContent);
answer.message = await page.locator("#message").textContent();
await picture("ended");
await browser.close();
rmSync(profile, { recursive: true, force: true });
console.log(JSON.stringify(answer));
