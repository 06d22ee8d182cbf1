// The admin page: asks /v1/admin every two seconds and shows what it says. Names are only ever set as text.
"use strict";

const EN = {
  title: "Parlor: administration", door: "Administration", key: "Admin key", enter: "Open", signOut: "Close",
  wrong: "This is not the admin key.", slow: "Too many wrong keys. Wait a minute and try again.", off: "The admin page is off: the server has no admin key.",
  lost: "The server does not answer. Trying again…", at: "As of {time}", figures: "This server", rooms: "Rooms",
  none: "There is no room.", version: "Version", uptime: "Running for", roomCount: "Rooms", publishers: "Streams", readers: "Players",
  incoming: "Incoming", dropped: "Packets skipped for slow players", name: "Name", sends: "Sends", stream: "Stream", relayed: "Incoming", players: "Players",
  picture: "Picture", delay: "Delay to others", cpu: "CPU", remove: "Remove", end: "End room", mic: "sound", camera: "picture", muted: "no sound", dark: "no picture",
  host: "host", joining: "not sending yet", flows: "flows", nothing: "none", live: "Live", duo: "Two-party call", multi: "Group call",
  seats: "{taken} of {cap} seats", audience: "{count} watching", locked: "password", unlisted: "not listed", since: "since {time}",
  sureRemove: "Remove “{name}” from “{room}”? They cannot come back into this room.", sureEnd: "End the room “{room}” for everyone?",
  no: "Cancel", failed: "That did not work: {why}", newer: "Newer", older: "Older", range: "{from}–{to} of {total}",
  seconds: "{n} s", minutes: "{n} min", hours: "{n} h {m} min", days: "{n} d {m} h",
};
const ZH = {
  title: "Parlor：管理", door: "管理", key: "管理密钥", enter: "打开", signOut: "关闭",
  wrong: "管理密钥不对。", slow: "密钥错误次数太多。请等一分钟再试。", off: "管理页面未开启：服务器没有设置管理密钥。",
  lost: "服务器没有回应，正在重试…", at: "更新于 {time}", figures: "本服务器", rooms: "房间",
  none: "没有房间。", version: "版本", uptime: "已运行", roomCount: "房间", publishers: "推流", readers: "播放",
  incoming: "接收", dropped: "因播放端太慢而跳过的包", name: "名字", sends: "发送", stream: "流", relayed: "接收", players: "播放",
  picture: "画面", delay: "到他人的延迟", cpu: "CPU", remove: "移出", end: "解散房间", mic: "声音", camera: "画面", muted: "静音", dark: "无画面",
  host: "主持人", joining: "尚未推流", flows: "正常", nothing: "无", live: "直播", duo: "双人通话", multi: "多人通话",
  seats: "{taken}/{cap} 个座位", audience: "{count} 人观看", locked: "有密码", unlisted: "未列出", since: "始于 {time}",
  sureRemove: "将“{name}”移出“{room}”？此人将不能再进入这个房间。", sureEnd: "为所有人解散房间“{room}”？",
  no: "取消", failed: "操作失败：{why}", newer: "较新", older: "较早", range: "第 {from}–{to} 个，共 {total} 个",
  seconds: "{n} 秒", minutes: "{n} 分钟", hours: "{n} 小时 {m} 分钟", days: "{n} 天 {m} 小时",
};
const chinese = (navigator.languages || [navigator.language])[0].toLowerCase().startsWith("zh");
const words = chinese ? ZH : EN;
const say = (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

const PERIOD_MS = 2000;
const PAGE = 50;
const KEPT_AS = "parlor-admin-key";
const byId = (id) => document.getElementById(id);
let key = sessionStorage.getItem(KEPT_AS) || "";
let offset = 0;
let timer = 0;
// What was counted last, to tell rates: bytes and when, by what they are of.
const counted = new Map();

function label() {
  document.documentElement.lang = chinese ? "zh" : "en";
  document.title = say("title");
  const texts = { "door-title": "door", "key-label": "key", enter: "enter", "sign-out": "signOut", "figures-title": "figures",
    "rooms-title": "rooms", none: "none", no: "no", newer: "newer", older: "older" };
  for (const [id, word] of Object.entries(texts)) byId(id).textContent = say(word);
}

async function ask(method, path) {
  const answer = await fetch("/v1/admin" + path, { method, cache: "no-store", headers: { Authorization: "Bearer " + key } });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.message), { status: answer.status });
  return body;
}

function showDoor(why) {
  clearTimeout(timer);
  sessionStorage.removeItem(KEPT_AS);
  key = "";
  for (const id of ["figures", "rooms", "sign-out"]) byId(id).hidden = true;
  byId("state").textContent = "";
  byId("door").hidden = false;
  byId("refusal").textContent = why || "";
  byId("key").value = "";
  byId("key").focus();
}

async function refresh() {
  clearTimeout(timer);
  try {
    const [overview, rooms] = await Promise.all([ask("GET", "/overview"), ask("GET", `/rooms?offset=${offset}&limit=${PAGE}`)]);
    sessionStorage.setItem(KEPT_AS, key);
    byId("door").hidden = true;
    for (const id of ["figures", "rooms", "sign-out"]) byId(id).hidden = false;
    showOverview(overview);
    showRooms(rooms);
    status(say("at", { time: new Date(overview.now_us / 1000).toLocaleTimeString() }), false);
  } catch (problem) {
    if (problem.status === 401) return showDoor(say("wrong"));
    if (problem.status === 404) return showDoor(say("off"));
    if (problem.status === 429 && byId("rooms").hidden) return showDoor(say("slow"));
    status(say("lost"), true);
  }
  timer = setTimeout(refresh, PERIOD_MS);
}

function status(text, bad) {
  byId("state").textContent = text;
  byId("state").className = bad ? "bad" : "";
}

// Kilobits a second since the last time, or nothing the first time.
function rate(of, bytes) {
  const now = performance.now();
  const last = counted.get(of);
  if (last && now - last.at < 500) return last.kbps;
  const kbps = last && bytes >= last.bytes ? Math.round((bytes - last.bytes) * 8 / (now - last.at)) : undefined;
  counted.set(of, { bytes, at: now, kbps });
  return kbps;
}

const speed = (kbps) => kbps === undefined ? "…" : kbps >= 1000 ? (kbps / 1000).toFixed(1) + " Mbit/s" : kbps + " kbit/s";

function duration(s) {
  if (s < 60) return say("seconds", { n: s });
  if (s < 3600) return say("minutes", { n: Math.floor(s / 60) });
  if (s < 86400) return say("hours", { n: Math.floor(s / 3600), m: Math.floor(s % 3600 / 60) });
  return say("days", { n: Math.floor(s / 86400), m: Math.floor(s % 86400 / 3600) });
}

function showOverview(overview) {
  const media = overview.media;
  const figures = [
    ["roomCount", overview.rooms], ["publishers", media.publishers], ["readers", media.readers],
    ["incoming", speed(rate("all", media.bytes_in))], ["dropped", media.dropped],
    ["uptime", duration(overview.uptime_s), "small"], ["version", overview.version, "small"],
  ];
  keyed(byId("overview"), figures, (f) => f[0], (f) => {
    const box = document.createElement("div");
    box.append(element("dt", say(f[0])), element("dd", "", f[2]));
    return box;
  }, (box, f) => setText(box.lastChild, f[1]));
}

function showRooms(page) {
  byId("none").hidden = page.total > 0;
  keyed(byId("list"), page.rooms, (room) => room.room, makeRoom, showRoom);
  byId("pages").hidden = page.total <= PAGE;
  byId("newer").disabled = offset === 0;
  byId("older").disabled = offset + PAGE >= page.total;
  byId("range").textContent = say("range", { from: offset + 1, to: offset + page.rooms.length, total: page.total });
  if (offset > 0 && page.rooms.length === 0) offset = 0;
  const there = new Set(["all"]);
  for (const room of page.rooms) for (const member of room.members) there.add(room.room + "/" + member.member);
  for (const of of counted.keys()) if (!there.has(of)) counted.delete(of);
}

function makeRoom(room) {
  const card = document.createElement("article");
  const head = document.createElement("header");
  const end = element("button", say("end"), "danger");
  end.type = "button";
  end.addEventListener("click", () => sure(say("sureEnd", { room: card.dataset.name }), say("end"), `/rooms/${encodeURIComponent(room.room)}`));
  head.append(element("h3", ""), element("span", "", "about"), end);
  const scroll = element("div", "", "scroll");
  const table = document.createElement("table");
  const titles = document.createElement("tr");
  for (const [word, kind] of [["name"], ["sends"], ["stream"], ["relayed", "number"], ["players", "number"], ["picture"], ["delay", "number"], ["cpu", "number"]]) {
    const title = element("th", say(word), kind);
    title.scope = "col";
    titles.append(title);
  }
  titles.append(document.createElement("td"));
  const body = document.createElement("tbody");
  table.append(document.createElement("thead"), body);
  table.tHead.append(titles);
  scroll.append(table);
  card.append(head, scroll);
  return card;
}

function showRoom(card, room) {
  card.dataset.name = room.name;
  setText(card.querySelector("h3"), room.name);
  const about = [say(room.mode), say("seats", { taken: room.members.length, cap: room.cap }), room.room,
    say("since", { time: new Date(room.created_us / 1000).toLocaleString() })];
  if (room.mode === "live") about.push(say("audience", { count: room.audience }));
  if (room.locked) about.push(say("locked"));
  if (!room.listed) about.push(say("unlisted"));
  if (room.info) about.push(room.info);
  setText(card.querySelector(".about"), about.join(" · "));
  keyed(card.querySelector("tbody"), room.members, (member) => member.member, (member) => makeMember(card, room, member),
    (row, member) => showMember(row, room, member));
}

function makeMember(card, room, member) {
  const row = document.createElement("tr");
  for (const kind of ["name", "", "", "number", "number", "", "number", "number"]) row.append(element("td", "", kind));
  const last = document.createElement("td");
  const remove = element("button", say("remove"), "danger");
  remove.type = "button";
  const path = `/rooms/${encodeURIComponent(room.room)}/members/${encodeURIComponent(member.member)}`;
  remove.addEventListener("click", () => sure(say("sureRemove", { name: row.dataset.name, room: card.dataset.name }), say("remove"), path));
  last.append(remove);
  row.append(last);
  return row;
}

function showMember(row, room, member) {
  row.dataset.name = member.name;
  const cells = row.children;
  setText(cells[0], member.member === room.creator ? `${member.name} (${say("host")})` : member.name);
  const sends = [member.sending.mic ? say("mic") : say("muted"), member.sending.camera ? say("camera") : say("dark")];
  setText(cells[1], sends.join(", "));
  setText(cells[2], !member.joined ? say("joining") : member.stream ? say("flows") : say("nothing"));
  setText(cells[3], member.stream ? speed(rate(room.room + "/" + member.member, member.stream.bytes_in)) : "–");
  setText(cells[4], member.stream ? member.stream.readers : "–");
  const told = member.statistics || {};
  setText(cells[5], told.sent ? `${told.sent.width}×${told.sent.height}@${told.sent.fps}` : "–");
  // How late the others see this member: told by them.
  const delays = room.members.flatMap((other) => (other.statistics ? other.statistics.received || [] : []))
    .filter((figures) => figures.member === member.member && figures.delay_p50_ms !== undefined);
  const worst = delays.reduce((a, b) => (a && a.delay_p95_ms >= b.delay_p95_ms ? a : b), undefined);
  setText(cells[6], worst ? `${worst.delay_p50_ms} / ${worst.delay_p95_ms} ms` : "–");
  setText(cells[7], told.cpu_app !== undefined ? `${told.cpu_app} | ${told.cpu_device} %` : "–");
}

// Makes the children of `parent` match `items` without touching those that stay, so that nobody loses the focus.
function keyed(parent, items, keyOf, make, show) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = String(keyOf(item));
    const child = old.get(id) || make(item);
    old.delete(id);
    child.dataset.key = id;
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    show(child, item);
  }
  for (const child of old.values()) child.remove();
}

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function setText(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

function sure(question, doIt, path) {
  const dialog = byId("sure");
  byId("question").textContent = question;
  byId("yes").textContent = doIt;
  byId("yes").onclick = async () => {
    dialog.close();
    try {
      await ask("DELETE", path);
      await refresh();
    } catch (problem) {
      status(say("failed", { why: problem.message }), true);
    }
  };
  byId("no").onclick = () => dialog.close();
  dialog.showModal();
  byId("no").focus();
}

label();
byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  key = byId("key").value.trim();
  refresh();
});
byId("sign-out").addEventListener("click", () => showDoor());
byId("newer").addEventListener("click", () => { offset = Math.max(0, offset - PAGE); refresh(); });
byId("older").addEventListener("click", () => { offset += PAGE; refresh(); });
if (key) refresh(); else showDoor();
