// Plays the company's phone: reads the link of a QR code, shows what is asked, and takes the person's decision.
"use strict";

const OPERATIONS = {
  login: "登录 / log in",
  sign: "签名 / sign",
  unwrap: "解密 / open",
};
const ENDS = {
  COMPLETED: ["good", "已确认，请看电脑屏幕。/ Approved."],
  REFUSED: ["bad", "已拒绝。/ Refused."],
  EXPIRED: ["bad", "请求已过期，请在电脑上重新操作。/ Expired."],
  WRONG_CODE: ["bad", "验证码不一致，请求已作废。/ The code was wrong; the request is void."],
  PERSONAL_CERTIFICATE: ["bad", "个人证书不能用于投标，请切换到单位身份。/ A personal certificate is not accepted."],
  OTHER_PROVINCE: ["bad", "外省证书暂不支持。/ A certificate from another province is not accepted."],
  REVOKED: ["bad", "证书已被吊销。/ The certificate has been revoked."],
  CANCELLED: ["bad", "电脑上已取消。/ Cancelled on the computer."],
};
const REFUSALS = {
  gone: "二维码已过期或已使用，请扫描新的。/ The code is too old or has been used.",
  "not-found": "无法识别这个二维码。/ This code is not known.",
  "cert-not-bound": "这个请求要用另一张证书，请切换身份。/ Another certificate is wanted; switch the identity.",
  "not-yours": "这个请求在另一台手机上。/ The request is on another phone.",
};

const part = (id) => document.getElementById(id);
let link = null;
let chosen = "";
let ticking = 0;

function device() {
  let known = sessionStorage.getItem("device");
  if (!known) {
    known = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("device", known);
  }
  return known;
}

function tell(kind, text) {
  part("message").className = kind;
  part("message").textContent = text;
}

async function send(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  try {
    const reply = await fetch("/phone/v1/" + path, options || {});
    const answer = await reply.json();
    if (reply.ok) return answer;
    tell("bad", REFUSALS[answer.code] || answer.title || "失败 / failed");
  } catch {
    tell("bad", "网络不通，请再试一次。/ No connection; try again.");
  }
  return null;
}

function parsed(address) {
  try {
    const query = new URL(address, location.href).searchParams;
    const elapsed = Number.parseInt(query.get("e"), 10);
    if (query.get("v") === "1" && query.get("t") && query.get("a") && Number.isInteger(elapsed)) {
      return { token: query.get("t"), elapsed, check: query.get("a") };
    }
  } catch {
    // Not an address: answered below like any other text that is no link of ours.
  }
  return null;
}

function listed(id, lines) {
  part(id).replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
}

function choose(button) {
  chosen = button.textContent;
  for (const other of part("codes").children) other.setAttribute("aria-checked", String(other === button));
  part("approve").disabled = false;
}

function countDown(seconds) {
  const end = Date.now() + seconds * 1000;
  clearInterval(ticking);
  const tick = () => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    part("left").textContent = `还剩 ${left} 秒 / ${left} s left`;
    if (left > 0) return;
    clearInterval(ticking);
    show({ state: "EXPIRED" });
  };
  ticking = setInterval(tick, 1000);
  tick();
}

function show(request) {
  const open = request.state === "SCANNED";
  part("request").hidden = !open;
  part("scan").hidden = open;
  part("identity").disabled = open;
  if (!open) {
    clearInterval(ticking);
    tell(...(ENDS[request.state] || ["bad", request.state]));
    return;
  }
  tell("", "");
  part("operation").textContent = OPERATIONS[request.operation] || request.operation;
  listed("display", request.display);
  listed("items", request.items);
  part("codes").replaceChildren(...request.codes.map((code) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = code;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", "false");
    button.addEventListener("click", () => choose(button));
    return button;
  }));
  chosen = "";
  part("approve").disabled = true;
  countDown(request.expires_in);
}

async function scan(address) {
  link = parsed(address);
  if (!link) {
    tell("bad", REFUSALS["not-found"]);
    return;
  }
  const request = await send("scans", { ...link, device: device(), identity: part("identity").value });
  if (request) show(request);
}

async function decide(approve) {
  for (const id of ["approve", "refuse"]) part(id).disabled = true;
  const body = { token: link.token, device: device(), approve, code: approve ? chosen : "" };
  const request = await send("decisions", body);
  part("refuse").disabled = false;
  part("approve").disabled = !chosen;
  if (request) show(request);
}

function named(identity) {
  const kind = identity.kind === "enterprise" ? "单位" : "个人";
  return `${identity.name}（${kind}，${identity.province}）`;
}

async function begin() {
  const identities = await send("identities");
  if (!identities) return;
  part("identity").replaceChildren(...identities.map((one) => new Option(named(one), one.id)));
  const before = sessionStorage.getItem("identity");
  if (identities.some((one) => one.id === before)) part("identity").value = before;
  const known = new Map(identities.map((one) => [one.id, one]));
  const selected = () => {
    const identity = part("identity").value;
    sessionStorage.setItem("identity", identity);
    const one = known.get(identity);
    // The box cuts a long name off; here it is whole.
    part("number").textContent = one ? `${named(one)}，手机号 ${one.phone || "-"}` : "-";
  };
  part("identity").addEventListener("change", selected);
  selected();
  part("scan").addEventListener("submit", (event) => {
    event.preventDefault();
    scan(part("link").value.trim());
  });
  part("approve").addEventListener("click", () => decide(true));
  part("refuse").addEventListener("click", () => decide(false));
  if (location.search) part("link").value = location.href;
  if (location.search && identities.length === 1) scan(location.href);
}

begin();
