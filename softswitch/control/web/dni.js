/* Puts a number of a ring pool into a page, in place of the number that stands there.

   <script async src="https://calls.example.com/dni.js" data-pool="paid-search" data-key="shop-2026"
           data-parameters="keyword=query:utm_term|text:none; engine=query:utm_source|referrer"
           data-number="+1 800 555 0100"></script>

   data-parameters  for each parameter of the pool where its value comes from, first found first:
                    query:NAME (of the page the visit began with), referrer (host), landing (path of
                    that page), path, host, cookie:NAME, visitor (an id kept in this browser),
                    text:VALUE
   data-number      number to be replaced wherever it stands in text or tel: links
   data-selector    elements that show nothing but the number (default [data-dni])

   Whatever goes wrong, the page keeps the number it came with. */
(function () {
  "use strict";
  var script = document.currentScript || document.querySelector("script[data-pool][data-key]");
  if (!script || !window.fetch) return;
  var options = script.dataset;
  var server = options.server || new URL(script.src, location.href).origin;
  var selector = options.selector || "[data-dni]";
  var WAIT_MS = 4000;
  var RETRY_SECONDS = 60;
  var MAX_ROUNDS = 200; // changes of the page within a second
  var shown = null;

  /* What the browser keeps, if it may. */
  function kept(store, name) {
    try { return JSON.parse(window[store].getItem("dni." + name)); } catch (refused) { return null; }
  }
  function keep(store, name, value) {
    try { window[store].setItem("dni." + name, JSON.stringify(value)); } catch (refused) { /* not kept */ }
  }

  /* The page that the visit began with. */
  function landing() {
    var first = kept("sessionStorage", "landing");
    if (first) return first;
    var referrer = "";
    try { referrer = document.referrer ? new URL(document.referrer).host : ""; } catch (bad) { /* none */ }
    if (referrer === location.host) referrer = "";
    first = { search: location.search, path: location.pathname, referrer: referrer };
    keep("sessionStorage", "landing", first);
    return first;
  }

  function visitor() {
    var id = kept("localStorage", "visitor");
    if (!id) {
      var random = new Uint32Array(4);
      crypto.getRandomValues(random);
      id = Array.prototype.map.call(random, function (part) {
        return ("0000000" + part.toString(16)).slice(-8);
      }).join("");
      keep("localStorage", "visitor", id);
    }
    return id;
  }

  function cookie(name) {
    var found = document.cookie.split("; ").filter(function (one) {
      return one.indexOf(name + "=") === 0;
    })[0];
    if (!found) return "";
    var value = found.slice(name.length + 1);
    try { return decodeURIComponent(value); } catch (bad) { return value; }
  }

  function valueFrom(source, first) {
    var colon = source.indexOf(":");
    var kind = colon < 0 ? source : source.slice(0, colon);
    var rest = colon < 0 ? "" : source.slice(colon + 1);
    switch (kind) {
      case "query": return new URLSearchParams(first.search).get(rest) || "";
      case "referrer": return first.referrer;
      case "landing": return first.path;
      case "path": return location.pathname;
      case "host": return location.host;
      case "cookie": return cookie(rest);
      case "visitor": return visitor();
      case "text": return rest;
      default: return "";
    }
  }

  function parameters() {
    var first = landing();
    var found = {};
    (options.parameters || "").split(";").forEach(function (part) {
      var equals = part.indexOf("=");
      if (equals < 1) return;
      var sources = part.slice(equals + 1).trim().split("|");
      var value = "";
      for (var i = 0; i < sources.length && !value; i += 1) {
        value = valueFrom(sources[i].trim(), first);
      }
      // What an address bar may hold and no name may: links from mails bring line ends.
      value = value.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
      found[part.slice(0, equals).trim()] = value.slice(0, 500);
    });
    return found;
  }

  /* Asking. */
  function ask(values) {
    var query = new URLSearchParams(values);
    query.set("pool", options.pool);
    query.set("key", options.key);
    var aborter = new AbortController();
    var timer = setTimeout(function () { aborter.abort(); }, WAIT_MS);
    return fetch(server + "/allocate?" + query, {
      credentials: "omit", cache: "no-store", signal: aborter.signal
    }).then(function (response) {
      return response.ok ? response.json() : null;
    }).catch(function () { return null; }).then(function (answer) {
      clearTimeout(timer);
      return answer && answer.number ? answer : null;
    });
  }

  /* Showing. */
  function pattern(number) {
    var digits = (number || "").replace(/\D/g, "");
    if (digits.length < 7) return null;
    var between = "[\\s().\\-\\u2010-\\u2013\\u00a0/]*";
    var country = "";
    if (digits.length === 11 && digits[0] === "1") {
      country = "(?:\\+?1" + between + ")?\\(?";
      digits = digits.slice(1);
    } else {
      country = "\\+?\\(?";
    }
    return new RegExp("(^|[^\\d+])" + country + digits.split("").join(between) + "(?!\\d)", "g");
  }

  var written = pattern(options.number);
  var texts = [];
  var links = [];

  function showIn(root) {
    if (root.nodeType === Node.TEXT_NODE) { showInText(root); return; }
    if (root.nodeType !== Node.ELEMENT_NODE) return;
    var marked = Array.prototype.slice.call(root.querySelectorAll(selector));
    if (root.matches(selector)) marked.push(root);
    marked.forEach(function (element) {
      if (element.textContent !== shown.formatted) element.textContent = shown.formatted;
      if (/^tel:/i.test(element.getAttribute("href") || "")) link(element);
    });
    if (!written) return;
    var tels = Array.prototype.slice.call(root.querySelectorAll("a[href^='tel:']"));
    if (root.matches("a[href^='tel:']")) tels.push(root);
    tels.forEach(function (element) {
      written.lastIndex = 0;
      if (written.test(element.getAttribute("href").slice(4))) link(element);
    });
    var walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    var found = [];
    while (walker.nextNode()) found.push(walker.currentNode);
    found.forEach(showInText);
  }

  function link(element) {
    element.setAttribute("href", "tel:" + shown.number);
    if (links.indexOf(element) < 0) links.push(element);
  }

  function showInText(node) {
    var parent = node.parentNode;
    if (!written || !parent || /^(SCRIPT|STYLE|TEXTAREA)$/.test(parent.nodeName)) return;
    var text = node.nodeValue.replace(written, function (whole, before) {
      return before + shown.formatted;
    });
    if (text === node.nodeValue) return;
    node.nodeValue = text;
    texts.push(node);
  }

  function show(answer) {
    var before = shown;
    shown = { number: answer.number, formatted: answer.formatted || answer.number };
    if (before && before.number === shown.number) return;
    if (before) {
      // What was shown until now stands where the next number belongs.
      texts.forEach(function (node) {
        node.nodeValue = node.nodeValue.split(before.formatted).join(shown.formatted);
      });
      links.forEach(link);
    }
    showIn(document.body);
    document.documentElement.setAttribute("data-dni-number", shown.number);
    document.dispatchEvent(new CustomEvent("dni", { detail: answer }));
  }

  /* A page may add to itself. One that answers each swap by another change is left to itself. */
  function watch() {
    if (!window.MutationObserver) return;
    var rounds = 0;
    var observer = new MutationObserver(function (changes) {
      if (!shown) return;
      rounds += 1;
      if (rounds > MAX_ROUNDS) { observer.disconnect(); return; }
      changes.forEach(function (change) { change.addedNodes.forEach(showIn); });
    });
    setInterval(function () { rounds = 0; }, 1000);
    observer.observe(document.body, { childList: true, subtree: true });
  }

  /* A page that stays open asks again, so that its number stays its own. */
  function run() {
    var values = parameters();
    var name = options.pool + " " + JSON.stringify(values);
    var due = 0;

    function again() {
      if (document.visibilityState === "hidden" || Date.now() < due) return;
      due = Date.now() + 1000 * RETRY_SECONDS;
      ask(values).then(function (answer) {
        if (!answer) return;
        due = Date.now() + 1000 * (answer.refresh || RETRY_SECONDS);
        keep("sessionStorage", "number", { name: name, due: due, answer: answer });
        show(answer);
      });
    }

    var last = kept("sessionStorage", "number");
    if (last && last.name === name) {
      show(last.answer);
      due = last.due;
    }
    again();
    watch();
    setInterval(again, 5000);
    document.addEventListener("visibilitychange", again);
  }

  if (document.body && document.readyState !== "loading") run();
  else document.addEventListener("DOMContentLoaded", run);
})();
